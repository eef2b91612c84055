"""A forward proxy on loopback: CONNECT and absolute addresses; it looks names up in its own table."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType


@dataclass
class ForwardProxy:
    """
    Listens on 127.0.0.1 while entered. `names` maps host:port to a port of 127.0.0.1; it refuses all
    others with 403. With `login` (user:password) it wants that. `asked` has the first line of each request.
    """

    names: Mapping[str, int]
    login: str = ""
    asked: list[str] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.ensure_future(self._talk(reader, writer)))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.split("\r\n")
            self.asked.append(first)
            method, address, _version = first.split(" ")
            wanted = base64.b64encode(self.login.encode()).decode()
            if self.login and f"Proxy-Authorization: Basic {wanted}" not in lines:
                writer.write(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
                return
            target = address if method == "CONNECT" else _place(address)
            if target not in self.names:
                writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
                return
            there, out = await asyncio.open_connection("127.0.0.1", self.names[target])
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                kept = [one for one in lines if not one.lower().startswith("proxy-")]
                url = urlsplit(address)
                path = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
                out.write("\r\n".join([f"{method} {path} HTTP/1.1", *kept]).encode())
            with contextlib.closing(out):
                await asyncio.wait(
                    [asyncio.create_task(_pump(reader, out)), asyncio.create_task(_pump(there, writer))],
                    return_when=asyncio.FIRST_COMPLETED,
                )


def _place(address: str) -> str:
    url = urlsplit(address)
    return f"{url.hostname}:{url.port or 80}"


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

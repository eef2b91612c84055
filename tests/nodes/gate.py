"""The network between a node and its database, which can be cut and mended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Gate:
    """Forwards to *port* on loopback, while it is open."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._to = port
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Take connections, at the same port as ever."""
        if self._server is None:
            self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End all connections, and take none."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for end in list(self._ends):
            end.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer}
        self._ends |= ends
        try:
            answers, other = await asyncio.open_connection("127.0.0.1", self._to)
            ends.add(other)
            self._ends.add(other)
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, other))
                both.create_task(_copy(answers, writer))
        except* OSError:
            pass  # the database is away, or one side ended: so does the other
        finally:
            for end in ends:
                end.transport.abort()
            self._ends -= ends


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError


@contextlib.asynccontextmanager
async def gate(port: int) -> AsyncIterator[Gate]:
    """A gate before *port*, open."""
    one = Gate(port)
    await one.open()
    try:
        yield one
    finally:
        await one.cut()

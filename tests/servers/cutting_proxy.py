"""A TCP proxy that loses the answer to a commit: the server has it, and its client never hears."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

COMMIT = b"COMMIT;"


class CuttingProxy:
    """
    Forwards to *port* on loopback; while `cuts`, what holds *cut_at* is forwarded and its connection broken;
    while `silences`, it is kept, and nothing is answered any more.
    """

    def __init__(self, port: int, cut_at: bytes = COMMIT) -> None:
        self.port = 0
        self.cuts = False
        self.silences = False
        self._to = port
        self._cut_at = cut_at

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, until either side ends it."""
        database_reader, database_writer = await asyncio.open_connection("127.0.0.1", self._to)
        answers = asyncio.create_task(self._copy(database_reader, writer))
        try:
            while data := await reader.read(65536):
                if self.silences and self._cut_at in data:
                    await reader.read()
                    break
                database_writer.write(data)
                await database_writer.drain()
                if self.cuts and self._cut_at in data:
                    answers.cancel()  # whatever comes back now is lost
                    await asyncio.gather(answers, return_exceptions=True)
                    await database_reader.read(1)  # it is done when its answer comes
                    break
        except ConnectionError:
            pass
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            database_writer.close()
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def cutting_proxy(port: int, cut_at: bytes = COMMIT) -> AsyncIterator[CuttingProxy]:
    """A proxy before the server at *port*."""
    proxy = CuttingProxy(port, cut_at)
    clients: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        clients.add(task)
        try:
            await proxy.serve(reader, writer)
        finally:
            clients.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(clients):
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

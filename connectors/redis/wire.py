"""redis-py's connection over streams that are open already; imported when a call is made."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


class Wire(AbstractConnection):
    """Signs in and speaks over *reader* and *writer*; opens nothing and repeats nothing itself."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, where: str, **options: Any
    ) -> None:
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = (reader, writer)
        self._where = where
        super().__init__(
            protocol=2,
            driver_info=None,  # no CLIENT SETINFO: it says nothing that the server needs
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,  # a call has one bound around all of it
            socket_connect_timeout=None,
            **options,
        )

    def repr_pieces(self) -> list[tuple[str, Any]]:
        """What a message may show of it."""
        return [("where", self._where)]

    async def _connect(self) -> None:
        if self._streams is None:
            raise ConnectionError("the connection is closed")
        (self._reader, self._writer), self._streams = self._streams, None

    def _host_error(self) -> str:
        return self._where

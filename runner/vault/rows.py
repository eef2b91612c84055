"""Where sealed rows are kept."""

from __future__ import annotations

import asyncio
from typing import Protocol


class SealedRows(Protocol):
    """Where sealed rows are kept; a store implements it."""

    async def get_all(self) -> list[tuple[str, str, bytes]]:
        """All rows: kind, name, blob."""

    async def put(self, kind: str, name: str, blob: bytes) -> None:
        """Write a row, in place of one of that kind and name."""

    async def delete(self, kind: str, name: str) -> bool:
        """Remove a row; whether there was one."""

    async def put_new(self, kind: str, name: str, blob: bytes) -> bool:
        """Write a row where there is none of that kind and name; whether it was written."""

    async def swap(self, kind: str, name: str, old: bytes, new: bytes) -> bool:
        """Write *new* where *old* stands; whether it stood there."""


class InTurn:
    """
    The same rows, one thing at a time: whoever reads them all and puts them into memory does not undo
    what was written meanwhile.
    """

    def __init__(self, rows: SealedRows) -> None:
        self._rows = rows
        self._turn = asyncio.Lock()

    async def get_all(self) -> list[tuple[str, str, bytes]]:
        """See `SealedRows`."""
        async with self._turn:
            return await self._rows.get_all()

    async def put(self, kind: str, name: str, blob: bytes) -> None:
        """See `SealedRows`."""
        async with self._turn:
            await self._rows.put(kind, name, blob)

    async def delete(self, kind: str, name: str) -> bool:
        """See `SealedRows`."""
        async with self._turn:
            return await self._rows.delete(kind, name)

    async def put_new(self, kind: str, name: str, blob: bytes) -> bool:
        """See `SealedRows`."""
        async with self._turn:
            return await self._rows.put_new(kind, name, blob)

    async def swap(self, kind: str, name: str, old: bytes, new: bytes) -> bool:
        """See `SealedRows`."""
        async with self._turn:
            return await self._rows.swap(kind, name, old, new)

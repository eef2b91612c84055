"""
Group commit for PostgreSQL: what waits is written in one transaction, in a few exchanges with the
server, however many share it. Nothing ever waits for a batch to fill.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from runner.errors import StoreUnavailable

T = TypeVar("T")
Write: TypeAlias = Callable[[Sequence[T]], Awaitable[None]]
Settled: TypeAlias = Callable[[Exception | None], None]

LARGEST_BATCH = 128  # bounds the time that one commit keeps later items waiting


class Together(Generic[T]):
    """
    Writes items in the order of their coming. `write(items)` is a transaction: an item because of
    which it fails fails alone, since then each of the batch is written by itself.
    """

    def __init__(self, write: Write[T]) -> None:
        self._write = write
        self._waiting: list[tuple[T, Settled]] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, item: T, settled: Settled) -> None:
        """Have *item* written; *settled* hears how that ended (None: the disk has it)."""
        self._waiting.append((item, settled))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_what_waits())

    async def finished(self) -> None:
        """Wait until nothing waits."""
        if self._task is not None:
            await self._task

    async def _write_what_waits(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            error = await self._error([item for item, _settled in batch])
            # where the database went away, part of them may be written: their senders are told so
            if error is None or len(batch) == 1 or isinstance(error, StoreUnavailable):
                for _item, settled in batch:
                    settled(error)
            else:
                for item, settled in batch:
                    settled(await self._error([item]))

    async def _error(self, items: Sequence[T]) -> Exception | None:
        try:
            await self._write(items)
        except Exception as error:  # noqa: BLE001 - told to whom it concerns
            return error
        return None

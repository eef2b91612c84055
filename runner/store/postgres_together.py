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
Write: TypeAlias = Callable[[Sequence[T]], Awaitable[Sequence[bool]]]
Settled: TypeAlias = Callable[[bool | Exception], None]

LARGEST_BATCH = 128  # bounds the time that one commit keeps later items waiting


class Together(Generic[T]):
    """
    Writes items in the order of their coming. `write(items)` is a transaction, and says of each item
    whether it is written: one that needs more than the batch can give is left out by it. An item because
    of which a transaction fails fails alone, since then each of the batch is written by itself.
    """

    def __init__(self, write: Write[T]) -> None:
        self._write = write
        self._waiting: list[tuple[T, Settled]] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, item: T, settled: Settled) -> None:
        """Have *item* written; *settled* hears how that ended (True: the disk has it; False: left out)."""
        self._waiting.append((item, settled))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_what_waits())

    async def put(self, item: T) -> bool:
        """
        Whether *item* was written, and not left out. A caller that is cancelled does not take it back.

        Raises:
            Exception: what the transaction raised.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def settled(result: bool | Exception) -> None:
            if future.done():  # its caller went away
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        self.add(item, settled)
        return await future

    async def finished(self) -> None:
        """Wait until nothing waits."""
        if self._task is not None:
            await self._task

    async def _write_what_waits(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            results = await self._results([item for item, _settled in batch])
            # where the database went away, part of them may be written: their senders are told so
            if isinstance(results, Exception) and (len(batch) == 1 or isinstance(results, StoreUnavailable)):
                results = [results] * len(batch)
            elif isinstance(results, Exception):
                alone = [await self._results([item]) for item, _settled in batch]
                results = [one if isinstance(one, Exception) else one[0] for one in alone]
            for (_item, settled), result in zip(batch, results, strict=True):
                settled(result)

    async def _results(self, items: Sequence[T]) -> Sequence[bool | Exception] | Exception:
        try:
            return await self._write(items)
        except Exception as error:  # noqa: BLE001 - told to whom it concerns
            return error

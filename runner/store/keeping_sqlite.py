"""Letting go in an SQLite file: it shrinks, and what is forgotten is overwritten."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence

from runner.engine.keeping import Size, Traces
from runner.errors import StoreUnavailable
from runner.store.keeping import StoredKeeping
from runner.store.queries import Statement
from runner.store.sqlite import SQLiteStore
from runner.store.tables import Transaction

PORTION_SECONDS = (
    0.01  # an event that arrives meanwhile waits so long, and for the commit: one writes at a time
)
SPARE_SHARE = 0.05  # of what is used stays free in the file: new rows take it without making the file grow
SPARE_BYTES = 1 << 20
SHRUNK_PAGES = 200  # moved by one transaction: 5 ms of the processor, then the flush
CHECKPOINTS = 3  # passes over the log: one empties it, the next starts it anew
PAGES = [Statement.of(f"PRAGMA {name}") for name in ("page_size", "page_count", "freelist_count")]


class SQLiteKeeping(StoredKeeping):
    """See `runner.engine.keeping.Keeping`."""

    portion_seconds = PORTION_SECONDS
    chunk = 1  # a statement costs microseconds; one event may have megabytes

    def __init__(self, store: SQLiteStore) -> None:
        super().__init__(store)
        self._store = store

    async def size(self) -> Size:
        """How large the database is, its log not counted."""
        page, count, free = [int((await self._store.read(one))[0][0]) for one in PAGES]
        return Size(page * (count - free), page * count, await asyncio.to_thread(self._free))

    async def shrink(self) -> bool:
        """Give some of what is free back to the disk, all but a share; whether there is more to give."""
        size = await self.size()
        spare = max(SPARE_BYTES, int(size.used_bytes * SPARE_SHARE))
        return await self._vacuum(size.file_bytes - size.used_bytes - spare)

    async def _surplus(self, transaction: Transaction, used_bytes: int) -> int:
        page, count, free = [int((await transaction.one(one))[0]) for one in PAGES]
        return page * (count - free) - used_bytes

    async def _measure(self) -> None:
        """The file's own counters are true at any time."""

    async def _weight(self, _transaction: Transaction, _event_ids: Sequence[str]) -> int:
        return 0

    async def _lighten(self, transaction: Transaction, weight: int) -> None:
        """As above."""

    @contextlib.asynccontextmanager
    async def _overwriting(self) -> AsyncIterator[None]:
        await self._pragma("secure_delete=ON")
        try:
            yield
        finally:
            await self._pragma("secure_delete=FAST")

    async def _erase(self) -> Traces:
        """Overwrite or give back what is free, empty the log."""
        while await self._vacuum((size := await self.size()).file_bytes - size.used_bytes):
            pass
        for _ in range(CHECKPOINTS):
            ((busy, *_rest),) = await self._pragma("wal_checkpoint(TRUNCATE)")
            if not busy:
                return Traces.NONE
        return Traces.READ

    async def _vacuum(self, surplus_bytes: int) -> bool:
        """Give at most a portion of *surplus_bytes* back; whether the file became smaller."""
        ((page,),) = await self._store.read(PAGES[0])
        pages = min(SHRUNK_PAGES, surplus_bytes // int(page))
        if pages <= 0:
            return False

        def member(connection: sqlite3.Connection) -> bool:
            (before,) = connection.execute("PRAGMA page_count").fetchone()
            # as a script: as a statement the module takes one step of it, which frees one page
            connection.executescript(f"PRAGMA incremental_vacuum({pages})")
            (after,) = connection.execute("PRAGMA page_count").fetchone()
            # the file itself is cut when the log is brought into it
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            return int(after) < int(before)

        return await self._store.alone(member)

    async def _pragma(self, pragma: str) -> list[tuple[int, ...]]:
        return await self._store.alone(lambda connection: connection.execute(f"PRAGMA {pragma}").fetchall())

    def _free(self) -> int:
        """Bytes free where the database lies. Raises StoreUnavailable."""
        try:
            return shutil.disk_usage(self._store.nodes.parent).free
        except OSError as error:
            raise StoreUnavailable(f"the data folder cannot be read: {error}") from error

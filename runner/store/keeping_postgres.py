"""
Letting go in a PostgreSQL database.

What is deleted leaves its bytes in the files until autovacuum frees them for new rows; the files do not
shrink. So what is used is added up from the rows (`live_bytes` in the first migration), now and then, and
kept in one row that all processes share: what goes by bytes is taken off in the transaction that deletes it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from runner.engine.keeping import Size, Traces
from runner.store.keeping import StoredKeeping
from runner.store.postgres import PostgresStore
from runner.store.queries import read
from runner.store.tables import Transaction
from runner.values import dumps

SQL = read("keeping_postgres.sql")

PORTION_SECONDS = 0.1  # rows are locked alone: who accepts and executes waits for none of these
CHUNK = 50  # rows by one statement, which is an exchange with the database
MEASURED_SECONDS = 120.0  # that a measurement is good for
MOST_PAGES = 4096  # of a table that are looked at, some tens of milliseconds; of larger ones a part
LOOKS = 5  # at who may still see what was deleted
LOOK_SECONDS = 0.1
ERASED = (
    "events, runs, records, files, file_uses, deliveries, answers, calls, state_effects, problems, notices"
)


class PostgresKeeping(StoredKeeping):
    """See `runner.engine.keeping.Keeping`."""

    portion_seconds = PORTION_SECONDS
    chunk = CHUNK

    def __init__(self, store: PostgresStore) -> None:
        super().__init__(store)
        self._database = store.database

    async def size(self) -> Size:
        """How large the database is: what is used to some percent, as of two minutes ago at most."""
        used, measured_at, size = await self._read_size()
        if time.time() - measured_at > MEASURED_SECONDS:
            await self._measure()
            used, _at, size = await self._read_size()
        return Size(used, size, None)

    async def shrink(self) -> bool:
        """Nothing is given back: autovacuum frees room for new rows."""
        return False

    async def _measure(self) -> None:
        async def member(transaction: Transaction) -> None:
            await transaction.row(SQL["lock_size"])  # what others delete meanwhile they take off after us
            await transaction.execute(SQL["measure"], {"most_pages": MOST_PAGES})

        await self._tables.write(member)

    async def _surplus(self, transaction: Transaction, used_bytes: int) -> int:
        (used, _measured_at) = await transaction.one(SQL["lock_size"])
        return int(used) - used_bytes

    async def _weight(self, transaction: Transaction, event_ids: Sequence[str]) -> int:
        row = await transaction.one(SQL["weight"], {"event_ids": dumps(list(event_ids))})
        return int(row[0])

    async def _lighten(self, transaction: Transaction, weight: int) -> None:
        await transaction.execute(SQL["lighten"], {"weight": weight})

    async def _erase(self) -> Traces:
        """Free what was deleted, once nobody sees it any more."""

        async def member(transaction: Transaction) -> str:
            return str((await transaction.one(SQL["here"]))[0])

        here = await self._tables.write(member)
        for _ in range(LOOKS):
            ((readers,),) = await self._tables.read(SQL["readers"], here=here)
            if not readers:
                await self._database.alone(f"VACUUM {ERASED}")
                return Traces.BEYOND
            await asyncio.sleep(LOOK_SECONDS)
        return Traces.READ

    async def _read_size(self) -> tuple[int, float, int]:
        ((used, measured_at, size),) = await self._tables.read(SQL["size"])
        return int(used), float(measured_at), int(size)

"""The problem of too many runs that wait, in a store: the Crowding port."""

from __future__ import annotations

from runner.engine.crowding import CAUSE, Crowd
from runner.engine.problems import REOPENED_SECONDS
from runner.store.queries import read
from runner.store.tables import Tables, Transaction
from runner.values import random_bytes, sortable_id

SQL = read("crowding.sql")


class StoredCrowding:
    """See `runner.engine.crowding.Crowding`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def waiting(self) -> int:
        """How many runs are queued. Raises StoreUnavailable."""
        ((count,),) = await self._tables.read(SQL["waiting"])
        return int(count)

    async def open(self, crowd: Crowd, *, now: float) -> None:
        """Open it, once for each crowd. Raises StoreUnavailable."""
        if await self._tables.read(SQL["told_already"], since=crowd.since):
            return  # the common case costs no write
        fullest = await self._tables.read(SQL["fullest"])
        if not fullest:
            return
        workflow, count = fullest[0]
        new_id = sortable_id(now, random_bytes(10))

        async def member(transaction: Transaction) -> None:
            await transaction.lock("the problem of the backlog")
            if await transaction.row(SQL["told_already"], {"since": crowd.since}):
                return  # by another process, meanwhile
            row = {"workflow": workflow, "cause": CAUSE, "sentence": crowd.sentence(count), "now": now}
            if not await transaction.execute(
                SQL["reopen"], {**row, "reopened_since": now - REOPENED_SECONDS}
            ):
                await transaction.execute(SQL["insert"], {**row, "id": new_id})

        await self._tables.write(member)

    async def close(self, *, now: float) -> None:
        """Close it if it is open. Raises StoreUnavailable."""
        if await self._tables.read(SQL["open"]):
            await self._tables.execute(SQL["close"], now=now)

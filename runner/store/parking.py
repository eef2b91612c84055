"""Runs parked in a store: the ParkedRuns port."""

from __future__ import annotations

from runner.store.queries import read
from runner.store.tables import Tables, Transaction

SQL = read("parking.sql")
MOST_PLACES = 1000  # of one look; the rest is found when some of these are empty


class StoredParking:
    """See `runner.engine.parking.ParkedRuns`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def places(self) -> list[str]:
        """Where runs are parked. Raises StoreUnavailable."""
        return [place for (place,) in await self._tables.read(SQL["parked_places"], limit=MOST_PLACES)]

    async def unpark(self, place: str, count: int, *, now: float) -> int:
        """Make the first *count* runs parked at *place* due; how many there were. Raises StoreUnavailable."""
        parameters = {"place": place, "count": count, "now": now}

        async def member(transaction: Transaction) -> int:
            return await transaction.execute(SQL["unpark"], parameters)

        return await self._tables.write(member, is_quick=True)

    async def count(self, place: str) -> int:
        """How many runs are parked at *place*. Raises StoreUnavailable."""
        rows = await self._tables.read(SQL["parked_count"], place=place)
        return int(rows[0][0])

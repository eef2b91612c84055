"""Runs parked in an SQLite store: the ParkedRuns port."""

from __future__ import annotations

import sqlite3
from typing import Any

from runner.errors import StoreUnavailable
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore

SQL = read("parking.sql")
MOST_PLACES = 1000  # of one look; the rest is found when some of these are empty


class SQLiteParking:
    """See `runner.engine.parking.ParkedRuns`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store

    async def places(self) -> list[str]:
        """Where runs are parked. Raises StoreUnavailable."""
        return [place for (place,) in await self._read("parked_places", limit=MOST_PLACES)]

    async def unpark(self, place: str, count: int, *, now: float) -> int:
        """Make the first *count* runs parked at *place* due; how many there were. Raises StoreUnavailable."""
        parameters = {"place": place, "count": count, "now": now}

        def member(connection: sqlite3.Connection) -> int:
            return connection.execute(SQL["unpark"], parameters).rowcount

        return await self._write(member, is_quick=True)

    async def count(self, place: str) -> int:
        """How many runs are parked at *place*. Raises StoreUnavailable."""
        rows = await self._read("parked_count", place=place)
        return int(rows[0][0])

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error

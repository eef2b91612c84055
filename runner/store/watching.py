"""What is new in an SQLite store, for those who look on: the Watch port."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from runner.errors import StoreUnavailable
from runner.store.queries import read
from runner.values import dumps

if TYPE_CHECKING:
    from runner.store.sqlite import SQLiteStore

SQL = read("watching.sql")


class SQLiteWatch:
    """See `runner.engine.watching.Watch`; on the connection that only reads."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading

    async def commits(self) -> int:
        """A number that is another one after a commit of any process. Raises StoreUnavailable."""
        ((number,),) = await self._rows("PRAGMA data_version")
        return int(number)

    async def newest(self) -> tuple[int, int]:
        """The numbers of the newest event and the newest run. Raises StoreUnavailable."""
        ((events, runs),) = await self._rows(SQL["newest"])
        return events, runs

    async def new_events(self, after: int, *, limit: int) -> list[str]:
        """Ids of events behind the number *after*, newest first. Raises StoreUnavailable."""
        return [row[0] for row in await self._rows(SQL["new_events"], after=after, limit=limit)]

    async def new_runs(self, after: int, *, limit: int) -> list[str]:
        """Ids of runs behind the number *after*, newest first. Raises StoreUnavailable."""
        return [row[0] for row in await self._rows(SQL["new_runs"], after=after, limit=limit)]

    async def under_way(self, *, limit: int, watched: Collection[str]) -> dict[str, str]:
        """Where runs under way are, and those *watched*, by id. Raises StoreUnavailable."""
        return dict(await self._rows(SQL["under_way"], limit=limit, watched=dumps(list(watched))))

    async def _rows(self, sql: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(sql, parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error

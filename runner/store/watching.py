"""What is new in a store, for those who look on: the Watch port."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from runner.store.queries import read
from runner.values import dumps

if TYPE_CHECKING:
    from runner.store.tables import Tables

SQL = read("watching.sql")


class StoredWatch:
    """See `runner.engine.watching.Watch`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def commits(self) -> int:
        """A number that is another one after a commit of any process. Raises StoreUnavailable."""
        ((number,),) = await self._tables.read(SQL["commits"])
        return int(number)

    async def newest(self) -> tuple[int, int]:
        """The newest event and run before which none is still being written. Raises StoreUnavailable."""
        ((events, runs),) = await self._tables.read(SQL["newest"])
        return events, runs

    async def new_events(self, after: int, *, to: int, limit: int) -> list[str]:
        """Ids of events behind the number *after* up to *to*, newest first. Raises StoreUnavailable."""
        rows = await self._tables.read(SQL["new_events"], after=after, to=to, limit=limit)
        return [event_id for (event_id,) in rows]

    async def new_runs(self, after: int, *, to: int, limit: int) -> list[str]:
        """Ids of runs behind the number *after* up to *to*, newest first. Raises StoreUnavailable."""
        rows = await self._tables.read(SQL["new_runs"], after=after, to=to, limit=limit)
        return [run_id for (run_id,) in rows]

    async def under_way(self, *, limit: int, watched: Collection[str]) -> dict[str, str]:
        """Where runs under way are, and those *watched*, by id. Raises StoreUnavailable."""
        return dict(await self._tables.read(SQL["under_way"], limit=limit, watched=dumps(list(watched))))

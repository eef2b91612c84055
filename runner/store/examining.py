"""What an examination asks a store, beside what its gauge knows."""

from __future__ import annotations

from runner.store.queries import read
from runner.store.tables import Tables

SQL = read("examining.sql")


class Examination:
    """Reads of some milliseconds. All methods raise StoreUnavailable."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def kept_longest(self) -> dict[str, float]:
        """When the first of each workflow's runs that are kept ended, UTC seconds."""
        rows = await self._tables.read(SQL["kept_longest"])
        return {workflow: ended_at for workflow, ended_at in rows if ended_at is not None}

    async def orphans(self) -> int:
        """How many runs are under way in processes that are dead."""
        rows = await self._tables.read(SQL["owners"])
        return sum([count for owner, count in rows if await self._tables.is_dead(owner)])

    async def newest(self) -> float | None:
        """When the last run was accepted, by the clock as it was then."""
        rows = await self._tables.read(SQL["newest"])
        return rows[0][0] if rows else None

    async def unsent(self) -> tuple[float, str] | None:
        """The last message to people that could not be sent: since when, and why."""
        rows = await self._tables.read(SQL["unsent"])
        return (rows[0][0], rows[0][1]) if rows else None

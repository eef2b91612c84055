"""The Schedules port in a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from runner.engine.admission import Admitted
from runner.engine.schedules import Firing, Planned
from runner.store.admission import admit
from runner.store.queries import read
from runner.store.tables import Tables, Transaction

SQL = read("schedules.sql")


class StoredSchedules:
    """See `runner.engine.schedules.Schedules`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def all(self) -> Mapping[str, Planned]:
        """All rows by workflow. Raises StoreUnavailable."""
        return {row[0]: Planned(*row) for row in await self._tables.read(SQL["all"])}

    async def plan(self, was: Planned | None, becomes: Planned) -> bool:
        """Write the row in place of *was*, if that stands still. Raises StoreUnavailable."""
        return await self._tables.write(lambda transaction: _replace(transaction, was, becomes))

    async def forget(self, workflows: Sequence[str]) -> None:
        """Take rows away. Raises StoreUnavailable."""

        async def member(transaction: Transaction) -> None:
            await transaction.execute_many(SQL["delete"], [{"workflow": one} for one in workflows])

        await self._tables.write(member)

    async def unfinished(self, event_id: str) -> str | None:
        """A run of the event that has not ended. Raises StoreUnavailable."""
        rows = await self._tables.read(SQL["unfinished"], event_id=event_id)
        return str(rows[0][0]) if rows else None

    async def fire(
        self, was: Planned, becomes: Planned, firings: Sequence[Firing]
    ) -> Sequence[Admitted] | None:
        """As `plan`, with events and runs; None where another was quicker. Raises StoreUnavailable."""

        async def member(transaction: Transaction) -> list[Admitted] | None:
            if not await _replace(transaction, was, becomes):
                return None
            return [
                await admit(transaction, one.event, one.runs, delivery=None, hold=None) for one in firings
            ]

        return await self._tables.write(member)


async def _replace(transaction: Transaction, was: Planned | None, becomes: Planned) -> bool:
    row = asdict(becomes)
    if was is None:
        return bool(await transaction.execute(SQL["insert"], row))
    fence = {"was_spec": was.spec, "was_next_at": was.next_at}
    return bool(await transaction.execute(SQL["update"], {**row, **fence}))

"""The Schedules port on an SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from runner.engine.admission import Admitted
from runner.engine.schedules import Firing, Planned
from runner.errors import StoreUnavailable
from runner.store.admission import admit
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore

SQL = read("schedules.sql")


class SQLiteSchedules:
    """See `runner.engine.schedules.Schedules`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store

    async def all(self) -> Mapping[str, Planned]:
        """All rows by workflow. Raises StoreUnavailable."""
        return {row[0]: Planned(*row) for row in await self._read("all")}

    async def plan(self, was: Planned | None, becomes: Planned) -> bool:
        """Write the row in place of *was*, if that stands still. Raises StoreUnavailable."""
        return await self._write(lambda connection: _replace(connection, was, becomes))

    async def forget(self, workflows: Sequence[str]) -> None:
        """Take rows away. Raises StoreUnavailable."""

        def member(connection: sqlite3.Connection) -> None:
            connection.executemany(SQL["delete"], [{"workflow": one} for one in workflows])

        await self._write(member)

    async def unfinished(self, event_id: str) -> str | None:
        """A run of the event that has not ended. Raises StoreUnavailable."""
        rows = await self._read("unfinished", event_id=event_id)
        return str(rows[0][0]) if rows else None

    async def fire(
        self, was: Planned, becomes: Planned, firings: Sequence[Firing]
    ) -> Sequence[Admitted] | None:
        """As `plan`, with events and runs; None where another was quicker. Raises StoreUnavailable."""

        def member(connection: sqlite3.Connection) -> list[Admitted] | None:
            if not _replace(connection, was, becomes):
                return None
            return [admit(connection, one.event, one.runs, delivery=None, hold=None) for one in firings]

        return await self._write(member)

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


def _replace(connection: sqlite3.Connection, was: Planned | None, becomes: Planned) -> bool:
    row = asdict(becomes)
    if was is None:
        return bool(connection.execute(SQL["insert"], row).rowcount)
    fence = {"was_spec": was.spec, "was_next_at": was.next_at}
    return bool(connection.execute(SQL["update"], {**row, **fence}).rowcount)

"""The Gauge port on an SQLite store."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from typing import Any

from runner.engine.vitals import Reading
from runner.errors import StoreUnavailable
from runner.store.keeping import SQLiteKeeping
from runner.store.nodes import living
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore

SQL = read("vitals.sql")


class SQLiteGauge:
    """See `runner.engine.vitals.Gauge`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._nodes = store.nodes
        self._keeping = SQLiteKeeping(store)

    async def read(self, now: float) -> Reading:
        """One look. Raises StoreUnavailable."""
        events, runs = await self._row("newest")
        queued, running, waiting, held = await self._row("under_way")
        (due_since,) = await self._row("due_since", now=now)
        size = await self._keeping.size()
        free, nodes = await asyncio.to_thread(self._machine)
        return Reading(
            at=now, events=events, runs=runs, queued=queued, running=running, waiting=waiting, held=held,
            due_since=due_since, used_bytes=size.used_bytes, file_bytes=size.file_bytes, free_bytes=free,
            nodes=nodes,
        )  # fmt: skip

    def _machine(self) -> tuple[int, tuple[str, ...]]:
        """Bytes free where the database lies, and who lives. Raises StoreUnavailable."""
        try:
            return shutil.disk_usage(self._nodes.parent).free, tuple(living(self._nodes))
        except OSError as error:
            raise StoreUnavailable(f"the data folder cannot be read: {error}") from error

    async def _row(self, statement: str, **parameters: Any) -> Any:
        try:
            (row,) = await self._reading.execute_fetchall(SQL[statement], parameters)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error
        return row

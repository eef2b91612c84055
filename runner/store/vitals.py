"""The Gauge port on a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.engine.vitals import MOST_SILENT, Reading
from runner.store.queries import read

if TYPE_CHECKING:
    from runner.store.common import CommonStore
    from runner.store.keeping import StoredKeeping

SQL = read("vitals.sql")


class StoredGauge:
    """See `runner.engine.vitals.Gauge`; *keeping* is that of *store*."""

    def __init__(self, store: CommonStore, keeping: StoredKeeping) -> None:
        self._store = store
        self._keeping = keeping

    async def read(self, now: float) -> Reading:
        """One look. Raises StoreUnavailable."""
        events, runs = await self._row("newest")
        queued, running, waiting, held = await self._row("under_way")
        (due_since,) = await self._row("due_since", now=now)
        problems = await self._store.read(SQL["problems"])
        silent = await self._store.read(SQL["silent"], most=MOST_SILENT)
        size = await self._keeping.size()
        return Reading(
            at=now, events=events, runs=runs, queued=queued, running=running, waiting=waiting, held=held,
            due_since=due_since, used_bytes=size.used_bytes, file_bytes=size.file_bytes,
            free_bytes=size.free_bytes, nodes=tuple(await self._store.living()),
            problems=dict([tuple(row) for row in problems]),
            silent=tuple(workflow for (workflow,) in silent),
        )  # fmt: skip

    async def _row(self, statement: str, **parameters: Any) -> Any:
        (row,) = await self._store.read(SQL[statement], **parameters)
        return row

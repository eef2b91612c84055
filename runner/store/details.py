"""A closer look into a store: the Details port."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runner.engine.details import MOST_COUNTED
from runner.engine.exchanges import lines_read
from runner.engine.resuming import without_tokens
from runner.engine.runs import Status
from runner.errors import NotFound
from runner.language.secrets import secrets_in
from runner.store.queries import read
from runner.store.rows import unpacked
from runner.values import Json, dumps

if TYPE_CHECKING:
    from runner.store.history import StoredHistory

SQL = read("details.sql")


class StoredDetails:
    """See `runner.engine.details.Details`."""

    def __init__(self, history: StoredHistory) -> None:
        """*history* reads, and knows what is hidden."""
        self._read = history.read
        self._veils = history.veils

    async def exchanges(self, run_id: str, path: str) -> list[Json]:
        """The attempts of a step. Raises NotFound, StoreUnavailable."""
        rows = await self._read(SQL["exchanges"], id=run_id, path=path)
        if not rows:
            raise NotFound(f"there is no run {run_id}")
        event_id, workflow, version, text = rows[0]
        attempts = await asyncio.to_thread(lines_read, text)
        shown: list[Json] = await self._veils.value((run_id, event_id, workflow, version), attempts)
        return [without_tokens(one) for one in shown]

    async def body(self, event_id: str) -> bytes | None:
        """An event's body, None where something in it is hidden. Raises NotFound, StoreUnavailable."""
        rows = await self._read(SQL["body"], id=event_id)
        if not rows:
            raise NotFound(f"there is no event {event_id}")
        workflow, stored, size, _content_type = rows[0]
        versions = {version for (version,) in await self._read(SQL["versions_of_event"], id=event_id)}
        if await self._veils.hides(workflow, versions):
            return None
        body = await asyncio.to_thread(unpacked, stored, size)
        text = body.decode("utf-8", "replace")
        return None if await asyncio.to_thread(secrets_in, text, self._veils.secret_values()) else body

    async def event_counts(self, workflow: str | None) -> dict[str, int]:
        """How many events there are. Raises StoreUnavailable."""
        if workflow is None:
            return dict(await self._read(SQL["event_counts"], most=MOST_COUNTED))
        return dict(await self._read(SQL["event_counts_of"], most=MOST_COUNTED, workflow=workflow))

    async def run_counts(self, workflow: str | None) -> dict[str, int]:
        """How many runs there are. Raises StoreUnavailable."""
        if workflow is not None:
            return dict(await self._read(SQL["run_counts_of"], most=MOST_COUNTED, workflow=workflow))
        statuses = dumps([str(one) for one in Status])
        counts = dict(await self._read(SQL["run_counts"], most=MOST_COUNTED, statuses=statuses))
        return {"all": min(MOST_COUNTED, sum(counts.values())), **counts}

"""What was, in a store: the Past port."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from runner.engine.past import Gave, PastRun
from runner.errors import NotFound
from runner.store.bodies import each_event
from runner.store.queries import read
from runner.store.rows import record_of, run_of, value_or_none, version_parameters
from runner.values import dumps

if TYPE_CHECKING:
    from runner.engine.runs import Event, Record
    from runner.language.basis import Basis
    from runner.store.tables import Tables, Transaction

SQL = read("past.sql")
TRIED_SECONDS = 86400.0  # a text that was tried and has no run any more is kept so long


class StoredPast:
    """See `runner.engine.past.Past`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def event(self, event_id: str) -> Event:
        """An event as it is stored. Raises NotFound."""
        found = await each_event(self._tables.read, [event_id], lambda event: event)
        if event_id not in found:
            raise NotFound(f"there is no event {event_id}")
        return found[event_id]

    async def latest(self, workflow: str, *, limit: int, most_bytes: int) -> list[Event]:
        """The newest events that were not refused."""
        ids: list[str] = []
        left = most_bytes
        for event_id, size in await self._tables.read(SQL["latest"], workflow=workflow, limit=limit):
            left -= size
            if left < 0 and ids:
                break
            ids.append(event_id)
        found = await each_event(self._tables.read, ids, lambda event: event)
        return [found[one] for one in ids if one in found]

    async def judged(self, workflow: str, *, limit: int, since: float | None = None) -> list[str]:
        """The newest events whose runs have ended."""
        rows = await self._tables.read(SQL["judged"], workflow=workflow, limit=limit, since=since or 0.0)
        return [event_id for (event_id,) in rows]

    async def runs(self, event_ids: Sequence[str]) -> list[PastRun]:
        """Their runs, with what was recorded of each."""
        rows = await self._tables.read(SQL["ended_runs"], ids=dumps(list(event_ids)))
        newest = {(row[1], row[16]): row for row in rows}  # in the order of accepting
        ids = dumps([row[0] for row in newest.values()])
        records: dict[str, list[Record]] = {row[0]: [] for row in newest.values()}
        for run_id, *row in await self._tables.read(SQL["records_of_runs"], ids=ids):
            records[run_id].append(record_of(row))
        return [
            PastRun(run_of(row), row[17], (value_or_none(row[18]) or {}).get("sentence", ""), records[row[0]])
            for row in newest.values()
        ]

    async def versions(self, event_id: str) -> Collection[int]:
        """The versions of an event's runs."""
        return {int(version) for (version,) in await self._tables.read(SQL["versions_of"], event=event_id)}

    async def gave(self, event_id: str) -> list[Gave]:
        """What the actions of its newest run gave."""
        rows = await self._tables.read(SQL["recorded"], event=event_id)
        return [Gave(path, value_or_none(given), value_or_none(output)) for path, given, output in rows]

    async def samples(self, event_ids: Sequence[str]) -> Collection[str]:
        """Those that are samples."""
        return {one for (one,) in await self._tables.read(SQL["samples"], ids=dumps(list(event_ids)))}

    async def keep_tried(self, workflow: str, digest: str, source: str, basis: Basis, *, now: float) -> int:
        """Keep a text that is tried; the number that stands for its version."""
        row = version_parameters(workflow, digest, source, basis, now)

        async def member(transaction: Transaction) -> int:
            await transaction.execute(SQL["let_go_tried"], {**row, "before": now - TRIED_SECONDS})
            known = await transaction.row(SQL["known_tried"], row)
            (number,) = known or await transaction.row(SQL["keep_tried"], row)
            return -int(number)

        return await self._tables.write(member)

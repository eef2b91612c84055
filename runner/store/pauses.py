"""Pauses, and the events that they hold, in a store: the Pauses port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from runner.engine.admission import Admitted
from runner.engine.pauses import Kind, Pause, Release
from runner.engine.runs import Disposition, Event
from runner.errors import MoveRefused, NotFound
from runner.store.admission import start_runs
from runner.store.queries import read
from runner.store.rows import event_of, gates_text
from runner.store.tables import Tables, Transaction
from runner.values import dumps

SQL = read("pauses.sql")

MOST_EVENTS = 100  # released by one transaction: some ten milliseconds
MOST_BYTES = 4 << 20  # of their bodies, all in memory at once; one event may have more


class StoredPauses:
    """See `runner.engine.pauses.Pauses`. *clock* gives UTC seconds."""

    def __init__(self, store: Tables, clock: Callable[[], float]) -> None:
        self._tables = store
        self._clock = clock

    async def current(self) -> list[Pause]:
        """All pauses of every kind that are in force, the oldest first."""
        return [Pause(*row) for row in await self._tables.read(SQL["current"], now=self._clock())]

    async def holding(self) -> list[Pause]:
        """Those of workflows, also the ones that are over while their held events wait for release."""
        return [Pause(*row) for row in await self._tables.read(SQL["holding"])]

    async def pause(self, pause: Pause) -> None:
        """Pause, in place of an earlier pause of the same."""
        row = {
            "kind": pause.kind,
            "name": pause.name,
            "by": pause.by,
            "at": pause.at,
            "why": pause.why,
            "until": pause.until,
        }
        await self._tables.execute(SQL["pause"], **row)

    async def resume(self, kind: Kind, name: str) -> Pause:
        """End a pause that is in force. Raises NotFound."""
        parameters = {"kind": kind, "name": name, "now": self._clock()}

        async def member(transaction: Transaction) -> Any:
            return await transaction.row(SQL["resume"], parameters)

        row = await self._tables.write(member)
        if row is None:
            raise NotFound(f"the {kind} {name} is not paused")
        return Pause(*row)

    async def held(self, workflow: str) -> list[Event]:
        """The first held events of the workflow in the order of their coming: a bounded portion."""
        ids: list[str] = []
        size = 0
        for event_id, length in await self._tables.read(SQL["held"], workflow=workflow, most=MOST_EVENTS):
            size += length
            if ids and size > MOST_BYTES:
                break
            ids.append(event_id)
        return [event_of(row) for row in await self._tables.read(SQL["held_events"], ids=dumps(ids))]

    async def count_held(self, workflow: str) -> int:
        """How many events of the workflow are held."""
        ((count,),) = await self._tables.read(SQL["count_held"], workflow=workflow)
        return int(count)

    async def held_event(self, event_id: str) -> Event:
        """One held event. Raises NotFound, MoveRefused."""
        rows = await self._tables.read(SQL["held_events"], ids=dumps([event_id]))
        if not rows:
            raise NotFound(f"there is no event {event_id}")
        event = event_of(rows[0])
        if event.disposition is not Disposition.HELD:
            raise MoveRefused(f"event {event_id} is {event.disposition}; only a held one can be released")
        return event

    async def release(self, workflow: str, releases: Sequence[Release], *, is_asked: bool) -> list[Admitted]:
        """Start the runs of those events that are held still, all in one transaction."""
        if not releases:
            return []
        now = self._clock()

        async def member(transaction: Transaction) -> list[Admitted]:
            paused = await transaction.row(SQL["is_paused"], {"workflow": workflow, "now": now})
            if paused is not None and not is_asked:
                return []
            admitted = []
            for one in releases:
                row = {"event_id": one.event_id, "gates": gates_text(one.gates)}
                if await transaction.execute(SQL["let_go"], row):
                    admitted.append(await start_runs(transaction, one.event_id, one.gates, one.runs, now=now))
            return admitted

        return await self._tables.write(member)

    async def settle(self, workflow: str, *, keeps_held: bool = False) -> bool:
        """Take away a pause that is over once nothing is held; whether it is gone."""
        parameters = {"workflow": workflow, "now": self._clock(), "keeps_held": keeps_held}
        return bool(await self._tables.execute(SQL["settle"], **parameters))

    async def tidy(self) -> None:
        """Take away the pauses of connections and hosts that are over."""
        parameters = {"now": self._clock()}
        if await self._tables.read(SQL["untidy"], **parameters):  # nothing is written where nothing is to do
            await self._tables.execute(SQL["tidy"], **parameters)

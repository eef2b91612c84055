"""Requests that were refused or held, to be judged again, in a store: the Rechecks port."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runner.engine.admission import Admitted
from runner.engine.rechecking import Again
from runner.engine.runs import Disposition, Event
from runner.store.admission import admit_again
from runner.store.pauses import MOST_BYTES, MOST_EVENTS
from runner.store.pauses import SQL as PAUSES
from runner.store.queries import read
from runner.store.rows import event_of
from runner.store.tables import Tables, Transaction
from runner.store.turn_rows import write_files
from runner.values import dumps

SQL = read("rechecking.sql")
STARTING = frozenset({Disposition.ACCEPTED, Disposition.HELD})


class StoredRechecks:
    """See `runner.engine.rechecking.Rechecks`. *clock* gives UTC seconds."""

    def __init__(self, store: Tables, clock: Callable[[], float]) -> None:
        self._tables = store
        self._clock = clock

    async def refused(
        self, workflow: str, *, since: float | None, held_too: bool, after: int
    ) -> tuple[list[Event], int]:
        """The next refused events of the workflow, and the number of the last. Raises StoreUnavailable."""
        ids: list[str] = []
        size, last = 0, after
        rows = await self._tables.read(
            SQL["refused"], workflow=workflow, since=since, held_too=held_too, after=after, most=MOST_EVENTS
        )
        for number, event_id, length in rows:
            size += length
            if ids and size > MOST_BYTES:
                break
            ids.append(event_id)
            last = number
        return [event_of(row) for row in await self._tables.read(PAUSES["held_events"], ids=dumps(ids))], last

    async def admit(self, found: Sequence[Again]) -> list[Admitted | None]:
        """What became of those that pass now, all in one transaction. Raises StoreUnavailable."""
        if not found:
            return []
        now = self._clock()

        async def member(transaction: Transaction) -> list[Admitted | None]:
            return [await _admit(transaction, one, now) for one in found]

        return await self._tables.write(member)


async def _admit(transaction: Transaction, one: Again, now: float) -> Admitted | None:
    admitted = await admit_again(
        transaction, one.event, one.runs, was=one.was, delivery=one.delivery, hold=one.hold, now=now
    )
    if admitted and admitted.disposition in STARTING:
        await write_files(transaction, one.event.id, one.files, now)
    return admitted

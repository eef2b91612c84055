"""Requests that were refused or held, to be judged again, in an SQLite store: the Rechecks port."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from runner.engine.admission import Admitted
from runner.engine.rechecking import Again
from runner.engine.runs import Disposition, Event
from runner.errors import StoreUnavailable
from runner.store.admission import admit_again
from runner.store.pauses import MOST_BYTES, MOST_EVENTS
from runner.store.pauses import SQL as PAUSES
from runner.store.queries import read
from runner.store.rows import event_of
from runner.store.sqlite import SQLiteStore, write_files
from runner.values import dumps

SQL = read("rechecking.sql")
STARTING = frozenset({Disposition.ACCEPTED, Disposition.HELD})


class SQLiteRechecks:
    """See `runner.engine.rechecking.Rechecks`. *clock* gives UTC seconds."""

    def __init__(self, store: SQLiteStore, clock: Callable[[], float]) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store
        self._clock = clock

    async def refused(
        self, workflow: str, *, since: float | None, held_too: bool, after: int
    ) -> tuple[list[Event], int]:
        """The next refused events of the workflow, and the number of the last. Raises StoreUnavailable."""
        ids: list[str] = []
        size, last = 0, after
        rows = await self._read(
            SQL["refused"], workflow=workflow, since=since, held_too=held_too, after=after, most=MOST_EVENTS
        )
        for number, event_id, length in rows:
            size += length
            if ids and size > MOST_BYTES:
                break
            ids.append(event_id)
            last = number
        return [event_of(row) for row in await self._read(PAUSES["held_events"], ids=dumps(ids))], last

    async def admit(self, found: Sequence[Again]) -> list[Admitted | None]:
        """What became of those that pass now, all in one transaction. Raises StoreUnavailable."""
        if not found:
            return []
        now = self._clock()

        def member(connection: sqlite3.Connection) -> list[Admitted | None]:
            return [_admit(connection, one, now) for one in found]

        return await self._write(member)

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(statement, parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


def _admit(connection: sqlite3.Connection, one: Again, now: float) -> Admitted | None:
    admitted = admit_again(
        connection, one.event, one.runs, was=one.was, delivery=one.delivery, hold=one.hold, now=now
    )
    if admitted and admitted.disposition in STARTING:
        write_files(connection, one.event.id, one.files, now)
    return admitted

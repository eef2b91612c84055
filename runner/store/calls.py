"""Called runs in an SQLite store: the Children port."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from runner.engine.calling import Child
from runner.engine.runs import AS_IT_WAS, Disposition, Event, NewRun, Record, Run, Status
from runner.errors import StaleFence, StoreUnavailable
from runner.store import queries
from runner.store.admission import start_runs
from runner.store.again import go_on
from runner.store.call_rows import SQL
from runner.store.rows import Row, event_parameters, record_parameters, value_or_none
from runner.store.sqlite import SQLiteStore
from runner.values import dumps


class SQLiteChildren:
    """See `runner.engine.calling.Children`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store

    async def begin(
        self, run: Run, record: Record, event: Event, new: NewRun, *, waits: bool, files: Collection[str]
    ) -> Child:
        """Write the caller's record and the child, or find it. Raises StaleFence, StoreUnavailable."""

        def member(connection: sqlite3.Connection) -> Child:
            fence = {"run_id": run.id, "fence": run.fence}
            if connection.execute(queries.SQL["fence"], fence).fetchone() is None:
                raise StaleFence(f"run {run.id} is another worker's now")
            child = _found_or_started(connection, event, new, files)
            written = record if waits or child.status is None else replace(record, output=child.run_id)
            connection.execute(queries.SQL["upsert_record"], record_parameters(run.id, written))
            connection.execute(queries.SQL["progressed"], {"run_id": run.id})
            if child.run_id:
                row = {"run_id": run.id, "path": record.path, "child": child.run_id, "is_waited": waits}
                connection.execute(SQL["upsert_call"], row)
            return child

        return await self._write(member)

    async def look(self, run_id: str, path: str) -> Child | None:
        """The child that the record of *path* waits for. Raises StoreUnavailable."""
        try:
            rows = list(await self._reading.execute_fetchall(SQL["look"], {"run_id": run_id, "path": path}))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error
        return _child(rows[0]) if rows else None

    async def adopt(self, event_id: str, child_event: str, files: Collection[str]) -> None:
        """Let the runs of *event_id* read files of the child's event. Raises StoreUnavailable."""
        row = {"event_id": event_id, "child_event": child_event, "digests": dumps(sorted(files))}
        await self._write(lambda connection: connection.execute(SQL["adopt"], row))


def _found_or_started(
    connection: sqlite3.Connection, event: Event, new: NewRun, files: Collection[str]
) -> Child:
    """The child that was started with this key before, unless it was cancelled; else a new one."""
    key, number = str(event.delivery_id), 0
    while True:
        row = connection.execute(SQL["found"], {"key": key if not number else f"{key}~{number}"}).fetchone()
        if row is None:
            break
        _event_id, disposition, run_id, status = row
        if disposition == Disposition.ACCEPTED and run_id and status != Status.CANCELLED:
            if status == Status.FAILED:
                go_on(connection, run_id, version=None, now=event.received_at, how=AS_IT_WAS)
            return _child(connection.execute(SQL["child"], {"run_id": run_id}).fetchone())
        number += 1  # it was cancelled, or dropped
    if number:
        event = replace(event, delivery_id=f"{key}~{number}")
    connection.execute(queries.SQL["insert_event"], event_parameters(event))
    for digest in files:
        connection.execute(SQL["use_file"], {"event_id": event.id, "digest": digest})
    admitted = start_runs(connection, event.id, event.gates, [new], now=event.received_at)
    if admitted.disposition is not Disposition.ACCEPTED:
        sentence = "a run goes already, and its `when_full` is drop."
        return Child("", event.id, None, sentence)
    return Child(new.id, event.id, Status.QUEUED)


def _child(row: Row) -> Child:
    run_id, event_id, status, sentence, output = row[:5]
    arguments: Any = (run_id, event_id, Status(status), sentence or "", value_or_none(output))
    return Child(*arguments)

"""Called runs in a store: the Children port."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from runner.engine.calling import Child
from runner.engine.runs import AS_IT_WAS, Disposition, Event, NewRun, Record, Run, Status
from runner.errors import StaleFence
from runner.store import queries
from runner.store.admission import start_runs
from runner.store.again import go_on
from runner.store.rows import Row, event_parameters, record_parameters, value_or_none
from runner.store.tables import Tables, Transaction
from runner.store.turn_rows import CALLS as SQL
from runner.values import dumps


class StoredChildren:
    """See `runner.engine.calling.Children`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def begin(
        self, run: Run, record: Record, event: Event, new: NewRun, *, waits: bool, files: Collection[str]
    ) -> Child:
        """Write the caller's record and the child, or find it. Raises StaleFence, StoreUnavailable."""

        async def member(transaction: Transaction) -> Child:
            fence = {"run_id": run.id, "fence": run.fence}
            if await transaction.row(queries.SQL["fence"], fence) is None:
                raise StaleFence(f"run {run.id} is another worker's now")
            child = await _found_or_started(transaction, event, new, files)
            written = record if waits or child.status is None else replace(record, output=child.run_id)
            await transaction.execute(queries.SQL["upsert_record"], record_parameters(run.id, written))
            await transaction.execute(queries.SQL["progressed"], {"run_id": run.id})
            if child.run_id:
                row = {"run_id": run.id, "path": record.path, "child": child.run_id, "is_waited": waits}
                await transaction.execute(SQL["upsert_call"], row)
            return child

        return await self._tables.write(member)

    async def look(self, run_id: str, path: str) -> Child | None:
        """The child that the record of *path* waits for. Raises StoreUnavailable."""
        rows = await self._tables.read(SQL["look"], run_id=run_id, path=path)
        return _child(rows[0]) if rows else None

    async def adopt(self, event_id: str, child_event: str, files: Collection[str]) -> None:
        """Let the runs of *event_id* read files of the child's event. Raises StoreUnavailable."""
        row = {"event_id": event_id, "child_event": child_event, "digests": dumps(sorted(files))}
        await self._tables.execute(SQL["adopt"], **row)


async def _found_or_started(
    transaction: Transaction, event: Event, new: NewRun, files: Collection[str]
) -> Child:
    """The child that was started with this key before, unless it was cancelled; else a new one."""
    key, number = str(event.delivery_id), 0
    while True:
        row = await transaction.row(SQL["found"], {"key": key if not number else f"{key}~{number}"})
        if row is None:
            break
        _event_id, disposition, run_id, status = row
        if disposition == Disposition.ACCEPTED and run_id and status != Status.CANCELLED:
            if status == Status.FAILED:
                await go_on(transaction, run_id, version=None, now=event.received_at, how=AS_IT_WAS)
            return _child(await transaction.row(SQL["child"], {"run_id": run_id}))
        number += 1  # it was cancelled, or dropped
    if number:
        event = replace(event, delivery_id=f"{key}~{number}")
    await transaction.execute(queries.SQL["insert_event"], event_parameters(event))
    for digest in files:
        await transaction.execute(SQL["use_file"], {"event_id": event.id, "digest": digest})
    admitted = await start_runs(transaction, event.id, event.gates, [new], now=event.received_at)
    if admitted.disposition is not Disposition.ACCEPTED:
        sentence = "a run goes already, and its `when_full` is drop."
        return Child("", event.id, None, sentence)
    return Child(new.id, event.id, Status.QUEUED)


def _child(row: Row) -> Child:
    run_id, event_id, status, sentence, output = row[:5]
    arguments: Any = (run_id, event_id, Status(status), sentence or "", value_or_none(output))
    return Child(*arguments)

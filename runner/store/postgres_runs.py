"""
The parts of the PostgreSQL store's transactions that are about a run as a whole: what its turn
needs, what its turn made, and its replays. Called with the connection of the transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from runner.engine.runs import ENDED, Claimed, NewRun, Record, Replaying, Run, Status
from runner.errors import MoveRefused, NotFound
from runner.store.postgres_admission import stand_in_line_as
from runner.store.postgres_database import Connection, execute, execute_many, fetch, fetch_row
from runner.store.rows import Row, event_of, new_run_parameters, record_of, text_or_none, value_or_none


async def claimed_of(connection: Connection, runs: Sequence[Run]) -> list[Claimed]:
    """*runs* with all that their turns need."""
    run_ids = {"run_ids": [run.id for run in runs]}
    event_ids = {"event_ids": list({run.event_id for run in runs})}
    if not runs:
        return []
    events = {
        event.id: event for event in map(event_of, await fetch(connection, "events_of_runs", event_ids))
    }
    records: defaultdict[str, dict[str, Record]] = defaultdict(dict)
    for row in await fetch(connection, "records_of_runs", run_ids):
        record = record_of(row)
        records[row[-1]][record.path] = record
    files: defaultdict[str, set[str]] = defaultdict(set)
    for event_id, digest in await fetch(connection, "files_of_events", event_ids):
        files[event_id].add(digest)
    return [
        Claimed(run, events[run.event_id], records[run.id], frozenset(files[run.event_id])) for run in runs
    ]


async def locked(connection: Connection, run_id: str) -> Row:
    """Status, event, generations and item of a run, ours until the transaction ends. Raises NotFound."""
    row = await fetch_row(connection, "lock_run", {"run_id": run_id})
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    return row


async def write_records(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write *rows*, the columns of records; a later one of a path replaces."""
    if len(rows) == 1:
        await execute(connection, "upsert_record", rows[0])
    elif rows:
        await execute_many(connection, "upsert_record", rows)


async def write_files(connection: Connection, event_id: str, files: Mapping[str, bytes], now: float) -> None:
    """Keep *files* (content by digest) as an event's, each once."""
    for digest, content in sorted(files.items()):  # in one order: the same file may come twice at once
        row = {"digest": digest, "size": len(content), "created_at": now, "content": content}
        await execute(connection, "insert_file", row)
        await execute(connection, "insert_file_use", {"event_id": event_id, "digest": digest})


async def go_on(
    connection: Connection, run_id: str, *, version: int | None, now: float, how: Replaying
) -> None:
    """Continue a failed run from its failed step. Raises NotFound, MoveRefused."""
    status, *_rest = await locked(connection, run_id)
    if status != Status.FAILED:
        raise MoveRefused(
            f"run {run_id} is {status}; only a failed run goes on from its failed step "
            "(an ended one can be replayed from the start)"
        )
    parameters = {
        "run_id": run_id,
        "version": version,
        "now": now,
        "is_behind": how.is_behind,
        "as_new": how.as_new,
        "again": list(how.again),
        "anew": list(how.anew),
    }
    await execute(connection, "replay_failed_run", parameters)
    await execute(connection, "replay_failed_records", parameters)
    await execute(connection, "replay_failed_bound", parameters)
    await stand_in_line_as(connection, run_id, origin=run_id)


async def start_anew(connection: Connection, run_id: str, new: NewRun, *, now: float, how: Replaying) -> None:
    """Start *new* on the event of an ended run. Raises NotFound, MoveRefused."""
    status, event_id, inherited, item = await locked(connection, run_id)
    if status not in ENDED:
        raise MoveRefused(f"run {run_id} is {status}; it can be replayed when it has ended")
    generations = value_or_none(inherited) or {}
    if how.as_new:  # also of what the run before it had come to, and this one had not yet
        generations = {path: generation + 1 for path, generation in generations.items()}
    found = await fetch(connection, "generations_of_run", {"run_id": run_id, "as_new": how.as_new})
    generations |= {str(path): number for path, number in found}
    row = new_run_parameters(new, event_id, now)
    row |= {"replay_of": run_id, "generations": text_or_none(generations), "item": item}
    await execute(connection, "insert_run", row)
    await stand_in_line_as(connection, new.id, origin=run_id)
    if how.is_behind:
        await execute(connection, "put_behind", {"run_id": new.id})

"""Runs that go on or begin again, as members of a transaction: one by one, and for replays in bulk."""

from __future__ import annotations

import sqlite3

from runner.engine.runs import ENDED, NewRun, Replaying, Status
from runner.errors import MoveRefused, NotFound
from runner.store import problem_rows
from runner.store.admission import stand_in_line_as
from runner.store.answer_rows import ask_again
from runner.store.queries import SQL
from runner.store.rows import new_run_parameters, text_or_none, value_or_none


def go_on(
    connection: sqlite3.Connection, run_id: str, *, version: int | None, now: float, how: Replaying
) -> None:
    """Continue a failed run, inside a transaction. Raises NotFound, MoveRefused."""
    status = status_of(connection, run_id)
    parameters = {
        "run_id": run_id,
        "version": version,
        "now": now,
        "is_behind": how.is_behind,
        "as_new": how.as_new,
        "again": text_or_none(list(how.again)),
        "anew": text_or_none(list(how.anew)),
    }
    if not connection.execute(SQL["replay_failed_run"], parameters).rowcount:
        raise MoveRefused(
            f"run {run_id} is {status}; only a failed run goes on from its failed step "
            "(an ended one can be replayed from the start)"
        )
    connection.execute(SQL["replay_failed_records"], parameters)
    ask_again(connection, parameters)
    connection.execute(SQL["replay_failed_bound"], parameters)
    stand_in_line_as(connection, run_id, origin=run_id)


def start_anew(
    connection: sqlite3.Connection, run_id: str, new: NewRun, *, now: float, how: Replaying
) -> None:
    """Start *new* on the event of an ended run, inside a transaction. Raises NotFound, MoveRefused."""
    status = status_of(connection, run_id)
    if status not in ENDED:
        raise MoveRefused(f"run {run_id} is {status}; it can be replayed when it has ended")
    event_id, item = connection.execute(SQL["run_for_replay"], {"run_id": run_id}).fetchone()
    (inherited,) = connection.execute(SQL["generations_inherited"], {"run_id": run_id}).fetchone()
    parameters = {"run_id": run_id, "as_new": how.as_new}
    generations = value_or_none(inherited) or {}
    if how.as_new:  # also of what the run before it had come to, and this one had not yet
        generations = {path: generation + 1 for path, generation in generations.items()}
    generations |= dict(connection.execute(SQL["generations_of_run"], parameters).fetchall())
    row = new_run_parameters(new, event_id, now)
    row |= {"replay_of": run_id, "generations": text_or_none(generations), "item": item}
    connection.execute(SQL["insert_run"], row)
    stand_in_line_as(connection, new.id, origin=run_id)
    if how.is_behind:
        connection.execute(SQL["put_behind"], {"run_id": new.id})
    problem_rows.take_place(connection, new.id, origin=run_id)


def status_of(connection: sqlite3.Connection, run_id: str) -> Status:
    """Where the run is. Raises NotFound."""
    row = connection.execute(SQL["run_status"], {"run_id": run_id}).fetchone()
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    return Status(row[0])

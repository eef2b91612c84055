"""Runs that go on or begin again, as members of a transaction: one by one, and for replays in bulk."""

from __future__ import annotations

from runner.engine.runs import ENDED, NewRun, Replaying, Status
from runner.errors import MoveRefused, NotFound
from runner.store import problem_rows
from runner.store.admission import stand_in_line_as
from runner.store.answer_rows import ask_again
from runner.store.queries import SQL
from runner.store.rows import new_run_parameters, text_or_none, value_or_none
from runner.store.tables import Transaction


async def go_on(
    transaction: Transaction, run_id: str, *, version: int | None, now: float, how: Replaying
) -> None:
    """Continue a failed run, inside a transaction. Raises NotFound, MoveRefused."""
    status = await status_of(transaction, run_id)
    parameters = {
        "run_id": run_id,
        "version": version,
        "now": now,
        "is_behind": how.is_behind,
        "as_new": how.as_new,
        "again": text_or_none(list(how.again)),
        "anew": text_or_none(list(how.anew)),
    }
    if not await transaction.execute(SQL["replay_failed_run"], parameters):
        raise MoveRefused(
            f"run {run_id} is {status}; only a failed run goes on from its failed step "
            "(an ended one can be replayed from the start)"
        )
    await transaction.execute(SQL["replay_failed_records"], parameters)
    await ask_again(transaction, parameters)
    await transaction.execute(SQL["replay_failed_bound"], parameters)
    await stand_in_line_as(transaction, run_id, origin=run_id)


async def start_anew(
    transaction: Transaction, run_id: str, new: NewRun, *, now: float, how: Replaying
) -> None:
    """Start *new* on the event of an ended run, inside a transaction. Raises NotFound, MoveRefused."""
    status = await status_of(transaction, run_id)
    if status not in ENDED:
        raise MoveRefused(f"run {run_id} is {status}; it can be replayed when it has ended")
    event_id, item = await transaction.one(SQL["run_for_replay"], {"run_id": run_id})
    (inherited,) = await transaction.one(SQL["generations_inherited"], {"run_id": run_id})
    parameters = {"run_id": run_id, "as_new": how.as_new}
    generations = value_or_none(inherited) or {}
    if how.as_new:  # also of what the run before it had come to, and this one had not yet
        generations = {path: generation + 1 for path, generation in generations.items()}
    found = await transaction.rows(SQL["generations_of_run"], parameters)
    generations |= {str(path): number for path, number in found}
    row = new_run_parameters(new, event_id, now)
    row |= {"replay_of": run_id, "generations": text_or_none(generations), "item": item}
    await transaction.execute(SQL["insert_run"], row)
    await stand_in_line_as(transaction, new.id, origin=run_id)
    if how.is_behind:
        await transaction.execute(SQL["put_behind"], {"run_id": new.id})
    await problem_rows.take_place(transaction, new.id, origin=run_id)


async def status_of(transaction: Transaction, run_id: str) -> Status:
    """Where the run is, which is ours until the transaction ends, with its line. Raises NotFound."""
    row = await transaction.row(SQL["run_status"], {"run_id": run_id})
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    return Status(row[0])

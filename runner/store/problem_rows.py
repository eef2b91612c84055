"""
Which problem a run stands under: the parts of the engine's transactions that place runs under
problems, open problems and close them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.problems import REOPENED_SECONDS, TOGETHER_SECONDS, Trouble
from runner.engine.runs import Status
from runner.store.queries import read
from runner.values import random_bytes, sortable_id

if TYPE_CHECKING:
    from runner.engine.runs import Run, TurnEnd
    from runner.store.tables import Transaction

SQL = read("problems.sql")


async def place(transaction: Transaction, run: Run, end: TurnEnd) -> None:
    """Put the run under the problem of its trouble, opened if need be; take it out of the one it had."""
    trouble = end.trouble
    old = await transaction.row(SQL["problem_of_run"], {"run_id": run.id})
    if trouble is None:
        if old is None:
            return
        if end.status is Status.WAITING:  # for something else now; an end that is well stays, as recovered
            await transaction.execute(SQL["leave_place"], {"run_id": run.id})
    else:
        is_of_old = old is not None and old[1:4] == (trouble.workflow, trouble.step, trouble.cause)
        if is_of_old and old[4] is not None and end.status is Status.WAITING:
            return  # put away, and no news
        problem_id = await _problem(transaction, trouble, old=old[0] if old else None)
        if old is not None and old[0] == problem_id:
            return
        await transaction.execute(SQL["place_run"], {"run_id": run.id, "problem_id": problem_id})
    now = end.ended_at if trouble is None else trouble.at
    if old is not None and now is not None:  # else upkeep closes it, within a second
        await settle(transaction, old[0], now=now)


async def take_place(transaction: Transaction, run_id: str, *, origin: str) -> None:
    """Let the run *run_id* stand where *origin* stood, which stands under no problem any more."""
    await transaction.execute(SQL["take_place"], {"run_id": run_id, "origin": origin})
    await transaction.execute(SQL["leave_place"], {"run_id": origin})


async def settle(transaction: Transaction, problem_id: str, *, now: float) -> None:
    """Close the problem if none of its runs is failed or under way."""
    await transaction.lock(f"problem {problem_id}")  # of its last two runs one sees that the other has ended
    await transaction.execute(SQL["close_if_settled"], {"problem_id": problem_id, "now": now})


async def lock_problems(transaction: Transaction, workflow: str, step: str = "") -> None:
    """Let nobody open a problem of that step beside us: of one cause one is open at a time."""
    await transaction.lock(f"problems {workflow}\n{step}")


async def _problem(transaction: Transaction, trouble: Trouble, *, old: str | None) -> str:
    parameters = {
        "workflow": trouble.workflow,
        "step": trouble.step,
        "cause": trouble.cause,
        "sentence": trouble.sentence,
        "destination": trouble.destination,
        "at": trouble.at,
        "reopened_since": trouble.at - REOPENED_SECONDS,
    }
    await lock_problems(transaction, trouble.workflow, trouble.step)
    row = await transaction.row(SQL["open_problem"], parameters)
    if row is None and trouble.is_in_doubt:
        together = {**parameters, "old": old, "since": trouble.at - TOGETHER_SECONDS}
        row = await transaction.row(SQL["open_problem_of_step"], together)
    row = row or await transaction.row(SQL["reopen"], parameters)
    if row is not None:
        return str(row[0])
    problem_id = sortable_id(trouble.at, random_bytes(10))
    await transaction.execute(SQL["insert_problem"], {**parameters, "id": problem_id})
    return problem_id

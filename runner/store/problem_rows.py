"""
Which problem a run stands under: the parts of the engine's transactions that place runs under
problems, open problems and close them. Called with the writing connection.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from runner.engine.problems import REOPENED_SECONDS, Trouble
from runner.engine.runs import Status
from runner.store.queries import read
from runner.values import random_bytes, sortable_id

if TYPE_CHECKING:
    from runner.engine.runs import Run, TurnEnd

SQL = read("problems.sql")


def place(connection: sqlite3.Connection, run: Run, end: TurnEnd) -> None:
    """Put the run under the problem of its trouble, opened if need be; take it out of the one it had."""
    trouble = end.trouble
    old = connection.execute(SQL["problem_of_run"], {"run_id": run.id}).fetchone()
    if trouble is None:
        if old is None:
            return
        if end.status is Status.WAITING:  # for something else now; an end that is well stays, as recovered
            connection.execute(SQL["leave_place"], {"run_id": run.id})
    else:
        is_of_old = old is not None and old[1:4] == (trouble.workflow, trouble.step, trouble.cause)
        if is_of_old and old[4] is not None and end.status is Status.WAITING:
            return  # put away, and no news
        problem_id = _problem(connection, trouble)
        if old is not None and old[0] == problem_id:
            return
        connection.execute(SQL["place_run"], {"run_id": run.id, "problem_id": problem_id})
    now = end.ended_at if trouble is None else trouble.at
    if old is not None and now is not None:  # else upkeep closes it, within a second
        settle(connection, old[0], now=now)


def take_place(connection: sqlite3.Connection, run_id: str, *, origin: str) -> None:
    """Let the run *run_id* stand where *origin* stood, which stands under no problem any more."""
    connection.execute(SQL["take_place"], {"run_id": run_id, "origin": origin})
    connection.execute(SQL["leave_place"], {"run_id": origin})


def settle(connection: sqlite3.Connection, problem_id: str, *, now: float) -> None:
    """Close the problem if none of its runs is failed or under way."""
    connection.execute(SQL["close_if_settled"], {"problem_id": problem_id, "now": now})


def _problem(connection: sqlite3.Connection, trouble: Trouble) -> str:
    parameters = {
        "workflow": trouble.workflow,
        "step": trouble.step,
        "cause": trouble.cause,
        "sentence": trouble.sentence,
        "destination": trouble.destination,
        "at": trouble.at,
        "reopened_since": trouble.at - REOPENED_SECONDS,
    }
    row = connection.execute(SQL["open_problem"], parameters).fetchone()
    row = row or connection.execute(SQL["reopen"], parameters).fetchone()
    if row is not None:
        return str(row[0])
    problem_id = sortable_id(trouble.at, random_bytes(10))
    connection.execute(SQL["insert_problem"], {**parameters, "id": problem_id})
    return problem_id

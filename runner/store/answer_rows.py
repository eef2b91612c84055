"""The rows of answers to steps, as parts of a transaction on an SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.engine.resuming import Given
from runner.engine.runs import Status
from runner.store.queries import read
from runner.store.rows import text_or_none, value_or_none

if TYPE_CHECKING:
    from runner.engine.runs import TurnEnd

SQL = read("answers.sql")


def wake_answered(connection: sqlite3.Connection, run_id: str, end: TurnEnd) -> None:
    """Make a run due that ends its turn waiting for what has come meanwhile: a part of that transaction."""
    if end.status is Status.WAITING:
        connection.execute(SQL["wake"], {"run_id": run_id, "now": 0})


def ask_again(connection: sqlite3.Connection, parameters: Mapping[str, Any]) -> None:
    """Forget the answers that a replay asks for again; *parameters* are `run_id`, `again`, `anew`."""
    connection.execute(SQL["forget_closed"], parameters)


def first_answer(connection: sqlite3.Connection, given: Given) -> Given:
    """The answer that the step has, or *given*, which is it from now on."""
    where = {"run_id": given.run_id, "path": given.path}
    row = connection.execute(SQL["given"], where).fetchone()
    if row is not None:
        return given_of(given.run_id, given.path, row)
    values = {
        "value": text_or_none(given.value),
        "made_by": given.by,
        "at": given.at,
        "files": text_or_none(list(given.files)) if given.files else None,
    }
    connection.execute(SQL["insert_answer"], where | values)
    return given


def given_of(run_id: str, path: str, row: Sequence[Any]) -> Given:
    value, made_by, at, files = row
    return Given(run_id, path, value_or_none(value), made_by, at, tuple(value_or_none(files) or ()))

"""The rows of answers to steps, as parts of a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.engine.resuming import Given
from runner.store.queries import read
from runner.store.rows import text_or_none, value_or_none

if TYPE_CHECKING:
    from runner.store.tables import Transaction

SQL = read("answers.sql")


async def ask_again(transaction: Transaction, parameters: Mapping[str, Any]) -> None:
    """Forget the answers that a replay asks for again; *parameters* are `run_id`, `again`, `anew`."""
    await transaction.execute(SQL["forget_closed"], parameters)


async def lock_waiting(transaction: Transaction, run_id: str) -> None:
    """Let nobody answer, or end a turn waiting, beside us: one of the two comes second and sees the other."""
    await transaction.lock(f"waiting {run_id}")


async def first_answer(transaction: Transaction, given: Given) -> Given:
    """The answer that the step has, or *given*, which is it from now on."""
    where = {"run_id": given.run_id, "path": given.path}
    await lock_waiting(transaction, given.run_id)
    row = await transaction.row(SQL["given"], where)
    if row is not None:
        return given_of(given.run_id, given.path, row)
    values = {
        "value": text_or_none(given.value),
        "made_by": given.by,
        "at": given.at,
        "files": text_or_none(list(given.files)) if given.files else None,
    }
    await transaction.execute(SQL["insert_answer"], where | values)
    return given


def given_of(run_id: str, path: str, row: Sequence[Any]) -> Given:
    value, made_by, at, files = row
    return Given(run_id, path, value_or_none(value), made_by, at, tuple(value_or_none(files) or ()))

"""Transactions on SQLite, whose statements never wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from runner.store.queries import Statement
from runner.store.rows import Row
from runner.store.tables import NOTHING, Parameters

T = TypeVar("T")


class SQLiteTransaction:
    """See `runner.store.tables.Transaction`."""

    __slots__ = ("connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        """*connection* is in a transaction, and used by nobody else until it ends."""
        self.connection = connection

    async def rows(self, statement: Statement, parameters: Parameters = NOTHING) -> Sequence[Any]:
        """All rows of *statement*."""
        return self.connection.execute(statement, parameters).fetchall()

    async def row(self, statement: Statement, parameters: Parameters = NOTHING) -> Any:
        """Its first row, or None."""
        return self.connection.execute(statement, parameters).fetchone()

    async def one(self, statement: Statement, parameters: Parameters = NOTHING) -> Row:
        """Its first row, of which there is one for certain."""
        row: Row = await self.row(statement, parameters)
        assert row is not None
        return row

    async def execute(self, statement: Statement, parameters: Parameters = NOTHING) -> int:
        """How many rows it wrote."""
        return self.connection.execute(statement, parameters).rowcount

    async def execute_many(self, statement: Statement, rows: Sequence[Parameters]) -> None:
        """*statement* once for each of *rows*."""
        self.connection.executemany(statement, rows)

    async def lock(self, name: str) -> None:
        """Nothing: one writes at a time."""


def at_once(work: Awaitable[T]) -> T:
    """
    What *work* comes to, which waits for nothing.

    Raises:
        RuntimeError: it does wait: a bug, since it would hold up every other writer.
    """
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
    steps.close()
    raise RuntimeError("a member of a transaction may await nothing but its transaction")

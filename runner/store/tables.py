"""
What the ports of a store are written against: transactions and reads by named statements, the same
on SQLite and on PostgreSQL.

A member of a transaction is an async function of a `Transaction`. On SQLite its statements never
wait, so it runs through at once in the writer (`sqlite_transaction.py`); on PostgreSQL it may run
again from its beginning when another transaction was in its way. So a member awaits nothing but its
transaction, and changes nothing outside of it but what it returns.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from runner.store.queries import Statement
from runner.store.rows import Row

T = TypeVar("T")
Parameters: TypeAlias = Mapping[str, Any]
NOTHING: Parameters = {}


class Transaction(Protocol):
    """A transaction under way: all that is written in it stands, or nothing does."""

    async def rows(self, statement: Statement, parameters: Parameters = NOTHING) -> Sequence[Any]:
        """All rows of *statement*."""

    async def row(self, statement: Statement, parameters: Parameters = NOTHING) -> Any:
        """Its first row, or None."""

    async def one(self, statement: Statement, parameters: Parameters = NOTHING) -> Row:
        """Its first row, of which there is one for certain."""

    async def execute(self, statement: Statement, parameters: Parameters = NOTHING) -> int:
        """How many rows it wrote."""

    async def execute_many(self, statement: Statement, rows: Sequence[Parameters]) -> None:
        """*statement* once for each of *rows*."""

    async def lock(self, name: str) -> None:
        """
        Have what is called *name* for ourselves until the transaction ends. On SQLite, where one writes
        at a time, that is so anyway. Who locks several things locks them in one order: first a line
        (`admission.lock_line`), then what waits (`waiting RUN`), then others.
        """


class Tables(Protocol):
    """The database of a store. Everything raises StoreUnavailable when it is away."""

    async def read(self, statement: Statement, **parameters: Any) -> Sequence[Any]:
        """The rows of one statement outside of any transaction."""

    async def write(
        self,
        member: Callable[[Transaction], Awaitable[T]],
        *,
        settled: Callable[[T | Exception], None] | None = None,
        is_quick: bool = False,
    ) -> T:
        """
        Run *member* in a transaction; returns its result once the disk has it.

        A caller that is cancelled does not take its member back. *settled* hears how it ended whether
        the caller is still there or not. *is_quick* says that the member takes well under a millisecond.

        Raises:
            StoreUnavailable: nothing was written.
            StoreError: what *member* itself raised.
        """

    async def execute(self, statement: Statement, **parameters: Any) -> int:
        """How many rows *statement* wrote, in a transaction of its own."""

    async def is_dead(self, node: str) -> bool:
        """Whether the process that is called *node* lives no more."""

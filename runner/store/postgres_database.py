"""
A PostgreSQL database as the store uses it: named statements, a pool that comes back after the
database was away, transactions that outlive their callers, and errors told as ours.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import asyncpg

from runner.errors import StoreError, StoreUnavailable
from runner.store.queries import Statement
from runner.store.rows import Row
from runner.store.tables import NOTHING, Parameters

T = TypeVar("T")
Connection: TypeAlias = Any  # an asyncpg.Connection or its proxy from the pool; asyncpg has no types

LARGEST_POOL = 10  # connections; more only queue up at the disk
CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 30.0
ALONE_SECONDS = 86400.0  # of a vacuum
TRIES = 3  # of a transaction that another one was in the way of
SAID_SECONDS = 5.0  # between two log lines of a database that is away: every event meets it

# Nothing was written: no connection, no memory or disk, shutting down or starting up, a standby that
# only reads, a statement that took too long. https://www.postgresql.org/docs/current/errcodes-appendix.html
AWAY = ("08", "25006", "53", "57", "58", "55P03", "40")
IN_THE_WAY = ("40001", "40P01")  # serialization failure, deadlock: the same again will do

NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # an escape, and no escaped backslash before "u0000"
LOCK = Statement.of("", "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")

log = logging.getLogger(__name__)


class PostgresTransaction:
    """See `runner.store.tables.Transaction`."""

    __slots__ = ("connection",)

    def __init__(self, connection: Connection) -> None:
        """*connection* is in a transaction."""
        self.connection = connection

    async def rows(self, statement: Statement, parameters: Parameters = NOTHING) -> Sequence[Any]:
        """All rows of *statement*."""
        rows: Sequence[Any] = await self.connection.fetch(statement.numbered, *statement.values(parameters))
        return rows

    async def row(self, statement: Statement, parameters: Parameters = NOTHING) -> Any:
        """Its first row, or None."""
        row: Any = await self.connection.fetchrow(statement.numbered, *statement.values(parameters))
        return row

    async def one(self, statement: Statement, parameters: Parameters = NOTHING) -> Row:
        """Its first row, of which there is one for certain."""
        row: Row = await self.row(statement, parameters)
        assert row is not None
        return row

    async def execute(self, statement: Statement, parameters: Parameters = NOTHING) -> int:
        """How many rows it wrote."""
        status = await self.connection.execute(statement.numbered, *statement.values(parameters))
        return int(status.rpartition(" ")[2])  # "UPDATE 1"

    async def execute_many(self, statement: Statement, rows: Sequence[Parameters]) -> None:
        """*statement* once for each of *rows*, in one exchange with the database."""
        await self.connection.executemany(statement.numbered, [statement.values(row) for row in rows])

    async def rows_many(self, statement: Statement, rows: Sequence[Parameters]) -> Sequence[Any]:
        """All rows that *statement* gives for all of *rows*, in one exchange with the database."""
        found: Sequence[Any] = await self.connection.fetchmany(
            statement.numbered, [statement.values(row) for row in rows]
        )
        return found

    async def lock(self, name: str) -> None:
        """Wait until no other transaction has what is called *name*, and have it."""
        await self.row(LOCK, {"name": name})


class AnswerLost(StoreUnavailable):
    """The connection broke during the commit itself: it may be written or not."""


class Database:
    """
    Transactions on a pool. Those of several callers go on side by side, on a connection each, and
    PostgreSQL flushes its log once for all that commit at the same time: a member fails alone.
    """

    def __init__(self, pool: Any) -> None:
        """Use `Database.open`."""
        self._pool = pool
        self._tasks: set[asyncio.Task[Any]] = set()
        self._said_at = -SAID_SECONDS

    @classmethod
    async def open(cls, url: str) -> Database:
        """
        Connect to the database at *url* (postgresql://…).

        Raises:
            StoreUnavailable: it cannot be reached, or refuses us.
        """
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=LARGEST_POOL,
                timeout=CONNECT_SECONDS,
                command_timeout=STATEMENT_SECONDS,
                init=_prepare,
                reset=_nothing,  # we leave nothing behind; asyncpg's own costs an exchange each time
                server_settings={
                    "application_name": "hookline",
                    "synchronous_commit": "on",
                    "jit": "off",  # our statements are short: compiling one costs more than running it
                },
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise StoreUnavailable(f"the database cannot be reached: {_told(error)}") from error
        return cls(pool)

    async def close(self) -> None:
        """Let transactions in flight end, then disconnect."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pool.close()

    async def write(
        self,
        member: Callable[[PostgresTransaction], Awaitable[T]],
        *,
        settled: Callable[[T | Exception], None] | None = None,
    ) -> T:
        """
        Run *member* in a transaction of its own; returns its result once the disk has it. It may
        run again from its beginning when another transaction was in its way.

        A caller that is cancelled does not take its member back. *settled* hears how it ended
        whether the caller is still there or not.

        Raises:
            StoreUnavailable: nothing was written.
            AnswerLost: … or all of it was.
            StoreError: what *member* itself raised.
        """
        task = asyncio.create_task(self._transaction(member, settled))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def read(self, statement: Statement, **parameters: Any) -> Sequence[Any]:
        """The rows of one statement outside of any transaction. Raises StoreUnavailable."""
        try:
            async with self._pool.acquire(timeout=STATEMENT_SECONDS) as connection:
                return await PostgresTransaction(connection).rows(statement, parameters)
        except Exception as error:
            raise self._as_store_error(error) from error

    async def alone(self, command: str) -> None:
        """
        Run *command*, which PostgreSQL allows in no transaction, however long it takes.

        Raises:
            StoreUnavailable.
        """
        try:
            async with self._pool.acquire(timeout=STATEMENT_SECONDS) as connection:
                await connection.execute(command, timeout=ALONE_SECONDS)
        except Exception as error:
            raise self._as_store_error(error) from error

    async def _transaction(
        self,
        member: Callable[[PostgresTransaction], Awaitable[T]],
        settled: Callable[[T | Exception], None] | None,
    ) -> T:
        try:
            result = await self._try(member)
        except Exception as error:
            known = self._as_store_error(error)
            if settled:
                settled(known)
            raise known from error
        if settled:
            settled(result)
        return result

    async def _try(self, member: Callable[[PostgresTransaction], Awaitable[T]]) -> T:
        for remaining in reversed(range(TRIES)):
            is_written = False
            try:
                async with (
                    self._pool.acquire(timeout=STATEMENT_SECONDS) as connection,
                    connection.transaction(),
                ):
                    result = await member(PostgresTransaction(connection))
                    is_written = True
                return result
            except Exception as error:
                if is_written and is_away(error):
                    raise AnswerLost(f"the database went away during a commit: {_told(error)}") from error
                if getattr(error, "sqlstate", None) not in IN_THE_WAY or not remaining:
                    raise
        raise AssertionError("unreachable")

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: its caller may be gone

    def _as_store_error(self, error: Exception) -> Exception:
        """An error of the database as one of ours; ours, and bugs, as they are."""
        if isinstance(error, StoreError) or not is_away(error):
            return error
        now = time.monotonic()
        if now - self._said_at >= SAID_SECONDS:
            self._said_at = now
            log.error("the database is away: %s", _told(error), extra={"action": "store_unavailable"})
        return StoreUnavailable(f"the database is away: {_told(error)}")


def is_away(error: Exception) -> bool:
    """Whether *error* says that the database could not do it now, rather than that we asked for nonsense."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(AWAY)
    if isinstance(error, asyncpg.InterfaceError):  # asyncpg's word for a connection or a pool that is closed
        return not isinstance(error, ValueError)  # … and for a value of a wrong type
    return isinstance(error, (OSError, TimeoutError))


async def _prepare(connection: Connection) -> None:
    """JSONB goes as text, and holds no NUL: it stands as U+FFFD there."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=without_nul, decoder=str, format="text"
    )


def without_nul(text: str) -> str:
    """The JSON *text* with U+FFFD in the place of NUL."""
    return NUL.sub(r"\1\\ufffd", text) if r"\u0000" in text else text


async def _nothing(_connection: Connection) -> None:
    pass


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__

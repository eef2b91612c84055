"""
A PostgreSQL database as the store uses it: named statements, a pool that comes back after the
database was away, transactions that outlive their callers, and errors told as ours.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import asyncpg

from runner.errors import StoreError, StoreUnavailable
from runner.store.queries import read
from runner.store.rows import Row

T = TypeVar("T")
Connection: TypeAlias = Any  # an asyncpg.Connection or its proxy from the pool; asyncpg has no types
Parameters: TypeAlias = Mapping[str, Any]

LARGEST_POOL = 10  # connections; more only queue up at the disk
CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 30.0
TRIES = 3  # of a transaction that another one was in the way of
SAID_SECONDS = 5.0  # between two log lines of a database that is away: every event meets it

NAMED = re.compile(r"(?<![:\w]):([a-z_]+)")
COMMENT = re.compile(r"--.*$", re.MULTILINE)

# Nothing was written: no connection, no memory or disk, shutting down or starting up, a standby that
# only reads, a statement that took too long. https://www.postgresql.org/docs/current/errcodes-appendix.html
AWAY = ("08", "25006", "53", "57", "58", "55P03", "40")
IN_THE_WAY = ("40001", "40P01")  # serialization failure, deadlock: the same again will do

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters numbered, and their names in that order."""

    text: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, sql: str) -> Statement:
        """The statement of *sql*, in which parameters are `:named`."""
        bare = COMMENT.sub("", sql)
        names = tuple(dict.fromkeys(NAMED.findall(bare)))
        return cls(NAMED.sub(lambda match: f"${names.index(match[1]) + 1}", bare).strip(), names)

    def values(self, parameters: Parameters) -> list[Any]:
        """The values in order. PostgreSQL's texts hold no NUL: it stands as U+FFFD there."""
        return [_storable(parameters[name]) for name in self.names]


SQL = {name: Statement.of(sql) for name, sql in read("postgres.sql").items()}


async def fetch(connection: Connection, statement: str, parameters: Parameters) -> Sequence[Row]:
    """All rows of a named statement."""
    one = SQL[statement]
    rows: Sequence[Row] = await connection.fetch(one.text, *one.values(parameters))
    return rows


async def fetch_row(connection: Connection, statement: str, parameters: Parameters) -> Row | None:
    """The first row of a named statement, or None."""
    one = SQL[statement]
    row: Row | None = await connection.fetchrow(one.text, *one.values(parameters))
    return row


async def execute(connection: Connection, statement: str, parameters: Parameters) -> int:
    """How many rows a named statement wrote."""
    one = SQL[statement]
    status = await connection.execute(one.text, *one.values(parameters))  # "UPDATE 1"
    return int(status.rpartition(" ")[2])


async def execute_many(connection: Connection, statement: str, rows: Sequence[Parameters]) -> None:
    """A named statement once for each of *rows*, in one exchange with the database."""
    one = SQL[statement]
    await connection.executemany(one.text, [one.values(row) for row in rows])


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
        member: Callable[[Connection], Awaitable[T]],
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

    async def read(self, statement: str, **parameters: Any) -> Sequence[Row]:
        """The rows of one statement outside of any transaction. Raises StoreUnavailable."""
        try:
            async with self._pool.acquire(timeout=STATEMENT_SECONDS) as connection:
                return await fetch(connection, statement, parameters)
        except Exception as error:
            raise self._as_store_error(error) from error

    async def _transaction(
        self, member: Callable[[Connection], Awaitable[T]], settled: Callable[[T | Exception], None] | None
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

    async def _try(self, member: Callable[[Connection], Awaitable[T]]) -> T:
        for remaining in reversed(range(TRIES)):
            is_written = False
            try:
                async with (
                    self._pool.acquire(timeout=STATEMENT_SECONDS) as connection,
                    connection.transaction(),
                ):
                    result = await member(connection)
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


async def _nothing(_connection: Connection) -> None:
    pass


def _storable(value: Any) -> Any:
    if isinstance(value, str) and "\0" in value:
        return value.replace("\0", "\ufffd")
    return value


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__

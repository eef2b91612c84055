"""
The one writer of an SQLite file in this process: all that waits is written in one transaction.

A member of a batch is a function of the connection. Committing costs one flush of the disk,
however many members share it; nothing ever waits for a batch to fill.

Waiting for the lock and for the disk happens in aiosqlite's thread. The statements of *quick*
members run in the event loop's: some microseconds each, while handing the interpreter's lock to
the thread and back for every one of them costs more than the statement (measured: accepting an
event takes a quarter less of the processor). Everything else runs in the thread whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import aiosqlite

from runner.errors import StoreError, StoreUnavailable

T = TypeVar("T")
Member: TypeAlias = Callable[[sqlite3.Connection], Any]
Transact: TypeAlias = Callable[[Sequence[Member]], Awaitable[list[Any]]]
Way: TypeAlias = Literal["quick", "thread", "alone"]
Settled: TypeAlias = Callable[[Exception | None], None]

LARGEST_BATCH = 256  # bounds the time that one commit keeps later members waiting
SAID_SECONDS = 5.0  # between two log lines of a store that is away: every event meets it

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    member: Member
    future: asyncio.Future[Any]
    settled: Settled | None
    way: Way


class Writer:
    """
    Writes members in the order of their coming, each whole or not at all.

    `before_commit(connection)` runs inside each transaction, after its members: the place where
    figures derived from rows are refreshed.
    """

    def __init__(
        self, connection: aiosqlite.Connection, before_commit: Callable[[sqlite3.Connection], None]
    ) -> None:
        """*connection* must allow use from several threads (`check_same_thread=False`)."""
        self._connection = connection
        self._before_commit = before_commit
        self._waiting: list[_Waiting] = []
        self._something = asyncio.Event()
        self._said_at = -SAID_SECONDS
        self._task = asyncio.create_task(self._commit_what_waits())

    async def write(
        self,
        member: Callable[[sqlite3.Connection], T],
        *,
        settled: Settled | None = None,
        is_quick: bool = False,
    ) -> T:
        """
        Run *member* inside a shared transaction; returns its result once the disk has it.

        A caller that is cancelled does not take its member back: it may be on its way to disk.
        *settled* hears how it ended whether the caller is still there or not. *is_quick* says
        that the member takes well under a millisecond, so that it may run in the event loop.

        Raises:
            StoreUnavailable: the disk is full, the database locked or gone; nothing was written.
            StoreError: what *member* itself raised; the others of its batch are not touched.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(member, future, settled, "quick" if is_quick else "thread"))
        self._something.set()
        return await future

    async def alone(self, member: Callable[[sqlite3.Connection], T]) -> T:
        """
        Run *member* in the thread between two transactions: for what SQLite allows in none.

        Raises:
            StoreUnavailable: as `write`.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(member, future, None, "alone"))
        self._something.set()
        return await future

    async def close(self) -> None:
        """Write what waits, then end."""
        with contextlib.suppress(StoreError):
            await self.write(lambda _connection: None)  # members keep their order: this one is the last
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _commit_what_waits(self) -> None:
        while True:
            await self._something.wait()
            batch = self._next_batch()
            self._waiting = self._waiting[len(batch) :]
            if not self._waiting:
                self._something.clear()
            # shielded, so that closing never leaves a transaction half done
            await asyncio.shield(self._commit(batch))

    def _next_batch(self) -> list[_Waiting]:
        """Those at the front that go the same way."""
        way = self._waiting[0].way
        alike = itertools.takewhile(lambda one: one.way == way, self._waiting)
        return list(itertools.islice(alike, LARGEST_BATCH))

    async def _commit(self, batch: list[_Waiting]) -> None:
        ways = {"quick": self._quick_transaction, "thread": self._in_thread_whole, "alone": self._outside}
        results = await self._write([one.member for one in batch], ways[batch[0].way])
        for one, result in zip(batch, results, strict=True):
            failure = result if isinstance(result, Exception) else None
            if one.settled:
                one.settled(failure)
            if one.future.done():  # its caller went away
                continue
            if failure:
                one.future.set_exception(failure)
            else:
                one.future.set_result(result)

    async def _write(self, members: Sequence[Member], transact: Transact) -> list[Any]:
        """One transaction for all, or, if one of them fails, one for each."""
        try:
            return await transact(members)
        except Exception as error:  # noqa: BLE001 - given to the members below
            if len(members) == 1:
                return [self._as_store_error(error)]
        results: list[Any] = []
        for member in members:
            try:
                results += await transact([member])
            except Exception as error:  # noqa: BLE001 - it fails alone
                results.append(self._as_store_error(error))
        return results

    async def _quick_transaction(self, members: Sequence[Member]) -> list[Any]:
        """Statements here, waiting in the thread."""
        connection = self._connection._conn  # noqa: SLF001 - idle in its thread while we use it here
        if not _begun_at_once(connection):
            await self._in_thread(connection.execute, "BEGIN IMMEDIATE")
        try:
            results = [member(connection) for member in members]
            self._before_commit(connection)
            await self._in_thread(connection.execute, "COMMIT")
        except BaseException:
            if connection.in_transaction:
                await self._in_thread(connection.execute, "ROLLBACK")
            raise
        return results

    async def _in_thread_whole(self, members: Sequence[Member]) -> list[Any]:
        """All of it in the thread."""
        results: list[Any] = await self._in_thread(self._transaction, members)
        return results

    async def _outside(self, members: Sequence[Member]) -> list[Any]:
        """In the thread, outside of any transaction."""
        connection = self._connection._conn  # noqa: SLF001 - the thread's own connection
        return [await self._in_thread(member, connection) for member in members]

    def _transaction(self, members: Sequence[Member]) -> list[Any]:
        connection = self._connection._conn  # noqa: SLF001 - the thread's own connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            results = [member(connection) for member in members]
            self._before_commit(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return results

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        # aiosqlite's own way into its thread: its public calls are one statement each
        try:
            return await self._connection._execute(function, *arguments)  # type: ignore[no-untyped-call]  # noqa: SLF001
        except ValueError as error:
            if str(error) == "Connection closed":
                raise StoreUnavailable("the store is closed") from error
            raise

    def _as_store_error(self, error: Exception) -> Exception:
        """An error of SQLite as one of ours; ours, and bugs, as they are."""
        if isinstance(error, StoreError):
            return error
        if isinstance(error, sqlite3.OperationalError):  # full, locked, gone
            now = time.monotonic()
            if now - self._said_at >= SAID_SECONDS:
                self._said_at = now
                log.error("the store cannot write: %s", error, extra={"action": "store_unavailable"})
            return StoreUnavailable(f"the store cannot write: {error}")
        return error


def _begun_at_once(connection: sqlite3.Connection) -> bool:
    """Begin if no other process is writing: a hop into the thread is for waiting alone."""
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout=0")
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout={patience}")
    return True

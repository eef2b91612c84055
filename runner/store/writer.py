"""
The one writer of an SQLite file in this process: all that waits is written in one transaction.

A member of a batch is a function of the connection. Committing costs one flush of the disk,
however many members share it; nothing ever waits for a batch to fill.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import aiosqlite

from runner.errors import StoreError, StoreUnavailable

T = TypeVar("T")
Member: TypeAlias = Callable[[sqlite3.Connection], Any]
Settled: TypeAlias = Callable[[Exception | None], None]
Waiting: TypeAlias = tuple[Member, asyncio.Future[Any], Settled | None]

LARGEST_BATCH = 256  # bounds the time that one commit keeps later members waiting

log = logging.getLogger(__name__)


class Writer:
    """
    Writes members in the order of their coming, each whole or not at all.

    `before_commit(connection)` runs inside each transaction, after its members: the place where
    figures derived from rows are refreshed.
    """

    def __init__(
        self, connection: aiosqlite.Connection, before_commit: Callable[[sqlite3.Connection], None]
    ) -> None:
        self._connection = connection
        self._before_commit = before_commit
        self._waiting: list[Waiting] = []
        self._something = asyncio.Event()
        self._task = asyncio.create_task(self._commit_what_waits())

    async def write(self, member: Callable[[sqlite3.Connection], T], *, settled: Settled | None = None) -> T:
        """
        Run *member* inside a shared transaction; returns its result once the disk has it.

        A caller that is cancelled does not take its member back: it may be on its way to disk.
        *settled* hears how it ended whether the caller is still there or not.

        Raises:
            StoreUnavailable: the disk is full, the database locked or gone; nothing was written.
            StoreError: what *member* itself raised; the others of its batch are not touched.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((member, future, settled))
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
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            if not self._waiting:
                self._something.clear()
            # shielded, so that closing never leaves a transaction half done
            await asyncio.shield(self._commit(batch))

    async def _commit(self, batch: list[Waiting]) -> None:
        members = [member for member, _future, _settled in batch]
        try:
            # aiosqlite's own way into its thread: a batch costs one hop, a statement each three
            results = await self._connection._execute(self._write_together, members)  # type: ignore[no-untyped-call]  # noqa: SLF001
        except ValueError as error:  # aiosqlite's word for a connection that is closed
            results = [StoreUnavailable(f"the store is closed: {error}")] * len(batch)
        for (_member, future, settled), result in zip(batch, results, strict=True):
            if settled:
                settled(result if isinstance(result, Exception) else None)
            if future.done():  # its caller went away
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _write_together(self, members: list[Member]) -> list[Any]:
        """In aiosqlite's thread: one transaction for all, or, if one of them fails, one for each."""
        connection = self._connection._conn  # noqa: SLF001 - the thread's own connection
        try:
            return self._transaction(connection, members)
        except Exception as error:  # noqa: BLE001 - given to the members below
            if len(members) == 1:
                return [_as_store_error(error)]
        results: list[Any] = []
        for member in members:
            try:
                results += self._transaction(connection, [member])
            except Exception as error:  # noqa: BLE001 - it fails alone
                results.append(_as_store_error(error))
        return results

    def _transaction(self, connection: sqlite3.Connection, members: list[Member]) -> list[Any]:
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


def _as_store_error(error: Exception) -> Exception:
    """An error of SQLite as one of ours; ours, and bugs, as they are."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, sqlite3.OperationalError | sqlite3.ProgrammingError):  # full, locked, gone, closed
        log.error("the store cannot write: %s", error, extra={"action": "store_unavailable"})
        return StoreUnavailable(f"the store cannot write: {error}")
    return error

"""
The Store port on one SQLite file, through aiosqlite.

One connection writes, in shared transactions (writer.py); another only reads, so that pages and
lists never wait for the writer, nor it for them.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from runner.engine.admission import Admitted, Delivery
from runner.engine.runs import (
    Claimed,
    Disposition,
    Event,
    Gate,
    Job,
    NewRun,
    Record,
    Run,
    Status,
    TurnEnd,
    move,
)
from runner.errors import StaleFence, StoreUnavailable
from runner.store import problem_rows
from runner.store.admission import admit, is_plain
from runner.store.common import CommonStore
from runner.store.migrate import migrate
from runner.store.nodes import NodeLock, is_dead, living
from runner.store.queries import SQL, Statement
from runner.store.rows import (
    end_parameters,
    event_of,
    event_parameters,
    new_run_parameters,
    record_of,
    record_parameters,
    run_of,
)
from runner.store.sqlite_transaction import SQLiteTransaction, at_once
from runner.store.tables import Transaction
from runner.store.turn_rows import wake_if_met, write_files
from runner.store.writer import Writer

T = TypeVar("T")

LOCK_WAIT_MILLISECONDS = (
    5000  # another process's transaction takes milliseconds; past this something is wrong
)
LOG_BYTES = 64 << 20  # that the log keeps on disk once it was brought into the file, after a burst too
STATEMENTS = 256  # more than all of ours: none is ever prepared twice
BACKLOG_REFRESH_SECONDS = 0.05  # counting 10,000 rows costs 0.2 ms: not with every commit


class SQLiteStore(CommonStore):
    """See `runner.engine.runs.Store`."""

    def __init__(self, writing: aiosqlite.Connection, reading: aiosqlite.Connection, nodes: Path) -> None:
        """Use `SQLiteStore.open`."""
        self.reading = reading
        self.backlog = 0
        self.held = 0
        self._writing = writing
        self.nodes = nodes
        self._backlog_counted_at = 0.0
        self._writer = Writer(writing, self._count_backlog)

    @classmethod
    async def open(cls, path: Path) -> SQLiteStore:
        """
        Open the database at *path*, made and brought up to date if need be.

        Raises:
            StoreUnavailable: it cannot be opened, or was written by a newer Hookline.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            writing = await aiosqlite.connect(
                path, isolation_level=None, cached_statements=STATEMENTS, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{path} cannot be opened: {error}") from error
        try:
            await writing.execute(f"PRAGMA busy_timeout={LOCK_WAIT_MILLISECONDS}")
            await writing.execute("PRAGMA auto_vacuum=INCREMENTAL")  # only before the first table
            await writing.execute("PRAGMA journal_mode=WAL")
            # FULL, not NORMAL: in WAL mode NORMAL can lose the last commits at a power cut
            # https://www.sqlite.org/pragma.html#pragma_synchronous
            await writing.execute("PRAGMA synchronous=FULL")
            await writing.execute("PRAGMA foreign_keys=ON")
            await writing.execute("PRAGMA recursive_triggers=ON")  # cancelling reaches children of children
            # what a row held before is overwritten in its page, so that forgetting finds no older traces
            await writing.execute("PRAGMA secure_delete=FAST")
            await writing.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
            await migrate(writing)
            reading = await aiosqlite.connect(f"file:{path}?mode=ro", uri=True, cached_statements=STATEMENTS)
        except (sqlite3.Error, StoreUnavailable) as error:
            await writing.close()  # its thread would outlive the process's end
            raise StoreUnavailable(f"{path} cannot be used: {error}") from error
        await reading.execute("PRAGMA query_only=ON")
        return cls(writing, reading, path.parent / "nodes")

    async def close(self) -> None:
        """Write what waits and close both connections: aiosqlite's threads keep a process alive."""
        await self._writer.close()
        await self._writing.close()
        await self.reading.close()

    # --- the engine's way -------------------------------------------------------------------

    async def accept(
        self,
        event: Event,
        runs: Sequence[NewRun],
        files: Mapping[str, bytes],
        *,
        delivery: Delivery | None = None,
        hold: Gate | None = None,
        settled: Callable[[Admitted | Exception], None] | None = None,
    ) -> Admitted:
        """Write an event of any disposition, its runs and its files, in one transaction."""
        parameters = event_parameters(event)
        rows = [new_run_parameters(run, event.id, event.received_at) for run in runs]
        handed = frozenset(run.id for run in runs if run.owner is not None)
        admitted = Admitted(event.disposition, event.id, runs[0].id if runs else None, handed)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(SQL["insert_event"], parameters)
            for row in rows:
                connection.execute(SQL["insert_run"], row)
            if files:
                at_once(write_files(SQLiteTransaction(connection), event.id, files, event.received_at))

        def judge(connection: sqlite3.Connection) -> None:
            nonlocal admitted
            transaction = SQLiteTransaction(connection)
            admitted = at_once(admit(transaction, event, runs, delivery=delivery, hold=hold))
            if files and admitted.disposition is not Disposition.DUPLICATE:
                at_once(write_files(transaction, event.id, files, event.received_at))

        def heard(error: Exception | None) -> None:
            if settled:
                settled(error or admitted)

        member = write if is_plain(runs, delivery, hold) else judge
        await self._writer.write(member, settled=heard if settled else None, is_quick=True)
        return admitted

    async def claim(self, jobs: Sequence[Job], *, node: str, now: float) -> list[Claimed]:
        """Take those of *jobs* that are still to be had: fence and turns go up by one."""

        def member(connection: sqlite3.Connection) -> list[Claimed]:
            claimed = []
            for job in jobs:
                row = connection.execute(
                    SQL["claim"], {"run_id": job.run_id, "turn": job.turn, "node": node, "now": now}
                ).fetchone()
                if row is not None:
                    claimed.append(_claimed(connection, row))
            return claimed

        return await self._writer.write(member, is_quick=True)

    async def record(self, run: Run, records: Sequence[Record], files: Mapping[str, bytes]) -> None:
        """Write *records* and *files* of a turn. Raises StaleFence."""
        rows = [record_parameters(run.id, record) for record in records]

        def member(connection: sqlite3.Connection) -> None:
            if connection.execute(SQL["fence"], {"run_id": run.id, "fence": run.fence}).fetchone() is None:
                raise StaleFence(f"run {run.id} is another worker's now")
            connection.executemany(SQL["upsert_record"], rows)
            connection.execute(SQL["progressed"], {"run_id": run.id})
            if files:
                at_once(write_files(SQLiteTransaction(connection), run.event_id, files, run.accepted_at))

        await self._writer.write(member, is_quick=True)

    async def finish(
        self, run: Run, end: TurnEnd, records: Sequence[Record], files: Mapping[str, bytes]
    ) -> None:
        """Write the end of a turn together with *records* not written yet. Raises StaleFence."""
        move(Status.RUNNING, end.status)
        parameters = end_parameters(run, end)
        rows = [record_parameters(run.id, record) for record in records]

        def member(connection: sqlite3.Connection) -> None:
            if connection.execute(SQL["finish"], parameters).rowcount == 0:
                raise StaleFence(f"run {run.id} is another worker's now")
            at_once(problem_rows.place(SQLiteTransaction(connection), run, end))
            if rows:
                connection.executemany(SQL["upsert_record"], rows)
            if end.status is Status.WAITING:
                at_once(wake_if_met(SQLiteTransaction(connection), run.id))
            if files:
                at_once(write_files(SQLiteTransaction(connection), run.event_id, files, run.accepted_at))

        await self._writer.write(member, is_quick=True)

    async def take_over(self, *, node: str, now: float) -> int:
        """Queue the runs of owners that are dead; how many there were."""
        owners = [owner for (owner,) in await self.read(SQL["owners"]) if owner != node]
        dead = [owner for owner in owners if is_dead(self.nodes, owner)]
        return sum([await self.execute(SQL["take_over"], owner=owner, now=now) for owner in dead])

    # --- housekeeping -----------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def present(self, node: str, *, address: str = "") -> AsyncIterator[None]:
        """While inside, this process holds the lock of *node*."""
        lock = NodeLock(self.nodes, node, address=address)
        try:
            yield
        finally:
            lock.release()

    async def living(self) -> list[str]:
        """The addresses of the processes that live; an empty text for one that does not serve."""
        return living(self.nodes)

    async def is_dead(self, node: str) -> bool:
        """Whether the process that is called *node* lives no more: its lock can be taken."""
        return is_dead(self.nodes, node)

    async def trim_rejected(self, *, keep: int, before: float) -> int:
        """Let go all but the last *keep* rejected events of each workflow, and those before *before*."""
        rows = await self.read(SQL["rejected_over"], keep=keep, before=before)
        if not rows:
            return 0

        def member(connection: sqlite3.Connection) -> int:
            for number, workflow in rows:
                connection.execute(SQL["delete_event"], {"number": number})
                connection.execute(SQL["count_let_go"], {"workflow": workflow})
            return len(rows)

        return await self._writer.write(member)

    async def checkpoint(self) -> None:
        """Bring the log into the database file, as far as readers allow."""
        await self.alone(lambda connection: connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())

    async def ping(self) -> None:
        """Raises StoreUnavailable when nothing can be written."""
        await self._writer.write(lambda _connection: None)

    # --- reading and writing ----------------------------------------------------------------

    async def read(self, statement: Statement, **parameters: Any) -> Sequence[Any]:
        """The rows of one statement outside of any transaction."""
        try:
            async with self.reading.execute(statement, parameters) as cursor:
                return list(await cursor.fetchall())
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error

    async def write(
        self,
        member: Callable[[Transaction], Awaitable[T]],
        *,
        settled: Callable[[T | Exception], None] | None = None,
        is_quick: bool = False,
    ) -> T:
        """Run *member* in a transaction that others may share."""
        results: list[T] = []

        def run(connection: sqlite3.Connection) -> T:
            results[:] = [at_once(member(SQLiteTransaction(connection)))]
            return results[0]

        def heard(error: Exception | None) -> None:
            if settled:
                settled(error or results[0])

        return await self._writer.write(run, settled=heard if settled else None, is_quick=is_quick)

    async def alone(self, member: Callable[[sqlite3.Connection], T]) -> T:
        """Run *member* on the writing connection between two transactions, for what SQLite allows in none."""
        return await self._writer.alone(member)

    def _count_backlog(self, connection: sqlite3.Connection) -> None:
        now = time.monotonic()
        if now - self._backlog_counted_at >= BACKLOG_REFRESH_SECONDS:
            self._backlog_counted_at = now
            self.backlog, self.held = connection.execute(SQL["backlog"]).fetchone()


def _claimed(connection: sqlite3.Connection, row: Sequence[Any]) -> Claimed:
    run = run_of(row)
    *found, keyed_as = connection.execute(SQL["event_of_run"], {"event_id": run.event_id}).fetchone()
    event = event_of(found)
    run = replace(run, keyed_as=keyed_as) if keyed_as else run
    rows = connection.execute(SQL["records_of_run"], {"run_id": run.id}).fetchall()
    files = connection.execute(SQL["files_of_event"], {"event_id": run.event_id}).fetchall()
    return Claimed(
        run,
        event,
        {record.path: record for record in map(record_of, rows)},
        frozenset(digest for (digest,) in files),
    )

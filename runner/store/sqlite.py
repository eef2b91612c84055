"""
The Store port on one SQLite file, through aiosqlite.

One connection writes, in shared transactions (writer.py); another only reads, so that pages and
lists never wait for the writer, nor it for them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiosqlite

from runner.engine.admission import Admitted, Delivery
from runner.engine.runs import (
    AS_IT_WAS,
    Claimed,
    Disposition,
    Event,
    Gate,
    Job,
    NewRun,
    Reason,
    Record,
    Replaying,
    Run,
    Status,
    TurnEnd,
    move,
)
from runner.engine.versions import Signed
from runner.errors import MoveRefused, NotFound, StaleFence, StoreUnavailable
from runner.language.basis import NO_BASIS, Basis
from runner.store import problem_rows
from runner.store.admission import admit, forget_deliveries, is_plain
from runner.store.again import go_on, start_anew, status_of
from runner.store.answer_rows import wake_answered
from runner.store.call_rows import wake_if_called_ended
from runner.store.migrate import migrate
from runner.store.nodes import is_dead
from runner.store.queries import SQL
from runner.store.rows import (
    basis_of,
    end_parameters,
    event_of,
    event_parameters,
    new_run_parameters,
    record_of,
    record_parameters,
    run_of,
    text_or_none,
    value_or_none,
    version_parameters,
)
from runner.store.versions import put_version
from runner.store.writer import Writer
from runner.values import Json

LOCK_WAIT_MILLISECONDS = (
    5000  # another process's transaction takes milliseconds; past this something is wrong
)
LOG_BYTES = 64 << 20  # that the log keeps on disk once it was brought into the file, after a burst too
STATEMENTS = 256  # more than all of ours: none is ever prepared twice
BACKLOG_REFRESH_SECONDS = 0.05  # counting 10,000 rows costs 0.2 ms: not with every commit


class SQLiteStore:
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
            write_files(connection, event.id, files, event.received_at)

        def judge(connection: sqlite3.Connection) -> None:
            nonlocal admitted
            admitted = admit(connection, event, runs, delivery=delivery, hold=hold)
            if admitted.disposition is not Disposition.DUPLICATE:
                write_files(connection, event.id, files, event.received_at)

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
            write_files(connection, run.event_id, files, run.accepted_at)

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
            problem_rows.place(connection, run, end)
            if rows:
                connection.executemany(SQL["upsert_record"], rows)
            if end.status is Status.WAITING:
                wake_if_called_ended(connection, run.id)
            wake_answered(connection, run.id, end)
            write_files(connection, run.event_id, files, run.accepted_at)

        await self._writer.write(member, is_quick=True)

    async def give_back(self, run: Run, *, due_at: float, is_stalled: bool = False) -> None:
        """Queue a run again whose turn we leave unfinished."""
        await self._execute("give_back", run_id=run.id, fence=run.fence, due_at=due_at, is_stalled=is_stalled)

    async def due(self, *, now: float, limit: int) -> list[Job]:
        """Runs that may be claimed now, those due longest first."""
        rows = await self._read("due", now=now, limit=limit)
        return [Job(run_id, turn) for run_id, turn in rows]

    async def next_due(self, *, now: float) -> float | None:
        """The earliest due time after *now*, or None."""
        rows = await self._read("next_due", now=now)
        earliest: float | None = rows[0][0]
        return earliest

    async def take_over(self, *, node: str, now: float) -> int:
        """Queue the runs of owners that are dead; how many there were."""
        owners = [owner for (owner,) in await self._read("owners") if owner != node]
        dead = [owner for owner in owners if is_dead(self.nodes, owner)]
        return sum([await self._execute("take_over", owner=owner, now=now) for owner in dead])

    async def cancels(self, *, node: str) -> dict[str, str | None]:
        """Runs of *node* that are asked to cancel, each with the run that replaces it (None: by a person)."""
        return dict(await self._read("cancels_of_node", node=node))

    async def forget_deliveries(self, *, now: float, most: int) -> int:
        """Delete at most *most* delivery keys that have expired; how many it were."""
        return await self._writer.write(lambda connection: forget_deliveries(connection, now, most))

    # --- versions, files, addresses ---------------------------------------------------------

    async def save_version(
        self,
        workflow: str,
        digest: str,
        source: str,
        *,
        now: float,
        basis: Basis = NO_BASIS,
        signed: Signed | None = None,
    ) -> int:
        """The number of this version of *workflow*, written if it is new."""
        if signed is None:
            known = await self._read("find_version", workflow=workflow, digest=digest)
            if known:
                return int(known[0][0])
        row = version_parameters(workflow, digest, source, basis, now)
        return await self._writer.write(lambda connection: put_version(connection, row, signed))

    async def newest_version(self, workflow: str) -> int | None:
        """The number of the workflow's newest version; None when it never had one."""
        ((newest,),) = await self._read("newest_version", workflow=workflow)
        return None if newest is None else int(newest)

    async def version_source(self, workflow: str, version: int) -> str:
        """The text of a version. Raises NotFound."""
        rows = await self._read("version_source", workflow=workflow, version=version)
        if not rows:
            raise NotFound(f"workflow {workflow} has no version {version}")
        return str(rows[0][0])

    async def version_basis(self, workflow: str, version: int) -> Basis:
        """What a version was read with beside its text. Raises NotFound."""
        rows = await self._read("version_basis", workflow=workflow, version=version)
        if not rows:
            raise NotFound(f"workflow {workflow} has no version {version}")
        return basis_of(rows[0])

    async def read_file(self, digest: str) -> bytes:
        """Stored bytes. Raises NotFound."""
        rows = await self._read("file_content", digest=digest)
        if not rows:
            raise NotFound(f"no file {digest} is stored")
        return bytes(rows[0][0])

    async def rotations(self) -> Mapping[str, int]:
        """How often addresses were changed, of all workflows where one ever was."""
        return {workflow: int(rotation) for workflow, rotation in await self._read("rotations")}

    # --- people at runs ---------------------------------------------------------------------

    async def answer_of(self, run_id: str) -> tuple[Status, str, Json, Json]:
        """A run's status, its reason's code, its answer and output. Raises NotFound."""
        rows = await self._read("answer_of", run_id=run_id)
        if not rows:
            raise NotFound(f"there is no run {run_id}")
        status, code, answer, output = rows[0]
        return Status(status), code or "", value_or_none(answer), value_or_none(output)

    async def cancel(self, run_id: str, *, now: float) -> Status:
        """Cancel a run: at once when nobody runs it, else at its next step. Raises NotFound, MoveRefused."""
        reason = Reason("cancelled", "Cancelled by a person before it ended.")

        def member(connection: sqlite3.Connection) -> Status:
            parameters = {"run_id": run_id, "now": now, "reason": text_or_none(reason.as_json())}
            if connection.execute(SQL["cancel_idle"], parameters).rowcount:
                return Status.CANCELLED
            if connection.execute(SQL["cancel_running"], parameters).rowcount:
                return Status.RUNNING
            raise MoveRefused(
                f"run {run_id} has ended as {status_of(connection, run_id)}; there is nothing to cancel"
            )

        return await self._writer.write(member)

    async def replay_failed(
        self, run_id: str, *, version: int | None, now: float, how: Replaying = AS_IT_WAS
    ) -> None:
        """Continue a failed run from its failed step. Raises NotFound, MoveRefused."""
        await self._writer.write(
            lambda connection: go_on(connection, run_id, version=version, now=now, how=how)
        )

    async def replay_start(self, run_id: str, new: NewRun, *, now: float, how: Replaying = AS_IT_WAS) -> None:
        """Start *new* on the event of an ended run. Raises NotFound, MoveRefused."""
        await self._writer.write(lambda connection: start_anew(connection, run_id, new, now=now, how=how))

    # --- housekeeping -----------------------------------------------------------------------

    async def trim_rejected(self, *, keep: int, before: float) -> int:
        """Let go all but the last *keep* rejected events of each workflow, and those before *before*."""
        rows = await self._read("rejected_over", keep=keep, before=before)
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
        await self._writer.alone(
            lambda connection: connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        )

    async def ping(self) -> None:
        """Raises StoreUnavailable when nothing can be written."""
        await self._writer.write(lambda _connection: None)

    # --- the vault's rows -------------------------------------------------------------------

    async def get_all(self) -> list[tuple[str, str, bytes]]:
        """All sealed values: kind, name, blob."""
        return [(kind, name, bytes(blob)) for kind, name, blob in await self._read("sealed_all")]

    async def put(self, kind: str, name: str, blob: bytes) -> None:
        """Keep a sealed value, in place of an earlier one."""
        await self._execute("sealed_put", kind=kind, name=name, blob=blob)

    async def delete(self, kind: str, name: str) -> bool:
        """Forget a sealed value; whether there was one."""
        return bool(await self._execute("sealed_delete", kind=kind, name=name))

    async def put_new(self, kind: str, name: str, blob: bytes) -> bool:
        """Keep a sealed value where there is none; whether it was kept."""
        return bool(await self._execute("sealed_put_new", kind=kind, name=name, blob=blob))

    async def swap(self, kind: str, name: str, old: bytes, new: bytes) -> bool:
        """Keep *new* where *old* stands; whether it stood there."""
        return bool(await self._execute("sealed_swap", kind=kind, name=name, old=old, new=new))

    # --- reading and writing one statement --------------------------------------------------

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            async with self.reading.execute(SQL[statement], parameters) as cursor:
                return list(await cursor.fetchall())
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error

    async def _execute(self, statement: str, **parameters: Any) -> int:
        return await self._writer.write(
            lambda connection: connection.execute(SQL[statement], parameters).rowcount
        )

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


def write_files(
    connection: sqlite3.Connection, event_id: str, files: Mapping[str, bytes], now: float
) -> None:
    """Keep *files*, by their digests, with an event: a part of a transaction."""
    for digest, content in files.items():
        connection.execute(
            SQL["insert_file"],
            {"digest": digest, "size": len(content), "created_at": now, "content": content},
        )
        connection.execute(SQL["insert_file_use"], {"event_id": event_id, "digest": digest})

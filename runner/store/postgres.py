"""
The Store port on PostgreSQL, through asyncpg, for one process or many.

It holds what SQLiteStore holds on the engine's way. What another process could get in the way of is
decided by row locks, by the lock of a line, and by the fence; a run that may be due has a job in
PgQueuer's table, put there by triggers in the transaction that makes it due.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from runner.engine.admission import Admitted, Delivery
from runner.engine.runs import (
    AS_IT_WAS,
    ENDED,
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
from runner.errors import MoveRefused, NotFound, StaleFence
from runner.language.basis import NO_BASIS, Basis
from runner.store.admission import is_plain
from runner.store.postgres_admission import admit
from runner.store.postgres_database import (
    AnswerLost,
    Connection,
    Database,
    Parameters,
    execute,
    execute_many,
    fetch,
    fetch_row,
)
from runner.store.postgres_rows import postgres_end, postgres_record, searchable
from runner.store.postgres_runs import (
    claimed_of,
    go_on,
    locked,
    start_anew,
    write_files,
    write_records,
)
from runner.store.postgres_schema import migrate
from runner.store.postgres_together import Together
from runner.store.rows import (
    basis_of,
    event_parameters,
    new_run_parameters,
    run_of,
    value_or_none,
    version_parameters,
)
from runner.values import Json

T = TypeVar("T")

BACKLOG_REFRESH_SECONDS = 0.25  # counting 10,000 rows costs some milliseconds: not with every commit
PATIENCE_SECONDS = 15.0  # without a sign of life from a node, before its runs are taken over
BEAT_SECONDS = 3.0  # between two signs of life


class PostgresStore:
    """See `runner.engine.runs.Store`."""

    def __init__(self, database: Database, *, patience_seconds: float) -> None:
        """Use `PostgresStore.open`."""
        self.backlog = 0
        self.held = 0
        self.database = database
        self._patience_seconds = patience_seconds
        self._backlog_counted_at = 0.0
        self._plain = Together(self._write_plain)
        self._doubtful: dict[str, int] = {}  # run id → turn that may have begun without anyone's knowing

    @classmethod
    async def open(cls, url: str, *, patience_seconds: float = PATIENCE_SECONDS) -> PostgresStore:
        """
        Open the database at *url* (postgresql://…), its tables made and brought up to date if need
        be. A node counts as dead after *patience_seconds* without a sign of life.

        Raises:
            StoreUnavailable: it cannot be reached, or was written by a newer Hookline.
        """
        database = await Database.open(url)
        try:
            await database.write(migrate)
        except BaseException:
            await database.close()
            raise
        return cls(database, patience_seconds=patience_seconds)

    async def close(self) -> None:
        """Let transactions in flight end, then disconnect."""
        await self._plain.finished()
        await self.database.close()

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

        def heard(result: Admitted | Exception) -> None:
            if isinstance(result, AnswerLost):
                self._doubtful |= {run.id: 1 for run in runs if run.owner is not None}
            if settled:
                settled(result)

        plain = is_plain(runs, delivery, hold)
        if plain and not files:
            return await self._accept_as_it_is(event, runs, heard)

        async def member(connection: Connection) -> Admitted:
            admitted = await admit(connection, event, runs, delivery=delivery, hold=hold)
            if plain:  # of whatever disposition
                admitted = replace(admitted, disposition=event.disposition)
            if admitted.disposition is not Disposition.DUPLICATE:
                await write_files(connection, event.id, files, event.received_at)
            return admitted

        return await self._write(member, settled=heard)

    async def claim(self, jobs: Sequence[Job], *, node: str, now: float) -> list[Claimed]:
        """Take those of *jobs* that are still to be had: fence and turns go up by one."""
        if not jobs:
            return []
        turns = {job.run_id: job.turn for job in jobs}
        row = {"run_ids": list(turns), "turns": list(turns.values()), "node": node, "now": now}

        async def member(connection: Connection) -> list[Claimed]:
            found = await fetch(connection, "claim", row)
            runs = {run.id: run for run in map(run_of, found)}
            return await claimed_of(connection, [runs[run_id] for run_id in turns if run_id in runs])

        try:
            claimed = await self._write(member)
        except AnswerLost:
            self._doubtful |= turns
            raise
        for one in claimed:
            self._doubtful.pop(one.run.id, None)
        return claimed

    async def record(self, run: Run, records: Sequence[Record], files: Mapping[str, bytes]) -> None:
        """Write *records* and *files* of a turn. Raises StaleFence."""
        rows = [postgres_record(run.id, record) for record in records]

        async def member(connection: Connection) -> None:
            if not await execute(connection, "progressed", {"run_id": run.id, "fence": run.fence}):
                raise StaleFence(f"run {run.id} is another worker's now")
            await write_records(connection, rows)
            await write_files(connection, run.event_id, files, run.accepted_at)

        await self._write(member)

    async def finish(
        self, run: Run, end: TurnEnd, records: Sequence[Record], files: Mapping[str, bytes]
    ) -> None:
        """Write the end of a turn together with *records* not written yet. Raises StaleFence."""
        move(Status.RUNNING, end.status)
        parameters = postgres_end(run, end)
        rows = [postgres_record(run.id, record) for record in records]

        async def member(connection: Connection) -> None:
            if not await execute(connection, "finish", parameters):
                if await fetch_row(connection, "is_finished", parameters):
                    return  # by our own first attempt, whose answer was lost
                raise StaleFence(f"run {run.id} is another worker's now")
            await write_records(connection, rows)
            await write_files(connection, run.event_id, files, run.accepted_at)

        await self._write(member)

    async def give_back(self, run: Run, *, due_at: float, is_stalled: bool = False) -> None:
        """Queue a run again whose turn we leave unfinished."""
        await self._execute("give_back", run_id=run.id, fence=run.fence, due_at=due_at, is_stalled=is_stalled)

    async def due(self, *, now: float, limit: int) -> list[Job]:
        """Runs that may be claimed now, those due longest first."""
        rows = await self.database.read("due", now=now, limit=limit)
        return [Job(run_id, turn) for run_id, turn in rows]

    async def next_due(self, *, now: float) -> float | None:
        """The earliest due time after *now*, or None."""
        rows = await self.database.read("next_due", now=now)
        earliest: float | None = rows[0][0]
        return earliest

    async def take_over(self, *, node: str, now: float) -> int:
        """Queue the runs of owners that are dead; how many there were."""
        doubtful = dict(self._doubtful)

        async def member(connection: Connection) -> int:
            if doubtful:
                lost = {"run_ids": list(doubtful), "turns": list(doubtful.values()), "node": node, "now": now}
                await execute(connection, "release_doubtful", lost)
            dead = {"node": node, "patience": self._patience_seconds}
            owners = [owner for (owner,) in await fetch(connection, "dead_owners", dead)]
            await execute(connection, "forget_dead", {})
            return await execute(connection, "take_over", {"owners": owners, "now": now}) if owners else 0

        count = await self._write(member)
        for run_id in doubtful:
            self._doubtful.pop(run_id, None)
        return count

    async def beat(self, node: str) -> None:
        """Say that *node* lives: before its first claim, and every BEAT_SECONDS from then on."""
        await self._execute("beat", node=node)

    async def forget_node(self, node: str) -> None:
        """Say that *node* is gone."""
        await self._execute("forget_node", node=node)

    async def cancels(self, *, node: str) -> dict[str, str | None]:
        """Runs of *node* that are asked to cancel, each with the run that replaces it (None: by a person)."""
        rows = await self.database.read("cancels_of_node", node=node)
        return {str(run_id): by for run_id, by in rows}

    async def forget_deliveries(self, *, now: float, most: int) -> int:
        """Delete at most *most* delivery keys that have expired; how many it were."""
        return await self._execute("forget_deliveries", now=now, most=most)

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
        parameters = version_parameters(workflow, digest, source, basis, now)
        parameters |= {"author": None, "message": None}
        if signed:
            parameters |= {"author": signed.by, "message": signed.message}

        async def member(connection: Connection) -> int:
            await fetch(connection, "lock_versions", parameters)
            row = await fetch_row(connection, "newest_if" if signed else "find_version", parameters)
            if signed and row:
                await execute(connection, "sign_version", {**parameters, "version": row[0]})
            row = row or await fetch_row(connection, "insert_version", parameters)
            assert row is not None
            return int(row[0])

        known = None
        if signed is None:
            known = await self.database.read("find_version", workflow=workflow, digest=digest)
        return int(known[0][0]) if known else await self._write(member)

    async def newest_version(self, workflow: str) -> int | None:
        """The number of the workflow's newest version; None when it never had one."""
        ((newest,),) = await self.database.read("newest_version", workflow=workflow)
        return None if newest is None else int(newest)

    async def version_source(self, workflow: str, version: int) -> str:
        """The text of a version. Raises NotFound."""
        rows = await self.database.read("version_source", workflow=workflow, version=version)
        if not rows:
            raise NotFound(f"workflow {workflow} has no version {version}")
        return str(rows[0][0])

    async def version_basis(self, workflow: str, version: int) -> Basis:
        """What a version was read with beside its text. Raises NotFound."""
        rows = await self.database.read("version_basis", workflow=workflow, version=version)
        if not rows:
            raise NotFound(f"workflow {workflow} has no version {version}")
        return basis_of(rows[0])

    async def read_file(self, digest: str) -> bytes:
        """Stored bytes. Raises NotFound."""
        rows = await self.database.read("file_content", digest=digest)
        if not rows:
            raise NotFound(f"no file {digest} is stored")
        return bytes(rows[0][0])

    async def rotation(self, workflow: str) -> int:
        """How often the workflow's address was changed."""
        rows = await self.database.read("rotation", workflow=workflow)
        return int(rows[0][0]) if rows else 0

    async def rotations(self) -> Mapping[str, int]:
        """How often addresses were changed, of all workflows where one ever was."""
        return {workflow: int(rotation) for workflow, rotation in await self.database.read("rotations")}

    async def rotate(self, workflow: str) -> int:
        """Change the workflow's address; the new rotation."""

        async def member(connection: Connection) -> int:
            row = await fetch_row(connection, "rotate", {"workflow": workflow})
            assert row is not None
            return int(row[0])

        return await self._write(member)

    # --- people at runs ---------------------------------------------------------------------

    async def answer_of(self, run_id: str) -> tuple[Status, str, Json, Json]:
        """A run's status, its reason's code, its answer and output. Raises NotFound."""
        rows = await self.database.read("answer_of", run_id=run_id)
        if not rows:
            raise NotFound(f"there is no run {run_id}")
        status, code, answer, output = rows[0]
        return Status(status), code or "", value_or_none(answer), value_or_none(output)

    async def cancel(self, run_id: str, *, now: float) -> Status:
        """Cancel a run: at once when nobody runs it, else at its next step. Raises NotFound, MoveRefused."""
        reason = Reason("cancelled", "Cancelled by a person before it ended.")

        async def member(connection: Connection) -> Status:
            status, *_rest = await locked(connection, run_id)
            if status in ENDED:
                raise MoveRefused(f"run {run_id} has ended as {status}; there is nothing to cancel")
            if status == Status.RUNNING:
                await execute(connection, "cancel_running", {"run_id": run_id})
                return Status.RUNNING
            row = {"run_id": run_id, "now": now, "reason": searchable(reason.as_json())}
            await execute(connection, "cancel_idle", row)
            return Status.CANCELLED

        return await self._write(member)

    async def replay_failed(
        self, run_id: str, *, version: int | None, now: float, how: Replaying = AS_IT_WAS
    ) -> None:
        """Continue a failed run from its failed step. Raises NotFound, MoveRefused."""
        await self._write(lambda connection: go_on(connection, run_id, version=version, now=now, how=how))

    async def replay_start(self, run_id: str, new: NewRun, *, now: float, how: Replaying = AS_IT_WAS) -> None:
        """Start *new* on the event of an ended run. Raises NotFound, MoveRefused."""
        await self._write(lambda connection: start_anew(connection, run_id, new, now=now, how=how))

    # --- housekeeping and the vault's rows --------------------------------------------------

    async def trim_rejected(self, *, keep: int, before: float) -> int:
        """Let go all but the last *keep* rejected events of each workflow, and those before *before*."""

        async def member(connection: Connection) -> int:
            row = await fetch_row(connection, "trim_rejected", {"keep": keep, "before": before})
            assert row is not None
            return int(row[0])

        return await self._write(member)

    async def ping(self) -> None:
        """Raises StoreUnavailable when nothing can be written."""
        await self._write(_begin_writing)

    async def get_all(self) -> list[tuple[str, str, bytes]]:
        """All sealed values: kind, name, blob."""
        return [(kind, name, bytes(blob)) for kind, name, blob in await self.database.read("sealed_all")]

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

    # --- writing ----------------------------------------------------------------------------

    async def _accept_as_it_is(
        self, event: Event, runs: Sequence[NewRun], heard: Callable[[Admitted | Exception], None]
    ) -> Admitted:
        """Accept where there is nothing to decide, and so nothing to lock: in a shared transaction."""
        handed = frozenset(run.id for run in runs if run.owner is not None)
        admitted = Admitted(event.disposition, event.id, runs[0].id if runs else None, handed)
        future: asyncio.Future[Admitted] = asyncio.get_running_loop().create_future()

        def settled(error: Exception | None) -> None:
            heard(error or admitted)
            if future.done():  # its caller went away
                return
            if error:
                future.set_exception(error)
            else:
                future.set_result(admitted)

        rows = [new_run_parameters(run, event.id, event.received_at) for run in runs]
        self._plain.add((event_parameters(event), rows), settled)
        return await future

    async def _write_plain(self, items: Sequence[tuple[Parameters, list[dict[str, Any]]]]) -> None:
        async def member(connection: Connection) -> None:
            await execute_many(connection, "insert_event", [event for event, _runs in items])
            await execute_many(connection, "insert_run", [run for _event, runs in items for run in runs])

        await self._write(member)

    async def _execute(self, statement: str, **parameters: Any) -> int:
        return await self._write(lambda connection: execute(connection, statement, parameters))

    async def _write(
        self,
        member: Callable[[Connection], Awaitable[T]],
        *,
        settled: Callable[[T | Exception], None] | None = None,
    ) -> T:
        async def counting(connection: Connection) -> T:
            result = await member(connection)
            now = time.monotonic()
            if now - self._backlog_counted_at >= BACKLOG_REFRESH_SECONDS:
                self._backlog_counted_at = now
                row = await fetch_row(connection, "backlog", {})
                assert row is not None
                self.backlog, self.held = row
            return result

        return await self.database.write(counting, settled=settled)


async def _begin_writing(connection: Connection) -> None:
    """Refused by a server that only reads."""
    await fetch(connection, "begin_writing", {})

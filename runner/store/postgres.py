"""
The Store port on PostgreSQL, through asyncpg, for one process or many.

It holds what SQLiteStore holds on the engine's way. What another process could get in the way of is
decided by row locks, by the lock of a line, and by the fence; a run that may be due has a job in
PgQueuer's table, put there by triggers in the transaction that makes it due.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

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
from runner.store.admission import admit, delivery_parameters, is_plain
from runner.store.answer_rows import lock_waiting
from runner.store.common import PATIENCE_SECONDS, CommonStore
from runner.store.postgres_batches import (
    Arrival,
    Step,
    write_arrivals,
    write_records,
    write_steps,
)
from runner.store.postgres_database import AnswerLost, Database, PostgresTransaction
from runner.store.postgres_schema import migrate
from runner.store.postgres_together import Together
from runner.store.queries import SQL, Statement, read
from runner.store.rows import (
    end_parameters,
    event_of,
    event_parameters,
    new_run_parameters,
    record_of,
    record_parameters,
    run_of,
)
from runner.store.tables import Transaction
from runner.store.turn_rows import wake_if_met, write_files

POSTGRES = read("postgres.sql")

T = TypeVar("T")

BACKLOG_REFRESH_SECONDS = 0.25  # counting 10,000 rows costs some milliseconds: not with every commit
BEAT_SECONDS = 3.0  # between two signs of life


class PostgresStore(CommonStore):
    """See `runner.engine.runs.Store`."""

    def __init__(self, database: Database, *, patience_seconds: float) -> None:
        """Use `PostgresStore.open`."""
        self.backlog = 0
        self.held = 0
        self.database = database
        self._patience_seconds = patience_seconds
        self._backlog_counted_at = 0.0
        self._arrivals = Together(self._write_arrivals)
        self._turns = Together(self._write_turns)
        self._entangled: set[str] = set()  # workflows of which a run stood in a line or was waited for
        self._tasks: set[asyncio.Task[Any]] = set()
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
            await database.write(_migrate)
        except BaseException:
            await database.close()
            raise
        return cls(database, patience_seconds=patience_seconds)

    async def close(self) -> None:
        """Let transactions in flight end, then disconnect."""
        await self._arrivals.finished()
        await self._turns.finished()
        await asyncio.gather(*self._tasks, return_exceptions=True)
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

        async def member(transaction: Transaction) -> Admitted:
            admitted = await admit(transaction, event, runs, delivery=delivery, hold=hold)
            if plain:  # of whatever disposition
                admitted = replace(admitted, disposition=event.disposition)
            if admitted.disposition is not Disposition.DUPLICATE:
                await write_files(transaction, event.id, files, event.received_at)
            return admitted

        is_shared = plain or (event.disposition is Disposition.ACCEPTED and is_plain(runs, None, hold))
        if files or not is_shared:
            return await self.write(member, settled=heard)
        future: asyncio.Future[Admitted] = asyncio.get_running_loop().create_future()

        def known(result: Admitted | Exception) -> None:
            heard(result)
            if future.done():  # its caller went away
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        def settled_together(result: bool | Exception) -> None:
            if isinstance(result, Exception):
                known(result)
            elif result:
                known(admitted)
            else:  # its delivery key is another's: decided for itself
                self._apart(self.write(member, settled=known))

        handed = frozenset(run.id for run in runs if run.owner is not None)
        admitted = Admitted(event.disposition, event.id, runs[0].id if runs else None, handed)
        rows = [new_run_parameters(run, event.id, event.received_at) for run in runs]
        taking = None if delivery is None else delivery_parameters(event, delivery)
        self._arrivals.add(Arrival(event_parameters(event), rows, taking), settled_together)
        return await future

    async def claim(self, jobs: Sequence[Job], *, node: str, now: float) -> list[Claimed]:
        """Take those of *jobs* that are still to be had: fence and turns go up by one."""
        if not jobs:
            return []
        turns = {job.run_id: job.turn for job in jobs}
        row = {"run_ids": list(turns), "turns": list(turns.values()), "node": node, "now": now}

        async def member(transaction: Transaction) -> list[Claimed]:
            found = await transaction.rows(POSTGRES["claim_all"], row)
            runs = {run.id: run for run in map(run_of, found)}
            return await _claimed(transaction, [runs[run_id] for run_id in turns if run_id in runs])

        try:
            claimed = await self.write(member)
        except AnswerLost:
            self._doubtful |= turns
            raise
        for one in claimed:
            self._doubtful.pop(one.run.id, None)
        return claimed

    async def record(self, run: Run, records: Sequence[Record], files: Mapping[str, bytes]) -> None:
        """Write *records* and *files* of a turn. Raises StaleFence."""
        rows = [record_parameters(run.id, record) for record in records]
        fence = {"run_id": run.id, "fence": run.fence}
        if not files:
            if not await self._turns.put(Step(fence, rows)):
                raise StaleFence(f"run {run.id} is another worker's now")
            return

        async def member(transaction: Transaction) -> None:
            if not await transaction.execute(POSTGRES["progress"], fence):
                raise StaleFence(f"run {run.id} is another worker's now")
            await write_records(transaction, rows)
            await write_files(transaction, run.event_id, files, run.accepted_at)

        await self.write(member)

    async def finish(
        self, run: Run, end: TurnEnd, records: Sequence[Record], files: Mapping[str, bytes]
    ) -> None:
        """Write the end of a turn together with *records* not written yet. Raises StaleFence."""
        move(Status.RUNNING, end.status)
        parameters = end_parameters(run, end)
        rows = [record_parameters(run.id, record) for record in records]
        ends_alone = end.ended_at is not None and end.trouble is None and not files
        if ends_alone and run.workflow not in self._entangled:
            fence = {"run_id": run.id, "fence": run.fence}
            if await self._turns.put(Step(fence, rows, parameters)):
                return
            self._entangled.add(run.workflow)

        async def member(transaction: Transaction) -> None:
            waits = end.status is Status.WAITING
            if waits:
                await lock_waiting(transaction, run.id)
            if not await transaction.execute(SQL["finish"], parameters):
                if await transaction.row(POSTGRES["is_finished"], parameters):
                    return  # by our own first attempt, whose answer was lost
                raise StaleFence(f"run {run.id} is another worker's now")
            await write_records(transaction, rows)
            await problem_rows.place(transaction, run, end)
            if waits:
                await wake_if_met(transaction, run.id)
            await write_files(transaction, run.event_id, files, run.accepted_at)

        await self.write(member)

    async def take_over(self, *, node: str, now: float) -> int:
        """Queue the runs of owners that are dead; how many there were."""
        doubtful = dict(self._doubtful)

        async def member(transaction: Transaction) -> int:
            if doubtful:
                lost = {"run_ids": list(doubtful), "turns": list(doubtful.values()), "node": node, "now": now}
                await transaction.execute(POSTGRES["release_doubtful"], lost)
            dead = {"node": node, "patience": self._patience_seconds}
            owners = [owner for (owner,) in await transaction.rows(POSTGRES["dead_owners"], dead)]
            await transaction.execute(POSTGRES["forget_dead"])
            if not owners:
                return 0
            return await transaction.execute(POSTGRES["take_over_all"], {"owners": owners, "now": now})

        count = await self.write(member)
        for run_id in doubtful:
            self._doubtful.pop(run_id, None)
        return count

    @contextlib.asynccontextmanager
    async def present(self, node: str, *, address: str = "") -> AsyncIterator[None]:
        """While inside, *node* gives signs of life, again when the database comes back."""
        await self.beat(node, address=address)
        leaves = asyncio.Event()
        beating = asyncio.create_task(self._beat_on(node, address, leaves))
        try:
            yield
        finally:
            leaves.set()
            await beating  # not cancelled: a beat on its way would come after the word that we are gone
            with contextlib.suppress(StoreUnavailable):  # others notice after a while
                await self.forget_node(node)

    async def living(self) -> list[str]:
        """The addresses of the processes that live; an empty text for one that does not serve."""
        rows = await self.read(POSTGRES["living"], patience=self._patience_seconds)
        return [str(address) for (address,) in rows]

    async def beat(self, node: str, *, address: str = "") -> None:
        """Say that *node* lives: before its first claim, and every BEAT_SECONDS from then on."""
        await self.execute(POSTGRES["beat"], node=node, address=address)

    async def _beat_on(self, node: str, address: str, leaves: asyncio.Event) -> None:
        while not leaves.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(leaves.wait(), min(BEAT_SECONDS, self._patience_seconds / 4))
                return
            with contextlib.suppress(StoreUnavailable):  # which is said already
                await self.beat(node, address=address)

    async def forget_node(self, node: str) -> None:
        """Say that *node* is gone."""
        await self.execute(POSTGRES["forget_node"], node=node)

    # --- housekeeping --------------------------------------------------

    async def is_dead(self, node: str) -> bool:
        """Whether the process that is called *node* gave no sign of life for too long."""
        ((lives,),) = await self.read(POSTGRES["lives"], node=node, patience=self._patience_seconds)
        return not lives

    async def trim_rejected(self, *, keep: int, before: float) -> int:
        """Let go all but the last *keep* rejected events of each workflow, and those before *before*."""

        async def member(transaction: Transaction) -> int:
            row = await transaction.one(POSTGRES["trim_rejected"], {"keep": keep, "before": before})
            return int(row[0])

        return await self.write(member)

    async def ping(self) -> None:
        """Raises StoreUnavailable when nothing can be written."""
        await self.write(_begin_writing)

    # --- writing ----------------------------------------------------------------------------

    async def _write_arrivals(self, arrivals: Sequence[Arrival]) -> Sequence[bool]:
        return await self._write(lambda transaction: write_arrivals(transaction, arrivals))

    async def _write_turns(self, steps: Sequence[Step]) -> Sequence[bool]:
        return await self._write(lambda transaction: write_steps(transaction, steps))

    def _apart(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do *work*, of which whoever waits for it hears in another way, in a task of its own."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # told already

    # --- reading and writing ----------------------------------------------------------------

    async def read(self, statement: Statement, **parameters: Any) -> Sequence[Any]:
        """The rows of one statement outside of any transaction."""
        return await self.database.read(statement, **parameters)

    async def write(
        self,
        member: Callable[[Transaction], Awaitable[T]],
        *,
        settled: Callable[[T | Exception], None] | None = None,
        is_quick: bool = False,  # noqa: ARG002 - none holds up another here
    ) -> T:
        """Run *member* in a transaction of its own."""
        return await self._write(member, settled=settled)

    async def _write(
        self,
        member: Callable[[PostgresTransaction], Awaitable[T]],
        *,
        settled: Callable[[T | Exception], None] | None = None,
    ) -> T:
        """As `write`, and count the backlog now and then."""

        async def counting(transaction: PostgresTransaction) -> T:
            result = await member(transaction)
            now = time.monotonic()
            if now - self._backlog_counted_at >= BACKLOG_REFRESH_SECONDS:
                self._backlog_counted_at = now
                self.backlog, self.held = await transaction.one(SQL["backlog"])
            return result

        return await self.database.write(counting, settled=settled)


async def _migrate(transaction: PostgresTransaction) -> None:
    await migrate(transaction.connection)


async def _begin_writing(transaction: Transaction) -> None:
    """Refused by a server that only reads."""
    await transaction.row(POSTGRES["begin_writing"])


async def _claimed(transaction: Transaction, runs: Sequence[Run]) -> list[Claimed]:
    """*runs* with all that their turns need."""
    if not runs:
        return []
    run_ids = {"run_ids": [run.id for run in runs]}
    event_ids = {"event_ids": list({run.event_id for run in runs})}
    events: dict[str, Event] = {}
    keyed_as: dict[str, str | None] = {}
    for *columns, slug in await transaction.rows(POSTGRES["events_of_runs"], event_ids):
        event = event_of(columns)
        events[event.id], keyed_as[event.id] = event, slug
    records: defaultdict[str, dict[str, Record]] = defaultdict(dict)
    for row in await transaction.rows(POSTGRES["records_of_runs"], run_ids):
        record = record_of(row)
        records[row[-1]][record.path] = record
    files: defaultdict[str, set[str]] = defaultdict(set)
    for event_id, digest in await transaction.rows(POSTGRES["files_of_events"], event_ids):
        files[event_id].add(digest)
    return [
        Claimed(
            replace(run, keyed_as=slug) if (slug := keyed_as[run.event_id]) else run,
            events[run.event_id],
            records[run.id],
            frozenset(files[run.event_id]),
        )
        for run in runs
    ]

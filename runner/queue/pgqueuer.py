"""
The Queue port over PgQueuer, for many processes on one PostgreSQL.

A job is `run_id:turn`. The store's triggers put it into PgQueuer's table in the transaction that
makes the run due, and take it out in the one that claims, cancels or ends it: that is its
acknowledgement. We ask PgQueuer for exactly as many jobs as there is room for; its own
QueueManager would pick jobs ahead and keep them from processes that are idle.

A job that was picked and not claimed goes back with the next `take`; if its process died,
PgQueuer gives it again when its heartbeat is old. A job that is lost all the same is made anew from
the run's row.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

from runner.engine.runs import Job
from runner.errors import StoreUnavailable

if TYPE_CHECKING:
    from pgqueuer.domain.models import Job as Picked

TURN = QueueEntrypoint("turn")
LOOK_SECONDS = 2.0  # how late a job is found whose announcement was lost
MEND_SECONDS = 5.0  # between two searches for due runs without a job
TIDY_SECONDS = 60.0
HEARTBEAT_TIMEOUT = timedelta(seconds=15)  # of a job that was picked: its process died before the claim
# Jobs that could not be claimed are tried again when the clock stands at a multiple of this: all at one
# time, so that one process gets all of a line, of which each begins only after those before it.
PUT_BACK_SECONDS = 0.05
ANSWER_SECONDS = 10.0
LONGEST_PICK = 256  # jobs

PUT_BACK = """
UPDATE pgqueuer SET status = 'queued', queue_manager_id = NULL,
                    execute_after = coalesce(
                        to_timestamp(ceil(extract(epoch FROM clock_timestamp()) / nullif($2, 0.0)) * $2),
                        clock_timestamp())
WHERE queue_manager_id = $1 AND status = 'picked'
"""
MEND = """
INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, status)
SELECT 0, 'turn', convert_to(job, 'UTF8'), now(), job, 'queued'
FROM (SELECT id || ':' || (turns + 1) AS job FROM runs
      WHERE status IN ('queued', 'waiting') AND slot IS DISTINCT FROM 'waits'
        AND due_at < extract(epoch FROM now()) - 1
        AND NOT EXISTS (SELECT 1 FROM pgqueuer
                        WHERE dedupe_key = runs.id || ':' || (runs.turns + 1)
                          AND status IN ('queued', 'picked'))
      ORDER BY due_at LIMIT 1000) AS lost
ON CONFLICT DO NOTHING
"""

AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

log = logging.getLogger(__name__)


class PgQueuerQueue:
    """
    See `runner.engine.runs.Queue`. It has a connection of its own, for picking and for being told,
    made when it is needed and again when it broke; `close` ends it.
    """

    def __init__(self, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._monotonic = monotonic
        self._manager = QueueManagerId(uuid.uuid4())
        self._woken = asyncio.Event()
        self._connection: Any = None  # asyncpg has no types
        self._jobs: Queries
        self._mended_at = self._tidied_at = monotonic()

    def wake(self, due_at: float | None = None) -> None:
        """Something may be due now. What is due later is known to the database."""
        if due_at is None:
            self._woken.set()

    async def take(self, room: int) -> list[Job]:
        """
        At most *room* due jobs; waits until there is one. The caller claims them before it asks again.

        Raises:
            StoreUnavailable: the database is away; asking again connects again.
        """
        try:
            return await self._take(min(room, LONGEST_PICK))
        except AWAY as error:
            await self.close()
            raise StoreUnavailable(f"the queue cannot be read: {error or type(error).__name__}") from error

    async def close(self) -> None:
        """Give back jobs that were picked and not claimed, and disconnect."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.remove_termination_listener(self._lost)
            with contextlib.suppress(*AWAY):
                await connection.execute(PUT_BACK, self._manager, 0.0, timeout=1)
                await connection.close(timeout=1)
            connection.terminate()

    async def _take(self, room: int) -> list[Job]:
        while True:
            if self._connection is None:
                await self._connect()
            self._woken.clear()  # before the look: what comes during it is looked at again
            # not due yet by the clock of our caller, or its claim failed
            await self._connection.execute(PUT_BACK, self._manager, PUT_BACK_SECONDS)
            await self._keep_up()
            if jobs := await self._pick(room):
                return jobs
            pause = await self._pause()
            if jobs := await self._pick(room):  # what became due between the look and the question
                return jobs
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def _pick(self, room: int) -> list[Job]:
        picked = await self._jobs.dequeue(
            batch_size=room,
            entrypoints={TURN: EntrypointExecutionParameter(concurrency_limit=0)},
            queue_manager_id=self._manager,
            global_concurrency_limit=None,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
        )
        return [_job_of(job) for job in picked]

    async def _pause(self) -> float:
        """Seconds until a job is due, or until it is time to look anyway."""
        later = await self._jobs.next_deferred_eta([TURN])
        if later is None:
            return LOOK_SECONDS
        return min(LOOK_SECONDS, max(0.0, later.total_seconds()) + 0.001)  # PgQueuer wants it to be past

    async def _connect(self) -> None:
        connection = await asyncpg.connect(
            self._url,
            timeout=ANSWER_SECONDS,
            command_timeout=ANSWER_SECONDS,
            server_settings={"application_name": "hookline queue", "jit": "off"},
        )
        self._connection = connection
        self._jobs = Queries.from_asyncpg_connection(connection)
        connection.add_termination_listener(self._lost)
        await connection.add_listener(self._jobs.qbe.settings.channel, self._told)

    async def _keep_up(self) -> None:
        now = self._monotonic()
        if now - self._mended_at >= MEND_SECONDS:
            self._mended_at = now
            mended = int((await self._connection.execute(MEND)).rpartition(" ")[2])
            if mended:
                log.warning("%d due runs had no job", mended, extra={"action": "jobs_mended"})
        if now - self._tidied_at >= TIDY_SECONDS:
            self._tidied_at = now
            await self._jobs.aggregate_logs()
            await self._jobs.clear_queue_log(TURN)  # a row for each pick, for ever otherwise

    def _told(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        """A change of PgQueuer's table. Jobs that go away are no news."""
        if isinstance(payload, str) and orjson.loads(payload).get("operation") == "insert":
            self._woken.set()

    def _lost(self, _connection: object) -> None:
        """The connection ended: whoever waits goes on, and finds that out."""
        self._woken.set()


def _job_of(picked: Picked) -> Job:
    assert picked.payload is not None
    run_id, _, turn = picked.payload.decode().rpartition(":")
    return Job(run_id, int(turn))

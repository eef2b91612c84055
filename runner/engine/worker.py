"""
The worker: claims runs, gives each its turn, and records the end of it.

Turns are tasks of this process, at most `places` at a time. A run that waits holds no place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.engine.about import be_about
from runner.engine.admission import replaced_by
from runner.engine.execute import execute
from runner.engine.names import bounds_of, payload_of
from runner.engine.problems import trouble_of
from runner.engine.redact import Veil, veil_of_turn
from runner.engine.runs import Claimed, Reason, Status, TurnEnd
from runner.engine.splitting import item_at, items_of
from runner.engine.tracing import CURRENT, report_turn, run_context
from runner.engine.turn import STORE_PAUSE_SECONDS, Stopped, Tools, Turn, persistently
from runner.errors import InboundError, LanguageError, NotFound, StaleFence, StoreUnavailable
from runner.language.secrets import masked
from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.library import Library
    from runner.engine.measures import Measures
    from runner.engine.runs import Queue, Record, Run
    from runner.language.workflow import Workflow

PLACES = 64  # turns at a time: enough to keep a slow destination from filling the process
UNREAD: Json = object()  # a payload that has to be decoded from its event; null is a payload
BUG_PAUSE_SECONDS = 5.0  # before a run that met a bug of ours is taken up again

log = logging.getLogger(__name__)


class Worker:
    """
    One process's worker. `on_end(run id, end)` tells whoever waits for a run of this process.

    `start` takes over a run that is claimed already (handed over by accept); `run` claims others
    until it is cancelled; `drain` lets the turns in hand end and gives back what does not.
    """

    def __init__(
        self,
        *,
        node: str,
        tools: Tools,
        library: Library,
        queue: Queue,
        on_end: Callable[[str, TurnEnd], None],
        places: int = PLACES,
    ) -> None:
        self.node = node
        self.queue = queue
        self._tools = tools
        self._library = library
        self._on_end = on_end
        self._places = places
        self._reserved = 0
        self._turns: dict[str, tuple[asyncio.Task[None], Claimed]] = {}
        self._in_hand: dict[str, Turn] = {}
        self._place_left = asyncio.Event()
        self._draining = False
        self._split: tuple[tuple[str, int], Sequence[Json] | None] | None = None

    def has_room(self) -> bool:
        """Whether another run could begin at once."""
        return not self._draining and len(self._turns) + self._reserved < self._places

    def reserve(self) -> None:
        """Hold a place for a run that is being committed; `start` takes it, `unreserve` lets it go."""
        self._reserved += 1

    def unreserve(self) -> None:
        """The commit failed, or its run begins now."""
        self._reserved -= 1
        self._place_left.set()

    def start(self, claimed: Claimed, *, payload: Json = UNREAD) -> None:
        """Give *claimed* its turn, with the event's *payload* if that is decoded already."""
        task = asyncio.create_task(self._turn(claimed, payload))
        self._turns[claimed.run.id] = (task, claimed)

    async def run(self) -> None:
        """Claim what is due, as far as there is room, until cancelled."""
        while True:
            while not self.has_room():
                self._place_left.clear()
                await self._place_left.wait()
            try:
                jobs = await self.queue.take(self._places - len(self._turns) - self._reserved)
                claimed = await self._tools.store.claim(jobs, node=self.node, now=self._tools.clock())
            except StoreUnavailable:
                await asyncio.sleep(STORE_PAUSE_SECONDS)
                continue
            for one in claimed:
                self.start(one)

    def cancel(self, asked: Mapping[str, str | None]) -> None:
        """
        Let those runs that are in hand end at their next step: *asked* has for each the run that
        replaces it, or None where a person cancelled it.
        """
        for run_id in asked.keys() & self._in_hand.keys():
            self._in_hand[run_id].stopped = _cancelled(asked[run_id])

    async def drain(self, grace_seconds: float) -> None:
        """Wait for the turns in hand, then interrupt the rest: their runs go on at the next start."""
        self._draining = True
        tasks = [task for task, _claimed in self._turns.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_seconds)
        rest = list(self._turns.values())
        for task, _claimed in rest:
            task.cancel()
        await asyncio.gather(*(task for task, _claimed in rest), return_exceptions=True)
        for _task, claimed in rest:
            with contextlib.suppress(StoreUnavailable):  # the next start finds it by our missing lock
                await self._tools.store.give_back(claimed.run, due_at=self._tools.clock())

    async def _turn(self, claimed: Claimed, payload: Json) -> None:
        """From claimed to recorded. The worker's outermost line: nothing may end it but its own end."""
        run = claimed.run
        be_about(run=run.id, event=run.event_id, workflow=run.workflow)
        try:
            await self._execute_and_record(claimed, payload)
        except StaleFence:
            log.info("run %s is another worker's now", run.id, extra={"action": "stale_fence"})
        except StoreUnavailable as error:
            log.warning("run %s has to wait: %s", run.id, error, extra={"action": "store_away"})
            with contextlib.suppress(StoreUnavailable):
                await self._tools.store.give_back(run, due_at=self._tools.clock() + STORE_PAUSE_SECONDS)
        except Exception:
            # taken up again, and ended as crashed when that happens five times in a row
            log.exception("run %s met a bug", run.id, extra={"action": "engine_bug"})
            with contextlib.suppress(StoreUnavailable):
                due_at = self._tools.clock() + BUG_PAUSE_SECONDS
                await self._tools.store.give_back(run, due_at=due_at, is_stalled=True)
        finally:
            self._turns.pop(run.id, None)
            self._in_hand.pop(run.id, None)
            self._place_left.set()

    def _payload(self, claimed: Claimed, workflow: Workflow) -> Json:
        """
        What the run is of, from its event. The items of the event that was split last are kept: the
        runs of one come one after another.

        Raises:
            InboundError: it cannot be read, or the version has no such item.
        """
        run, event = claimed.run, claimed.event
        key = (event.id, run.version)
        if run.item is not None and self._split and self._split[0] == key:
            return item_at(self._split[1], run.item)
        payload = payload_of(event, bounds_of(workflow)).payload
        if run.item is None:
            return payload
        self._split = key, items_of(workflow, event, payload)
        return item_at(self._split[1], run.item)

    async def _execute_and_record(self, claimed: Claimed, payload: Json) -> None:
        run, tools, began_at = claimed.run, self._tools, self._tools.clock()
        span = None
        if tools.tracer is not None:
            span = run_context(run, claimed.event, tools.tracer)[0].child()
            CURRENT.set(span)  # of this task alone
        if run.turns == run.attempt == 1:
            tools.measures.waiting.add(run.workflow, began_at - run.accepted_at)

        def tell(end: TurnEnd) -> None:
            self._on_end(run.id, end)
            if end.ended_at is not None:
                _count(tools.measures, run, end)
            if end.status is Status.FAILED and end.reason is not None:
                # its sentence, which may quote what came in, stands with the run
                log.info("run %s failed: %s", run.id, end.reason.code, extra={"action": "run_failed"})
            if tools.tracer is not None and span is not None:
                report_turn(
                    tools.tracer, run, claimed.event, span, end,
                    node=self.node, began_at=began_at, now=tools.clock(),
                )  # fmt: skip

        try:
            workflow = await self._library.version(run.workflow, run.version)
            if payload is UNREAD:
                payload = self._payload(claimed, workflow)
        except (NotFound, LanguageError, InboundError) as error:
            end = _unloadable(run.workflow, run.version, error, tools.clock())
            end = _with_trouble(end, run, None, {}, tools)
            await persistently(lambda: tools.store.finish(run, end, [], {}))
            self.queue.wake()  # it may have held a slot
            tell(end)
            return
        turn = Turn(
            run=run, event=claimed.event, workflow=workflow, records=dict(claimed.records), tools=tools,
            files=set(claimed.files), began_at=began_at,
        )  # fmt: skip
        if run.cancel_requested:
            turn.stopped = _cancelled(run.replaced_by)
        self._in_hand[run.id] = turn
        end = await execute(turn, payload)
        if turn.is_writing():
            await turn.written()
        veil = None
        if end.status in (Status.FAILED, Status.WAITING):
            veil = veil_of_turn(workflow, turn.event, payload, turn.records, end.trace)
        end = _with_trouble(end, run, workflow, turn.records, tools, veil)
        records, made = turn.take_unwritten()
        await persistently(lambda: tools.store.finish(run, end, records, made))
        if end.due_at is not None:
            self.queue.wake(end.due_at)
        elif workflow.concurrency or claimed.event.trigger == "call":
            self.queue.wake()  # the next of its line has the slot now, or its caller goes on
        tell(end)


def _count(measures: Measures, run: Run, end: TurnEnd) -> None:
    """Count a run that has ended; how long one took that a person replayed says nothing."""
    measures.ended.add(run.workflow, end.status.value)
    if run.attempt == 1 and end.ended_at is not None:
        measures.running.add(run.workflow, end.ended_at - run.accepted_at)


def _with_trouble(
    end: TurnEnd,
    run: Run,
    workflow: Workflow | None,
    records: Mapping[str, Record],
    tools: Tools,
    veil: Veil | None = None,
) -> TurnEnd:
    """*end* with the problem that the run stands under from now on, if it does; a rehearsal has none."""
    if run.mode != "live" or end.status not in (Status.FAILED, Status.WAITING):
        return end

    def mask(text: str) -> str:
        text = str(masked(text, tools.safe.secret_values()))
        return veil.text(text) if veil else text  # a problem is told of where nothing is redacted later

    trouble = trouble_of(workflow, run.workflow, records, end, mask=mask, at=tools.clock())
    return replace(end, trouble=trouble)


def _cancelled(by_run: str | None) -> Stopped:
    """The end of a run that a person cancelled, or that *by_run* replaces."""
    sentence = replaced_by(by_run).sentence if by_run else "Cancelled by a person before it ended."
    return Stopped(sentence, cancelled=True)


def _unloadable(workflow: str, version: int, error: Exception, now: float) -> TurnEnd:
    sentence = f"Version {version} of {workflow} cannot be run any more: {error}"
    return TurnEnd(Status.FAILED, ended_at=now, reason=Reason("unloadable", sentence))

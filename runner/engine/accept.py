"""
Accept: a decoded event becomes rows, committed before anyone is told of it.

Called by the way in (web/hooks.py) with a verified and decoded request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.engine.admission import Admitted, delivery_of, slot_of
from runner.engine.measures import Measures
from runner.engine.names import scope_at_the_door
from runner.engine.rendering import render
from runner.engine.runs import Claimed, Disposition, Event, Gate, NewRun, Run
from runner.engine.sampling import mode_of
from runner.engine.splitting import items_of, told
from runner.engine.tracing import report_accept
from runner.errors import BacklogFull, ExpressionError
from runner.values import Json, dumps, random_bytes, sortable_id

if TYPE_CHECKING:
    from runner.engine.answer import Caller, Callers
    from runner.engine.library import Live
    from runner.engine.pauses import PauseBoard
    from runner.engine.runs import Store
    from runner.engine.tracing import Tracer
    from runner.engine.turn import Evaluator
    from runner.engine.worker import Worker
    from runner.language.workflow import Workflow

NO_VERSION = Gate("version", "stopped", "the file has faults, and no earlier version of it is known")
LONGEST_TITLE = 200  # characters: it stands in lists and messages
RUNS_WITHOUT_PAUSE = 100  # made of one event before others get their turn


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    The event, on disk, and its first run where its disposition is accepted (empty: it was split, and
    has no items). `caller` is there when someone waits for the result. For a duplicate the ids are
    those of the first event and its first run (empty: it has none).
    """

    event_id: str
    run_id: str
    caller: Caller | None
    disposition: Disposition = Disposition.ACCEPTED


@dataclass(frozen=True, slots=True)
class Door:
    """
    What accepting needs. `backlog_limit` counts runs that nobody has begun, and again events that
    are held. Without `holding` none ever is. `measures` counts what comes, and `tracer` hears of it.
    """

    store: Store
    worker: Worker | None  # None: this process only receives
    callers: Callers
    evaluator: Evaluator
    clock: Callable[[], float]
    backlog_limit: int
    holding: PauseBoard | None = None
    measures: Measures = field(default_factory=Measures)
    tracer: Tracer | None = None  # None: nobody is told

    def hold(self, workflow: Workflow) -> Gate | None:
        """The gate at which events of *workflow* are held now, or None."""
        return self.holding.gate(workflow, self.clock()) if self.holding else None


def new_id(now: float) -> str:
    """An id for what begins at *now*."""
    return sortable_id(now, random_bytes(10))


def own_event(
    workflow: str,
    trigger: str,
    payload: Json,
    gate: Gate,
    *,
    now: float,
    source_ip: str = "",
    type: str | None = None,  # noqa: A002 - as the event has it
    delivery_id: str | None = None,
) -> Event:
    """An event that no request brought, of a schedule, a poll, a person or another run: its body is JSON."""
    body = dumps(payload).encode(errors="surrogatepass")
    return Event(
        id=new_id(now), workflow=workflow, trigger=trigger, received_at=now,
        disposition=Disposition.ACCEPTED, method="", path="", query="", headers={},
        content_type="application/json", size=len(body), source_ip=source_ip, body=body, gates=(gate,),
        type=type, delivery_id=delivery_id,
    )  # fmt: skip


def refuse_when_full(door: Door, workflow: Workflow) -> None:
    """
    Refuse an event of *workflow* before its body is read.

    Raises:
        BacklogFull: more runs wait, or more events are held, than the configuration allows.
    """
    if door.hold(workflow):
        if door.store.held >= door.backlog_limit:
            raise BacklogFull(f"{door.store.held} events are held; the limit is {door.backlog_limit}")
        return
    if door.store.backlog >= door.backlog_limit:
        raise BacklogFull(f"{door.store.backlog} runs wait; the limit is {door.backlog_limit}")


async def accept(
    door: Door,
    live: Live,
    event: Event,
    payload: Json,
    files: Mapping[str, bytes],
    *,
    is_awaited: bool = False,
    mode: str = "live",
    is_by_hand: bool = False,
) -> Accepted:
    """
    Commit *event* and its run, or, where the workflow splits it, its runs. The worker of this process
    gets the first turn if it has room for it, or always if a caller waits for the result: then the
    run begins in the same transaction, unless it has to wait for its concurrency slot. *mode* is the
    run's, "live" or "test". An event that *is_by_hand* a person's is never a duplicate, held or dropped.

    Raises:
        StoreUnavailable: nothing was written; the sender must hear 503.
        BacklogFull: so must it where its many runs find no room; a queue that is empty takes all.
        NotSplit: `split` gives no list; the sender must hear 422.
    """
    items = items_of(live.workflow, event, payload)
    if items is not None:
        event = replace(event, gates=(*event.gates, told(items)))
    began_at = door.clock()
    worker = door.worker if door.worker and (is_awaited or door.worker.has_room()) else None
    owner = worker.node if worker else None
    delivery = hold = None
    if not is_by_hand:
        hold = door.hold(live.workflow)
        if hold is None and items is not None:
            _refuse_too_many(door, len(items))
    runs = await new_runs(door, live, event, payload, items, now=event.received_at, owner=owner, mode=mode)
    run_id = runs[0].id if runs else ""
    worker = worker if runs else None
    if is_by_hand:
        runs = [replace(one, slot=replace(one.slot, when_full="queue")) if one.slot else one for one in runs]
    else:
        delivery, gate = delivery_of(live.workflow, event, payload, run_id)
        event = replace(event, gates=(*event.gates, gate)) if gate else event
    # before the commit: the run may answer before we are back here
    is_awaited = is_awaited and bool(runs)
    caller = door.callers.expect(event.id, run_id, is_here=worker is not None) if is_awaited else None

    def settled(result: Admitted | Exception) -> None:
        if worker:
            worker.unreserve()
        if isinstance(result, Exception) or door.worker is None:
            return
        if result.replaced:
            door.worker.cancel(dict.fromkeys(result.replaced, run_id))
        if worker and run_id in result.handed:
            own = payload if items is None else items[0]
            worker.start(Claimed(_handed(runs[0], event), event, {}, frozenset(files)), payload=own)
        if result.disposition is Disposition.ACCEPTED and len(result.handed) < len(runs):
            door.worker.queue.wake()

    if worker:
        worker.reserve()
    try:
        # by callback, since a sender that goes away cancels us, and the run is the worker's all the same
        admitted = await door.store.accept(event, runs, files, delivery=delivery, hold=hold, settled=settled)
    except BaseException:
        door.callers.forget(run_id)
        raise
    _tell(door, event, admitted.disposition, began_at)
    if admitted.disposition is not Disposition.ACCEPTED:
        door.callers.forget(run_id)
        return Accepted(admitted.event_id, admitted.run_id or "", None, admitted.disposition)
    if caller and run_id not in admitted.handed:
        caller = replace(caller, is_here=False)  # it waits for its slot, and may begin elsewhere
    return Accepted(event.id, admitted.run_id or "", caller)


async def new_runs(
    door: Door,
    live: Live,
    event: Event,
    payload: Json,
    items: Sequence[Json] | None,
    *,
    now: float,
    owner: str | None = None,
    mode: str = "live",
) -> list[NewRun]:
    """
    The runs of *event* on the version that is live, one for each of *items* (see `items_of`), or one of
    the whole *payload* where that is None. The first is for *owner*, the others are queued.
    """
    if items is None:
        return [await new_run(door, live, event, payload, run_id=new_id(now), owner=owner, mode=mode)]
    runs = []
    for index, run_id in enumerate(sorted(new_id(now) for _ in items)):
        first = owner if index == 0 else None
        run = await new_run(door, live, event, items[index], run_id=run_id, owner=first, mode=mode)
        runs.append(replace(run, item=index))
        if index % RUNS_WITHOUT_PAUSE == RUNS_WITHOUT_PAUSE - 1:
            await asyncio.sleep(0)
    return runs


def _refuse_too_many(door: Door, count: int) -> None:
    waiting = door.store.backlog
    if waiting and waiting + count > door.backlog_limit:
        raise BacklogFull(f"{waiting} runs wait, and {count} more are one too many for {door.backlog_limit}")


async def new_run(
    door: Door, live: Live, event: Event, payload: Json, *, run_id: str, owner: str | None, mode: str = "live"
) -> NewRun:
    """A run on the version that is live, of *payload*, with its title and its place in line."""
    workflow = live.workflow
    return NewRun(
        id=run_id,
        workflow=workflow.slug,
        version=live.version,
        title=await _title(door, live, event, payload, run_id),
        seed=random_bytes(16).hex(),
        owner=owner,
        mode=mode_of(event, workflow.mode) if mode == "live" else mode,
        slot=slot_of(workflow, event, payload, run_id),
    )


async def reject(door: Door, event: Event, gate: Gate) -> None:
    """Keep a refused request with the reason, so that a wrong set-up can be seen and mended."""
    refused = replace(event, disposition=Disposition.REJECTED, gates=(*event.gates, gate))
    await door.store.accept(refused, [], {})
    _tell(door, event, Disposition.REJECTED)


async def ignore(door: Door, event: Event) -> None:
    """Keep an event that its workflow does not want; raises StoreUnavailable, and then it must come again."""
    await door.store.accept(replace(event, disposition=Disposition.IGNORED), [], {})
    _tell(door, event, Disposition.IGNORED)


async def hold_unread(door: Door, event: Event) -> None:
    """
    Keep a request to a workflow that has no version without faults, to be judged once there is one.

    Raises:
        BacklogFull: too much is held.
        StoreUnavailable: nothing was written.
    """
    if door.store.held >= door.backlog_limit:
        raise BacklogFull(f"{door.store.held} events are held; the limit is {door.backlog_limit}")
    held = replace(event, disposition=Disposition.HELD, gates=(*event.gates, NO_VERSION))
    await door.store.accept(held, [], {})
    _tell(door, event, Disposition.HELD)


def _tell(door: Door, event: Event, disposition: Disposition, began_at: float | None = None) -> None:
    """Count *event*, which is on disk; *began_at* is when all that is needed for that was known."""
    now, measures = door.clock(), door.measures
    measures.received.add(event.workflow, disposition.value)
    if began_at is None:
        return
    measures.accepting.add(event.workflow, now - event.received_at)
    if door.tracer is not None:
        report_accept(door.tracer, event, disposition=disposition.value, began_at=began_at, ended_at=now)


async def _title(door: Door, live: Live, event: Event, payload: Json, run_id: str) -> str:
    """How the run is called in lists; a title that fails is no reason to lose an event."""
    shape = live.workflow.title
    if shape is None:
        return live.workflow.name
    scope = scope_at_the_door(event, live.workflow, payload, run_id)
    try:
        title = await render(shape, scope, door.evaluator, workflow=live.workflow.slug)
    except ExpressionError:
        return live.workflow.name
    return str(title)[:LONGEST_TITLE] if title is not None else live.workflow.name


def _handed(run: NewRun, event: Event) -> Run:
    """The run as the store wrote it: its first turn begun at the moment of accepting."""
    return Run(
        id=run.id, event_id=event.id, workflow=run.workflow, version=run.version, title=run.title,
        seed=run.seed, attempt=1, fence=1, turns=1, stalled=1,
        accepted_at=event.received_at, base_at=event.received_at,
        mode=run.mode, item=run.item,
    )  # fmt: skip

"""
Accept: a decoded event becomes rows, committed before anyone is told of it.

Called by the way in (web/hooks.py) with a verified and decoded request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.engine.admission import Admitted, delivery_of, slot_of
from runner.engine.names import scope_at_the_door
from runner.engine.rendering import render
from runner.engine.runs import Claimed, Disposition, Event, Gate, NewRun, Run
from runner.errors import BacklogFull, ExpressionError
from runner.values import Json, random_bytes, sortable_id

if TYPE_CHECKING:
    from runner.engine.answer import Caller, Callers
    from runner.engine.library import Live
    from runner.engine.pauses import PauseBoard
    from runner.engine.runs import Store
    from runner.engine.turn import Evaluator
    from runner.engine.worker import Worker
    from runner.language.workflow import Workflow

LONGEST_TITLE = 200  # characters: it stands in lists and messages


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    The event, on disk, and its run where its disposition is accepted. `caller` is there when someone
    waits for the result. For a duplicate the ids are those of the first event and its run (empty: it
    has none).
    """

    event_id: str
    run_id: str
    caller: Caller | None
    disposition: Disposition = Disposition.ACCEPTED


@dataclass(frozen=True, slots=True)
class Door:
    """
    What accepting needs. `backlog_limit` counts runs that nobody has begun, and again events that
    are held. Without `holding` none ever is.
    """

    store: Store
    worker: Worker | None  # None: this process only receives
    callers: Callers
    evaluator: Evaluator
    clock: Callable[[], float]
    backlog_limit: int
    holding: PauseBoard | None = None

    def hold(self, workflow: Workflow) -> Gate | None:
        """The gate at which events of *workflow* are held now, or None."""
        return self.holding.gate(workflow, self.clock()) if self.holding else None


def new_id(now: float) -> str:
    """An id for what begins at *now*."""
    return sortable_id(now, random_bytes(10))


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
    Commit *event* and its run. The worker of this process gets the first turn if it has room for
    it, or always if a caller waits for the result: then the run begins in the same transaction,
    unless it has to wait for its concurrency slot. *mode* is the run's, "live" or "test". An event
    that *is_by_hand* a person's is never a duplicate, held or dropped.

    Raises:
        StoreUnavailable: nothing was written; the sender must hear 503.
    """
    worker = door.worker if door.worker and (is_awaited or door.worker.has_room()) else None
    run_id = new_id(event.received_at)
    owner = worker.node if worker else None
    run = await new_run(door, live, event, payload, run_id=run_id, owner=owner, mode=mode)
    delivery = hold = None
    if is_by_hand:
        run = replace(run, slot=replace(run.slot, when_full="queue")) if run.slot else run
    else:
        hold = door.hold(live.workflow)
        delivery, gate = delivery_of(live.workflow, event, payload, run_id)
        event = replace(event, gates=(*event.gates, gate)) if gate else event
    # before the commit: the run may answer before we are back here
    caller = door.callers.expect(event.id, run.id, is_here=worker is not None) if is_awaited else None

    def settled(result: Admitted | Exception) -> None:
        if worker:
            worker.unreserve()
        if isinstance(result, Exception) or door.worker is None:
            return
        if result.replaced:
            door.worker.cancel(dict.fromkeys(result.replaced, run.id))
        if worker and run.id in result.handed:
            worker.start(Claimed(_handed(run, event), event, {}, frozenset(files)), payload=payload)
        elif result.disposition is Disposition.ACCEPTED:
            door.worker.queue.wake()

    if worker:
        worker.reserve()
    try:
        # by callback, since a sender that goes away cancels us, and the run is the worker's all the same
        admitted = await door.store.accept(event, [run], files, delivery=delivery, hold=hold, settled=settled)
    except BaseException:
        door.callers.forget(run.id)
        raise
    if admitted.disposition is not Disposition.ACCEPTED:
        door.callers.forget(run.id)
        return Accepted(admitted.event_id, admitted.run_id or "", None, admitted.disposition)
    if caller and run.id not in admitted.handed:
        caller = replace(caller, is_here=False)  # it waits for its slot, and may begin elsewhere
    return Accepted(event.id, run.id, caller)


async def new_run(
    door: Door, live: Live, event: Event, payload: Json, *, run_id: str, owner: str | None, mode: str = "live"
) -> NewRun:
    """A run of *event* on the version that is live, with its title and its place in line."""
    workflow = live.workflow
    return NewRun(
        id=run_id,
        workflow=workflow.slug,
        version=live.version,
        title=await _title(door, live, event, payload, run_id),
        seed=random_bytes(16).hex(),
        owner=owner,
        mode=mode,
        slot=slot_of(workflow, event, payload, run_id),
    )


async def reject(door: Door, event: Event, gate: Gate) -> None:
    """Keep a refused request with the reason, so that a wrong set-up can be seen and mended."""
    refused = replace(event, disposition=Disposition.REJECTED, gates=(*event.gates, gate))
    await door.store.accept(refused, [], {})


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
        mode=run.mode,
    )  # fmt: skip

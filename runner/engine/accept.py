"""
Accept: a decoded event becomes rows, committed before anyone is told of it.

Called by the way in (web/hooks.py) with a verified and decoded request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.engine.names import names_at_the_door
from runner.engine.rendering import render
from runner.engine.runs import Claimed, Disposition, Event, Gate, NewRun, Run
from runner.errors import BacklogFull, ExpressionError
from runner.language.scope import Scope
from runner.values import Json, random_bytes, sortable_id

if TYPE_CHECKING:
    from runner.engine.answer import Caller, Callers
    from runner.engine.library import Live
    from runner.engine.runs import Store
    from runner.engine.turn import Evaluator
    from runner.engine.worker import Worker

LONGEST_TITLE = 200  # characters: it stands in lists and messages


@dataclass(frozen=True, slots=True)
class Accepted:
    """The event and its run, both on disk. `caller` is there when someone waits for the result."""

    event_id: str
    run_id: str
    caller: Caller | None


@dataclass(frozen=True, slots=True)
class Door:
    """What accepting needs. `backlog_limit` counts runs that nobody has begun."""

    store: Store
    worker: Worker | None  # None: this process only receives
    callers: Callers
    evaluator: Evaluator
    clock: Callable[[], float]
    backlog_limit: int


def new_id(now: float) -> str:
    """An id for what begins at *now*."""
    return sortable_id(now, random_bytes(10))


def refuse_when_full(door: Door) -> None:
    """
    Refuse before a body is read.

    Raises:
        BacklogFull: more runs wait than the configuration allows.
    """
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
) -> Accepted:
    """
    Commit *event* and its run. The worker of this process gets the first turn if it has room for
    it, or always if a caller waits for the result: then the run begins in the same transaction.
    *mode* is the run's, "live" or "test".

    Raises:
        StoreUnavailable: nothing was written; the sender must hear 503.
    """
    worker = door.worker if door.worker and (is_awaited or door.worker.has_room()) else None
    run_id = new_id(event.received_at)
    run = NewRun(
        id=run_id,
        workflow=live.workflow.slug,
        version=live.version,
        title=await _title(door, live, event, payload, run_id),
        seed=random_bytes(16).hex(),
        owner=worker.node if worker else None,
        mode=mode,
    )
    # before the commit: the run may answer before we are back here
    caller = door.callers.expect(event.id, run.id, is_here=worker is not None) if is_awaited else None
    if worker is None:
        await door.store.accept(event, [run], files)
        if door.worker:
            door.worker.queue.wake()
        return Accepted(event.id, run.id, caller)

    def settled(error: Exception | None) -> None:
        worker.unreserve()
        if error is None:
            worker.start(Claimed(_handed(run, event), event, {}, frozenset(files)), payload=payload)

    worker.reserve()
    # by callback, since a sender that goes away cancels us, and the run is the worker's all the same
    await door.store.accept(event, [run], files, settled=settled)
    return Accepted(event.id, run.id, caller)


async def reject(door: Door, event: Event, gate: Gate) -> None:
    """Keep a refused request with the reason, so that a wrong set-up can be seen and mended."""
    refused = replace(event, disposition=Disposition.REJECTED, gates=(*event.gates, gate))
    await door.store.accept(refused, [], {})


async def _title(door: Door, live: Live, event: Event, payload: Json, run_id: str) -> str:
    """How the run is called in lists; a title that fails is no reason to lose an event."""
    shape = live.workflow.title
    if shape is None:
        return live.workflow.name
    names = names_at_the_door(event, live.workflow, payload, run_id)
    scope = Scope(names, event.received_at, event.id, live.workflow.timezone)
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

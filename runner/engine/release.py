"""
Release: held events get their runs, in the order of their coming, each at most once.

A portion is one transaction, so a process that dies in the middle leaves the rest held, and
whoever comes next goes on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.engine.accept import new_id, new_run, new_runs
from runner.engine.names import bounds_of, payload_of
from runner.engine.pauses import Release
from runner.engine.runs import Disposition
from runner.engine.splitting import MOST_ITEMS, items_of, told
from runner.errors import InboundError
from runner.values import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.engine.accept import Door
    from runner.engine.admission import Admitted
    from runner.engine.library import Library, Live
    from runner.engine.pauses import PauseBoard, Pauses
    from runner.engine.runs import Event, Gate


async def release(
    door: Door, pauses: Pauses, live: Live, events: Sequence[Event], *, is_asked: bool = True
) -> int:
    """
    Start runs of *events*, held ones of *live*, on the version that is live; how many were let go: the
    first of them, where they are split into very many runs.

    Events that are not held any more are passed over. Raises StoreUnavailable.
    """
    releases: list[Release] = []
    for event in events:
        if sum(len(one.runs) for one in releases) >= MOST_ITEMS:
            break
        releases.append(await _release(door, live, event))
    admitted = await pauses.release(live.workflow.slug, releases, is_asked=is_asked)
    tell_worker(door, admitted)
    return len(admitted)


async def release_all(door: Door, pauses: Pauses, live: Live) -> int:
    """
    Release all that is held of *live*, paused or not; how many. It stops where the backlog is full.

    Raises:
        StoreUnavailable: the portions before are released.
    """
    count = 0
    while has_room(door):
        released = await release(door, pauses, live, await pauses.held(live.workflow.slug))
        if not released:
            break
        count += released
    return count


async def release_ended(door: Door, pauses: Pauses, board: PauseBoard, library: Library) -> None:
    """
    Release what pauses held that are over, as far as the backlog has room; a chore of each second.

    A workflow that is disabled meanwhile, or has no good file, keeps its held events.
    """
    now = door.clock()
    for pause in await pauses.holding():
        live = library.get(pause.name)
        if not pause.is_over(now) or live is None:
            continue
        if not live.workflow.enabled:
            await pauses.settle(pause.name, keeps_held=True)
            continue
        while has_room(door):
            events = await pauses.held(pause.name)
            if not events:
                await pauses.settle(pause.name)  # not, if one came meanwhile: then the next second
                break
            if not await release(door, pauses, live, events, is_asked=False):
                break  # paused anew, or another process was quicker
    await pauses.tidy()
    await board.refresh()


def has_room(door: Door) -> bool:
    """Whether more runs may be queued."""
    return door.store.backlog < door.backlog_limit


def tell_worker(door: Door, admitted: Sequence[Admitted]) -> None:
    """Let this process's worker, if it has one, know of runs that were queued and of those they replace."""
    if door.worker is None:
        return
    for one in admitted:
        door.worker.cancel(dict.fromkeys(one.replaced, one.run_id))
    if any(one.disposition is Disposition.ACCEPTED for one in admitted):
        door.worker.queue.wake()


async def _release(door: Door, live: Live, event: Event) -> Release:
    now = door.clock()
    gates = [let_go(gate, now) for gate in event.gates if gate.name != "split"]
    try:
        payload = payload_of(event, bounds_of(live.workflow)).payload
        items = items_of(live.workflow, event, payload)
    except InboundError:  # a changed bound, or a changed `split`; the run says it
        run = await new_run(door, live, event, None, run_id=new_id(now), owner=None)
        return Release(event.id, tuple(gates), [replace(run, item=0) if _splits(live, event) else run])
    if items is not None:
        gates.append(told(items))
    return Release(event.id, tuple(gates), await new_runs(door, live, event, payload, items, now=now))


def _splits(live: Live, event: Event) -> bool:
    webhook = live.workflow.webhook
    return event.trigger == "webhook" and webhook is not None and webhook.split is not None


def let_go(gate: Gate, now: float) -> Gate:
    """A gate that held the event does so no more."""
    if gate.verdict == "passed":
        return gate
    return replace(gate, verdict="passed", reason=f"{gate.reason}; released at {iso(now)}")

"""Steps that hold steps: steps, switch, for_each, parallel. `walk` runs a list of steps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from runner.engine.steps.data import shortened
from runner.engine.turn import Done, Failed, Filtered, Frame, Pending, Result, Stopped, Turn
from runner.errors import LimitExceeded
from runner.language.expressions import is_truthy
from runner.language.workflow import ForEach, Group, Parallel, Step, Switch
from runner.values import Json, digest, dumps

Walk: TypeAlias = Callable[[Turn, Sequence[Step], Frame], Awaitable[Result]]

MOST_ITEMS = 10_000  # of one for_each (language.md, "Limits")
LOOK_AGAIN_SECONDS = 60.0  # at a run that is parked at several places


async def group(turn: Turn, body: Group, path: str, frame: Frame, walk: Walk) -> Result:
    """A list run as one; its ids are seen after it."""
    inner = frame.under(f"{path}.")
    result = await walk(turn, body.steps, inner)
    frame.now = inner.now
    return result


async def switch(turn: Turn, body: Switch, path: str, frame: Frame, walk: Walk) -> Result:
    """The first case that holds; null when none does."""
    scope = turn.scope(frame, path)
    for number, case in enumerate(body.cases, start=1):
        if case.when is None or is_truthy(await turn.evaluate(case.when, scope)):
            inner = frame.under(f"{path}.case#{number}.")
            turn.trace.append({"path": path, "case": number})
            result = await walk(turn, case.steps, inner)
            frame.now = inner.now
            return result
    return Done(None)


async def parallel(turn: Turn, body: Parallel, path: str, frame: Frame, walk: Walk) -> Result:
    """All branches at once; every one ends before the step does."""
    frames = [frame.inside(f"{path}.{name}.") for name in body.branches]
    results = await asyncio.gather(
        *(walk(turn, steps, inner) for steps, inner in zip(body.branches.values(), frames, strict=True))
    )
    frame.now = max(inner.now for inner in frames)
    ended = _first(results, turn.tools.clock())
    if ended:
        return ended
    return Done(dict(zip(body.branches, map(_value, results), strict=True)))


async def for_each(turn: Turn, body: ForEach, path: str, frame: Frame, walk: Walk) -> Result:
    """
    The steps for each item, in at most `concurrency` places; an item that waits keeps its place.

    Filtered items leave the list; with `on_item_error: continue` a failed one is null and its
    error stands in `outcomes.<id>.errors`.
    """
    items = await turn.evaluate(body.items, turn.scope(frame, path))
    if items is None:
        items = []
    if not isinstance(items, list):
        shown = dumps(shortened(items))
        return Failed(path, "expression", f"for_each needs a list; {body.items.source} gave {shown}")
    if len(items) > MOST_ITEMS:
        raise LimitExceeded(f"for_each over {len(items)} items; at most {MOST_ITEMS} are allowed")

    results: list[Result | None] = [None] * len(items)
    frames: list[Frame] = []
    rest = iter(enumerate(items))

    async def place() -> None:
        for index, item in rest:
            if turn.stopped:
                return
            failed = body.on_item_error == "fail" and any(isinstance(one, Failed) for one in results)
            if failed and not turn.has_begun(f"{path}[{index}]."):
                continue  # no new item starts; those that an earlier turn began go on to their end
            inner = frame.inside(f"{path}[{index}].", **{body.name: item, "index": index})
            if body.concurrency == 1 and frames:  # one after another they are one branch
                inner.now = max(inner.now, frames[-1].now)
            inner.item_digest = digest(item)
            frames.append(inner)
            results[index] = result = await walk(turn, body.steps, inner)
            if isinstance(result, Pending):
                return

    if body.concurrency == 1:
        await place()  # no task for the common case: pure steps stay in one tick
    else:
        await asyncio.gather(*(place() for _ in range(min(body.concurrency, len(items)))))
    frame.now = max([frame.now, *(inner.now for inner in frames)])
    return _collected(turn, body, path, results)


def _collected(turn: Turn, body: ForEach, path: str, results: Sequence[Result | None]) -> Result:
    errors = [
        {"index": index, **result.as_error()}
        for index, result in enumerate(results)
        if isinstance(result, Failed)
    ]
    now = turn.tools.clock()
    if body.on_item_error == "continue":
        rest = [None if isinstance(result, Failed) else result for result in results]
        ended = _first(rest, now)
    else:
        ended = _first(results, now)
    if ended:
        return ended
    if errors:
        turn.item_errors[path] = errors
    return Done([_value(result) for result in results if not isinstance(result, Filtered)])


def _first(results: Sequence[Result | None], now: float) -> Result | None:
    """What ends the step: a stop, else the earliest wait, else the first failure in order."""
    for result in results:
        if isinstance(result, Stopped):
            return result
    waits = [result for result in results if isinstance(result, Pending)]
    if waits:
        return _earliest(waits, now)
    return next((result for result in results if isinstance(result, Failed)), None)


def _earliest(waits: Sequence[Pending], now: float) -> Pending:
    """
    The wait that ends first. A run is woken by one place alone, so one that is parked at several
    is looked at again before long for the sake of the others.
    """
    first = min(waits, key=lambda wait: wait.due_at)
    places = dict.fromkeys(wait.parked_at for wait in waits if wait.parked_at)
    if not places:
        return first
    due_at = first.due_at if len(places) == 1 else min(first.due_at, now + LOOK_AGAIN_SECONDS)
    return replace(first, due_at=due_at, parked_at=first.parked_at or next(iter(places)))


def _value(result: Result | None) -> Json:
    """A branch's or item's output; null when it was filtered or failed under `continue`."""
    return result.value if isinstance(result, Done) else None

"""`repeat`: runs its steps again and again until a condition holds, at most so many rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.steps.data import shortened
from runner.engine.steps.waiting import pause, paused
from runner.engine.turn import Done, Failed, Filtered
from runner.language.expressions import is_truthy
from runner.values import dumps

if TYPE_CHECKING:
    from runner.engine.steps.flow import Walk
    from runner.engine.turn import Frame, Result, Turn
    from runner.language.scope import Scope
    from runner.language.workflow import Repeat
    from runner.values import Json


async def repeat(turn: Turn, body: Repeat, path: str, frame: Frame, walk: Walk) -> Result:
    """
    The list of the rounds' outputs. A round that a `filter` ended leaves the list, as an item of
    `for_each` does, and counts. When `until` has not held after the last round that is allowed the
    step fails with type `fail`: it has not got what it was there for, and `on_error` may say what then.

    The rounds' paths have their index from 0, `pages{4}.page`; the pause after one is an effect of
    its own, `pages{4}!every`, so that a resumed run waits for no pause twice.
    """
    outputs: list[Json] = []
    previous: Json = None
    for index in range(body.at_most):
        place = f"{path}{{{index}}}"
        inner = frame.inside(f"{place}.", previous=previous, index=index)
        result = await walk(turn, body.steps, inner)
        frame.now = max(frame.now, inner.now)
        if not isinstance(result, Done | Filtered):
            return result
        previous = result.value if isinstance(result, Done) else None
        if isinstance(result, Done):
            outputs.append(result.value)
        scope = turn.scope(inner, f"{place}!until")
        if is_truthy(await turn.evaluate(body.until, scope)):
            return Done(outputs)
        if turn.stopped:
            return turn.stopped
        if index + 1 == body.at_most:
            return Failed(path, "fail", _never(body, scope))
        if body.every_seconds is not None and not paused(turn, f"{place}!every", frame):
            ended = await _pause(turn, f"{place}!every", frame, body.every_seconds)
            if not isinstance(ended, Done):
                return ended
    return Done(outputs)


async def _pause(turn: Turn, path: str, frame: Frame, seconds: float) -> Result:
    record = turn.records.get(path)
    if record is not None and record.due_at is not None:
        return await pause(turn, path, frame, record.due_at, record)
    return await pause(turn, path, frame, turn.tools.clock() + seconds)


def _never(body: Repeat, scope: Scope) -> str:
    seen = [f"{name} = {dumps(shortened(value))}" for name, value in body.until.seen(scope).items()]
    last = f" (at last {', '.join(seen)})" if seen else ""
    rounds = "1 round" if body.at_most == 1 else f"{body.at_most:,} rounds"
    return f"after {rounds} this does not hold: {body.until.source}{last}"

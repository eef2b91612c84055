"""Steps without effect: filter, transform, template, respond, stop, fail."""

from __future__ import annotations

from runner.engine.turn import Done, Failed, Filtered, Frame, Result, Stopped, Turn
from runner.language.expressions import is_truthy
from runner.language.workflow import Fail, Filter, Respond, Stop, TemplateStep, Transform
from runner.values import Json, dumps, is_file

LONGEST_SEEN = 80  # characters of a value in a reason: it is a sentence, not a payload


async def filter_(turn: Turn, body: Filter, path: str, frame: Frame) -> Result:
    """Its value if that is truthy; else the run, item or branch is filtered."""
    scope = turn.scope(frame, path)
    value = await turn.evaluate(body.test, scope)
    if is_truthy(value):
        return Done(value)
    seen = {name: shortened(one) for name, one in body.test.seen(scope).items()}
    return Filtered({"step": path, "test": body.test.source, "seen": seen})


async def transform(turn: Turn, body: Transform, path: str, frame: Frame) -> Result:
    """The shape's result."""
    return Done(await turn.evaluate(body.shape, turn.scope(frame, path)))


async def template(turn: Turn, body: TemplateStep, path: str, frame: Frame) -> Result:
    """The rendered value."""
    return Done(await turn.render(body.shape, turn.scope(frame, path)))


async def respond(turn: Turn, body: Respond, path: str, frame: Frame) -> Result:
    """Answers the waiting caller, once; does nothing when the caller is gone."""
    if turn.answer is not None:
        turn.notes.append(f"{path} did nothing: the caller had its answer already")
        return Done(None)
    answer = await turn.render(body.shape, turn.scope(frame, path))
    file = _own_file(turn, answer.get("body"))
    turn.answer = {**answer, "file": file} if file else answer
    turn.tools.on_answer(turn.run.id, turn.answer)
    return Done(None)


async def stop(turn: Turn, body: Stop, path: str, frame: Frame) -> Result:
    """Ends the run as succeeded: no new step starts, effects in flight end."""
    message = await turn.render(body.message, turn.scope(frame, path))
    turn.stopped = Stopped(text_of(message))
    return turn.stopped


async def fail(turn: Turn, body: Fail, path: str, frame: Frame) -> Result:
    """Fails the step."""
    message = await turn.render(body.message, turn.scope(frame, path))
    return Failed(path, "fail", text_of(message))


def shortened(value: Json) -> Json:
    """A value as it stands in a reason: whole if it is short, else the beginning of its JSON."""
    text = dumps(value)
    return value if len(text) <= LONGEST_SEEN else f"{text[:LONGEST_SEEN]}…"


def _own_file(turn: Turn, value: Json) -> str | None:
    """The digest of a file of this run; a payload may only look like a reference to another's."""
    return value["file"] if is_file(value) and value["file"] in turn.files else None


def text_of(value: object) -> str:
    """A message that a template gave, as text."""
    return value if isinstance(value, str) else dumps(value)

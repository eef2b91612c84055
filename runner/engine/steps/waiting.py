"""
The steps that wait: `wait` and `wait_for`. Nothing of them is in memory: the run is `waiting` in the
store until it is due, by the clock or by an answer, and its next turn finds the step's record here.

A wait is an effect: recorded when it begins and when it ends, before what depends on it starts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from runner.engine.resuming import without_tokens
from runner.engine.runs import NO_END, Record, RecordStatus
from runner.engine.steps.data import text_of
from runner.engine.turn import Done, Failed, Frame, Pending, Result, Turn
from runner.errors import ExpressionError
from runner.language.functions_dates import moment
from runner.language.waiting import LONGEST_WAIT_SECONDS
from runner.values import Json, iso

if TYPE_CHECKING:
    from runner.language.workflow import Step, Wait, WaitFor

MOMENT_SECONDS = 1.0  # a shorter wait is slept inside the turn: to be claimed again costs about as much
LONGEST_SHOWN = 200  # characters of a question in a reason
LONGEST_MESSAGE = 4000  # characters of a question


async def wait(turn: Turn, body: Wait, path: str, frame: Frame) -> Result:
    """Null, when the time has come. A date that has passed is not waited for."""
    record = turn.records.get(path)
    if record is not None and (ended := _ended(record, path, frame)):
        return ended
    if record is not None:
        due_at = moment(record.input["until"]).timestamp()  # stands, whatever a replay did to the rest
    elif body.until is not None:
        due_at = await _date(turn, body, path, frame)
    else:
        assert body.seconds is not None
        due_at = turn.tools.clock() + body.seconds
    return await pause(turn, path, frame, due_at, record)


async def pause(turn: Turn, path: str, frame: Frame, due_at: float, record: Record | None = None) -> Result:
    """
    Wait until *due_at* (UTC seconds) at *path*, whose *record* is that of a pause that has begun: slept
    if it is short, else left to the store.
    """
    clock = turn.tools.clock
    if record is None:
        record = Record(
            path=path,
            kind="wait",
            status=RecordStatus.WAITING,
            attempts=1,
            started_at=clock(),
            due_at=due_at,
            input={"until": iso(due_at)},
            item_digest=frame.item_digest,
        )
    left = due_at - clock()
    if left >= MOMENT_SECONDS:
        if turn.records.get(path) != record:
            turn.keep(record)
        return Pending(due_at, f"{path} waits until {iso(due_at)}")
    if left > 0:
        await turn.tools.sleep(left)
    return _done(turn, frame, record, None)


def paused(turn: Turn, path: str, frame: Frame) -> bool:
    """Whether the pause at *path* is over and recorded; then its end is what `now()` gives."""
    record = turn.records.get(path)
    if record is None or record.status is not RecordStatus.SUCCEEDED:
        return False
    frame.now = record.ended_at or frame.now
    return True


async def wait_for(turn: Turn, step: Step, body: WaitFor, path: str, frame: Frame) -> Result:
    """What was sent back, or `{choice, by, comment}`; fails with type `timeout` when nobody answers."""
    record = turn.records.get(path)
    if record is not None and (ended := _ended(record, path, frame)):
        return ended
    clock, answers = turn.tools.clock, turn.tools.answers
    if record is None or record.attempts == 0:  # none yet: a replay begins the time anew
        now = clock()
        due_at = NO_END if step.timeout_seconds is None else now + step.timeout_seconds
        record = Record(
            path=path,
            kind="wait_for",
            status=RecordStatus.WAITING,
            attempts=1,
            started_at=now,
            generation=record.generation if record else 0,
            due_at=due_at,
            input=await _question(turn, body, path, frame),
            item_digest=frame.item_digest,
        )
        turn.keep(record)
    assert record.due_at is not None
    given = await answers.given(turn.run.id, path)
    if given is None and clock() >= record.due_at:
        given = await answers.close(turn.run.id, path, now=clock())
    if given is None:
        return Pending(record.due_at, _sentence(record))
    if given.by is None:
        assert step.timeout_seconds is not None
        return _too_late(turn, frame, record, step.timeout_seconds)
    turn.files |= set(given.files)
    return _done(turn, frame, record, given.value)


async def _question(turn: Turn, body: WaitFor, path: str, frame: Frame) -> Json:
    """What the record says of what is waited for: `{message, choices, assignees}`, or `{methods}`."""
    if body.approval is None:
        return {"methods": list(body.methods)}
    message = text_of(await turn.render(body.approval.message, turn.scope(frame, path))).strip()
    return {
        "message": message[:LONGEST_MESSAGE],
        "choices": list(body.approval.choices),
        "assignees": list(body.approval.assignees),
    }


async def _date(turn: Turn, body: Wait, path: str, frame: Frame) -> float:
    """
    The date that `until` gives, in UTC seconds.

    Raises:
        ExpressionError: it gives none, or one that is too far away.
    """
    assert body.until is not None
    value = await turn.render(body.until, turn.scope(frame, path))
    try:
        due_at = moment(value, ZoneInfo(turn.workflow.timezone)).timestamp()
        iso(due_at)
    except (ValueError, OverflowError) as error:
        raise ExpressionError(f"wait.until: {error}") from None
    if due_at - turn.tools.clock() > LONGEST_WAIT_SECONDS:
        days = LONGEST_WAIT_SECONDS / 86400
        raise ExpressionError(
            f"wait.until: {iso(due_at)} is too far away; a run waits at most {days:.0f} days"
        )
    return due_at


def _sentence(record: Record) -> str:
    """What the run waits for, for a person."""
    until = "" if record.due_at is None or record.due_at >= NO_END else f", until {iso(record.due_at)}"
    if "message" not in record.input:
        return f"{record.path} waits for a call of its address{until}"
    message = record.input["message"]
    if len(message) > LONGEST_SHOWN:
        message = f"{message[:LONGEST_SHOWN]}…"
    return f"{record.path} waits for an approval: {without_tokens(message)}{until}"


def _ended(record: Record, path: str, frame: Frame) -> Result | None:
    """What stands in the record of a wait that is over; None where it is not."""
    if record.item_digest != frame.item_digest:
        message = f"{path} was recorded for another item than the one that stands there now"
        return Failed(path, "diverged", message, record.attempts)
    if record.status not in (RecordStatus.SUCCEEDED, RecordStatus.FAILED):
        return None
    frame.now = record.ended_at or frame.now
    if record.status is RecordStatus.SUCCEEDED:
        return Done(record.output)
    return Failed(path, record.error["type"], record.error["message"], record.attempts)


def _done(turn: Turn, frame: Frame, record: Record, output: Json) -> Done:
    ended_at = turn.tools.clock()
    frame.now = ended_at
    turn.keep(
        replace(
            record,
            status=RecordStatus.SUCCEEDED,
            due_at=None,
            output=output,
            ended_at=ended_at,
            attempts=record.attempts or 1,
            error=None,
        )  # fmt: skip
    )
    return Done(output)


def _too_late(turn: Turn, frame: Frame, record: Record, seconds: float) -> Failed:
    message = f"nobody answered within {_duration(seconds)}"
    ended_at = turn.tools.clock()
    frame.now = ended_at
    error = {"type": "timeout", "message": message}
    turn.keep(replace(record, status=RecordStatus.FAILED, due_at=None, ended_at=ended_at, error=error))
    return Failed(record.path, "timeout", message)


def _duration(seconds: float) -> str:
    """*seconds* in the largest unit that they are a whole number of."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"

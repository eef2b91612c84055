"""The step that starts another workflow's run, and waits for its end unless it says not to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from runner.engine.calling import Asked, Child, Held, Refused
from runner.engine.calls import MOST_OUTPUT_BYTES, effect_key
from runner.engine.runs import Record, RecordStatus, Status
from runner.engine.turn import Done, Failed, Frame, Pending, Result, Turn, persistently
from runner.language.workflow import CallWorkflow
from runner.values import Json, digest, dumps, is_file

LOOK_SECONDS = 6 * 3600.0  # a child's end wakes its caller; this is for what nobody foresaw
HELD_SECONDS = 30.0  # between looks at whether a workflow takes calls again

T = TypeVar("T")


async def call(turn: Turn, body: CallWorkflow, path: str, frame: Frame) -> Result:
    """The child's output, or its run's id; from the record where it stands there."""
    record = turn.records.get(path)
    if record is None and turn.recordings:
        inputs = await _inputs(turn, body, path, frame)
        record = turn.recordings.find(_first_record(turn, body, path, frame, inputs))
    if record and record.status in (RecordStatus.SUCCEEDED, RecordStatus.FAILED):
        return await _recorded(turn, body, path, frame, record)
    if record is None or record.attempts == 0:  # 0: a replay, which may find the child again
        return await _start(turn, body, path, frame, record)
    calling = turn.tools.calling
    assert calling is not None  # it has started this one
    child = await _persistently(lambda: calling.children.look(turn.run.id, path))
    if child is None:
        return _failed(turn, frame, record, f"the run of {body.workflow} is not kept any more")
    return await _of_child(turn, body, frame, record, child)


async def _start(turn: Turn, body: CallWorkflow, path: str, frame: Frame, record: Record | None) -> Result:
    inputs = await _inputs(turn, body, path, frame)
    first = _first_record(turn, body, path, frame, inputs)
    now = first.started_at
    record = replace(record or first, input=inputs, input_digest=first.input_digest, attempts=1, error=None)
    calling = turn.tools.calling
    if calling is None or turn.is_shadow:
        turn.notes.append(f"{path}: {body.workflow} was not called; its output is null here")
        return _succeeded(turn, frame, replace(record, attempts=0) if turn.is_shadow else record, None)
    if turn.stopped:
        return turn.stopped
    await turn.written()
    named = turn.run.keyed_as or turn.run.workflow
    key = effect_key(turn.event.id, named, path, record.generation, item=turn.run.item)
    asked = Asked(body.workflow, inputs, body.waits, key)
    if body.waits:
        record = replace(record, status=RecordStatus.WAITING, due_at=now + LOOK_SECONDS)
    else:
        record = replace(record, status=RecordStatus.SUCCEEDED, due_at=None, ended_at=now)
    files = turn.files.intersection(_files_in(inputs))
    begun = record
    started = await _persistently(lambda: calling.start(turn.run, turn.event, begun, asked, files=files))
    if isinstance(started, Refused):
        return _failed(turn, frame, record, started.sentence, error_type="rejected")
    if isinstance(started, Held):
        return Pending(now + HELD_SECONDS, f"{path} waits: {started.sentence}")
    if not body.waits and started.status is not None:
        record = replace(record, output=started.run_id)
        turn.records[path] = record  # it is on disk
        frame.now = now
        return Done(started.run_id)
    turn.records[path] = record
    return await _of_child(turn, body, frame, record, started)


def _first_record(turn: Turn, body: CallWorkflow, path: str, frame: Frame, inputs: Json) -> Record:
    return Record(
        path=path,
        kind="call",
        status=RecordStatus.STARTED,
        attempts=0,
        started_at=turn.tools.clock(),
        generation=turn.run.generations.get(path, 0),
        input=inputs,
        input_digest=_digest(body, inputs),
        item_digest=frame.item_digest,
    )


async def _of_child(turn: Turn, body: CallWorkflow, frame: Frame, record: Record, child: Child) -> Result:
    """What the child's state means for its caller."""
    if not child.has_ended:
        now = turn.tools.clock()
        if record.due_at is None or record.due_at <= now:
            record = replace(record, due_at=now + LOOK_SECONDS)
            turn.keep(record)
        assert record.due_at is not None
        waits_for = f"{record.path} waits for run {child.run_id} of {body.workflow}"
        return Pending(record.due_at, waits_for)
    if child.status is None:
        return _failed(turn, frame, record, f"{body.workflow} did not take the call: {child.sentence}")
    if child.status in (Status.FAILED, Status.CANCELLED):
        word = "failed" if child.status is Status.FAILED else "was cancelled"
        link = f"{turn.tools.public_url}/runs/{child.run_id}"
        return _failed(turn, frame, record, f"{body.workflow} {word}: {child.sentence} See {link}")
    if len(dumps(child.output)) > MOST_OUTPUT_BYTES:
        message = f"the output of {body.workflow} has more than {MOST_OUTPUT_BYTES:,} bytes"
        return _failed(turn, frame, record, message)
    files = frozenset(_files_in(child.output))
    if files:
        calling = turn.tools.calling
        assert calling is not None
        await _persistently(lambda: calling.children.adopt(turn.event.id, child.event_id, files))
        turn.files |= files
    return _succeeded(turn, frame, record, child.output)


async def _recorded(turn: Turn, body: CallWorkflow, path: str, frame: Frame, record: Record) -> Result:
    """What stands in the record; a recorded effect never runs again."""
    if record.item_digest != frame.item_digest:
        message = f"{path} was recorded for another item than the one that stands there now"
        return Failed(path, "diverged", message, record.attempts)
    inputs = await _inputs(turn, body, path, frame)
    if record.input_digest and record.input_digest != _digest(body, inputs):
        turn.notes.append(f"{path}: its input would be another one now; what was recorded stands")
    frame.now = record.ended_at or frame.now
    if record.status is RecordStatus.SUCCEEDED:
        return Done(record.output)
    return Failed(path, record.error["type"], record.error["message"], record.attempts)


async def _inputs(turn: Turn, body: CallWorkflow, path: str, frame: Frame) -> Json:
    if body.inputs is None:
        return {}
    return await turn.render(body.inputs, turn.scope(frame, path))


def _digest(body: CallWorkflow, inputs: Json) -> str:
    return digest([body.workflow, inputs])


def _succeeded(turn: Turn, frame: Frame, record: Record, output: Json) -> Done:
    frame.now = ended_at = turn.tools.clock()
    turn.keep(
        replace(
            record, status=RecordStatus.SUCCEEDED, due_at=None, ended_at=ended_at, output=output, error=None
        )
    )
    return Done(output)


def _failed(turn: Turn, frame: Frame, record: Record, message: str, error_type: str = "fail") -> Failed:
    frame.now = ended_at = turn.tools.clock()
    error = {"type": error_type, "message": message}
    turn.keep(
        replace(record, status=RecordStatus.FAILED, due_at=None, ended_at=ended_at, output=None, error=error)
    )
    return Failed(record.path, error_type, message, record.attempts)


def _files_in(value: Json) -> Iterator[str]:
    """The digests of the files that *value* refers to."""
    if is_file(value):
        yield value["file"]
    elif isinstance(value, dict):
        for one in value.values():
            yield from _files_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from _files_in(one)


async def _persistently(act: Callable[[], Awaitable[T]]) -> T:
    """What *act* gives, however long the store is away. Raises StaleFence."""
    found: list[T] = []

    async def write() -> None:
        found.append(await act())

    await persistently(write)
    return found[0]

"""
The step with an effect: look up its record, else make the call, and keep what came of it.

Nothing here raises for what the world did: the four errors of a connector become a record and a
result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from runner.engine.calls import Called, Owner, Prepared, call, effect_key, prepare, read_input
from runner.engine.retry import wait_seconds
from runner.engine.runs import Record, RecordStatus
from runner.engine.turn import Done, Failed, Frame, Pending, Result, Turn
from runner.errors import ActionError, OutcomeUnknown, Parked, Rejected
from runner.language.secrets import SecretSlots
from runner.language.workflow import CALL_SECONDS, Action, Step
from runner.values import Json, digest, iso

IN_DOUBT = frozenset({"outcome_unknown", "timeout", "interrupted"})
PARKED_SECONDS = 6 * 3600.0  # what is parked is woken by its place; this is for what nobody foresaw
SLEPT_SECONDS = 5.0  # a shorter wait may be slept inside the turn; a longer one holds no worker


@dataclass(frozen=True, slots=True)
class Inputs:
    """The rendered `with`: `filled` holds secrets and goes nowhere but into the call."""

    filled: Json
    shown: Json
    digest: str
    secrets: frozenset[str] = frozenset()  # the names of those that `filled` holds


async def action(turn: Turn, step: Step, body: Action, path: str, frame: Frame) -> Result:
    """The action's result, from its record or from a call."""
    record, inputs = turn.records.get(path), None
    if record is None and turn.recordings:
        inputs = await _inputs(turn, body, path, frame)
        record = turn.recordings.find(_first_record(turn, path, frame, inputs))
    if record and record.status in (RecordStatus.SUCCEEDED, RecordStatus.FAILED):
        return await _recorded(turn, body, path, frame, record, inputs)
    if record and record.status is RecordStatus.STARTED:
        return _interrupted(turn, frame, record)
    if record and record.due_at is not None and record.parked_at is None:
        wait = record.due_at - turn.tools.clock()
        if wait >= SLEPT_SECONDS:
            return _pending(record)
        await turn.tools.sleep(max(0.0, wait))
    inputs = inputs or await _inputs(turn, body, path, frame)
    record = (
        replace(record, input=inputs.shown, input_digest=inputs.digest)
        if record
        else _first_record(turn, path, frame, inputs)
    )
    if turn.is_shadow:
        return _not_sent(turn, body, frame, inputs, record)
    return await _attempts(turn, step, body, frame, inputs, record)


async def _inputs(turn: Turn, body: Action, path: str, frame: Frame) -> Inputs:
    if body.inputs is None:
        return Inputs({}, {}, digest([body.action, body.connection, {}]))
    scope = turn.scope(frame, path)
    if not body.inputs.secret_names:
        rendered = await turn.render(body.inputs, scope)
        return Inputs(rendered, rendered, digest([body.action, body.connection, rendered]))
    slots = SecretSlots(turn.tools.safe.secrets())
    rendered = await turn.render(body.inputs, replace(scope, secrets=slots))
    shown = slots.shown(rendered)
    held = slots.names_in(rendered)
    return Inputs(slots.filled(rendered), shown, digest([body.action, body.connection, shown]), held)


def _first_record(turn: Turn, path: str, frame: Frame, inputs: Inputs) -> Record:
    return Record(
        path=path,
        kind="action",
        status=RecordStatus.STARTED,
        attempts=0,
        started_at=turn.tools.clock(),
        generation=turn.run.generations.get(path, 0),
        input=inputs.shown,
        input_digest=inputs.digest,
        item_digest=frame.item_digest,
    )


async def _recorded(
    turn: Turn, body: Action, path: str, frame: Frame, record: Record, inputs: Inputs | None
) -> Result:
    """What stands in the record; a recorded effect never runs again. *inputs* where they are known."""
    if record.item_digest != frame.item_digest:
        message = f"{path} was recorded for another item than the one that stands there now"
        return Failed(path, "diverged", message, record.attempts)
    inputs = inputs or await _inputs(turn, body, path, frame)
    if record.input_digest and record.input_digest != inputs.digest:
        turn.notes.append(f"{path}: its input would be another one now; what was recorded stands")
    frame.now = record.ended_at or frame.now
    if record.status is RecordStatus.SUCCEEDED:
        return Done(record.output)
    return Failed(path, record.error["type"], record.error["message"], record.attempts)


def _interrupted(turn: Turn, frame: Frame, record: Record) -> Result:
    """It was begun, the process died, and its action says that it must not be called again."""
    message = "the server stopped during the call; whether it happened is not known, and it is not repeated"
    return _ended_badly(turn, frame, record, "interrupted", message)


def _not_sent(turn: Turn, body: Action, frame: Frame, inputs: Inputs, record: Record) -> Result:
    """
    What a shadow does: the inputs are rendered, checked and kept, and nothing is called. A record that
    succeeded without an attempt says so; the output is null.
    """
    known = turn.tools.action(body.action)
    try:
        if known is None:
            raise Rejected(f"this Hookline has no action {body.action}")
        read_input(turn.tools, known, inputs.filled)
    except ActionError as error:
        return _ended_badly(turn, frame, record, error.type, str(error))
    ended_at = turn.tools.clock()
    record = replace(_attempted(record, ended_at), attempts=0, status=RecordStatus.SUCCEEDED, error=None)
    frame.now = ended_at
    turn.keep(replace(record, ended_at=ended_at))
    return Done(None)


async def _attempts(
    turn: Turn, step: Step, body: Action, frame: Frame, inputs: Inputs, record: Record
) -> Result:
    """Call until it succeeds, fails for good, or has to wait longer than a turn sleeps."""
    clock = turn.tools.clock
    try:
        turn.tools.destinations.check_connection(body.connection)
    except Parked as parked:
        return _parked(turn, record, parked)
    named = turn.run.keyed_as or turn.run.workflow
    item = turn.run.item
    key = effect_key(turn.event.id, named, record.path, record.generation, item=item)
    holder = f"{turn.event.id}{'' if item is None else f'[{item}]'} {record.path}"
    try:
        prepared = prepare(
            turn.tools, body.action, body.connection, inputs.filled,
            key=key, timeout_seconds=step.timeout_seconds or CALL_SECONDS, readable=frozenset(turn.files),
            parked_at=record.parked_at, path=record.path,
            owner=Owner(turn.workflow.slug, turn.event.id, holder), secrets=inputs.secrets,
        )  # fmt: skip
    except ActionError as error:
        return _ended_badly(turn, frame, record, error.type, str(error))

    stops = (step.after_crash or prepared.action.crash_rule(prepared.given)) == "stop"
    while True:
        if turn.stopped:
            return turn.stopped
        before, record = record, _attempted(record, clock())
        try:
            called = await _call_once(turn, record, prepared, stops=stops)
        except Parked as parked:
            return _parked(turn, before, parked)
        except ActionError as error:
            policy = step.retry or turn.workflow.retry
            elapsed = clock() - record.started_at - record.parked_seconds
            taken = _taken(turn, record, prepared)
            wait = wait_seconds(
                policy,
                error,
                attempts=record.attempts,
                elapsed_seconds=elapsed,
                jitter=turn.tools.jitter(),
            )
            if wait is None or (stops and isinstance(error, OutcomeUnknown)):
                told = replace(record, exchanges=taken)
                return _ended_badly(turn, frame, told, error.type, str(error))
            record = _waiting(record, error, due_at=clock() + wait)
            turn.keep(replace(record, exchanges=taken))
            await turn.written()
            if wait >= SLEPT_SECONDS:
                return _pending(record)
            await turn.tools.sleep(wait)
        else:
            ended_at = clock()
            record = replace(
                record,
                status=RecordStatus.SUCCEEDED,
                output=called.output,
                ended_at=ended_at,
                error=None,
            )
            frame.now = ended_at
            turn.files |= called.files.keys()
            turn.keep(replace(record, exchanges=_taken(turn, record, prepared)), called.files)
            return Done(called.output)


async def _call_once(turn: Turn, record: Record, prepared: Prepared, *, stops: bool) -> Called:
    """One attempt, begun only when all before it is on disk."""
    if stops:
        # on disk before the call, so that a crash cannot send it twice
        turn.keep(replace(record, status=RecordStatus.STARTED))
    await turn.written()
    turn.calls += 1
    if record.attempts > 1:
        turn.tools.measures.retried.add(turn.run.workflow)
    return await call(turn.tools, prepared)


def _taken(turn: Turn, record: Record, prepared: Prepared) -> str | None:
    """What the attempt sent and heard, as it is stored."""
    return prepared.tape.taken(record.attempts, turn.tools.safe.secret_values())


def _attempted(record: Record, now: float) -> Record:
    """*record* with another attempt; the time for which it was parked is over, and no part of trying."""
    parked = max(0.0, now - record.parked_since) if record.parked_since is not None else 0.0
    return replace(
        record,
        attempts=record.attempts + 1,
        due_at=None,
        parked_at=None,
        parked_since=None,
        parked_seconds=record.parked_seconds + parked,
    )


def _parked(turn: Turn, record: Record, parked: Parked) -> Pending:
    """
    Nothing was sent: the step waits where it is, without an attempt, and is woken by its place.

    However long that takes, it does not fail: an outage is no fault of the run. What bounds it is
    a person, who sees it among the problems of that destination.
    """
    now = turn.tools.clock()
    record = replace(
        record,
        status=RecordStatus.WAITING,
        due_at=now + PARKED_SECONDS,
        error=_error(record, "unavailable", str(parked)) if parked.is_down else record.error,
        parked_at=parked.place,
        parked_since=now if record.parked_since is None else record.parked_since,
    )
    turn.keep(record)
    return Pending(now + PARKED_SECONDS, str(parked), parked.place)


def _waiting(record: Record, error: ActionError, *, due_at: float) -> Record:
    found = _error(record, error.type, str(error))
    return replace(record, status=RecordStatus.WAITING, due_at=due_at, error=found)


def _pending(record: Record) -> Pending:
    assert record.due_at is not None
    cause = f": {record.error['message']}" if record.error else ""
    return Pending(
        record.due_at,
        f"{record.path} is tried again at {iso(record.due_at)}, after {record.attempts} failed"
        f" attempt{'s' if record.attempts != 1 else ''}{cause}",
    )


def _ended_badly(turn: Turn, frame: Frame, record: Record, error_type: str, message: str) -> Failed:
    ended_at = turn.tools.clock()
    frame.now = ended_at
    turn.keep(
        replace(
            record,
            status=RecordStatus.FAILED,
            due_at=None,
            ended_at=ended_at,
            error=_error(record, error_type, message),
        )  # fmt: skip
    )
    return Failed(record.path, error_type, message, record.attempts)


def _error(record: Record, error_type: str, message: str) -> Json:
    """`{type, message}`, with `in_doubt` once an attempt under this key may have happened."""
    found = {"type": error_type, "message": message}
    if error_type in IN_DOUBT or (record.error or {}).get("in_doubt"):
        return {**found, "in_doubt": True}
    return found

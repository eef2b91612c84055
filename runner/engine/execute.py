"""
Execute: one turn of a run, from its records to what the store shall write at its end.

Steps with an effect are looked up in the records or called; all others are recomputed. Called by
worker.py. It never raises for what the world did, only when the store does not take a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from runner.engine.filtered import did_not_hold
from runner.engine.names import first_names
from runner.engine.redact import hidden_of
from runner.engine.runs import Reason, Record, RecordStatus, Status, TurnEnd, is_unsent
from runner.engine.shelving import fetch_wanted
from runner.engine.steps.action import action
from runner.engine.steps.call import call
from runner.engine.steps.data import fail, filter_, respond, stop, template, transform
from runner.engine.steps.flow import for_each, group, parallel, switch
from runner.engine.steps.repeat import repeat
from runner.engine.steps.waiting import wait, wait_for
from runner.engine.tracing import CURRENT, MOST_SPANS, inside, report_step
from runner.engine.turn import Done, Failed, Filtered, Frame, Pending, Result, Stopped, Turn
from runner.errors import ExpressionError
from runner.language.expressions import is_truthy
from runner.language.workflow import (
    Action,
    CallWorkflow,
    Fail,
    Filter,
    ForEach,
    Group,
    Parallel,
    Repeat,
    Respond,
    Step,
    Stop,
    Switch,
    TemplateStep,
    Transform,
    Wait,
    WaitFor,
)
from runner.values import Json

MOST_TRACED = 2000  # steps of one turn: a loop over 10,000 items would make a trace of megabytes
MOST_STALLED_TURNS = 5  # a run that kills its process is not taken up for ever

Facts: TypeAlias = dict[str, Json]

SKIPPED: Facts = {"status": "skipped", "attempts": 0, "error": None}  # the outcome of what never ran


async def execute(turn: Turn, payload: Json) -> TurnEnd:
    """Run until the run has ended or nothing in it can go on."""
    names = first_names(turn.run, turn.event, turn.workflow, payload, turn.tools.public_url)
    frame = Frame(names, "", turn.run.base_at)
    if turn.run.stalled > MOST_STALLED_TURNS:
        message = f"the server stopped {MOST_STALLED_TURNS} times in a row during this run"
        return await _end(turn, frame, Failed("", "crashed", message))
    result = await _bounded(turn, frame)
    if not isinstance(result, Failed) or not turn.workflow.on_failure:
        return await _end(turn, frame, result)

    for step in turn.workflow.steps:
        _pass_over(([step.id] if step.id else []) + _ids_let_out(step), frame)
    told = await run_steps(
        turn, turn.workflow.on_failure, frame.inside("on_failure.", error=result.as_error())
    )
    if isinstance(told, Pending):
        return await _end(turn, frame, told)
    if isinstance(told, Failed):
        turn.notes.append(f"on_failure failed too, at {told.step}: {told.message}")
    return await _end(turn, frame, result)


async def run_steps(turn: Turn, steps: Sequence[Step], frame: Frame) -> Result:
    """One list of steps in its order; its output is its last step's."""
    result: Result = Done(None)
    for step in steps:
        if turn.stopped:
            return turn.stopped
        await turn.let_others_go()
        if turn.begin:
            turn.begin(step, frame)
        result = await run_step(turn, step, frame)
        if turn.watch:
            turn.watch(step, frame, result)
        if not isinstance(result, Done):
            return result
    return result


async def run_step(turn: Turn, step: Step, frame: Frame) -> Result:
    """One step with its modifiers: `if`, `timeout`, and, after its retries, `on_error`."""
    path, tracer, here = frame.prefix + step.key, turn.tools.tracer, CURRENT.get()
    if tracer is None or here is None or turn.spans >= MOST_SPANS or _is_recorded(turn, path):
        return await _run_step(turn, step, path, frame)
    turn.spans += 1
    began_at, context = turn.tools.clock(), here.child()
    with inside(context):
        result = await _run_step(turn, step, path, frame)
    report_step(
        tracer, path, step.body.action if isinstance(step.body, Action) else step.kind, context, here.span_id,
        began_at=began_at, now=turn.tools.clock(), status=_STATUS_IN_TRACE[type(result)],
        error=result.type if isinstance(result, Failed) else None,
    )  # fmt: skip
    return result


def _is_recorded(turn: Turn, path: str) -> bool:
    """Whether the step ended in an earlier turn, of which the trace has heard."""
    record = turn.records.get(path)
    return record is not None and record.status in (RecordStatus.SUCCEEDED, RecordStatus.FAILED)


async def _run_step(turn: Turn, step: Step, path: str, frame: Frame) -> Result:
    began = turn.tools.clock()
    while True:
        try:
            if step.condition and not is_truthy(await turn.evaluate(step.condition, turn.scope(frame, path))):
                _settle(step, frame, None, SKIPPED)
                turn.trace.append({"path": path, "status": "skipped", "test": step.condition.source})
                return Done(None)
        except ExpressionError as error:
            result: Result = Failed(path, "expression", f"if: {error}")
        else:
            result = await _timed(turn, step, path, frame)
        # it may have failed for want of a file; nothing was sent, since an expression comes before
        if not (turn.shelf.wanted and _is_of_expression(result, path) and await fetch_wanted(turn)):
            break
    _trace(turn, path, step, result, began)

    if isinstance(result, Failed):
        return await _failed(turn, step, path, frame, result)
    if isinstance(result, Done):
        outcome: Facts = {"status": "succeeded"}
        if isinstance(step.body, ForEach):
            outcome["errors"] = turn.item_errors.get(path, [])
        _settle(step, frame, result.value, _with_attempts(turn, path, outcome))
    return result


def _is_of_expression(result: Result, path: str) -> bool:
    """Whether an expression of the step itself failed, not one of a step inside it."""
    return isinstance(result, Failed) and result.type == "expression" and result.step == path


async def _failed(turn: Turn, step: Step, path: str, frame: Frame, failed: Failed) -> Result:
    """What `on_error` makes of a failed step."""
    error = failed.as_error()
    outcome: Facts = {"status": "failed", "attempts": failed.attempts, "error": error}
    steps = step.on_error
    if steps == "continue":
        _settle(step, frame, None, outcome)
        return Done(None)
    if steps == "fail" or isinstance(steps, str) or failed.type in ("interrupted", "diverged"):
        _settle(step, frame, None, outcome)
        return failed
    _pass_over(_ids_let_out(step), frame)
    inner = frame.under(f"{path}!error.", error=error)
    result = await run_steps(turn, steps, inner)
    frame.now = inner.now
    if isinstance(result, Done):
        _settle(step, frame, result.value, {**outcome, "status": "recovered"})
    elif isinstance(result, Failed):
        _settle(step, frame, None, outcome)
    return result


async def _timed(turn: Turn, step: Step, path: str, frame: Frame) -> Result:
    """The step within its `timeout`; that of an action bounds each call, that of `wait_for` is its own."""
    if step.timeout_seconds is None or isinstance(step.body, Action | WaitFor):
        return await _body(turn, step, path, frame)
    passed = turn.records.get(path)
    if passed and passed.status is RecordStatus.FAILED:
        frame.now = passed.ended_at or frame.now
        return Failed(path, "timeout", passed.error["message"])
    # counted from what a resumed run counts from too, and after a replay from that
    deadline = (passed.started_at if passed else frame.now) + step.timeout_seconds
    try:
        async with asyncio.timeout(max(0.0, deadline - turn.tools.clock())):
            result = await _body(turn, step, path, frame)
    except TimeoutError:
        return _timed_out(turn, path, frame, step.kind, step.timeout_seconds)
    if isinstance(result, Pending) and turn.tools.clock() >= deadline:
        return _timed_out(turn, path, frame, step.kind, step.timeout_seconds)  # it never gave up the tick
    if isinstance(result, Pending) and result.due_at > deadline:
        waiting_for = f"{path} ends at its timeout; {result.waiting_for}"
        return replace(result, due_at=deadline, waiting_for=waiting_for)
    return result


def _timed_out(turn: Turn, path: str, frame: Frame, kind: str, seconds: float) -> Failed:
    """Recorded, since a resumed run could not tell again that the time was over."""
    now = turn.tools.clock()
    message = f"not done within {seconds:g} s"
    turn.keep(
        Record(
            path=path,
            kind=kind,
            status=RecordStatus.FAILED,
            attempts=1,
            started_at=frame.now,
            ended_at=now,
            error={"type": "timeout", "message": message},
        )  # fmt: skip
    )
    frame.now = now
    return Failed(path, "timeout", message)


async def _body(turn: Turn, step: Step, path: str, frame: Frame) -> Result:
    """What the step's kind does."""
    try:
        match step.body:
            case Action() as body:
                return await action(turn, step, body, path, frame)
            case Filter() as body:
                return await filter_(turn, body, path, frame)
            case Transform() as body:
                return await transform(turn, body, path, frame)
            case TemplateStep() as body:
                return await template(turn, body, path, frame)
            case Group() as body:
                return await group(turn, body, path, frame, run_steps)
            case Switch() as body:
                return await switch(turn, body, path, frame, run_steps)
            case ForEach() as body:
                return await for_each(turn, body, path, frame, run_steps)
            case Repeat() as body:
                return await repeat(turn, body, path, frame, run_steps)
            case Parallel() as body:
                return await parallel(turn, body, path, frame, run_steps)
            case Wait() as body:
                return await wait(turn, body, path, frame)
            case WaitFor() as body:
                return await wait_for(turn, step, body, path, frame)
            case Respond() as body:
                return await respond(turn, body, path, frame)
            case Stop() as body:
                return await stop(turn, body, path, frame)
            case Fail() as body:
                return await fail(turn, body, path, frame)
            case CallWorkflow() as body:
                return await call(turn, body, path, frame)
    except ExpressionError as error:
        return Failed(path, "expression", str(error))


async def _bounded(turn: Turn, frame: Frame) -> Result:
    """The steps within the run's bound of running time."""
    over = turn.records.get("run!timeout")
    if over:
        return Failed("", "timeout", over.error["message"])
    seconds = turn.workflow.timeout_seconds
    try:
        async with asyncio.timeout(seconds):
            return await run_steps(turn, turn.workflow.steps, frame)
    except TimeoutError:
        return replace(_timed_out(turn, "run!timeout", frame, "run", seconds), step="")


def _settle(step: Step, frame: Frame, value: Json, outcome: Facts) -> None:
    """Let later steps see this one's output and outcome, and null for ids inside that never ran."""
    _pass_over(_ids_let_out(step), frame)
    if step.id:
        own = {"errors": [], **outcome} if isinstance(step.body, ForEach) else outcome
        frame.names["steps"][step.id] = value
        frame.names["outcomes"][step.id] = own


def _pass_over(ids: Sequence[str], frame: Frame) -> None:
    """Those of *ids* that never ran are null, and their outcome says so."""
    for identity in ids:
        frame.names["steps"].setdefault(identity, None)
        frame.names["outcomes"].setdefault(identity, SKIPPED)


def _ids_let_out(step: Step) -> list[str]:
    """Ids inside a group or switch: seen after it (execution.md, "A path")."""
    match step.body:
        case Group(steps):
            inner = steps
        case Switch(cases):
            inner = tuple(each for case in cases for each in case.steps)
        case _:
            return []
    return [identity for each in inner for identity in ([each.id] if each.id else []) + _ids_let_out(each)]


def _with_attempts(turn: Turn, path: str, outcome: Facts) -> Facts:
    record = turn.records.get(path)
    return {**outcome, "attempts": record.attempts if record else 1, "error": None}


def _trace(turn: Turn, path: str, step: Step, result: Result, began: float) -> None:
    """One compact entry: where, how it ended, when it began and how long it took in milliseconds."""
    if len(turn.trace) >= MOST_TRACED:
        if len(turn.trace) == MOST_TRACED:
            turn.trace.append({"cut": f"only the first {MOST_TRACED} steps of this turn are kept here"})
        return
    entry: Facts = {
        "path": path,
        "kind": step.kind,
        "status": _STATUS_IN_TRACE[type(result)],
        "at": round((began - turn.began_at) * 1000, 1),
        "ms": round((turn.tools.clock() - began) * 1000, 1),
    }
    if step.label:
        entry["name"] = step.label
    if isinstance(result, Failed):
        entry["error"] = {"type": result.type, "message": result.message}
    elif isinstance(result, Filtered):
        entry |= {"test": result.facts["test"], "seen": result.facts["seen"]}
    elif isinstance(result, Done) and path not in turn.records:
        hidden = hidden_of(turn.workflow.redact, step.id, result.value)
        if hidden:  # no record has them, and whoever looks must not see them in what was made of them
            entry["hidden"] = hidden
    turn.trace.append(entry)


_STATUS_IN_TRACE: dict[type[Result], str] = {
    Done: "succeeded",
    Failed: "failed",
    Pending: "waiting",
    Filtered: "filtered",
    Stopped: "succeeded",
}


async def _end(turn: Turn, frame: Frame, result: Result) -> TurnEnd:
    """What the store shall write: the run's state and, in one sentence, why."""
    clock = turn.tools.clock
    output: Json = None
    due_at = waiting_for = parked_at = None
    if isinstance(result, Done):
        try:
            scope = turn.scope(frame, "output")
            output = result.value
            if turn.workflow.output:
                output = await turn.evaluate(turn.workflow.output, scope)
        except ExpressionError as error:
            result = Failed("output", "expression", str(error))
    match result:
        case Done():
            status, reason = Status.SUCCEEDED, Reason("succeeded", _ran(turn))
        case Stopped(message, cancelled=True):
            status, reason = Status.CANCELLED, Reason("cancelled", message)
        case Stopped(message):
            status, reason = (
                Status.SUCCEEDED,
                Reason("stopped", f"Stopped by the workflow: {message}"),
            )
        case Filtered(facts):
            status, reason = Status.FILTERED, Reason("filtered", did_not_hold(facts), facts)
        case Failed():
            status, reason = Status.FAILED, Reason(result.type, _why(result), result.as_error())
        case Pending():
            status, reason = Status.WAITING, Reason("waiting", f"{result.waiting_for}.")
            due_at, waiting_for, parked_at = result.due_at, result.waiting_for, result.parked_at
    return TurnEnd(
        status=status,
        ended_at=None if status is Status.WAITING else clock(),
        due_at=due_at,
        waiting_for=waiting_for,
        reason=reason,
        output=output if _is_output_wanted(turn) else None,
        answer=turn.answer,
        trace=turn.trace,
        notes=turn.notes,
        parked_at=parked_at,
    )


def _is_output_wanted(turn: Turn) -> bool:
    """Kept only where someone asks for it: most outputs stand in a record already."""
    webhook = turn.workflow.webhook
    is_awaited = webhook is not None and webhook.answer.mode == "result"
    return is_awaited or turn.workflow.output is not None or turn.event.trigger in ("call", "manual")


def _ran(turn: Turn) -> str:
    if turn.is_shadow:
        unsent = sum(map(is_unsent, turn.records.values()))
        return f"Ran to its end as a shadow; {unsent} action{'s were' if unsent != 1 else ' was'} not sent."
    calls = f", {turn.calls} call{'s' if turn.calls != 1 else ''} made" if turn.calls else ""
    return f"Ran to its end{calls}."


def _why(failed: Failed) -> str:
    where = f"{failed.step} failed" if failed.step else "The run failed"
    attempts = f" after {failed.attempts} attempts" if failed.attempts > 1 else ""
    return f"{where}{attempts}: {failed.message}"

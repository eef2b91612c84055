"""
Answer: what a sender hears. Most hear of the accepted event at once; callers of `answer: result`
wait for the run's own answer, at most their time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.engine.names import names_at_the_door
from runner.engine.rendering import render
from runner.engine.runs import Status, TurnEnd
from runner.errors import ExpressionError
from runner.language.scope import Scope
from runner.values import Json, dumps

if TYPE_CHECKING:
    from runner.engine.runs import Event, Store
    from runner.engine.turn import Evaluator
    from runner.language.templates import TemplateShape
    from runner.language.workflow import Workflow

LOOK_SECONDS = 0.25  # how often a run that another process has is looked at
log = logging.getLogger(__name__)

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An HTTP answer, header names in lower case. A stored file stands as its digest in `file`. `is_given`:
    the workflow's author wrote it, in a `respond` step or a fixed answer.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None
    is_given: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone who waits for a run; `is_here` tells that this process has the run's turn."""

    event_id: str
    run_id: str
    is_here: bool
    answer: asyncio.Future[Answer]


class Callers:
    """Those who wait for runs, by run id."""

    def __init__(self) -> None:
        self._waiting: dict[str, Caller] = {}

    def expect(self, event_id: str, run_id: str, *, is_here: bool) -> Caller:
        """Someone will `wait` for this run."""
        caller = Caller(event_id, run_id, is_here, asyncio.get_running_loop().create_future())
        self._waiting[run_id] = caller
        return caller

    def forget(self, run_id: str) -> None:
        """Nobody waits for it any more."""
        self._waiting.pop(run_id, None)

    def answered(self, run_id: str, answer: Json) -> None:
        """A `respond` step gave its answer; the run goes on."""
        self._tell(run_id, lambda _caller: responded(answer))

    def ended(self, run_id: str, end: TurnEnd) -> None:
        """A turn ended: with the run, its caller hears how; with a wait, that it goes on later."""
        code = end.reason.code if end.reason else ""
        self._tell(run_id, lambda caller: of_run(caller.event_id, end.status, code, end.answer, end.output))

    def _tell(self, run_id: str, answer: Callable[[Caller], Answer]) -> None:
        caller = self._waiting.get(run_id)
        if caller and not caller.answer.done():
            caller.answer.set_result(answer(caller))


async def wait(caller: Caller, store: Store, *, seconds: float) -> Answer:
    """The run's answer, or 202 when the time is over or the run begins to wait."""
    try:
        async with asyncio.timeout(seconds):
            return await (caller.answer if caller.is_here else _watched(caller, store))
    except TimeoutError:
        return of_event(caller.event_id, "accepted", status=202)


async def of_duplicate(event_id: str, run_id: str, store: Store) -> Answer:
    """The answer that the first event's run gave, where it gave one; else that it is a duplicate."""
    if run_id:
        status, code, answer, output = await store.answer_of(run_id)
        if answer is not None or status in (Status.SUCCEEDED, Status.FILTERED):
            return of_run(event_id, status, code, answer, output)
    return of_event(event_id, "duplicate")


async def _watched(caller: Caller, store: Store) -> Answer:
    """The answer of a run that another process executes, from its row; or ours, should it come here."""
    while True:
        status, code, answer, output = await store.answer_of(caller.run_id)
        if answer is not None or status not in (Status.QUEUED, Status.RUNNING):
            return of_run(caller.event_id, status, code, answer, output)
        await asyncio.wait({caller.answer}, timeout=LOOK_SECONDS)
        if caller.answer.done():
            return caller.answer.result()


async def fixed(
    shape: TemplateShape,
    workflow: Workflow,
    event: Event,
    payload: Json,
    evaluator: Evaluator,
    *,
    run_id: str,
) -> Answer:
    """
    The answer that the workflow's `answer` fixes. The event is accepted already: a template that
    fails is the author's to mend and no reason to make the sender repeat it.
    """
    names = names_at_the_door(event, workflow, payload, run_id)
    scope = Scope(names, event.received_at, event.id, workflow.timezone)
    try:
        return responded(await render(shape, scope, evaluator, workflow=workflow.slug))
    except ExpressionError as error:
        log.warning("the answer of %s failed: %s", workflow.slug, error, extra={"action": "answer_failed"})
        return of_event(event.id, "accepted")


def of_event(event_id: str, status_word: str, *, status: int = 200) -> Answer:
    """`{"event": "<id>", "status": "accepted"}`, as interfaces.md has it."""
    body = f'{{"event":"{event_id}","status":"{status_word}"}}'.encode()
    return Answer(status, body, {"content-type": "application/json"})


def of_run(event_id: str, status: Status, code: str, answer: Json, output: Json) -> Answer:
    """The answer by the run's outcome; never the reason of a failure, which is not the caller's business."""
    if answer is not None:
        return responded(answer)
    if status is Status.FAILED:
        return of_event(event_id, "failed", status=500)
    if status is Status.SUCCEEDED and code != "stopped":
        return replace(responded({"body": output}), is_given=False)
    if status in (Status.SUCCEEDED, Status.FILTERED, Status.CANCELLED):
        return of_event(event_id, status.value)
    return of_event(event_id, "accepted", status=202)


def responded(answer: Json) -> Answer:
    """
    The answer of a rendered `{status, headers, body, file}`: an object or list goes out as JSON,
    text as text/plain unless `headers` says otherwise, a file of the run as itself.
    """
    status = answer.get("status")
    body = answer.get("body")
    headers = {str(name).lower(): _header(value) for name, value in (answer.get("headers") or {}).items()}
    status = status if isinstance(status, int) and 200 <= status <= 599 else 200
    if answer.get("file"):
        headers.setdefault("content-type", _header(body["content_type"]))
        return Answer(status, b"", headers, file=answer["file"], is_given=True)
    if isinstance(body, str):
        headers.setdefault("content-type", TEXT)
        return Answer(status, body.encode(errors="replace"), headers, is_given=True)
    if body is None and status in (204, 205, 304):
        return Answer(status, b"", headers, is_given=True)
    headers.setdefault("content-type", "application/json")
    return Answer(status, dumps(body).encode(), headers, is_given=True)


def _header(value: Json) -> str:
    """A header's value on one line, whatever the payload put into it."""
    text = value if isinstance(value, str) else dumps(value)
    return " ".join(text.split())

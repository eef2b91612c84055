"""
Traces: what took how long, from a sender's request through its run to the requests that it makes.

Nothing is stored for it. A request's span id follows from its event, a run's from its run, and the trace is
the one that the sender named in `traceparent`, which is kept with the event, or else follows from the event
too: so a run that goes on later, on another node or after a retry goes on in the same trace. Source: W3C
Trace Context, level 1. A span names things and never holds what came in or went out.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from runner.engine.paths import without_indices
from runner.values import random_bytes

if TYPE_CHECKING:
    from runner.engine.runs import Event, Run, TurnEnd

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
SHAPE = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
LONGEST_STATE = 512  # characters that have to be passed on
MOST_SPANS = 500  # of the steps of one turn: a loop over 10,000 items is read by nobody

Kind: TypeAlias = Literal["server", "client", "internal"]
Attributes: TypeAlias = dict[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Context:
    """A place in a trace: hexadecimal ids of 16 and 8 bytes, and what the sender's `tracestate` was."""

    trace_id: str
    span_id: str
    is_sampled: bool
    state: str = ""

    def child(self) -> Context:
        """A new place under this one."""
        return Context(self.trace_id, random_bytes(8).hex(), self.is_sampled, self.state)

    def headers(self) -> dict[str, str]:
        """What a request says that belongs to it."""
        headers = {TRACEPARENT: f"00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"}
        return {**headers, TRACESTATE: self.state} if self.state else headers


@dataclass(slots=True)
class Span:
    """
    What took from `began_at` to `ended_at` (UTC seconds) at `context`, under the span id `parent`.
    `attributes` have the names of OpenTelemetry's semantic conventions, or begin with `hookline.`; `error` is
    a code, None where it went well.
    """

    name: str
    kind: Kind
    context: Context
    parent: str | None
    began_at: float
    ended_at: float = 0.0
    attributes: Attributes = field(default_factory=dict)
    error: str | None = None


class Tracer(Protocol):
    """Takes spans away. It never waits and never fails: an export that fails disturbs nothing."""

    def samples(self, trace_id: str) -> bool:
        """Whether a trace that begins here is kept: the same on every node."""

    def report(self, span: Span) -> None:
        """Keep *span*, which is sampled."""


CURRENT: ContextVar[Context | None] = ContextVar("hookline_trace", default=None)
"""Where in a trace this task is; the requests that it makes go on from there."""


def read_context(headers: Mapping[str, str]) -> Context | None:
    """The place that *headers* (lower-case names) name; None where that is none to go on from."""
    found = SHAPE.fullmatch(headers.get(TRACEPARENT, "").strip())
    if found is None or (found[0].startswith("00-") and found[4]):
        return None
    state = headers.get(TRACESTATE, "").strip()
    is_fit = len(state) <= LONGEST_STATE and state.isascii() and state.isprintable()
    return Context(found[1], found[2], bool(int(found[3], 16) & 1), state if is_fit else "")


def request_context(event: Event, tracer: Tracer) -> tuple[Context, str | None]:
    """The place of the request that brought *event*, and the span id that it is under."""
    sender = read_context(event.headers)
    trace_id = sender.trace_id if sender else _derived("trace", event.id, 16)
    is_sampled = sender.is_sampled if sender else tracer.samples(trace_id)
    own = Context(trace_id, _derived("request", event.id, 8), is_sampled, sender.state if sender else "")
    return own, sender.span_id if sender else None


def run_context(run: Run, event: Event, tracer: Tracer) -> tuple[Context, str | None]:
    """The place of *run*, which is of *event*, and the span id that it is under."""
    request, sender = request_context(event, tracer)
    span_id = _derived("run", f"{run.id}/{run.attempt}", 8)
    own = Context(request.trace_id, span_id, request.is_sampled, request.state)
    return own, request.span_id if event.trigger == "webhook" else sender


def report_request(tracer: Tracer, event: Event, *, status: int, ended_at: float) -> None:
    """Tell of the request that brought *event* and was answered with *status*."""
    context, parent = request_context(event, tracer)
    if not context.is_sampled:
        return
    # the path is a secret: whoever knows it may send
    attributes: Attributes = {
        "http.request.method": event.method,
        "http.route": "/hooks/{token}",
        "http.response.status_code": status,
        "hookline.workflow": event.workflow,
        "hookline.event.id": event.id,
    }
    name = f"{event.method} /hooks/{{token}}"
    error = str(status) if status >= 500 else None
    tracer.report(Span(name, "server", context, parent, event.received_at, ended_at, attributes, error))


def report_accept(
    tracer: Tracer, event: Event, *, disposition: str, began_at: float, ended_at: float
) -> None:
    """Tell that *event* was written down as *disposition*."""
    context, _parent = request_context(event, tracer)
    if not context.is_sampled or event.trigger != "webhook":
        return
    attributes: Attributes = {"hookline.event.id": event.id, "hookline.disposition": disposition}
    span = Span("accept", "internal", context.child(), context.span_id, began_at, ended_at, attributes)
    tracer.report(span)


def report_turn(
    tracer: Tracer, run: Run, event: Event, turn: Context, end: TurnEnd,
    *, node: str, began_at: float, now: float,
) -> None:  # fmt: skip
    """Tell of a turn of *run* that ends so on *node*, and of the run if that has ended."""
    if not turn.is_sampled:
        return
    context, parent = run_context(run, event, tracer)
    attributes: Attributes = {
        "hookline.run.id": run.id,
        "hookline.run.status": end.status.value,
        "hookline.run.attempt": run.attempt,
        "hookline.workflow": run.workflow,
        "hookline.workflow.version": run.version,
        "hookline.event.id": event.id,
    }
    own: Attributes = {"hookline.run.id": run.id, "hookline.turn": run.turns, "hookline.node": node}
    tracer.report(Span("turn", "internal", turn, context.span_id, began_at, now, own))
    if end.ended_at is not None:
        error = end.reason.code if end.reason and end.status.value == "failed" else None
        ended_at = max(end.ended_at, run.accepted_at)
        name = f"run {run.workflow}"
        tracer.report(Span(name, "internal", context, parent, run.accepted_at, ended_at, attributes, error))


def report_step(
    tracer: Tracer, path: str, what: str, context: Context, parent: str,
    *, began_at: float, now: float, status: str, error: str | None,
) -> None:  # fmt: skip
    """Tell of the step at *path*, of the kind or action *what*, as far as this turn brought it."""
    if not context.is_sampled:
        return
    attributes: Attributes = {
        "hookline.step.path": path, "hookline.step.kind": what, "hookline.step.status": status,
    }  # fmt: skip
    name = f"step {without_indices(path)}"
    tracer.report(Span(name, "internal", context, parent, began_at, now, attributes, error))


@contextlib.contextmanager
def inside(context: Context) -> Iterator[None]:
    """While inside, this task is at *context*."""
    token = CURRENT.set(context)
    try:
        yield
    finally:
        CURRENT.reset(token)


def _derived(what: str, identity: str, size: int) -> str:
    """*size* bytes in hexadecimal for *what* of *identity*, the same wherever they are asked for."""
    return hashlib.sha256(f"{what}/{identity}".encode()).digest()[:size].hex()

"""The span of one outbound request, which carries its place in the trace along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.engine.tracing import CURRENT, TRACEPARENT, Span

if TYPE_CHECKING:
    from yarl import URL

    from runner.connector import OutgoingRequest
    from runner.engine.tracing import Tracer

NO_ANSWER = "no_answer"


@dataclass(slots=True)
class Sent:
    """A request on its way."""

    span: Span
    tracer: Tracer

    def answered(self, status: int) -> None:
        """An answer came. Source: OpenTelemetry's conventions for HTTP, by which 400 and above are errors."""
        self.span.attributes["http.response.status_code"] = status
        self.span.error = str(status) if status >= 400 else None

    def end(self, now: float) -> None:
        """Tell of it, whatever became of it."""
        self.span.ended_at = now
        if self.span.context.is_sampled:
            self.tracer.report(self.span)


def begin_request(tracer: Tracer | None, request: OutgoingRequest, url: URL, *, now: float) -> Sent | None:
    """
    The span of *request*, to which its place is added; None where nobody asks, or it is part of no run. One
    that names a place of its own keeps that. The path and the query, which may hold a secret, are not told.
    """
    here = CURRENT.get()
    if tracer is None or here is None:
        return None
    context = here.child()
    if all(name.lower() != TRACEPARENT for name in request.headers):
        request.headers = {**request.headers, **context.headers()}
    span = Span(
        request.method, "client", context, here.span_id, now, error=NO_ANSWER,
        attributes={
            "http.request.method": request.method,
            "url.scheme": url.scheme,
            "server.address": url.host or "",
            "server.port": url.port or 0,
        },
    )  # fmt: skip
    return Sent(span, tracer)

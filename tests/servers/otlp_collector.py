"""
A real receiver of OTLP/HTTP: takes what an exporter sends, reads it as OpenTelemetry's protobuf, and has the
spans.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.servers.http_sink import HttpSink, Received

PROTOBUF = "application/x-protobuf"
ANSWER_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One span: hexadecimal ids (no `parent` at a root), `kind` as the protocol names it, nanoseconds."""

    name: str
    kind: str
    trace: str
    span: str
    parent: str
    began: int
    ended: int
    is_error: bool
    attributes: dict[str, object]
    service: str


class OtlpCollector(HttpSink):
    """See `HttpSink`; `spans` has all that came, in the order in which it came."""

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.spans: list[Seen] = []
        self.handler = self._take

    def named(self, beginning: str) -> list[Seen]:
        """Those whose name begins so."""
        return [one for one in self.spans if one.name.startswith(beginning)]

    def until(self, beginning: str, count: int = 1) -> list[Seen]:
        """Wait, in another thread than the collector's, until *count* came whose name begins so."""
        latest = time.monotonic() + ANSWER_SECONDS
        while len(found := self.named(beginning)) < count:
            assert time.monotonic() < latest, [one.name for one in self.spans]
            time.sleep(0.01)
        return found

    async def _take(self, received: Received) -> web.Response:
        if received.path != "/v1/traces" or received.headers.get("content-type") != PROTOBUF:
            return web.Response(status=415)
        request = ExportTraceServiceRequest.FromString(received.body)
        for resource in request.resource_spans:
            about = _values(resource.resource.attributes)
            for scope in resource.scope_spans:
                self.spans += [_seen(one, str(about.get("service.name", ""))) for one in scope.spans]
        return web.Response(body=ExportTraceServiceResponse().SerializeToString(), content_type=PROTOBUF)


def _seen(span: Span, service: str) -> Seen:
    return Seen(
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace=span.trace_id.hex(),
        span=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        is_error=span.status.code == Status.STATUS_CODE_ERROR,
        attributes=_values(span.attributes),
        service=service,
    )


def _values(pairs: list[KeyValue]) -> dict[str, object]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value") for one in pairs}

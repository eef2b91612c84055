"""
Spans as OpenTelemetry's SDK sends them: in batches, over OTLP/HTTP, from a thread of its own.

What a setting does not say is said by the SDK's own variables: OTEL_EXPORTER_OTLP_*, OTEL_SERVICE_NAME,
OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_*. The collector is the operator's, so it is not
held to what actions may reach.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from opentelemetry.context import Context as SdkContext
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from runner import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from runner.engine.tracing import Context, Span
    from runner.settings_seeing import Telemetry

PATH = "/v1/traces"
EXPORT_SECONDS = 5.0  # for one batch, tries again included
CLOSING_SECONDS = 5.0
SAID_SECONDS = 300.0  # between two lines on a collector that does not answer
NANOSECONDS = 1_000_000_000
KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
QUIET = ("opentelemetry.exporter", "opentelemetry.sdk")  # said by us, in our words and not for each batch

log = logging.getLogger(__name__)


class OtlpTracer:
    """See `runner.engine.tracing.Tracer`. It has a thread: close it."""

    def __init__(self, settings: Telemetry, environment: Mapping[str, str]) -> None:
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._ids = _GivenIds()
        self._sampler = _sampler(settings, environment)
        exporter = _Saying(
            OTLPSpanExporter(
                endpoint=_endpoint(settings.endpoint),
                headers=dict(settings.header_pairs) or None,
                timeout=EXPORT_SECONDS,
            )
        )
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # what comes here was sampled, by the trace's id
            resource=_resource(settings, environment),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("hookline", __version__)

    def samples(self, trace_id: str) -> bool:
        """As `Tracer.samples`."""
        found = self._sampler.should_sample(SdkContext(), int(trace_id, 16), "")
        return found.decision is Decision.RECORD_AND_SAMPLE

    def report(self, span: Span) -> None:
        """As `Tracer.report`; some 15 microseconds."""
        context, attributes = span.context, span.attributes
        if span.error is not None:
            attributes = {**attributes, "error.type": span.error}
        self._ids.next = int(context.trace_id, 16), int(context.span_id, 16)
        kept = self._tracer.start_span(
            span.name,
            context=_under(context, span.parent),
            kind=KINDS[span.kind],
            attributes=attributes,
            start_time=int(span.began_at * NANOSECONDS),
        )
        if span.error is not None:
            kept.set_status(Status(StatusCode.ERROR))
        kept.end(int(max(span.began_at, span.ended_at) * NANOSECONDS))

    async def close(self) -> None:
        """Send what is left; a collector that does not answer by then has missed it."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, CLOSING_SECONDS)


class _GivenIds(IdGenerator):
    """The ids of the span that begins next."""

    def __init__(self) -> None:
        self.next = (1, 1)

    def generate_trace_id(self) -> int:
        return self.next[0]

    def generate_span_id(self) -> int:
        return self.next[1]


class _Saying(SpanExporter):
    """Says now and then, in one line, that the collector does not take what is sent."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost = 0
        self._said_at = -SAID_SECONDS

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not the run's
            log.debug("spans were not sent: %r", error)
            result = SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            return result
        self._lost += len(spans)
        if time.monotonic() - self._said_at >= SAID_SECONDS:
            log.warning(
                "%d spans were lost: the collector of traces does not take them; runs go on without",
                self._lost,
                extra={"action": "spans_lost"},
            )
            self._said_at, self._lost = time.monotonic(), 0
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _under(context: Context, parent: str | None) -> SdkContext:
    if parent is None:
        return SdkContext()
    state = TraceState.from_header([context.state]) if context.state else None
    above = SpanContext(int(context.trace_id, 16), int(parent, 16), is_remote=True, trace_flags=SAMPLED,
                        trace_state=state)  # fmt: skip
    return set_span_in_context(NonRecordingSpan(above), SdkContext())


def _endpoint(base: str) -> str | None:
    """The address for traces of a collector at *base*; None: the SDK's variables name it."""
    if not base:
        return None
    return base if base.rstrip("/").endswith(PATH) else base.rstrip("/") + PATH


def _sampler(settings: Telemetry, environment: Mapping[str, str]) -> Sampler:
    """What decides on a trace that begins here; one that a sender began is the sender's to decide on."""
    if settings.sampling < 1 or not environment.get("OTEL_TRACES_SAMPLER"):
        return TraceIdRatioBased(settings.sampling)
    return ParentBased(TracerProvider(shutdown_on_exit=False).sampler)


def _resource(settings: Telemetry, environment: Mapping[str, str]) -> Resource:
    given = {"service.version": __version__}
    named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in environment.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    if settings.service_name or not named:
        given["service.name"] = settings.service_name or "hookline"
    return Resource.create(given)

"""Traces to an OpenTelemetry collector: the extra `otel`. Nothing of it is imported where it is off."""

from __future__ import annotations

from runner.telemetry.opening import close_tracer, is_wanted, open_tracer

__all__ = ["close_tracer", "is_wanted", "open_tracer"]

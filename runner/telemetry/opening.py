"""Whether traces are wanted, and what takes them away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from runner.errors import SettingsError

if TYPE_CHECKING:
    from runner.settings_seeing import Telemetry
    from runner.telemetry.otlp import OtlpTracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def is_wanted(settings: Telemetry, environment: Mapping[str, str]) -> bool:
    """Whether the settings or OpenTelemetry's own variables name where traces go, and none turns them off."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if settings.endpoint:
        return True
    exporter = environment.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower()
    return exporter == "otlp" and any(environment.get(name, "").strip() for name in ENDPOINTS)


def open_tracer(settings: Telemetry, environment: Mapping[str, str]) -> OtlpTracer | None:
    """
    What takes spans to the collector, to be closed; None where nothing wants them.

    Raises:
        SettingsError: what is needed for it is not installed.
    """
    if not is_wanted(settings, environment):
        return None
    try:
        from runner.telemetry.otlp import OtlpTracer  # noqa: PLC0415 - a fifth of a second, where it is off
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"telemetry: traces are to be sent, but {error.name} is not installed; install hookline[otel], "
            "or take the endpoint away ([telemetry] endpoint, OTEL_EXPORTER_OTLP_ENDPOINT)"
        ) from error
    return OtlpTracer(settings, environment)


async def close_tracer(tracer: OtlpTracer | None) -> None:
    """Send what is left, for some seconds at most."""
    if tracer is not None:
        await tracer.close()

"""`[log]` and `[telemetry]`: what whoever operates a server sees of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.1


@dataclass(frozen=True, slots=True)
class Log:
    """`[log]`: what the server says on stderr."""

    format: str = "text"  # or json: an object a line, for what collects and searches them


@dataclass(frozen=True, slots=True)
class Telemetry:
    """
    `[telemetry]`: traces of requests and runs to an OpenTelemetry collector, for which `hookline[otel]` is
    installed. What is not set here is said by the standard OTEL_* variables.
    """

    endpoint: str = ""  # of OTLP/HTTP, such as http://collector:4318; empty, and no variable: none are made
    headers: tuple[str, ...] = ()  # name=value each; best as HOOKLINE_TELEMETRY_HEADERS
    sampling: float = 1.0  # of the traces that begin here; a sender that began one has decided already
    service_name: str = ""  # hookline, where no variable says another

    @property
    def header_pairs(self) -> tuple[tuple[str, str], ...]:
        """`headers` as names and values."""
        split = (one.partition("=") for one in self.headers)
        return tuple((name.strip().lower(), value.strip()) for name, _sign, value in split)


def judged_seeing(log: Log, telemetry: Telemetry) -> list[str]:
    """What is wrong with values that are of the right kind."""
    faults = []
    if log.format not in {"text", "json"}:
        faults.append(f'log.format: "{log.format}" is neither text nor json')
    if telemetry.endpoint and not telemetry.endpoint.startswith(("http://", "https://")):
        faults.append("telemetry.endpoint: it must begin with http:// or https://")
    if not 0 <= telemetry.sampling <= 1:
        faults.append(f"telemetry.sampling: {telemetry.sampling:g} is no share; write a number from 0 to 1")
    if any(not HEADER_NAME.fullmatch(name) for name, _value in telemetry.header_pairs):
        faults.append("telemetry.headers: write name=value for each")
    return faults

"""
The time at which a sender signed: how headers write it, and how far off it may be.
Source of the third form: RFC 3339.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from runner.inbound.verdict import Refused

Clock: TypeAlias = Literal["unix", "unix_ms", "rfc3339"]
"""Whole seconds or milliseconds since 1970, or `2026-01-15T10:00:00Z`."""

DIGITS = re.compile(r"[0-9]{1,20}")
RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
EXAMPLES: dict[Clock, str] = {
    "unix": "a time in unix seconds",
    "unix_ms": "a time in unix milliseconds",
    "rfc3339": "a time such as 2026-01-15T10:00:00Z",
}


def read_timestamp(text: str, clock: Clock) -> float | None:
    """Unix seconds, or None where *text* is not of the form. Negative, NaN and the like are none."""
    if clock != "rfc3339":
        return int(text) / (1000 if clock == "unix_ms" else 1) if DIGITS.fullmatch(text) else None
    if not RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):  # a 31st of February, or the year 0
        return None


def write_timestamp(now: float, clock: Clock) -> str:
    """*now* (unix seconds) as a header would write it."""
    if clock == "rfc3339":
        return datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z")
    return str(int(now * 1000) if clock == "unix_ms" else int(now))


def check_age(where: str, sent_at: float, *, now: float, tolerance_seconds: float) -> Refused | None:
    """
    Refuse what was signed more than *tolerance_seconds* before or after *now*; exactly that much is
    accepted. *where* names the header.
    """
    off = now - sent_at
    if abs(off) <= tolerance_seconds:
        return None
    side = "old" if off > 0 else "ahead of this server's clock"
    return Refused(
        "stale",
        f"{where} is {abs(off):,.0f} s {side}; at most {tolerance_seconds:,.0f} s is accepted",
        "the signature itself is right: a request that was replayed or waited long, or a clock that is"
        " wrong on one side; `tolerance` sets the bound",
    )

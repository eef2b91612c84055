"""Functions on dates, for both expression languages: ISO 8601 texts in UTC, IANA zones."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from runner.language.arithmetic import is_number
from runner.language.functions_registry import library
from runner.language.shapes import shown
from runner.values import duration_seconds, iso

if TYPE_CHECKING:
    from runner.language.scope import Scope
    from runner.values import Json

MAX_PATTERN = 200  # characters: the longest letter gives some thirty
LETTERS = frozenset("aAbBcdDeFgGHIjmMpRSTuUVwWxXyYzZfn")  # no widths: %300000000d is a bomb


@library()
def now(scope: Scope) -> str:
    """
    Give the time in UTC; a run that resumes gets the time it got before.

    Example: now() == "2026-01-05T09:30:00.000Z"
    """
    return _text(scope.now)


@library()
def format_date(scope: Scope, date: Json, pattern: str | None = "%Y-%m-%d", zone: str | None = None) -> str:
    """
    Write a date (ISO text, or seconds since 1970) by a strftime pattern, in the workflow's time
    zone or in another.

    Example: format_date('2026-01-05T09:30:00Z', '%d.%m.%Y %H:%M', 'Europe/Athens') == "05.01.2026 11:30"
    Example: format_date(0) == "1970-01-01"
    """
    pattern = pattern or "%Y-%m-%d"
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern is longer than {MAX_PATTERN} characters")
    after_percent = pattern.replace("%-", "%").replace("%%", "%n").split("%")[1:]
    for part in after_percent:
        if part[:1] not in LETTERS:
            raise ValueError(f"%{part[:1]} is not known in a pattern")
    return moment(date).astimezone(_zone(zone or scope.zone)).strftime(pattern)


@library()
def parse_date(date: Json, zone: str | None = "UTC") -> str:
    """
    Read a date (ISO text, or seconds since 1970) and give it in UTC; one without an offset is
    taken to be of the zone.

    Example: parse_date('2026-01-05 09:30', 'Europe/Athens') == "2026-01-05T07:30:00.000Z"
    """
    return _text(moment(date, _zone(zone or "UTC")).timestamp())


@library()
def date_add(date: Json, duration: str) -> str:
    """
    Add a duration (`2d`, `1h30m`, `-15m`) to a date.

    Example: date_add('2026-01-05T09:30:00Z', '2d') == "2026-01-07T09:30:00.000Z"
    """
    sign = -1 if duration.startswith("-") else 1
    return _text(moment(date).timestamp() + sign * duration_seconds(duration.removeprefix("-")))


@library()
def date_diff(later: Json, earlier: Json) -> Json:
    """
    Give the seconds from one date to another.

    Example: date_diff('2026-01-05T09:30:00Z', '2026-01-05T09:29:00Z') == 60
    """
    seconds = moment(later).timestamp() - moment(earlier).timestamp()
    return int(seconds) if seconds.is_integer() else seconds


def moment(date: Json, zone: tzinfo = UTC) -> datetime:
    """
    *date* as a point in time.

    Raises:
        ValueError: neither an ISO text nor a number of seconds within the years 1 to 9999.
    """
    try:
        if is_number(date):
            return datetime.fromtimestamp(date, UTC)
        if isinstance(date, str):
            read = datetime.fromisoformat(date.strip())
            return read if read.tzinfo else read.replace(tzinfo=zone)
    except (ValueError, OverflowError, OSError):
        pass
    raise ValueError(f"{shown(date)} is not a date; write for example 2026-01-05T09:30:00Z")


def _text(seconds: float) -> str:
    try:
        return str(iso(seconds))
    except (ValueError, OverflowError, OSError):
        raise ValueError("the date lies outside the years 1 to 9999") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ValueError(f"there is no time zone {shown(name)}; write for example Europe/Athens") from None

"""Functions on dates, for both expression languages: ISO 8601 texts in UTC, IANA zones."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from runner.language.arithmetic import is_number
from runner.language.functions_registry import KINDS, Kind, is_text, library
from runner.language.shapes import shown
from runner.language.suggest import nearest
from runner.values import DURATION, UNIT_SECONDS, duration_seconds, iso

if TYPE_CHECKING:
    from runner.language.scope import Scope
    from runner.values import Json

Date: TypeAlias = str | int | float
Duration: TypeAlias = str
DatePattern: TypeAlias = str
Zone: TypeAlias = str
Unit: TypeAlias = str

MAX_PATTERN = 200  # characters: the longest letter gives some thirty
MAX_DATE = 100  # characters of a text that is read
LETTERS = frozenset("aAbBcdDeFgGHIjmMpRSTuUVwWxXyYzZfn")  # no widths: %300000000d is a bomb
READ = frozenset("aAbBdfHIjmMpSyYz")  # of a pattern that reads
MAIL = re.compile(r"([A-Za-z]{3}, )?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d.*")  # RFC 5322, RFC 9110
CALENDAR = frozenset("dw")  # units that a zone's clock counts


def moment(date: Json, zone: tzinfo = UTC) -> datetime:
    """
    *date* as a point in time.

    Raises:
        ValueError: neither an ISO text nor a number of seconds within the years 1 to 9999.
    """
    try:
        if is_number(date):
            return datetime.fromtimestamp(date, UTC)
        if isinstance(date, str) and len(date) <= MAX_DATE:
            text = date.strip()
            read = parsedate_to_datetime(text) if MAIL.fullmatch(text) else datetime.fromisoformat(text)
            return read if read.tzinfo else read.replace(tzinfo=zone)
    except (ValueError, OverflowError, OSError):
        pass
    raise ValueError(f"{shown(date)} is not a date; write for example 2026-01-05T09:30:00Z")


def zone_of(name: str) -> ZoneInfo:
    """
    The zone of an IANA name.

    Raises:
        ValueError: there is none, with the nearest.
    """
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        close = nearest(name, available_timezones())
        way_out = f"did you mean {close}?" if close else "write for example Europe/Athens"
        raise ValueError(f"there is no time zone {shown(name)}; {way_out}") from None


def _signed_duration(text: str) -> float:
    return duration_seconds(text.removeprefix("-")) * (-1 if text.startswith("-") else 1)


def _check_pattern(pattern: str, letters: frozenset[str] = LETTERS) -> None:
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern is longer than {MAX_PATTERN} characters")
    after_percent = pattern.replace("%-", "%").replace("%%", "%n").split("%")[1:]
    for part in after_percent:
        if part[:1] not in letters and part[:1] != "n":
            raise ValueError(f"%{part[:1]} is not known in a pattern; %Y-%m-%d %H:%M is one")
    if not after_percent:
        raise ValueError(f"{shown(pattern)} is no pattern of a date; write for example %d.%m.%Y")


def _unit(name: str) -> None:
    if name not in UNIT_SECONDS:
        raise ValueError(f"{shown(name)} is no unit; the units are {', '.join(UNIT_SECONDS)}")


KINDS["Date"] = Kind("a date", lambda value: isinstance(value, str) or is_number(value), moment)
KINDS["Duration"] = Kind("a duration", is_text, _signed_duration)
KINDS["DatePattern"] = Kind("a strftime pattern", is_text, _check_pattern)
KINDS["Zone"] = Kind("a time zone", is_text, zone_of)
KINDS["Unit"] = Kind("a unit", is_text, _unit)


@library()
def now(scope: Scope) -> str:
    """
    Give the time in UTC; a run that resumes gets the time it got before.

    Example: now() == "2026-01-05T09:30:00.000Z"
    """
    return _text(scope.now)


@library()
def format_date(
    scope: Scope, date: Date, pattern: DatePattern | None = "%Y-%m-%d", zone: Zone | None = None
) -> str:
    """
    Write a date (ISO text, or seconds since 1970) by a strftime pattern, in the workflow's time
    zone or in another.

    Example: format_date('2026-01-05T09:30:00Z', '%d.%m.%Y %H:%M', 'Europe/Athens') == "05.01.2026 11:30"
    Example: format_date(0) == "1970-01-01"
    """
    pattern = pattern or "%Y-%m-%d"
    _check_pattern(pattern)
    return moment(date).astimezone(zone_of(zone or scope.zone)).strftime(pattern)


@library()
def parse_date(date: Json, zone: Zone | None = "UTC", pattern: DatePattern | None = None) -> str:
    """
    Read a date (ISO text, the form of emails, seconds since 1970, or by a strptime pattern) and give
    it in UTC; one without an offset is taken to be of the zone.

    Example: parse_date('2026-01-05 09:30', 'Europe/Athens') == "2026-01-05T07:30:00.000Z"
    Example: parse_date('5/1/2026', 'UTC', '%d/%m/%Y') == "2026-01-05T00:00:00.000Z"
    """
    own = zone_of(zone or "UTC")
    if pattern is None:
        return _text(moment(date, own).timestamp())
    _check_pattern(pattern, READ)
    text = str(date)
    if len(text) > MAX_DATE:
        raise ValueError(f"a date has at most {MAX_DATE} characters")
    try:
        read = datetime.strptime(text, pattern)  # noqa: DTZ007  # the zone follows
    except (ValueError, re.error):  # a letter that stands twice is an error of `re`
        raise ValueError(f"{shown(date)} is not of the form {shown(pattern)}") from None
    return _text((read if read.tzinfo else read.replace(tzinfo=own)).timestamp())


@library()
def date_add(date: Date, duration: Duration, zone: Zone | None = None) -> str:
    """
    Add a duration (`2d`, `1h30m`, `-15m`) to a date. In a zone, days and weeks go by its clock: the
    time of day stays where daylight saving begins or ends; a date without an offset is one of the zone.

    Example: date_add('2026-01-05T09:30:00Z', '2d') == "2026-01-07T09:30:00.000Z"
    Example: date_add('2026-03-28T07:00:00Z', '1d', 'Europe/Athens') == "2026-03-29T06:00:00.000Z"
    Example: date_add('2026-06-01', '9h', 'Europe/Athens') == "2026-06-01T06:00:00.000Z"
    """
    seconds = _signed_duration(duration)
    start = moment(date) if zone is None else moment(date, zone_of(zone))
    try:
        if zone is None:
            return _text(start.timestamp() + seconds)
        sign = -1 if duration.startswith("-") else 1
        parts = DURATION.findall(duration)
        days = sum(float(number) * UNIT_SECONDS[unit] for number, unit in parts if unit in CALENDAR)
        local = start.astimezone(zone_of(zone)) + timedelta(seconds=sign * days)
        return _text(local.timestamp() + seconds - sign * days)
    except OverflowError:
        raise ValueError("the date lies outside the years 1 to 9999") from None


@library()
def date_diff(later: Date, earlier: Date, unit: Unit | None = "s") -> Json:
    """
    Give the time from one date to another, in seconds or in another unit (`ms s m h d w`).

    Example: date_diff('2026-01-05T09:30:00Z', '2026-01-05T09:29:00Z') == 60
    Example: date_diff('2026-01-08', '2026-01-05', 'd') == 3
    """
    name = unit or "s"
    _unit(name)
    length = (moment(later) - moment(earlier)) / timedelta(seconds=UNIT_SECONDS[name])
    return int(length) if length.is_integer() else length


def _text(seconds: float) -> str:
    try:
        return str(iso(seconds))
    except (ValueError, OverflowError, OSError):
        raise ValueError("the date lies outside the years 1 to 9999") from None

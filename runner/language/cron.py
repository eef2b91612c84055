"""
Cron expressions: five fields, what is wrong with them, and when they come.

Read as Debian's cron reads them (crontab(5), manpages.debian.org/crontab.5): names such as MON and
JAN, ranges, lists and steps; 0 and 7 are Sunday; where both day fields are given a day that fits
either counts. Beside that `L` (the last day of the month), `LW` (its last weekday), `5L` (the last
Friday) and `MON#1` (the first Monday).

Daylight saving, as there: what stands at a fixed hour and minute comes once a day, at the first
moment after the gap where its time is skipped, and the first time where it comes twice. Where the
minute or the hour begins with `*` it follows the hours as they pass: nothing in a skipped hour, and
again in a repeated one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from runner.language.suggest import did_you_mean

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
FIELDS = (  # noun, least, most, names
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, DAYS),
)
ORDER = "minute, hour, day of the month, month, day of the week"
LONGER = {"minute": "every: {}m", "hour": "every: {}h", "day of the month": "every: {}d"}
TERM = re.compile(r"(?P<first>\*|[^-/*]+)(?:-(?P<last>[^-/*]+))?(?:/(?P<step>[^-/]*))?")
BACK = timedelta(hours=3)  # clocks never went back further
FORWARD = timedelta(hours=27)  # nor forward: Samoa left out a day in 2011


class CronFault(ValueError):
    """An expression that means nothing: the sentence, the way out, and the character (from 0)."""

    def __init__(self, message: str, hint: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = offset


def read_cron(text: str) -> str:
    """
    The five fields of *text*, in upper case with one space between them.

    Raises:
        CronFault: it is no cron expression, or one that never comes.
    """
    words = text.split()
    if text.strip().startswith("@"):
        return _nickname(text.strip())
    if len(words) != len(FIELDS):
        raise _wrong_count(words)
    if "?" in text:
        raise CronFault("`?` is of Quartz and means any day here", "write `*`", text.index("?"))
    offset = 0
    for word, (noun, least, most, names) in zip(words, FIELDS, strict=True):
        offset = text.index(word, offset)
        _check_field(word.upper(), noun, least, most, names, offset)
        offset += len(word)
    cron = " ".join(words).upper()
    try:
        next(CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC)))
    except StopIteration:
        raise CronFault("this never comes", "no month has such a day") from None
    except CronSimError as error:
        if "day-of-month" in str(error):
            raise CronFault("this never comes", "no month of these has such a day") from None
        raise CronFault(f"this is no cron expression: {error}", f"the fields are {ORDER}") from None
    return cron


def next_after(cron: str, zone: str, after: float) -> float:
    """
    The first time after *after*, both in UTC seconds; *cron* as `read_cron` gives it, *zone* an IANA
    name. Infinity where there is none within fifty years.
    """
    place, is_fixed, best = _zone(zone), _is_fixed(cron), float("inf")
    enough: datetime | None = None
    for wall in CronSim(cron, _wall(after, place) - BACK):
        if enough is not None and wall > enough:
            break
        for one in _moments(wall, place, is_fixed=is_fixed):
            if after < one < best:
                best, enough = one, wall + (timedelta(0) if is_fixed else BACK)
    return best


def latest(cron: str, zone: str, *, since: float, until: float, most: int) -> list[float]:
    """The last times from *since* to *until*, both included, at most *most*, in their order."""
    place, is_fixed = _zone(zone), _is_fixed(cron)
    margin = FORWARD if is_fixed else BACK
    found: set[float] = set()
    enough = _wall(since, place) - margin
    for wall in CronSim(cron, _wall(until, place) + BACK, reverse=True):
        if wall < enough:
            break
        found.update(one for one in _moments(wall, place, is_fixed=is_fixed) if since <= one <= until)
        if len(found) > most:
            found.remove(min(found))
            enough = max(enough, _wall(min(found), place) - margin)
    return sorted(found)


def in_words(cron: str) -> str:
    """What *cron* says, in English."""
    return CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC)).explain()


def _is_fixed(cron: str) -> bool:
    """Whether it stands at fixed hours and minutes, and so comes on a day whose clock changes too."""
    minute, hour, *_ = cron.split()
    return not minute.startswith("*") and not hour.startswith("*")


def _wall(seconds: float, zone: ZoneInfo) -> datetime:
    """What the clocks of *zone* show then, without a zone: the library computes with the calendar alone."""
    return datetime.fromtimestamp(seconds, zone).replace(tzinfo=None, fold=0)


def _moments(wall: datetime, zone: ZoneInfo, *, is_fixed: bool) -> list[float]:
    """When the clocks of *zone* show *wall*: once, twice or never; what is fixed comes once in any case."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if first == second:
        return [first]
    if first < second:  # the clocks show it twice
        return [first] if is_fixed else [first, second]
    return [_jump(second, first, zone)] if is_fixed else []


def _jump(before: float, after: float, zone: ZoneInfo) -> float:
    """The moment between the two at which the clocks jump."""
    low, high = int(before), int(after)
    offset = datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return float(high)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _nickname(text: str) -> str:
    cron = NICKNAMES.get(text.lower())
    if cron is not None:
        return cron
    if text.lower() == "@reboot":
        raise CronFault("there is no @reboot here: a server's start is no time", "write `every: 1h`")
    hint = did_you_mean(text.lower(), NICKNAMES) or f"known here: {', '.join(NICKNAMES)}"
    raise CronFault(f'"{text}" is no name of a time', hint)


def _wrong_count(words: list[str]) -> CronFault:
    count = len(words)
    told = f"a cron expression has five fields ({ORDER}), and this one has {count}"
    if count == 6 and re.fullmatch(r"\d{4}.*", words[5]):
        return CronFault(f"{told}: there is no year here", f"write `{' '.join(words[:5])}`")
    if count in (6, 7):
        better = words[1:6]
        if count == 7 or "?" in words:  # Quartz, which counts the days of the week from 1
            better[4] = re.sub(r"(?<![#\d])[1-7]", lambda one: DAYS[int(one[0]) - 1], better[4])
        better = [one.replace("?", "*") for one in better]
        return CronFault(f"{told}: there are no seconds here", f"write `{' '.join(better)}`")
    return CronFault(told, "write for example `0 9 * * 1-5` for nine o'clock from Monday to Friday")


def _check_field(word: str, noun: str, least: int, most: int, names: tuple[str, ...], offset: int) -> None:
    for term in word.split(","):
        if not term:
            raise CronFault(f"the {noun} has an empty part", "leave the comma out", offset)
        _check_term(term, noun, least, most, names, offset)
        offset += len(term) + 1


def _check_term(term: str, noun: str, least: int, most: int, names: tuple[str, ...], offset: int) -> None:
    if noun == "day of the month" and term in {"L", "LW"}:
        return
    if noun == "day of the month" and "W" in term:
        raise CronFault(f"the {noun} `{term}` is of Quartz", "`LW` is the last weekday of a month", offset)
    if noun == "day of the week" and (found := re.fullmatch(r"([0-9A-Z]+)(?:#([0-9]+)|L)", term)):
        if found[1] not in names:
            _number(found[1], noun, least, most, names, offset)
        if found[2] is not None and not 1 <= int(found[2]) <= 5:
            raise CronFault(f"no month has a week {found[2]}", "write #1 to #5, or L for the last", offset)
        return
    parts = TERM.fullmatch(term)
    if parts is None:
        raise CronFault(f"`{term}` is no {noun}", f"write a number from {least} to {most}, or `*`", offset)
    first, last, step = parts["first"], parts["last"], parts["step"]
    if first == "*" and last is not None:
        raise CronFault(f"`{term}` is no {noun}", "`*` is all of them already", offset)
    low = least if first == "*" else _number(first, noun, least, most, names, offset)
    if last is not None and _number(last, noun, least, most, names, offset) < low:
        whole = f"{first}-{names[-1] if names else most},{names[0] if names else least}-{last}"
        raise CronFault(f"the {noun} `{term}` ends before it begins", f"write `{whole}`", offset)
    if step is None:
        return
    if not re.fullmatch("[0-9]{1,6}", step) or int(step) == 0:
        raise CronFault(f"`{step}` is no step", f"write for example `*/{5 if most > 12 else 2}`", offset)
    if int(step) > most:
        way = LONGER.get(noun)
        hint = f"write `{way.format(int(step))}` instead of `cron`" if way else "leave the step out"
        raise CronFault(f"a step of {step} passes the last {noun}, which is {most}", hint, offset)


def _number(text: str, noun: str, least: int, most: int, names: tuple[str, ...], offset: int) -> int:
    if text in names:
        return names.index(text) + (1 if noun == "month" else 0)
    if text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text)
    if text.isascii() and text.isdigit():
        raise CronFault(f"there is no {noun} {text}", f"it is from {least} to {most}", offset)
    near = next((one for one in names if text.startswith(one)), None)
    hint = f"write {near}" if near else did_you_mean(text, names) or f"it is from {least} to {most}"
    raise CronFault(f"`{text}` is no {noun}", hint, offset)

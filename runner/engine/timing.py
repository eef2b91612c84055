"""When a schedule comes, and which of its times are to be fired. Pure: the time is handed in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runner.language import cron

if TYPE_CHECKING:
    from runner.language.workflow import Schedule

LATE_SECONDS = 60.0  # a firing that is not later than that counts as on time
MOST_MADE_UP = 100  # by `catch_up: all`


def spec_of(schedule: Schedule, zone: str) -> str:
    """What makes it another schedule when it changes: the expression and the zone, or the distance."""
    return f"cron {schedule.cron} {zone}" if schedule.cron else f"every {schedule.every_seconds:g}"


def next_time(schedule: Schedule, zone: str, *, since: float, after: float) -> float:
    """The first time after *after*; `every` counts from *since*. UTC seconds."""
    if schedule.cron:
        return cron.next_after(schedule.cron, zone, after)
    every = schedule.every_seconds or math.inf
    count = max(1, math.floor((after - since) / every))
    while since + count * every <= after:
        count += 1
    return since + count * every


def times_due(schedule: Schedule, zone: str, *, since: float, first: float, now: float) -> list[float]:
    """The times from *first* on, which is one of them, that have come by *now*: the last 101 at most."""
    if next_time(schedule, zone, since=since, after=first) > now:
        return [first]
    most = MOST_MADE_UP + 1
    if schedule.cron:
        return cron.latest(schedule.cron, zone, since=first, until=now, most=most) or [first]
    every = schedule.every_seconds or math.inf
    last, began = math.floor((now - since) / every), round((first - since) / every)
    return [since + count * every for count in range(max(began, last - most + 1), last + 1)] or [first]


def to_fire(schedule: Schedule, times: list[float], now: float) -> list[float]:
    """
    Which of *times* (in order, not empty) are fired now: the last one alone, unless `catch_up: all`
    makes up for more; with `catch_up: none` only if it is not late.
    """
    if schedule.catch_up == "all":
        return times[-MOST_MADE_UP:]
    if schedule.catch_up == "one" or now - times[-1] <= LATE_SECONDS:
        return times[-1:]
    return []

"""
What starts by itself, as people see it: each schedule and poll with its next times, its last one, and why
nothing runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.schedules import zone_of
from runner.engine.silence import in_words
from runner.engine.timing import next_time
from runner.language import cron
from runner.values import Json, iso

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.engine.library import Library, Live
    from runner.engine.pauses import PauseBoard
    from runner.engine.polls import Polling, Polls
    from runner.engine.schedules import Planned, Schedules
    from runner.language.workflow import Poll, Schedule

NEXT_SHOWN = 3


async def timed_items(
    library: Library, schedules: Schedules, polls: Polls, holding: PauseBoard, now: float
) -> list[Json]:
    """
    All schedules and polls of the live workflows, by slug: `{workflow, kind (schedule, poll), what, words,
    timezone, next, last, stopped, skipped, error}`. `next` has the next times, none where it is `stopped`,
    which says why. `last` is `{at, event}` (of a poll `{at, found}`), or null; `skipped` is `{count, why}` of
    firings since then that started nothing, or null; `error` is `{message, failures, since}` of a poll that
    fails, or null. Times are ISO 8601. Raises StoreUnavailable.
    """
    planned, polling = await schedules.all(), await polls.all()
    items = []
    for live in library.all():
        slug, workflow = live.workflow.slug, live.workflow
        gate = holding.gate(workflow, now)
        stopped = gate.reason if gate else None
        if workflow.schedule:
            items.append(_schedule(live, workflow.schedule, planned.get(slug), stopped, now))
        if workflow.poll:
            items.append(_poll(live, workflow.poll, polling.get(slug), stopped))
    return items


def next_times(live: Live, schedule: Schedule, *, since: float, after: float) -> Iterable[float]:
    """The next times after *after*; `every` counts from *since*."""
    for _ in range(NEXT_SHOWN):
        after = next_time(schedule, zone_of(live), since=since, after=after)
        if after == float("inf"):
            return
        yield after


def _schedule(live: Live, schedule: Schedule, row: Planned | None, stopped: str | None, now: float) -> Json:
    times = [] if stopped else next_times(live, schedule, since=row.since if row else now, after=now)
    last = {"at": iso(row.last_at), "event": row.event_id} if row and row.event_id else None
    every = in_words(schedule.every_seconds or 0)
    return {
        "workflow": live.workflow.slug,
        "kind": "schedule",
        "what": schedule.cron or f"every {every}",
        "words": cron.in_words(schedule.cron) if schedule.cron else f"Every {every}",
        "timezone": zone_of(live) if schedule.cron else None,
        "next": [iso(one) for one in times],
        "last": last,
        "stopped": stopped,
        "skipped": {"count": row.skipped, "why": row.skipped_why} if row and row.skipped else None,
        "error": None,
    }


def _poll(live: Live, poll: Poll, row: Polling | None, stopped: str | None) -> Json:
    failing = row is not None and row.error is not None
    return {
        "workflow": live.workflow.slug,
        "kind": "poll",
        "what": f"{poll.call.action} every {in_words(poll.every_seconds)}",
        "words": f"Asks {poll.call.action} every {in_words(poll.every_seconds)}",
        "timezone": None,
        "next": [iso(row.next_at)] if row and not stopped else [],
        "last": {"at": iso(row.polled_at), "found": row.found} if row and row.polled_at else None,
        "stopped": stopped,
        "skipped": None,
        "error": {"message": row.error, "failures": row.failures, "since": iso(row.failing_since)}
        if row and failing
        else None,
    }

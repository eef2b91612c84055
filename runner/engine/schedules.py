"""
Schedules: at its time a workflow gets an event, whose payload is `{scheduled_at, previous_at}`.

A firing is one compare-and-set on the workflow's row, in the transaction that writes its event and its
run, so that of any number of processes one fires. `previous_at` is when the last firing before it was
due that started a run; null for the first. What starts no run is dropped and says why: of a series for
one reason the first firing is kept as an event, the others are counted.

- A run of a schedule never runs beside another: with `overlap: skip` a firing is dropped while the run
  before has not ended, with `queue` it waits (in the workflow's own line where it has `concurrency`).
- Firings that no server saw are made up for as `catch_up` says; what is made up for one by one waits
  for one another, whatever `overlap` says. A full backlog is waited for.
- While the workflow is paused or disabled a schedule does not fire, and that is not made up for.
- A changed schedule counts from the change, a clock that was set back by more than an hour from then.
- The last good version of a file with faults goes on. A workflow whose file is gone for a minute has
  no schedule any more; under a new name (`formerly`) it goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from runner.engine.accept import new_runs, own_event
from runner.engine.admission import Slot
from runner.engine.pauses import DISABLED
from runner.engine.release import has_room, tell_worker
from runner.engine.runs import Disposition, Event, Gate
from runner.engine.timing import LATE_SECONDS, MOST_MADE_UP, next_time, spec_of, times_due, to_fire
from runner.errors import StoreUnavailable
from runner.values import iso

if TYPE_CHECKING:
    from runner.engine.accept import Door
    from runner.engine.admission import Admitted
    from runner.engine.library import Library, Live
    from runner.engine.runs import NewRun
    from runner.language.workflow import Schedule

BACK_SECONDS = 3600.0  # a clock that goes back further was wrong before
GONE_SECONDS = 60.0  # for so long a file may be away: it is renamed, or written anew
AGAIN_SECONDS = 1.0  # until a look at what had to wait
LINE = Slot("schedule", 1)  # no key of `concurrency`: those are JSON

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Planned:
    """
    A schedule's row; times are UTC seconds. `spec` is what it was computed from, at `since`. `last_at` is
    when the last firing that started a run was due, `fired_at` when it was made and `event_id` its event.
    `skipped` firings in a row since then started none, the last of them for the reason `skipped_why`.
    """

    workflow: str
    spec: str
    since: float
    next_at: float
    last_at: float | None = None
    fired_at: float | None = None
    event_id: str | None = None
    skipped: int = 0
    skipped_why: str | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """An event of a schedule with its runs; none where it is dropped."""

    event: Event
    runs: Sequence[NewRun] = ()


class Schedules(Protocol):
    """The rows of schedules. All methods raise StoreUnavailable."""

    async def all(self) -> Mapping[str, Planned]:
        """All rows by workflow."""

    async def plan(self, was: Planned | None, becomes: Planned) -> bool:
        """Write the row in place of *was* (None: there is none), if that stands still; whether it did."""

    async def forget(self, workflows: Sequence[str]) -> None:
        """Take rows away."""

    async def unfinished(self, event_id: str) -> str | None:
        """A run of the event that has not ended: its id, or None."""

    async def fire(
        self, was: Planned, becomes: Planned, firings: Sequence[Firing]
    ) -> Sequence[Admitted] | None:
        """
        As `plan`, with the events and runs of *firings* in the same transaction; what became of them.
        None where another process was quicker: then nothing was written.
        """


class Absences:
    """Since when this process has not seen workflows whose rows stand: others may see them still."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def gone(self, absent: set[str], now: float) -> list[str]:
        """Those of *absent* that were so for GONE_SECONDS."""
        self._since = {slug: min(self._since.get(slug, now), now) for slug in absent}
        return [slug for slug, since in self._since.items() if now - since >= GONE_SECONDS]


class Scheduler:
    """Fires the schedules of a process that executes."""

    def __init__(self, schedules: Schedules, door: Door, library: Library) -> None:
        self._schedules = schedules
        self._door = door
        self._library = library
        self._absences = Absences()

    async def look(self) -> float:
        """
        Fire what is due; when the next one is, in UTC seconds (infinity: none).

        Raises:
            StoreUnavailable: what was not fired is due still.
        """
        live = {one.workflow.slug: one for one in self._library.all() if one.workflow.schedule}
        rows = await self._schedules.all()
        now = self._door.clock()
        absent = rows.keys() - live.keys() if self._library.all() else set()  # no file: a disk is not there
        if gone := self._absences.gone(set(absent), now):
            await self._schedules.forget(gone)
        soonest = float("inf")
        for slug, one in live.items():
            assert one.workflow.schedule
            try:
                due = await self._one(one, one.workflow.schedule, rows.get(slug), now)
            except StoreUnavailable:
                raise
            except Exception:  # one workflow's trouble is not the others'
                log.exception("the schedule of %s failed", slug, extra={"action": "schedule_failed"})
                continue
            soonest = min(soonest, due)
        return soonest

    async def _one(self, live: Live, schedule: Schedule, row: Planned | None, now: float) -> float:
        """Plan a schedule anew, fire it, or leave it; when to look again."""
        slug, zone = live.workflow.slug, zone_of(live)
        spec = spec_of(schedule, zone)
        is_back = row is not None and max(row.since, row.fired_at or 0.0) > now + BACK_SECONDS
        if row is None or row.spec != spec or is_back:
            fresh = row or Planned(slug, spec, now, now)
            next_at = next_time(schedule, zone, since=now, after=now)
            becomes = replace(fresh, spec=spec, since=now, next_at=next_at, fired_at=None)
            await self._schedules.plan(row, becomes)
            return next_at
        if row.next_at > now:
            return row.next_at
        if not has_room(self._door):
            return now + AGAIN_SECONDS
        times = times_due(schedule, zone, since=row.since, first=row.next_at, now=now)
        becomes = replace(row, next_at=next_time(schedule, zone, since=row.since, after=now))
        if stops := await self._stops(live, schedule, row, times, now):
            await self._skip(row, becomes, times, stops, now)
        else:
            await self._fire(live, row, becomes, times, now)
        return becomes.next_at

    async def _stops(
        self, live: Live, schedule: Schedule, row: Planned, times: list[float], now: float
    ) -> Gate | None:
        """Why none of *times* starts a run, or None."""
        pause = self._door.holding.of(live.workflow.slug) if self._door.holding else None
        if not live.workflow.enabled:
            return DISABLED
        if pause and not pause.is_over(now):
            return pause.gate(now)
        fire = to_fire(schedule, times, now)
        if not fire:
            return missed_gate(times)
        is_late = len(fire) > 1 or now - fire[0] > LATE_SECONDS
        if schedule.overlap == "skip" and row.event_id and not (schedule.catch_up == "all" and is_late):
            run_id = await self._schedules.unfinished(row.event_id)
            return overlap_gate(run_id) if run_id else None
        return None

    async def _skip(self, row: Planned, becomes: Planned, times: list[float], gate: Gate, now: float) -> None:
        is_news = row.skipped_why != gate.reason
        becomes = replace(becomes, skipped=row.skipped + len(times), skipped_why=gate.reason)
        event = event_of(row, times[-1], row.last_at, gate, now)
        dropped = [Firing(replace(event, disposition=Disposition.DROPPED))] if is_news else []
        await self._schedules.fire(row, becomes, dropped)

    async def _fire(self, live: Live, row: Planned, becomes: Planned, times: list[float], now: float) -> None:
        assert live.workflow.schedule
        fire = to_fire(live.workflow.schedule, times, now)
        firings: list[Firing] = []
        previous_at = row.last_at
        for at in fire:
            is_first = at == fire[0]
            skipped, missed = (row.skipped, len(times) - len(fire)) if is_first else (0, 0)
            gate = fired_gate(at, now, skipped=skipped, missed=missed)
            event = event_of(row, at, previous_at, gate, now)
            payload = payload_at(at, previous_at)
            runs = await new_runs(self._door, live, event, payload, None, now=now)
            firings.append(Firing(event, [replace(one, slot=one.slot or LINE) for one in runs]))
            previous_at = at
        event_id = firings[-1].event.id
        becomes = replace(
            becomes, last_at=fire[-1], fired_at=now, event_id=event_id, skipped=0, skipped_why=None
        )
        admitted = await self._schedules.fire(row, becomes, firings)
        if admitted:
            tell_worker(self._door, admitted)


def zone_of(live: Live) -> str:
    """The zone that the schedule of a workflow is read in."""
    schedule = live.workflow.schedule
    return (schedule.timezone if schedule else None) or live.workflow.timezone


def payload_at(scheduled_at: float, previous_at: float | None) -> dict[str, str | None]:
    """What the run of a firing sees as `payload`; times as ISO 8601."""
    return {"scheduled_at": iso(scheduled_at), "previous_at": iso(previous_at)}


def event_of(row: Planned, scheduled_at: float, previous_at: float | None, gate: Gate, now: float) -> Event:
    """The event of a firing that was due at *scheduled_at*."""
    return own_event(
        row.workflow,
        "schedule",
        payload_at(scheduled_at, previous_at),
        gate,
        now=now,
        delivery_id=iso(scheduled_at),
    )


def fired_gate(at: float, now: float, *, skipped: int, missed: int) -> Gate:
    """Why a firing started a run, and what of those before it did not."""
    reason = f"due at {iso(at)}"
    if now - at > LATE_SECONDS:
        reason += ", and made up for when a server ran again"
    if missed:
        count = f"more than {MOST_MADE_UP}" if missed >= MOST_MADE_UP else str(missed)
        reason += f"; {count} before it were missed and are not made up for"
    if skipped:
        reason += f"; {skipped} before it started nothing"
    facts = {"scheduled_at": iso(at), "missed": missed, "skipped": skipped}
    return Gate("schedule", "passed", reason, facts)


def missed_gate(times: Sequence[float]) -> Gate:
    """Why firings that no server saw start nothing."""
    count = f"more than {MOST_MADE_UP}" if len(times) > MOST_MADE_UP else str(len(times))
    verb = "was" if len(times) == 1 else "were"
    reason = f"{count} up to {iso(times[-1])} {verb} missed while no server ran, and `catch_up` is none"
    return Gate("catch_up", "stopped", reason, {"missed": len(times), "last": iso(times[-1])})


def overlap_gate(run_id: str) -> Gate:
    """Why a firing starts nothing: the one before is not done."""
    reason = f"the run {run_id} of the firing before has not ended, and `overlap` is skip"
    return Gate("overlap", "stopped", reason, {"run": run_id})

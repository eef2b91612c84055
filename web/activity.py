"""How busy each workflow is: its runs of today and of the last 24 hours, and what waits or was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from runner.engine.history import Span
from runner.values import Json, iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from web.house import House

HOURS = 24
HOUR_SECONDS = 3600.0
PICTURE_HEIGHT = 20
BAR_STEP, BAR_WIDTH = 4, 3  # of a picture that is 96 wide


@dataclass(frozen=True, slots=True)
class Activity:
    """`hours` are the last 24, the oldest first, the last under way. `held` and `rejected` count events."""

    runs: int = 0
    failed: int = 0
    last_at: str | None = None
    last_status: str | None = None
    held: int = 0
    rejected: int = 0
    hours: tuple[Span, ...] = ()
    since: float = 0.0  # when the first of `hours` begins, UTC seconds

    def as_json(self) -> Json:
        """`{runs, failed, last_at, last_status, held, rejected, hours: [{since, runs, failed}]}`."""
        hours = [
            {"since": iso(self.since + place * HOUR_SECONDS), "runs": one.runs, "failed": one.failed}
            for place, one in enumerate(self.hours)
        ]
        return {
            "runs": self.runs,
            "failed": self.failed,
            "last_at": self.last_at,
            "last_status": self.last_status,
            "held": self.held,
            "rejected": self.rejected,
            "hours": hours,
        }

    @property
    def picture(self) -> Picture | None:
        """Its hours as bars; None where nothing ran."""
        return picture_of(self.hours) if any(one.runs for one in self.hours) else None


@dataclass(frozen=True, slots=True)
class Picture:
    """Two paths of an SVG of 96 by 20, for runs that failed and for the others, and what a person hears."""

    well: str
    failed: str
    words: str


def picture_of(spans: Sequence[Span]) -> Picture:
    """Bars from the left, the oldest first; whatever happened at all is seen."""
    most = max(one.runs for one in spans)
    well, bad = "", ""
    for place, one in enumerate(spans):
        if not one.runs:
            continue
        height = max(2, round(one.runs / most * PICTURE_HEIGHT))
        red = min(height, max(2, round(one.failed / most * PICTURE_HEIGHT))) if one.failed else 0
        left = place * BAR_STEP
        if red:
            bad += f"M{left} {PICTURE_HEIGHT}v-{red}h{BAR_WIDTH}v{red}z"
        if height > red:
            well += f"M{left} {PICTURE_HEIGHT - red}v-{height - red}h{BAR_WIDTH}v{height - red}z"
    runs, failed = sum(one.runs for one in spans), sum(one.failed for one in spans)
    words = (
        f"{runs:,} run{'' if runs == 1 else 's'} in 24 hours, {f'{failed:,}' if failed else 'none'} failed"
    )
    return Picture(well, bad, words)


async def todays(house: House, since: float | None = None) -> dict[str, Activity]:
    """
    Of each workflow that ever had a version what it did at or after *since* (today, unless given), without
    its hours. Raises StoreUnavailable.
    """
    counts = await house.history.counts(since=midnight(house) if since is None else since)
    stopped = await house.history.stopped(since=house.clock() - HOURS * HOUR_SECONDS)
    return {
        slug: Activity(**counts.get(slug, {}), **stopped.get(slug, {}))
        for slug in counts.keys() | stopped.keys()
    }


async def hours_of(house: House, workflows: Sequence[str]) -> tuple[float, dict[str, list[Span]]]:
    """When the first hour begins, and the last 24 hours of each of *workflows*. Raises StoreUnavailable."""
    end = (house.clock() // HOUR_SECONDS + 1) * HOUR_SECONDS
    bounds = [end - place * HOUR_SECONDS for place in range(HOURS, -1, -1)]
    return bounds[0], await house.history.spans(workflows, bounds)


def midnight(house: House) -> float:
    """When today began, where the pages' times are; UTC seconds."""
    now = datetime.fromtimestamp(house.clock(), ZoneInfo(house.timezone))
    return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()

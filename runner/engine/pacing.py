"""
The pace of a replay: how many of its runs may be started now, and when it pauses itself. Pure.

The first ones go alone, and any failure among them is shown to a person before more is done. After
that one failure is chance; several in a row, or a fifth of the last ones, are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from runner.engine.replays import Terms

FAILED_IN_A_ROW = 5  # then it pauses itself
FAILED_SHARE, SHARE_OF = 0.2, 25  # ... or at a fifth of the last ones, once there are so many


@dataclass(frozen=True, slots=True)
class Gone:
    """How a run that a replay started fares, stuck being failed; `at` is when it ended, or was started."""

    state: Literal["under_way", "failed", "well"]
    at: float
    sentence: str


def pace(
    terms: Terms, *, trial: Sequence[Gone], recent: Sequence[Gone], next_at: float, now: float, room: int
) -> tuple[int, str | None]:
    """
    How many may be started now, and why the replay must pause, or None. *trial* are the first ones
    since the last start of the replay, *recent* the last ones, *room* is what the engine has place for.
    """
    if terms.first:
        if len(trial) < terms.first:
            return min(room, terms.first - len(trial)), None
        if any(one.state == "under_way" for one in trial):
            return 0, None
        failed = [one for one in trial if one.state == "failed"]
        if failed:
            return 0, f"{len(failed)} of the first {len(trial)} failed: {failed[0].sentence}"
    ended = sorted((one for one in recent if one.state != "under_way"), key=lambda one: one.at)
    last = ended[-FAILED_IN_A_ROW:]
    if len(last) == FAILED_IN_A_ROW and all(one.state == "failed" for one in last):
        return 0, f"{FAILED_IN_A_ROW} failed in a row, the last: {last[-1].sentence}"
    failed = [one for one in ended if one.state == "failed"]
    if len(ended) >= SHARE_OF and len(failed) >= FAILED_SHARE * len(ended):
        return 0, f"{len(failed)} of the last {len(ended)} failed, the last: {failed[-1].sentence}"
    if now < next_at:
        return 0, None
    due = int((now - next_at) * terms.rate) + 1
    return min(room, due, max(1, int(terms.rate))), None  # what it missed is not made up for at once


def next_after(terms: Terms, *, next_at: float, now: float, started: int) -> float:
    """When the rate allows the next run after *started* more."""
    return max(next_at, now - 1.0) + started / terms.rate

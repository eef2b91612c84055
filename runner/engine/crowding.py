"""
Crowding: more than half as many runs wait as the server takes, for minutes. It is a problem of its own, under
the workflow of which most wait, and closes by itself when few wait again. Past the limit new events are
refused: this is said before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

CAUSE = "backlog"
CROWDED = 0.5  # of the runs that are taken
EASED = 0.25  # half of that, so that it does not come and go
PATIENCE_SECONDS = 300.0  # a burst that is worked off by then was none


@dataclass(frozen=True, slots=True)
class Crowd:
    """That *waiting* runs wait since then (UTC seconds), of *limit* that are taken."""

    waiting: int
    limit: int
    since: float

    def sentence(self, fullest: int) -> str:
        """For page, command, API and alert; *fullest* of the runs are of its workflow."""
        return (
            f"Too many runs wait: {self.waiting:,}, {fullest:,} of them of this workflow. "
            f"At {self.limit:,} new events are refused."
        )


class Crowding(Protocol):
    """The runs that wait, and the rows of that problem. All methods raise StoreUnavailable."""

    async def waiting(self) -> int:
        """How many runs are queued."""

    async def open(self, crowd: Crowd, *, now: float) -> None:
        """Open it, once for each crowd, also where a person has put it away."""

    async def close(self, *, now: float) -> None:
        """Close it if it is open."""


class CrowdWatch:
    """What one process sees of it; *limit* runs that wait are taken."""

    def __init__(self, rows: Crowding, *, limit: int, clock: Callable[[], float]) -> None:
        self._rows = rows
        self._limit = limit
        self._clock = clock
        self._since: float | None = None

    async def look(self) -> None:
        """Look at what waits: call it every few seconds. Raises StoreUnavailable."""
        waiting, now = await self._rows.waiting(), self._clock()
        if waiting >= self._limit * CROWDED:
            self._since = now if self._since is None else min(self._since, now)
            if now - self._since >= PATIENCE_SECONDS:
                await self._rows.open(Crowd(waiting, self._limit, self._since), now=now)
            return
        self._since = None
        if waiting < self._limit * EASED:
            await self._rows.close(now=now)

"""
What a process counts and times of itself since it began, for `/metrics`: nothing here must survive, since
all that must is rows.

Each name is a label, and labels are memory where they are read: so each table has at most MOST_NAMES of
them, and the rest go together as OTHERS. One call costs about a microsecond.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import TypeVar

MOST_NAMES = 200
OTHERS = "others"
QUICK_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds
CALL_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WAIT_BOUNDS = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 3600.0)
RUN_BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

V = TypeVar("V")


class Histogram:
    """How many took at most so long, by *bounds* in seconds and past the last of them, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one that took *seconds*; a clock that was set back makes it 0."""
        self.counts[bisect.bisect_left(self.bounds, seconds)] += 1
        self.total += max(0.0, seconds)

    def cumulated(self) -> list[tuple[str, float]]:
        """`(bound, how many took at most that long)`, the last bound `+Inf`."""
        bounds = [*map(str, self.bounds), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self.counts)), strict=True))


class Timings:
    """A histogram for each name."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._by_name: dict[str, Histogram] = {}

    def add(self, name: str, seconds: float) -> None:
        """Count one of *name* that took *seconds*."""
        _of(self._by_name, name, lambda: Histogram(self._bounds)).add(seconds)

    @property
    def by_name(self) -> Mapping[str, Histogram]:
        """All that were counted."""
        return self._by_name


class Counts:
    """A count for each name and for what became of it, of which there are few (a status)."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[str, int]] = {}

    def add(self, name: str, what: str = "") -> None:
        """Count one more."""
        one = _of(self._by_name, name, dict)
        one[what] = one.get(what, 0) + 1

    @property
    def by_name(self) -> Mapping[str, Mapping[str, int]]:
        """All that were counted."""
        return self._by_name


class Measures:
    """
    `accepting` is from a request's first byte until it is on disk, `waiting` from then until its run's
    first turn, `running` from then until the run's end, all by workflow; `calling` is one call of an
    action, by the action's name. `received` counts events by disposition, `ended` runs by status, `retried`
    attempts after the first, `called` calls by how they ended (`parked`: nothing was sent).
    *evaluator_restarts()* gives how many evaluators were ended, worn out or past their bounds.
    """

    def __init__(self, *, evaluator_restarts: Callable[[], int] = lambda: 0) -> None:
        self.evaluator_restarts = evaluator_restarts
        self.accepting = Timings(QUICK_BOUNDS)
        self.waiting = Timings(WAIT_BOUNDS)
        self.running = Timings(RUN_BOUNDS)
        self.calling = Timings(CALL_BOUNDS)
        self.received = Counts()
        self.ended = Counts()
        self.retried = Counts()
        self.called = Counts()


def _of(table: dict[str, V], name: str, made: Callable[[], V]) -> V:
    found = table.get(name)
    if found is None:
        if len(table) >= MOST_NAMES:
            name = OTHERS
        found = table.setdefault(name, made())
    return found

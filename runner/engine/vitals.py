"""
How a process and its store are: numbers that are read from rows every few seconds, the rates that follow
from them, and what the process notices of itself.

Nothing here is counted beside its rows: so a rate is true whichever process did the work, and true after a
restart. What only the process itself sees stands in its `Measures`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runner.engine.measures import Measures

if TYPE_CHECKING:
    from runner.engine.places import Destinations

SAMPLE_SECONDS = 5.0
KEPT_SECONDS = 3600.0  # of samples: an hour is what a person looks back at
RATE_SECONDS = 60.0  # over which a rate is taken: one burst is no rate
LAG_SECONDS = 0.5  # between two looks at how late the event loop is
CLOCK_SECONDS = 2.0  # by which a clock that is being set right may differ from one that only runs
MOST_SILENT = 100  # senders that a reading names


@dataclass(frozen=True, slots=True)
class Reading:
    """
    One look at the store. `events` and `runs` are the numbers of the newest ones, which only rise;
    `due_since` is when the oldest run that could begin now became due (UTC seconds, None: none waits so).
    Bytes are of what the database uses, of its files, and free where these lie (None: unknown). `problems`
    counts those that are open, by kind; `silent` are the workflows whose senders are (MOST_SILENT at most).
    """

    at: float
    events: int
    runs: int
    queued: int
    running: int
    waiting: int
    held: int
    due_since: float | None
    used_bytes: int
    file_bytes: int
    free_bytes: int | None
    nodes: tuple[str, ...]  # addresses of the processes that live; empty for one that does not serve
    problems: Mapping[str, int] = field(default_factory=dict, hash=False)
    silent: tuple[str, ...] = ()

    @property
    def finished(self) -> int:
        """How many runs have ended."""
        return self.runs - self.queued - self.running - self.waiting


class Gauge(Protocol):
    """Reads the store."""

    async def read(self, now: float) -> Reading:
        """One look, of some milliseconds. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many were accepted and finished, a second, since a point in time (UTC seconds)."""

    since: float
    accepted: float
    finished: float


class Meter:
    """
    *gauge* reads the store, *clock()* gives UTC seconds, *steady()* seconds that nobody sets. `reading` is
    the last look, None before the first; *measures* are this process's own.
    """

    def __init__(
        self,
        gauge: Gauge,
        *,
        clock: Callable[[], float],
        steady: Callable[[], float],
        measures: Measures | None = None,
    ) -> None:
        self._gauge = gauge
        self._clock = clock
        self._steady = steady
        self._samples: deque[Reading] = deque(maxlen=int(KEPT_SECONDS / SAMPLE_SECONDS))
        self._skew = clock() - steady()
        self.began_at = clock()
        self.lag_seconds = 0.0  # the longest of the last looks counts most
        self.jumped_seconds = 0.0  # by how much the clock was set at the last sample at which it was
        self.jumped_at: float | None = None
        self.measures = measures or Measures()

    @property
    def reading(self) -> Reading | None:
        """The last look."""
        return self._samples[-1] if self._samples else None

    async def sample(self) -> Reading:
        """Take a look, and notice whether the clock was set. Raises StoreUnavailable."""
        now = self._clock()
        skew = now - self._steady()
        if abs(skew - self._skew) > CLOCK_SECONDS:
            self.jumped_seconds, self.jumped_at = skew - self._skew, now
            self._samples.clear()  # a rate over a time that was not there says nothing
        self._skew = skew
        reading = await self._gauge.read(now)
        self._samples.append(reading)
        return reading

    def rate(self, seconds: float = RATE_SECONDS) -> Rate | None:
        """The rate over the last *seconds*, or as far as is known; None before the second look."""
        if len(self._samples) < 2:
            return None
        last = self._samples[-1]
        first = next(one for one in self._samples if one.at >= last.at - seconds or one is last)
        return _between(first, last) if first is not last else _between(self._samples[-2], last)

    def rates(self, count: int) -> list[Rate]:
        """The rates in *count* parts of the last hour, the oldest first; fewer as long as it is young."""
        if not self._samples:
            return []
        width, now = KEPT_SECONDS / count, self._samples[-1].at
        found: list[Rate] = []
        for place in range(count):
            since = now - KEPT_SECONDS + place * width
            part = [one for one in self._samples if since <= one.at <= since + width]
            if len(part) > 1:
                found.append(_between(part[0], part[-1]))
        return found

    async def watch_the_loop(self) -> None:
        """Notice how late the event loop is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            late = max(0.0, loop.time() - due)
            self.lag_seconds = late if late > self.lag_seconds else self.lag_seconds * 0.8 + late * 0.2


@dataclass(frozen=True, slots=True)
class Vitals:
    """
    What a process can tell of how it is. `evaluates()` gives why the evaluator does not work, or None;
    `kept` is how long things are kept, by what they are, in words; `max_bytes` bounds the database (0: no
    bound). `worker` is the number of this process among several behind one address.
    """

    meter: Meter
    destinations: Destinations
    evaluates: Callable[[], Awaitable[str | None]]
    kept: Mapping[str, str]
    max_bytes: int
    worker: int | None = None  # None: it is alone


def _between(first: Reading, last: Reading) -> Rate:
    seconds = max(last.at - first.at, 1e-3)
    return Rate(
        first.at,
        max(0, last.events - first.events) / seconds,
        max(0, last.finished - first.finished) / seconds,
    )

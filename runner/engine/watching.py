"""
Finding out what changes in the store, by whichever process, and telling those who look on here.

What accepts and what executes is asked for nothing: while anybody listens, the store is looked at a few
times a second, and for one number only as long as nothing was committed. What is told are the items of the
API, masked as everywhere. Nobody is told more than some dozens of a kind at a time: of the rest how many.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from runner.engine.changes import Changes
from runner.engine.history import History, Wanted
from runner.engine.problems import Problems
from runner.values import dumps

LOOK_SECONDS = 0.3  # between two looks
MOST_TOLD = 50  # items of a kind at one look: more than a person sees pass
UNDER_WAY = 300  # runs of each of the three statuses that are kept an eye on, the newest
PROBLEMS_SECONDS = 2.0  # between two looks at problems, whose runs have to be counted
MOST_PROBLEMS = 20


class Watch(Protocol):
    """What a store tells of its changes cheaply. All methods raise StoreUnavailable."""

    async def commits(self) -> int:
        """A number that is another one after a commit of any process."""

    async def newest(self) -> tuple[int, int]:
        """The numbers of the newest event and the newest run before which none is still being written."""

    async def new_events(self, after: int, *, to: int, limit: int) -> list[str]:
        """Ids of events behind the number *after* up to the number *to*, newest first."""

    async def new_runs(self, after: int, *, to: int, limit: int) -> list[str]:
        """Ids of runs behind the number *after* up to the number *to*, newest first."""

    async def under_way(self, *, limit: int, watched: Collection[str]) -> dict[str, str]:
        """
        By id, where runs are that have not ended (of each status the newest *limit*), and those *watched*: a
        text that is another one when that changes, for those watched also with each of their steps.
        """


@dataclass(slots=True)
class Seen:
    """What was there at the last look."""

    commits: int
    events: int
    runs: int
    under_way: dict[str, str]
    problems: dict[str, str]
    problems_at: float


@dataclass(slots=True)
class Watcher:
    """Looks at *watch* and tells *changes*; `clock()` gives seconds."""

    watch: Watch
    history: History
    problems: Problems
    changes: Changes
    clock: Callable[[], float]
    _watched: Counter[str] = field(default_factory=Counter)
    _seen: Seen | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def begin(self) -> None:
        """From now on whatever changes is told, as long as anybody listens. Raises StoreUnavailable."""
        async with self._lock:
            if self._seen is None:
                self._seen = await self._first()

    @contextmanager
    def watching(self, run_id: str | None) -> Iterator[None]:
        """While inside, each step of the run is told (None: of no run)."""
        if run_id is None:
            yield
            return
        self._watched[run_id] += 1
        try:
            yield
        finally:
            self._watched[run_id] -= 1
            if not self._watched[run_id]:
                del self._watched[run_id]

    async def look(self) -> None:
        """Tell what changed since the last look, if anybody listens. Raises StoreUnavailable."""
        async with self._lock:
            if not self.changes.is_heard:
                self._seen = None
            elif self._seen is None:
                self._seen = await self._first()
            else:
                await self._look(self._seen)

    async def _first(self) -> Seen:
        commits = await self.watch.commits()  # first: what is committed meanwhile is looked for once more
        events, runs = await self.watch.newest()
        under_way = await self.watch.under_way(limit=UNDER_WAY, watched=self._watched)
        return Seen(commits, events, runs, under_way, await self._problems_now(), self.clock())

    async def _look(self, seen: Seen) -> None:
        commits = await self.watch.commits()
        has_new_watched = not self._watched.keys() <= seen.under_way.keys()
        if commits == seen.commits and not has_new_watched:
            return
        events, runs = await self.watch.newest()
        under_way = await self.watch.under_way(limit=UNDER_WAY, watched=self._watched)
        if events > seen.events:
            told = await self.watch.new_events(seen.events, to=events, limit=MOST_TOLD)
            await self._tell_events(told, events - seen.events)
        fresh = []
        if runs > seen.runs:
            fresh = await self.watch.new_runs(seen.runs, to=runs, limit=MOST_TOLD)
        moved = _moved(seen.under_way, under_way)
        known = {*fresh, *self._watched}
        told = [*fresh, *(one for one in moved if one not in known)][:MOST_TOLD]
        told += [one for one in moved if one in self._watched and one not in told]
        await self._tell_runs(told, max(0, runs - seen.runs - len(fresh)))
        seen.events, seen.runs, seen.under_way = max(events, seen.events), max(runs, seen.runs), under_way
        if self.clock() - seen.problems_at >= PROBLEMS_SECONDS:
            await self._tell_problems(seen)
            seen.commits = commits
        else:  # so that the next look is not the last: a problem may be among what was committed
            seen.commits = -1

    async def _tell_events(self, ids: Sequence[str], arrived: int) -> None:
        page = await self.history.events(Wanted(ids=tuple(ids), limit=len(ids)))
        for item in reversed(page.items):
            self.changes.tell("event", item)
        self.changes.miss(max(0, arrived - len(ids)))

    async def _tell_runs(self, ids: Sequence[str], missed: int) -> None:
        if ids:
            page = await self.history.runs(Wanted(ids=tuple(ids), limit=len(ids)))
            for item in reversed(page.items):
                self.changes.tell("run", item)
        self.changes.miss(missed)

    async def _tell_problems(self, seen: Seen) -> None:
        now = await self._problems_now()
        for problem_id in _moved(seen.problems, now, with_gone=False):
            self.changes.tell("problem", await self.problems.show(problem_id))
        seen.problems, seen.problems_at = now, self.clock()

    async def _problems_now(self) -> dict[str, str]:
        page = await self.problems.page(limit=MOST_PROBLEMS)
        return {one["id"]: dumps(one) for one in page.items}


def _moved(before: dict[str, str], now: dict[str, str], *, with_gone: bool = True) -> list[str]:
    """What is there and was not or was elsewhere; also what was there and is not any more."""
    gone = [one for one in before if one not in now] if with_gone else []
    return [*(one for one, where in now.items() if before.get(one) != where), *gone]

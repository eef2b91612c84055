"""
Keeping: letting go of what is old, in portions so small that nobody notices.

By age, each workflow's ended runs and then its events without runs; by bytes, the oldest events
with their runs until the database is below its bound, first those of which no run failed: a failed
run is what a person still has to look at. What has not ended is kept, with its event and version;
so is what is held. An event is older than its runs, so a run's end decides when both go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

LOWERED_TO = 0.95  # of the bound: not a few rows again at every turn
VERSION_SECONDS = 86400.0  # a version younger than that may be about to get its first run


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a workflow's ended runs and its events are kept, in seconds."""

    events_seconds: float
    runs_seconds: float


@dataclass(frozen=True, slots=True)
class Portion:
    """One portion of a walk: how many were let go, and where the next one begins (None: at the end)."""

    let_go: int
    after: int | None


@dataclass(frozen=True, slots=True)
class Size:
    """
    Bytes of the database: what holds data, and its files, which also hold what became free; and what is free
    where they lie (None: not to be known from here).
    """

    used_bytes: int
    file_bytes: int
    free_bytes: int | None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased; *refused* are events of which a run has not ended."""

    events: int
    runs: int
    refused: Sequence[str] = ()


class Traces(Enum):
    """What is left of what was erased; the value says it, and what to do, in a sentence."""

    NONE = ""
    READ = "Somebody kept reading, so traces may be left in the database's log. Do it once more."
    BEYOND = (
        "No query finds it any more. Its bytes may stay in PostgreSQL's files until they are written over "
        "(hookline vacuum --full writes them anew), and in its log, replicas and backups until these go."
    )


class Keeping(Protocol):
    """
    What lets go. No method keeps an event that arrives waiting for more than some 20 ms.
    Whatever belongs to a run or an event (records, files that nothing else uses) goes with it.
    All methods raise StoreUnavailable.
    """

    async def workflows(self) -> list[str]:
        """The slugs of all that ever had a version."""

    async def let_go_runs(self, workflow: str, *, before: float, after: int) -> Portion:
        """Let go the next runs of *workflow*, the oldest first, that ended before *before*."""

    async def let_go_events(self, workflow: str, *, before: float, after: int) -> Portion:
        """Let go the next events of *workflow* that were received before *before* and have no run."""

    async def let_go_oldest(self, used_bytes: int, *, after: int, failed_too: bool) -> Portion:
        """
        Let go the next events of any workflow with their runs, where all of them have ended, and
        none failed unless *failed_too*; the walk ends when no more than *used_bytes* are used.
        """

    async def let_go_versions(self, kept: Mapping[str, int | None], *, before: float) -> int:
        """
        Let go versions made before *before* that no run has; how many. *kept* has, for workflows
        that have a file, the version that is live: it stays, and so does the newest of those.
        """

    async def size(self) -> Size:
        """How large the database is."""

    async def shrink(self) -> bool:
        """Give some of what is free back to the disk; whether there is more to give."""

    async def forget(self, event_ids: Sequence[str]) -> Forgotten:
        """
        Erase these events with their runs and delivery keys, so that the bytes are overwritten;
        those of which a run has not ended are refused.
        """

    async def erase_traces(self, texts: Sequence[str]) -> Traces:
        """
        Make sure that nothing erased is left in the file or its log, and none of *texts* in what
        was written of problems; what is left nevertheless (READ: try again).
        """


@dataclass(frozen=True, slots=True)
class LetGo:
    """How many were let go."""

    runs: int
    events: int


async def keep(
    keeping: Keeping,
    terms_of: Callable[[str], Awaitable[Terms]],
    *,
    max_bytes: int,
    now: float,
    pause: Callable[[], Awaitable[None]],
) -> LetGo:
    """
    Let go of what is past its age, then of the oldest while more than *max_bytes* are used (0: no
    bound), then give back what became free. `pause()` is awaited between two portions.

    Raises:
        StoreUnavailable: the next time goes on with what is left.
    """
    runs = events = 0
    for workflow in await keeping.workflows():
        terms = await terms_of(workflow)
        ended, received = now - terms.runs_seconds, now - terms.events_seconds
        runs += await _walk(_runs_of(keeping, workflow, ended), pause)
        events += await _walk(_events_of(keeping, workflow, received), pause)
    if max_bytes and (await keeping.size()).used_bytes > max_bytes:
        events += await _below(keeping, int(max_bytes * LOWERED_TO), pause)
    while await keeping.shrink():
        await pause()
    return LetGo(runs, events)


async def _below(keeping: Keeping, used_bytes: int, pause: Callable[[], Awaitable[None]]) -> int:
    """Let go the oldest until no more than *used_bytes* are used; how many events."""
    spared = await _walk(_oldest_of(keeping, used_bytes, failed_too=False), pause)
    return spared + await _walk(_oldest_of(keeping, used_bytes, failed_too=True), pause)


async def _walk(portion: Callable[[int], Awaitable[Portion]], pause: Callable[[], Awaitable[None]]) -> int:
    """Portion by portion to the end; how many were let go."""
    let_go = 0
    after: int | None = 0
    while after is not None:
        done = await portion(after)
        let_go += done.let_go
        after = done.after
        if after is not None:
            await pause()
    return let_go


def _runs_of(keeping: Keeping, workflow: str, before: float) -> Callable[[int], Awaitable[Portion]]:
    return lambda after: keeping.let_go_runs(workflow, before=before, after=after)


def _events_of(keeping: Keeping, workflow: str, before: float) -> Callable[[int], Awaitable[Portion]]:
    return lambda after: keeping.let_go_events(workflow, before=before, after=after)


def _oldest_of(keeping: Keeping, used_bytes: int, *, failed_too: bool) -> Callable[[int], Awaitable[Portion]]:
    return lambda after: keeping.let_go_oldest(used_bytes, after=after, failed_too=failed_too)

"""
Forgetting: events erased by what they hold, with their runs, records, files and delivery keys.

First what it would touch, then the same walk once more, a page at a time. Events of which a run has
not ended are refused, or their runs are cancelled first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.engine.keeping import Traces
from runner.engine.runs import ENDED
from runner.errors import MoveRefused, NotFound
from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.history import History, Wanted
    from runner.engine.keeping import Keeping
    from runner.engine.runs import Store

FIELDS = ("id", "workflow", "type", "delivery_id", "before")
"""What a condition may name, beside fields of the payload."""

PAGE = 200
MOST_NAMED = 100  # open events named one by one
LOOKS = 100  # at a run that was told to end, and at a log that somebody reads


@dataclass(slots=True)
class Touched:
    """
    What forgetting touches, or did: how many events, runs of them, and events of which a run has
    not ended, the first of these by id; the workflows, and from when to when (ISO 8601).
    """

    events: int = 0
    runs: int = 0
    open_events: int = 0
    open: list[str] = field(default_factory=list)
    workflows: set[str] = field(default_factory=set)
    oldest: str | None = None
    newest: str | None = None

    def as_json(self) -> dict[str, Json]:
        """As the command line prints it."""
        return {
            "events": self.events, "runs": self.runs, "open_events": self.open_events, "open": self.open,
            "workflows": sorted(self.workflows), "oldest": self.oldest, "newest": self.newest,
        }  # fmt: skip


async def touched(history: History, wanted: Wanted) -> Touched:
    """
    What *wanted* (its `cursor` and `limit` do not count) would forget.

    Raises:
        StoreUnavailable.
    """
    found = Touched()

    async def look(items: list[Json]) -> None:
        for item in items:
            found.events += 1
            found.runs += len(item["runs"])
            found.workflows.add(item["workflow"])
            found.newest = found.newest or item["received_at"]
            found.oldest = item["received_at"]
            if _open_runs(item):
                found.open_events += 1
                found.open += [item["id"]] if len(found.open) < MOST_NAMED else []

    await _each_page(history, wanted, look)
    return found


async def forget(
    history: History,
    keeping: Keeping,
    store: Store,
    wanted: Wanted,
    *,
    with_open: bool,
    clock: Callable[[], float],
    pause: Callable[[], Awaitable[None]],
) -> Touched:
    """
    Erase the events of *wanted*; *with_open* cancels the runs that have not ended, else their
    events are refused. Returns what is gone, and as `open` what is not.

    Raises:
        StoreUnavailable: what was erased before is gone; doing it again goes on.
    """
    gone = Touched()

    async def erase(items: list[Json]) -> None:
        for run_id in [one for item in items for one in _open_runs(item)] if with_open else ():
            await _end(store, run_id, clock, pause)
        done = await keeping.forget([item["id"] for item in items])
        gone.events += done.events
        gone.runs += done.runs
        gone.open_events += len(done.refused)
        gone.open += done.refused[: MOST_NAMED - len(gone.open)]
        gone.workflows |= {item["workflow"] for item in items} if done.events else set()

    await _each_page(history, wanted, erase)
    return gone


async def erase_traces(keeping: Keeping, wanted: Wanted, *, pause: Callable[[], Awaitable[None]]) -> Traces:
    """
    Make sure that what was forgotten is in no free page, log, or text of a problem; what is left
    nevertheless: a reader that does not end keeps it.
    """
    texts = [condition.text for condition in wanted.payload if len(condition.text) > 3]
    for _ in range(LOOKS):
        traces = await keeping.erase_traces(texts)
        if traces is not Traces.READ:
            return traces
        await pause()
    return Traces.READ


async def _each_page(history: History, wanted: Wanted, do: Callable[[list[Json]], Awaitable[None]]) -> None:
    cursor: str | None = None
    while True:
        page = await history.events(replace(wanted, cursor=cursor, limit=PAGE))
        if page.items:
            await do(page.items)
        cursor = page.next
        if cursor is None:
            return


def _open_runs(item: Json) -> list[str]:
    return [run["id"] for run in item["runs"] if run["status"] not in ENDED]


async def _end(
    store: Store, run_id: str, clock: Callable[[], float], pause: Callable[[], Awaitable[None]]
) -> None:
    """Cancel a run and wait until it has ended; one that does not is refused with its event."""
    for _ in range(LOOKS):
        try:
            if await store.cancel(run_id, now=clock()) in ENDED:
                return
        except (MoveRefused, NotFound):  # it has ended meanwhile
            return
        await pause()

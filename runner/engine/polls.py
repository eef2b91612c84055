"""
Polls: a service that has no webhook is asked again and again, and each item that is new starts a run.

- One process polls at a time, by a lease on the workflow's row, and a poll never overlaps itself. The
  ids of new items are written in the transaction of their events and runs: a crash in between leaves
  them unknown, and so they are found again.
- Runs start in the order of the list. The `payload` of a run is its item; the item's id stands at its
  event as the delivery id.
- The first poll only remembers what is there, unless the file says `first: run`. A poll that asks for
  something else than before (another action, connection, input, `items` or `id`) begins so again.
- Ids are known for 90 days after a list had them last, 100,000 of a workflow at most.
- A poll is no run: it is not retried but made again, at growing distances; what is wrong stands with the
  workflow, and after three failures in a row it is a problem. An item without an id starts nothing and
  counts as a failure, while the others go on.
- In `mode: shadow` the service is asked all the same: it is how items come.
- While the workflow is paused or disabled, or the backlog is full, nobody asks; what came meanwhile is
  found after. A paused connection or host, or one that has no place free, puts a poll off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from runner.engine.accept import new_id, new_runs, own_event
from runner.engine.calls import Called, call, effect_key, prepare
from runner.engine.polling import (
    Item,
    error_text,
    files_of,
    identified,
    items_of,
    longest_pause,
    pause_after,
    sentence_of,
    spec_of,
)
from runner.engine.release import has_room, tell_worker
from runner.engine.rendering import render
from runner.engine.runs import Event, Gate
from runner.engine.schedules import Absences
from runner.errors import ActionError, ExpressionError, Parked, StoreUnavailable
from runner.language.scope import Scope
from runner.language.secrets import SecretSlots
from runner.language.workflow import CALL_SECONDS
from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.accept import Door
    from runner.engine.admission import Admitted
    from runner.engine.library import Library, Live
    from runner.engine.runs import NewRun
    from runner.engine.turn import Tools
    from runner.language.workflow import Poll

AT_ONCE = 8  # polls of one process
LEASE_SECONDS = 4 * CALL_SECONDS  # a call, and what is done about its result; a dead owner's ends at once
PORTION = 500  # new items in one transaction
OPENS_AFTER = 3  # failures in a row: two are chance
PUT_OFF_SECONDS = 30.0  # at most, where the destination is merely full or paused
SPREAD_SECONDS = 30.0  # over which first polls are spread: not all workflows ask at once
AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Polling:
    """
    A poll's row; times are UTC seconds. `polled_at` is when it last succeeded, with `found` items; since
    then `failures` in a row. `error` says what was wrong with the last one. `is_begun`: what was there at
    first is known.
    """

    workflow: str
    spec: str
    next_at: float
    is_begun: bool = False
    polled_at: float | None = None
    found: int = 0
    failures: int = 0
    failing_since: float | None = None
    error: str | None = None
    owner: str | None = None
    owned_until: float | None = None


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item's event, by the item's id, with its runs and files."""

    id: str
    event: Event
    runs: Sequence[NewRun]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A poll that has failed often enough to be a problem. `destination` is the connection that it uses."""

    sentence: str
    destination: str | None
    since: float


class Polls(Protocol):
    """The rows of polls, and the ids that they know. All methods raise StoreUnavailable."""

    async def all(self) -> Mapping[str, Polling]:
        """All rows by workflow."""

    async def plan(self, was: Polling | None, becomes: Polling) -> bool:
        """Write the row in place of *was* (None: there is none), if that stands still and nobody polls."""

    async def forget(self, workflows: Sequence[str], *, now: float) -> None:
        """Take rows and their ids away, and close their problems."""

    async def take(self, was: Polling, *, node: str, now: float, until: float) -> bool:
        """Let *node* poll until then; whether it may: the row is as it was, and nobody else polls."""

    async def unknown(self, workflow: str, ids: Sequence[str]) -> set[str]:
        """Those of *ids* that the workflow does not know."""

    async def start(
        self, taken: Polling, items: Sequence[NewItem], *, now: float
    ) -> Sequence[Admitted] | None:
        """
        Write events and runs of those *items* that are unknown still, with their ids, in one transaction;
        what became of them. None where the lease is another's meanwhile.
        """

    async def end(
        self, taken: Polling, becomes: Polling, *, seen: Sequence[str], trouble: Trouble | None, now: float
    ) -> None:
        """
        Give the lease back with what is known now: the ids that the list had, and the state. A *trouble*
        opens a problem, a poll without failures closes it. Nothing, where the lease is another's.
        """

    async def tidy(self, *, now: float) -> None:
        """Let go of ids that no list had for a long time, and of the oldest where there are too many."""


class Poller:
    """Makes the polls of the process *node*, which executes."""

    def __init__(self, polls: Polls, door: Door, library: Library, tools: Tools, *, node: str) -> None:
        self._polls = polls
        self._door = door
        self._library = library
        self._tools = tools
        self._node = node
        self._absences = Absences()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._parked_at: dict[str, str] = {}  # by workflow: the place that did not let its last poll through

    async def look(self) -> float:
        """
        Begin the polls that are due; when the next one is, in UTC seconds (infinity: none).

        Raises:
            StoreUnavailable.
        """
        live = {one.workflow.slug: one for one in self._library.all() if one.workflow.poll}
        rows = await self._polls.all()
        now = self._door.clock()
        absent = rows.keys() - live.keys() if self._library.all() else set()
        if gone := self._absences.gone(set(absent), now):
            await self._polls.forget(gone, now=now)
        soonest = float("inf")
        for slug, one in live.items():
            assert one.workflow.poll
            soonest = min(soonest, await self._one(one, one.workflow.poll, rows.get(slug), now))
        return soonest

    async def tidy(self) -> None:
        """Let go of ids that are old."""
        await self._polls.tidy(now=self._door.clock())

    async def settled(self) -> None:
        """Until no poll of this process is under way."""
        while self._busy:
            await asyncio.gather(*self._busy.values())

    async def close(self) -> None:
        """Break off what is under way; another process, or the next start, begins it anew."""
        tasks = list(self._busy.values())
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, live: Live, poll: Poll, row: Polling | None, now: float) -> float:
        """Plan a poll anew, begin it, or leave it; when to look again."""
        slug = live.workflow.slug
        spec = spec_of(poll)
        latest = now + longest_pause(poll.every_seconds, row.failures if row else 0)
        if row is None or row.spec != spec:
            fresh = replace(row, is_begun=False) if row else Polling(slug, spec, now)
            soon = self._tools.jitter() * min(poll.every_seconds, SPREAD_SECONDS)
            await self._polls.plan(row, replace(fresh, spec=spec, next_at=now + soon))
            return now + soon
        if row.next_at > latest + AGAIN_SECONDS:  # `every` is shorter now, or the clock was ahead
            await self._polls.plan(row, replace(row, next_at=latest))
            return latest
        if row.next_at > now:
            return row.next_at
        is_stopped = self._door.hold(live.workflow) is not None or not has_room(self._door)
        if is_stopped or slug in self._busy or len(self._busy) >= AT_ONCE:
            return now + AGAIN_SECONDS
        until = now + LEASE_SECONDS
        if not await self._polls.take(row, node=self._node, now=now, until=until):
            return now + AGAIN_SECONDS
        taken = replace(row, owner=self._node, owned_until=until)
        task = asyncio.create_task(self._poll(live, poll, taken, now))
        self._busy[slug] = task
        task.add_done_callback(lambda _task: self._busy.pop(slug, None))
        return now + poll.every_seconds

    async def _poll(self, live: Live, poll: Poll, taken: Polling, began: float) -> None:
        """Poll once. Whatever happens is written down, or, where the store is away, found again."""
        try:
            await self._judged(live, poll, taken, began)
        except StoreUnavailable:
            pass  # the lease ends by itself, and what was not written is still new
        except Exception:
            log.exception("the poll of %s failed", taken.workflow, extra={"action": "poll_failed"})

    async def _judged(self, live: Live, poll: Poll, taken: Polling, began: float) -> None:
        try:
            called = await self._ask(live, poll, began)
            values = items_of(live.workflow, poll, called.output, began)
            items, wrong = identified(live.workflow, poll, values, began)
        except Parked as parked:
            self._parked_at[taken.workflow] = parked.place
            if parked.is_down:
                await self._failed(poll, taken, parked)
            else:
                soon = self._door.clock() + min(poll.every_seconds, PUT_OFF_SECONDS)
                becomes = replace(taken, next_at=soon, error=str(parked))
                await self._end(taken, becomes, seen=(), trouble=None)
            return
        except (ActionError, ExpressionError) as error:
            await self._failed(poll, taken, error)
            return
        if taken.is_begun or poll.runs_first:
            known = await self._take_in(live, taken, items, called.files)
        else:
            known = [one.id for one in items]
        now = self._door.clock()
        becomes = replace(
            taken, is_begun=True, polled_at=now, found=len(values), failures=0, failing_since=None,
            error=None, next_at=max(began + poll.every_seconds, now),
        )  # fmt: skip
        if wrong is not None:
            becomes = _failing(becomes, taken, wrong, now)
        await self._end(taken, becomes, seen=known, trouble=_trouble(poll, becomes))

    async def _ask(self, live: Live, poll: Poll, now: float) -> Called:
        """The action's result. Raises ActionError, ExpressionError."""
        tools, slug = self._tools, live.workflow.slug
        tools.destinations.check_connection(poll.call.connection)
        key = new_id(now)
        inputs: Json = {}
        if poll.call.inputs is not None:
            slots = SecretSlots(tools.safe.secrets())
            names = {"vars": dict(live.workflow.vars)}
            scope = Scope(names, now, key, live.workflow.timezone, slots)
            rendered = await render(poll.call.inputs, scope, self._door.evaluator, workflow=slug)
            inputs = slots.filled(rendered)
        prepared = prepare(
            tools, poll.call.action, poll.call.connection, inputs,
            key=effect_key(key, slug, "poll", 0), timeout_seconds=CALL_SECONDS, readable=frozenset(),
            parked_at=self._parked_at.pop(slug, None),
        )  # fmt: skip
        return await call(tools, prepared)

    async def _take_in(
        self, live: Live, taken: Polling, items: Sequence[Item], files: Mapping[str, bytes]
    ) -> list[str]:
        """Start runs of what is new, as far as the backlog has room; the ids that are known then."""
        slug = live.workflow.slug
        unknown = await self._polls.unknown(slug, [one.id for one in items])
        fresh = [one for one in items if one.id in unknown]
        room = max(0, self._door.backlog_limit - self._door.store.backlog)
        left = {one.id for one in fresh[room:]}  # found again the next time
        for begin in range(0, min(len(fresh), room), PORTION):
            now = self._door.clock()
            portion = fresh[begin : min(begin + PORTION, room)]
            made = [await self._new(live, one, files, now) for one in portion]
            admitted = await self._polls.start(taken, made, now=now)
            if admitted is None:
                break  # another process polls: it goes on
            tell_worker(self._door, admitted)
        return [one.id for one in items if one.id not in left]

    async def _new(self, live: Live, item: Item, files: Mapping[str, bytes], now: float) -> NewItem:
        poll = live.workflow.poll
        assert poll
        gate = Gate("poll", "passed", f"new in what {poll.call.action} gave", {"id": item.id})
        event = own_event(live.workflow.slug, "poll", item.value, gate, now=now, delivery_id=item.id)
        runs = await new_runs(self._door, live, event, item.value, None, now=now)
        return NewItem(item.id, event, runs, files_of(item.value, files))

    async def _failed(self, poll: Poll, taken: Polling, error: Exception) -> None:
        now = self._door.clock()
        becomes = _failing(taken, taken, error_text(error), now)
        becomes = replace(becomes, next_at=now + pause_after(poll.every_seconds, becomes.failures, error))
        await self._end(taken, becomes, seen=(), trouble=_trouble(poll, becomes))

    async def _end(
        self, taken: Polling, becomes: Polling, *, seen: Sequence[str], trouble: Trouble | None
    ) -> None:
        becomes = replace(becomes, owner=None, owned_until=None)
        await self._polls.end(taken, becomes, seen=seen, trouble=trouble, now=self._door.clock())


def _failing(becomes: Polling, before: Polling, error: str, now: float) -> Polling:
    return replace(
        becomes,
        failures=before.failures + 1,
        failing_since=now if before.failing_since is None else before.failing_since,
        error=error,
    )


def _trouble(poll: Poll, row: Polling) -> Trouble | None:
    if row.failures < OPENS_AFTER or row.error is None or row.failing_since is None:
        return None
    sentence = sentence_of(poll, row.error, row.failures)
    return Trouble(sentence, poll.call.connection, row.failing_since)

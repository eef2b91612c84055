"""
The server's own events: what happened here starts runs of the workflows that listen for it.

Each is noted in the transaction in which it happened and kept until the runs are on disk; its number is
the delivery key of the events that come of it, so that each workflow hears of it once, also when a
process dies in between or several do this at once.

A workflow never hears of itself: not of its own failures, nor of problems with them or with its sender.
Nor does any hear of what became of a run that an event of this kind began, by itself or by a call: so
none of them can start another one for ever. A problem that settles within SETTLE_SECONDS without a failed
run is none, as it is for messages to people.

The payload is `{kind, at, workflow, run}` for `run_failed` and `{kind, at, workflow, problem}` for the
others: `run` and `problem` as `/api/v1` has them, with a `url`, and without steps. That of
`connection_expiring` is `{kind, at, connection}` and belongs to no workflow.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from runner.engine.accept import accept, own_event
from runner.engine.notices import SETTLE_SECONDS
from runner.engine.release import has_room
from runner.engine.runs import Event, Gate
from runner.errors import NotFound
from runner.language.secrets import masked
from runner.values import Json, iso

if TYPE_CHECKING:
    from runner.engine.accept import Door
    from runner.engine.library import Library, Live

AT_A_TIME = 100
CONNECTION_EXPIRING = "connection_expiring"
OF_NO_PROBLEM = frozenset({"run_failed", CONNECTION_EXPIRING})
RUN_KEYS = ("id", "title", "workflow", "version", "status", "reason", "event", "attempt", "replay_of",
            "accepted_at", "started_at", "ended_at")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """One of the server's own events: `subject` is the id of the run or problem, or the connection."""

    number: int
    kind: str
    subject: str
    at: float


@dataclass(frozen=True, slots=True)
class Told:
    """What can be said of it: the workflow that it is about, and whether it came of an event like it."""

    workflow: str | None
    payload: Mapping[str, Json]
    is_of_own_events: bool


class OwnEventRows(Protocol):
    """What keeps them. All methods raise StoreUnavailable."""

    async def listen(self, kinds: frozenset[str]) -> None:
        """Note from now on what is of *kinds*, and nothing else."""

    async def waiting(self, limit: int) -> Sequence[Happening]:
        """The first that are not done yet, in their order."""

    async def is_of_own_events(self, happening: Happening) -> bool:
        """Whether all runs that it is about came of events like it."""

    async def done(self, numbers: Sequence[int]) -> None:
        """Forget these."""


class OwnEvents:
    """
    Starts the runs; to be moved on by upkeep. *show_run(id)*, *show_problem(id)* and
    *show_connection(name)* give what `/api/v1` does or raise NotFound; *secrets()* are the values that must
    be masked.
    """

    def __init__(
        self,
        rows: OwnEventRows,
        door: Door,
        library: Library,
        *,
        show_run: Callable[[str], Awaitable[Json]],
        show_problem: Callable[[str], Awaitable[Json]],
        show_connection: Callable[[str], Json],
        secrets: Callable[[], frozenset[str]],
        public_url: str,
    ) -> None:
        self._rows = rows
        self._door = door
        self._library = library
        self._show_run = show_run
        self._show_problem = show_problem
        self._show_connection = show_connection
        self._secrets = secrets
        self._public_url = public_url
        self._listening: frozenset[str] | None = None

    async def advance(self) -> None:
        """Take notice of who listens, and start what is to be started. Raises StoreUnavailable."""
        kinds = frozenset(kind for live in self._library.all() for kind in _kinds(live))
        if kinds != self._listening:
            await self._rows.listen(kinds)
            self._listening = kinds
        if not kinds or not has_room(self._door):
            return
        passed: set[str] = set()  # problems of which nobody was told that they opened
        waiting = await self._rows.waiting(AT_A_TIME)
        done = [one.number for one in waiting if await self._is_done(one, passed)]
        if done:
            await self._rows.done(done)

    async def _is_done(self, one: Happening, passed: set[str]) -> bool:
        """Start what *one* starts, unless it is too early to say."""
        problem = await self._problem(one) if one.kind not in OF_NO_PROBLEM else None
        if problem is not None and one.kind == "problem_opened":
            if is_settling(problem, age=self._door.clock() - one.at):
                return False
            if _has_settled(problem, one.at):
                passed.add(one.subject)
                return True
        if one.kind == "problem_closed" and one.subject in passed:
            return True
        told = await self._told(one, problem)
        if told is not None and not told.is_of_own_events:
            await self._start(one, told)
        return True

    async def _problem(self, one: Happening) -> Json:
        try:
            return await self._show_problem(one.subject)
        except NotFound:
            return None

    async def _told(self, one: Happening, problem: Json) -> Told | None:
        """What is said of it; None where what it is about is not kept any more."""
        if one.kind == CONNECTION_EXPIRING:
            return self._told_of_connection(one)
        if one.kind == "run_failed":
            try:
                run = await self._show_run(one.subject)
            except NotFound:
                return None
            about = {name: run[name] for name in RUN_KEYS}
            subject = {"run": {**about, "url": f"{self._public_url}/runs/{one.subject}"}}
        elif problem is None:
            return None
        else:
            about = problem
            subject = {"problem": {**about, "url": f"{self._public_url}/failures/{one.subject}"}}
        payload = {"kind": one.kind, "at": iso(one.at), "workflow": about["workflow"], **subject}
        return Told(about["workflow"], payload, await self._rows.is_of_own_events(one))

    def _told_of_connection(self, one: Happening) -> Told | None:
        try:
            about = self._show_connection(one.subject)
        except NotFound:
            return None
        connection = {**about, "url": f"{self._public_url}/connections"}
        payload = {"kind": one.kind, "at": iso(one.at), "connection": connection}
        return Told(None, payload, is_of_own_events=False)

    async def _start(self, one: Happening, told: Told) -> None:
        payload = masked(dict(told.payload), self._secrets())
        for live in self._library.all():
            if one.kind in _kinds(live) and live.workflow.slug != told.workflow:
                event = _event(live, one, payload, self._door.clock())
                await accept(self._door, live, event, payload, {})


def is_settling(problem: Json, *, age: float) -> bool:
    """Whether a problem is too young to tell whether it is one: none of its runs has failed."""
    return problem["status"] == "open" and not problem["runs"]["failed"] and age < SETTLE_SECONDS


def _has_settled(problem: Json, at: float) -> bool:
    """Whether a problem that opened then closed by itself before anybody had to hear of it."""
    if problem["status"] != "closed" or problem["dismissed_by"] is not None or problem["runs"]["failed"]:
        return False
    return datetime.fromisoformat(problem["closed_at"]).timestamp() - at < SETTLE_SECONDS


def _kinds(live: Live) -> tuple[str, ...]:
    return live.workflow.hookline.on if live.workflow.hookline else ()


def _event(live: Live, one: Happening, payload: Json, now: float) -> Event:
    return own_event(
        live.workflow.slug,
        "hookline",
        payload,
        Gate("received", "passed", f"this server's own {one.kind}"),
        now=now,
        type=one.kind,
        delivery_id=f"hookline.{one.number}",
    )

"""
Replays of many runs: which runs a filter means, what replaying each of them would do, and when the
next ones may go. Pure, but for the port at the end; replaying.py carries it out.

A plan sorts runs into `safe` (known to have failed, nothing in doubt), `uncertain` (an effect may
have happened), `stale` (accepted too long ago) and `refused` (cannot be replayed so). Safe ones are
included, refused ones never, the others where the terms say so.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from runner.engine.paths import ON_FAILURE, does, steps_by_path, top_of, without_indices
from runner.engine.runs import ENDED, Replaying, Status
from runner.values import duration_seconds

if TYPE_CHECKING:
    from runner.engine.history import Page
    from runner.engine.pacing import Gone
    from runner.engine.runs import NewRun
    from runner.language.workflow import Step, Workflow
    from runner.values import Json

STALE_SECONDS = 7 * 86400.0  # what an order of last week is worth, a person has to say
FIRST = 5  # go alone, before the others
RATE = 10.0  # a second: a destination that has just come back takes that
FASTEST = 1000.0  # a second
MOST_ITEMS = 50_000  # of one replay; more is done in several
MOST_UNDER_WAY = 100  # replayed runs queued or running at a time, of all replays
KNOWN_FAILED = frozenset({"rejected", "connection_rejected", "unavailable"})
IN_DOUBT = frozenset({"outcome_unknown", "timeout", "interrupted"})
WAITS = frozenset({"wait", "wait_for"})  # kinds of records that nothing is sent for

Class: TypeAlias = Literal["safe", "uncertain", "stale", "refused"]
CLASSES: tuple[Class, ...] = ("safe", "uncertain", "stale", "refused")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which runs are meant: each given field narrows it. Times are UTC seconds, of accepting."""

    workflow: str | None = None
    status: str = Status.FAILED.value
    problem: str | None = None
    since: float | None = None
    until: float | None = None
    step: str | None = None  # where it failed, without loop indices
    type: str | None = None  # the code of its reason: rejected, unavailable, …


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What is asked for: the runs by id or by `where`; `origin` is "failed", "start" or the id of a step
    at the top level; `rate` runs a second after the `first` ones, which go alone.
    """

    run_ids: tuple[str, ...] = ()
    where: Filter | None = None
    origin: str = "failed"
    version: Literal["live", "original"] = "live"
    rate: float = RATE
    first: int = FIRST
    include_uncertain: bool = False
    include_stale: bool = False
    run_missing: bool = False
    as_new: bool = False
    stale_after_seconds: float = STALE_SECONDS

    def as_json(self) -> Json:
        """All fields by name; `terms_of` reads it."""
        return asdict(self)


def terms_of(value: Json) -> Terms:
    """The terms that `Terms.as_json` gave."""
    where = value["where"]
    given = {**value, "run_ids": tuple(value["run_ids"]), "where": Filter(**where) if where else None}
    return Terms(**given)


@dataclass(frozen=True, slots=True)
class Past:
    """What a record says. `error_type` is None where it did not fail; `is_in_doubt`: it may have happened."""

    path: str
    kind: str
    status: str
    error_type: str | None
    is_in_doubt: bool

    @property
    def is_failed_for_sure(self) -> bool:
        """Whether it is known that nothing happened."""
        return self.status == "failed" and self.error_type in KNOWN_FAILED and not self.is_in_doubt


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that may be replayed, with its records. `reason_code` and `failed_step` are of its end."""

    number: int
    id: str
    workflow: str
    version: int
    title: str
    mode: str
    status: str
    accepted_at: float
    reason_code: str
    failed_step: str
    records: tuple[Past, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect that would happen again; `key` is "kept" or "new"."""

    step: str
    action: str
    key: Literal["kept", "new"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What replaying a run so would mean. `why` is a sentence for all but the safe."""

    class_: Class
    is_included: bool
    why: str | None
    effects: tuple[Effect, ...]
    how: Replaying


@dataclass(frozen=True, slots=True)
class Item:
    """A run's place in a plan: the order of accepting."""

    run_id: str
    class_: Class
    is_included: bool
    why: str | None


def read_filter(texts: Sequence[str], now: float) -> Filter:
    """
    Read `workflow=orders status=failed since=2h`: words `name=value`, in one text or several.

    Raises:
        ValueError: a word is not of that form, or its name or value is unknown.
    """
    known = [one.name for one in fields(Filter)]
    given: dict[str, str | float] = {}
    for word in [word for text in texts for word in shlex.split(text)]:
        name, equals, value = word.partition("=")
        if not equals or not value or name not in known:
            way_out = f"write {', '.join(f'{one}=…' for one in known)}"
            raise ValueError(f'"{word}" narrows nothing; {way_out}')
        if name in given:
            raise ValueError(f"{name} is given twice; once is enough")
        given[name] = moment(value, now) if name in ("since", "until") else value
    status = given.get("status")
    if status is not None and status not in {one.value for one in ENDED}:
        raise ValueError(
            f"status={status}: only ended runs are replayed: {', '.join(sorted(one.value for one in ENDED))}"
        )
    if not given:
        raise ValueError("a filter needs a word, for example workflow=orders or problem=ID")
    return Filter(**given)  # type: ignore[arg-type]  # by the names above


def moment(text: str, now: float) -> float:
    """
    UTC seconds of `2h` before *now*, or of a date or time in ISO 8601 (UTC unless it says).

    Raises:
        ValueError: neither.
    """
    try:
        return now - duration_seconds(text)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        way_out = "write for example 2h, 7d, 2026-05-03 or 2026-05-03T14:00Z"
        raise ValueError(f'"{text}" is no time; {way_out}') from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def matches(candidate: Candidate, wanted: Filter) -> bool:
    """Whether the filter means this run; its problem is looked up by the store."""
    return (
        candidate.status == wanted.status
        and (wanted.workflow is None or candidate.workflow == wanted.workflow)
        and (wanted.since is None or candidate.accepted_at >= wanted.since)
        and (wanted.until is None or candidate.accepted_at < wanted.until)
        and (wanted.step is None or without_indices(candidate.failed_step) == without_indices(wanted.step))
        and (wanted.type is None or candidate.reason_code == wanted.type)
    )


def judge(
    run: Candidate, terms: Terms, *, own: Workflow | None, target: Workflow | None, number: int, now: float
) -> Judged:
    """
    What replaying *run* on *terms* would mean. *own* is the version that it ran with, *target* the
    one that it would run with, *number* that one's; None where it is not there or cannot be loaded.
    """
    how = Replaying(as_new=terms.as_new, is_behind=True)
    why = _refusal(run, terms, target)
    if why is not None or target is None:
        return Judged("refused", False, why, (), how)
    there = steps_by_path(target)
    before = steps_by_path(own) if own is not None else {}
    redone, again = _redone(run, terms, [step.key for step in target.steps])
    anew: tuple[str, ...] = ()
    if terms.origin != "start" and number != run.version:
        lacking, changed = _differences(run, before, there, number)
        if (lacking or changed) and not terms.run_missing:
            return Judged("refused", False, "; ".join([*lacking, *changed.values()]), (), how)
        anew = tuple(changed)
        redone = [*redone, *(one for one in run.records if one.path in changed and one not in redone)]
    how = Replaying(as_new=terms.as_new, again=again, anew=anew, is_behind=True)
    effects = tuple(
        Effect(
            without_indices(one.path), does(step),
            "new" if terms.as_new or one.path in anew or one.is_failed_for_sure else "kept",
        )
        for one in redone
        if (step := there.get(without_indices(one.path)) or before.get(without_indices(one.path)))
        and not one.path.startswith(ON_FAILURE)
        and one.kind not in WAITS
    )  # fmt: skip
    doubt = next((one for one in redone if one.is_in_doubt), None)
    is_stale = now - run.accepted_at > terms.stale_after_seconds
    is_included = (not is_stale or terms.include_stale) and (
        (doubt is None and run.reason_code != "crashed") or terms.include_uncertain
    )
    if doubt is not None:
        return Judged("uncertain", is_included, f"{doubt.path} may have happened", effects, how)
    if run.reason_code == "crashed":
        return Judged("uncertain", is_included, "the server stopped during it", effects, how)
    if is_stale:
        days = (now - run.accepted_at) / 86400
        return Judged("stale", is_included, f"accepted {days:.0f} days ago", effects, how)
    return Judged("safe", True, None, effects, how)


def _refusal(run: Candidate, terms: Terms, target: Workflow | None) -> str | None:
    """Why the run cannot be replayed so at all."""
    if terms.origin == "start":
        if run.status not in ENDED:
            return f"it is {run.status}; it can be replayed when it has ended"
    elif run.status != Status.FAILED:
        goes_on = "; it goes on by itself" if run.status not in ENDED else ""
        return f"it is {run.status}, not failed{goes_on}"
    if target is None:
        return (
            f"{run.workflow} is not live any more; replay it on its own version: --version original"
            if terms.version == "live"
            else f"version {run.version} of {run.workflow} cannot be loaded"
        )
    if terms.origin not in ("failed", "start") and terms.origin not in {one.key for one in target.steps}:
        names = ", ".join(one.key for one in target.steps)
        return f"it has no step {terms.origin} at its top level; there are {names}"
    return None


def _redone(run: Candidate, terms: Terms, order: list[str]) -> tuple[list[Past], tuple[str, ...]]:
    """The records whose effects would happen again, and which of them only because of the terms."""
    if terms.origin == "start":
        return list(run.records), ()
    again: list[Past] = []
    if terms.origin != "failed":
        later = set(order[order.index(terms.origin) :])
        again = [one for one in run.records if top_of(one.path) in later]
    redone = [one for one in run.records if one.status != "succeeded" or one in again]
    return redone, tuple(one.path for one in again)


def _differences(
    run: Candidate, before: Mapping[str, Step], there: Mapping[str, Step], number: int
) -> tuple[list[str], dict[str, str]]:
    """Which recorded steps the other version lacks, and by path those that do something else there."""
    lacking: dict[str, str] = {}
    changed: dict[str, str] = {}
    for one in run.records:
        path = without_indices(one.path)
        old, new = before.get(path), there.get(path)
        if old is None or path.startswith(ON_FAILURE):
            continue  # no step's record, such as a bound of the run; or told only if it fails again
        if new is None:
            lacking[path] = f"version {number} has no step {path}"
        elif does(old) != does(new):
            changed[one.path] = f"{path} was {does(old)} and is {does(new)} in version {number}"
    return list(lacking.values()), changed


class Replays(Protocol):
    """
    The rows of replays. As JSON a replay is `id, status (planned, running, paused, stopped, done),
    where, from, version, rate, first, include_uncertain, include_stale, run_missing, as_new, problem,
    by, created_at, started_at, ended_at, why`, `plan {safe, uncertain, stale, refused, included}`
    (numbers of runs), `effects [{class, step, action, key (kept, new), runs}]`, `left_out [{run,
    class, why}]` (the first hundred), `progress {included, started, left, under_way, waiting,
    succeeded, failed, cancelled, refused}`. All methods raise StoreUnavailable.
    """

    async def candidates(
        self, wanted: Filter, *, after: int, limit: int
    ) -> tuple[list[Candidate], int | None]:
        """Runs that *wanted* means, from a portion of rows after the run number *after*; where to go on."""

    async def candidate(self, run_id: str) -> Candidate:
        """One run. Raises NotFound."""

    async def save_items(self, replay_id: str, first_place: int, items: Sequence[Item]) -> None:
        """Write a portion of a plan that is not there yet."""

    async def save_plan(
        self, replay_id: str, terms: Terms, *, effects: Sequence[Json], by: str, now: float
    ) -> None:
        """Write the plan itself, after all its items."""

    async def page(self, *, status: str | None = None, cursor: str | None = None, limit: int = 50) -> Page:
        """Replays, newest first. Raises ValueError: the cursor is none of ours."""

    async def show(self, replay_id: str) -> Json:
        """One replay. Raises NotFound."""

    async def move(
        self, replay_id: str, to: str, *, why: str | None, now: float, rate: float | None = None
    ) -> None:
        """
        Start, pause, stop or end it; a *rate* (runs a second) is its own from then on. When it goes on, those
        of its runs that failed from where they had failed before, and for sure, stand at the end of its line
        once more: a person has mended what they failed of. Raises NotFound, MoveRefused: its status does not
        allow that.
        """

    async def owned(self, node: str, *, now: float, seconds: float) -> list[tuple[str, Terms, float]]:
        """Running replays that *node* has for the next *seconds*: id, terms, when the next run may go."""

    async def gone(self, replay_id: str, *, first: int, last: int) -> tuple[list[Gone], list[Gone]]:
        """How its runs fare that were started since its last start: the *first* and the *last* ones."""

    async def left(self, replay_id: str, *, limit: int) -> list[tuple[int, str]]:
        """Place and id of the next runs to be started, in the order of accepting."""

    async def under_way(self) -> int:
        """How many replayed runs are queued or running, of all replays."""

    async def start_item(
        self, replay_id: str, place: int, go: Go | str, *, node: str, now: float, next_at: float
    ) -> bool:
        """
        Start the run at *place*, or note why it cannot be (a text), if *node* still has the replay and
        nobody has started it: one transaction. Whether it was so.
        """

    async def forget(self, *, before: float) -> None:
        """Let go replays that ended, and plans that were made and never started, before then."""


@dataclass(frozen=True, slots=True)
class Go:
    """How a run is started: itself on `version`, or as `new`."""

    run_id: str
    version: int
    how: Replaying
    new: NewRun | None

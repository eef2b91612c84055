"""
Events and runs: their states, the moves between them, and the ports to whatever keeps them.

This page is execution.md's nouns. It does no I/O and knows no database, queue or web framework.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from runner.errors import MoveRefused
from runner.language.basis import NO_BASIS, Basis
from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.admission import Admitted, Delivery, Slot
    from runner.engine.problems import Trouble
    from runner.engine.versions import Signed


class Disposition(StrEnum):
    """What became of an event when it was received."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    HELD = "held"
    DROPPED = "dropped"
    REJECTED = "rejected"


class Status(StrEnum):
    """Where a run is."""

    QUEUED = "queued"  # nobody has it; also a run whose worker died
    RUNNING = "running"  # its owner has a turn on it
    WAITING = "waiting"  # for a time or for something outside
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    FILTERED = "filtered"
    CANCELLED = "cancelled"


ENDED = frozenset({Status.SUCCEEDED, Status.FAILED, Status.FILTERED, Status.CANCELLED})

NO_END = 253_402_300_799.0  # UTC seconds, the end of the year 9999: due by an answer alone

MOVES: Mapping[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLED}),
    # to queued: given back at a calm end, or its owner died
    Status.RUNNING: frozenset({Status.QUEUED, Status.WAITING}) | ENDED,
    Status.WAITING: frozenset({Status.RUNNING, Status.CANCELLED}),
    Status.FAILED: frozenset({Status.QUEUED}),  # a replay from the failed step
    Status.SUCCEEDED: frozenset(),
    Status.FILTERED: frozenset(),
    Status.CANCELLED: frozenset(),
}


def move(old: Status, new: Status) -> Status:
    """
    *new*, if a run may go there from *old*.

    Raises:
        MoveRefused: execution.md names no such move.
    """
    if new not in MOVES[old]:
        raise MoveRefused(f"a run that is {old} cannot become {new}")
    return new


@dataclass(frozen=True, slots=True)
class Gate:
    """One judgement on the way in: `verdict` is "passed" or "stopped"."""

    name: str
    verdict: str
    reason: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict, hash=False)

    def as_json(self) -> Json:
        """The object of an event's `gates`."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "reason": self.reason,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run is where it is: one sentence, made here once for page, command, API and alert."""

    code: str
    sentence: str
    facts: Mapping[str, Json] = field(default_factory=dict)

    def as_json(self) -> Json:
        """The object of a run's `reason`."""
        return {"code": self.code, "sentence": self.sentence, "facts": dict(self.facts)}


@dataclass(frozen=True, slots=True)
class Event:
    """What was received, as it was received. `headers` has lower-case names; `body` is raw."""

    id: str
    workflow: str
    trigger: str
    received_at: float
    disposition: Disposition
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    content_type: str
    size: int
    source_ip: str
    body: bytes
    gates: tuple[Gate, ...] = ()
    type: str | None = None
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewRun:
    """
    A run to be written with its event. `owner` is the node that takes the first turn within the
    same transaction, or None: then the run is queued. `mode` is "live", "shadow" (no action is sent)
    or, of what a person tries, "test" and "sample" (no action is sent), which `run.test` tells.
    With a `slot` it stands in the line of its concurrency key and may have to wait for its first turn.
    """

    id: str
    workflow: str
    version: int
    title: str
    seed: str
    owner: str | None
    mode: str = "live"
    slot: Slot | None = None
    item: int | None = None  # which item of its event it is of, from 0, where the workflow has `split`


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its turn sees it. `base_at` is what `now()` gives before the first effect."""

    id: str
    event_id: str
    workflow: str
    version: int
    title: str
    seed: str
    attempt: int
    fence: int
    turns: int
    stalled: int
    accepted_at: float
    base_at: float
    mode: str = "live"
    cancel_requested: bool = False
    generations: Mapping[str, int] = field(default_factory=dict)
    replaced_by: str | None = None  # the run for which it is asked to cancel
    keyed_as: str | None = None  # the slug that its effects' keys are made of, where that was another then
    item: int | None = None  # which item of its event it is of, from 0, where that was split


class RecordStatus(StrEnum):
    """How far an effect is."""

    STARTED = "started"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Record:
    """
    What is known of one effect of a run, by its path. `input` has secrets as their names.
    `error` is `{type, message}`. `parked_at` is where it waits to be let through, since
    `parked_since`; `parked_seconds` is how long it waited so before, which is no part of trying.
    """

    path: str
    kind: str
    status: RecordStatus
    attempts: int
    started_at: float
    generation: int = 0
    due_at: float | None = None
    input: Json = None
    input_digest: str | None = None
    item_digest: str | None = None
    output: Json = None
    error: Json = None
    ended_at: float | None = None
    parked_at: str | None = None
    parked_since: float | None = None
    parked_seconds: float = 0.0
    exchanges: str | None = None  # of the attempt that just ended, to be put to those before; never read back


def is_unsent(record: Record) -> bool:
    """Whether an action or call was shown only: it succeeded without an attempt, as those of a shadow do."""
    is_done = record.status is RecordStatus.SUCCEEDED and record.attempts == 0
    return is_done and record.kind in ("action", "call")


@dataclass(frozen=True, slots=True)
class Claimed:
    """
    A run that is ours until its fence is raised, with all that its turn needs. `files` are the
    digests of what it received or made: the only stored bytes that it may read.
    """

    run: Run
    event: Event
    records: Mapping[str, Record]
    files: frozenset[str]


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """
    The last write of a turn: where the run is now. `due_at` and `waiting_for` are given exactly
    when it waits; `answer` is what a waiting caller got; `trace` has one entry a step. `parked_at`
    is the destination or connection that it waits for, which wakes it before `due_at`.
    """

    status: Status
    ended_at: float | None = None
    due_at: float | None = None
    waiting_for: str | None = None
    reason: Reason | None = None
    output: Json = None
    answer: Json = None
    trace: Sequence[Json] = ()
    notes: Sequence[str] = ()
    parked_at: str | None = None
    trouble: Trouble | None = None  # what the run has in common with others that failed or wait so


@dataclass(frozen=True, slots=True)
class Replaying:
    """
    How a run is replayed, apart from where and on which version. Effects keep their keys where they
    succeeded or may have happened; `as_new` gives all of them new ones. `again` are recorded paths
    that are done again although they succeeded, with their keys, `anew` the same with new keys.
    `is_behind`: what is fresh goes first.
    """

    as_new: bool = False
    again: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()
    is_behind: bool = False


AS_IT_WAS = Replaying()


@dataclass(frozen=True, slots=True)
class Job:
    """What the queue carries: every decision that must survive is the store's."""

    run_id: str
    turn: int  # the turn that would begin: a job of an earlier one is void


class Store(Protocol):
    """
    What keeps events, runs and records. Every method that writes returns when the disk has it.

    All of them raise StoreUnavailable when nothing could be written.
    """

    backlog: int  # runs queued, as of the last commit
    held: int  # events held, likewise

    async def accept(
        self,
        event: Event,
        runs: Sequence[NewRun],
        files: Mapping[str, bytes],
        *,
        delivery: Delivery | None = None,
        hold: Gate | None = None,
        settled: Callable[[Admitted | Exception], None] | None = None,
    ) -> Admitted:
        """
        Write an event of any disposition, its runs and its files, in one transaction that also
        decides what becomes of it: a *delivery* that was seen makes it a duplicate, which keeps its
        body only where that differs; *hold* is the gate at which it is held (one named "paused"
        only if the workflow's pause stands still); its runs' slots may drop it. A duplicate, held
        or dropped event has no runs. A run with an owner is handed to it unless it has to wait for
        its slot: `Admitted.handed` says so.

        *settled* hears in this process how it ended (an Admitted: the disk has it), also when the
        caller was cancelled meanwhile.
        """

    async def claim(self, jobs: Sequence[Job], *, node: str, now: float) -> list[Claimed]:
        """Take those of *jobs* that are still to be had: fence and turns go up by one."""

    async def record(self, run: Run, records: Sequence[Record], files: Mapping[str, bytes]) -> None:
        """
        Write *records* (by path; a later one replaces) and *files* of a turn.

        Raises:
            StaleFence: another worker has the run.
        """

    async def finish(
        self, run: Run, end: TurnEnd, records: Sequence[Record], files: Mapping[str, bytes]
    ) -> None:
        """
        Write the end of a turn together with *records* that are not written yet.

        Raises:
            StaleFence: another worker has the run.
        """

    async def give_back(self, run: Run, *, due_at: float, is_stalled: bool = False) -> None:
        """
        Queue a run again whose turn we leave unfinished. It counts towards the turns in a row
        that got no further only if *is_stalled*.
        """

    async def due(self, *, now: float, limit: int) -> list[Job]:
        """Runs that may be claimed now, those due longest first."""

    async def next_due(self, *, now: float) -> float | None:
        """The earliest due time after *now*, or None."""

    async def take_over(self, *, node: str, now: float) -> int:
        """Queue the runs of owners that are dead; how many there were."""

    async def save_version(
        self,
        workflow: str,
        digest: str,
        source: str,
        *,
        now: float,
        basis: Basis = NO_BASIS,
        signed: Signed | None = None,
    ) -> int:
        """
        The number of this version of *workflow*, written if it is new, with what it was read with. One
        that is *signed* is new unless it is the newest, which is signed then, if nobody has.
        """

    async def newest_version(self, workflow: str) -> int | None:
        """The number of the workflow's newest version; None when it never had one."""

    async def version_source(self, workflow: str, version: int) -> str:
        """The text of a version. Raises NotFound."""

    async def version_basis(self, workflow: str, version: int) -> Basis:
        """What a version was read with beside its text. Raises NotFound."""

    async def read_file(self, digest: str) -> bytes:
        """Stored bytes. Raises NotFound."""

    async def answer_of(self, run_id: str) -> tuple[Status, str, Json, Json]:
        """A run's status, its reason's code, its answer and output. Raises NotFound."""

    async def cancel(self, run_id: str, *, now: float) -> Status:
        """
        Cancel a run: at once when nobody runs it, else at its next step. Its status afterwards.

        Raises:
            NotFound, MoveRefused: it has ended.
        """

    async def replay_failed(
        self, run_id: str, *, version: int | None, now: float, how: Replaying = AS_IT_WAS
    ) -> None:
        """
        Continue a failed run from its failed step, as its next attempt, on *version* if given.

        Effects that succeeded stand; those known to have failed get the next generation.

        Raises:
            NotFound, MoveRefused: it has not failed.
        """

    async def replay_start(self, run_id: str, new: NewRun, *, now: float, how: Replaying = AS_IT_WAS) -> None:
        """
        Start *new* on the event of an ended run; keys go on as execution.md says.

        Raises:
            NotFound, MoveRefused: the run has not ended.
        """

    async def rotations(self) -> Mapping[str, int]:
        """The same of all workflows whose address was ever changed."""

    async def trim_rejected(self, *, keep: int, before: float) -> int:
        """Let go all but the last *keep* rejected events of each workflow, and those before *before*."""


class Queue(Protocol):
    """What tells a worker that a run is due. A lost or doubled job is harmless."""

    def wake(self, due_at: float | None = None) -> None:
        """Something may be due now, or at *due_at*."""

    async def take(self, room: int) -> list[Job]:
        """At most *room* due jobs; waits until there is one."""

    async def close(self) -> None:
        """Give back what it holds."""

"""
Calling: a run starts a run of another workflow, once, and may wait for it.

The caller's record, the child's event and its run are one transaction, and the child's event has the
key of the caller's effect as its delivery id: after a crash, or when the caller is replayed, the same
child is found again. A child that failed then goes on from its own failed step, on its own version; one
that was cancelled is started anew. The child's end wakes its caller in the same transaction, and
cancelling a run cancels the children that it waits for; one that ends otherwise leaves them.

What is paused or disabled is not started: the caller waits. A call that leads back to a workflow that is
calling already would wait for itself, so it is refused, as is one deeper than MOST_DEEP.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from runner.engine.accept import new_run, own_event
from runner.engine.runs import ENDED, Event, Gate, Status
from runner.engine.tracing import CURRENT
from runner.inbound.inputs import in_words, judged
from runner.language.suggest import did_you_mean
from runner.values import Json, sortable_id

if TYPE_CHECKING:
    from runner.engine.accept import Door
    from runner.engine.library import Library, Live
    from runner.engine.runs import NewRun, Record, Run

MOST_DEEP = 8  # calls in calls (language.md, "Limits")


@dataclass(frozen=True, slots=True)
class Child:
    """
    A run that another called: `sentence` says why it is where it is. Its `status` is None where it was
    not let in; it has no `run_id` then.
    """

    run_id: str
    event_id: str
    status: Status | None
    sentence: str = ""
    output: Json = None

    @property
    def has_ended(self) -> bool:
        """Whether it is at an end, be it that it never began."""
        return self.status is None or self.status in ENDED


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was started and nothing will be: why, in a sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing was started yet: why, in a sentence."""

    sentence: str


Started: TypeAlias = Child | Refused | Held


class Children(Protocol):
    """The rows of called runs. All methods raise StoreUnavailable."""

    async def begin(
        self, run: Run, record: Record, event: Event, new: NewRun, *, waits: bool, files: Collection[str]
    ) -> Child:
        """
        Write *record* of *run* together with the child's *event*, which has its delivery id, and *new*
        run, in one transaction; where that event is there already, it is its run that is found. *files*
        are those that the child may read. Unless it *waits*, the record succeeds with the run's id.

        Raises:
            StaleFence: another worker has the calling run.
        """

    async def look(self, run_id: str, path: str) -> Child | None:
        """The child that the record of *path* waits for; None where it is not kept any more."""

    async def adopt(self, event_id: str, child_event: str, files: Collection[str]) -> None:
        """Let the runs of *event_id* read those of *files* that the child's event has."""


class Calling(Protocol):
    """What a turn starts children with."""

    @property
    def children(self) -> Children:
        """Where they are found again."""

    async def start(
        self, run: Run, event: Event, record: Record, asked: Asked, *, files: Collection[str]
    ) -> Started:
        """Start the child that *run*, which is of *event*, asks for; raises StoreUnavailable, StaleFence."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a `call` step asks for; `key` is that of its effect."""

    workflow: str
    inputs: Json
    waits: bool
    key: str


@dataclass(frozen=True, slots=True)
class ServerCalling:
    """
    Calling on a server: *door* makes runs of the *library*'s live versions; *woke()* hears that one may
    begin.
    """

    door: Door
    library: Library
    children: Children
    woke: Callable[[], None]
    most_deep: int = MOST_DEEP

    async def start(
        self, run: Run, event: Event, record: Record, asked: Asked, *, files: Collection[str]
    ) -> Started:
        """As `Calling.start`."""
        live = self._find(asked.workflow)
        if isinstance(live, Refused):
            return live
        slug, manual = live.workflow.slug, live.workflow.manual
        if manual is None:
            return Refused(f"{slug} has no `manual` trigger, which a call needs")
        chain = [*chain_of(event), run.workflow]
        if slug in chain:
            return Refused(f"the call leads back to where it came from: {' → '.join([*chain, slug])}")
        if len(chain) > self.most_deep:
            return Refused(f"calls are nested deeper than {self.most_deep}: {' → '.join([*chain, slug])}")
        inputs, mismatches = judged(manual, asked.inputs)
        if mismatches:
            return Refused(f"{slug} does not take these inputs: {in_words(mismatches)}")
        gate = self.door.hold(live.workflow)
        if gate is not None:
            return Held(f"{slug} takes no calls now: {gate.reason}")
        now = self.door.clock()
        child = _event(live, run, event, record.path, inputs, chain, now)
        here = CURRENT.get()
        traced = here.headers() if here else {}  # so that it goes on in the caller's trace
        child = replace(child, id=_id(run, record, "event", now), delivery_id=asked.key, headers=traced)
        run_id = _id(run, record, "run", now)
        new = await new_run(self.door, live, child, inputs, run_id=run_id, owner=None, mode=run.mode)
        new = replace(new, seed=_entropy(run, record, "seed")[:16].hex())
        started = await self.children.begin(run, record, child, new, waits=asked.waits, files=files)
        self.woke()
        return started

    def _find(self, slug: str) -> Live | Refused:
        live = self.library.get(slug) or self.library.get(self.library.book.successor(slug))
        if live is not None:
            return live
        if any(one.severity == "error" for one in self.library.faults.get(slug, ())):
            return Refused(f"the file of {slug} has faults, and no earlier version of it is known")
        hint = did_you_mean(slug, [one.workflow.slug for one in self.library.all()])
        return Refused(f'there is no workflow "{slug}"{f"; {hint}" if hint else ""}')


def _id(run: Run, record: Record, what: str, now: float) -> str:
    """The id of the child's event or run, which follows from the caller's run and path."""
    return sortable_id(now, _entropy(run, record, what)[:10])


def _entropy(run: Run, record: Record, what: str) -> bytes:
    """32 bytes for *what* of the child that *record* calls: the same when a killed caller comes again."""
    return hashlib.sha256(
        f"{what}/{run.seed}/{run.id}/{run.attempt}/{record.path}/{record.generation}".encode()
    ).digest()


def chain_of(event: Event) -> list[str]:
    """The workflows whose calls led to *event*, the first one first; none where it was not called."""
    facts = _facts(event)
    return [str(one) for one in facts.get("chain", ())]


def is_of_own_events(event: Event) -> bool:
    """Whether *event* came of the server's own events, by itself or by those that called."""
    return event.trigger == "hookline" or _facts(event).get("root") == "hookline"


def _facts(event: Event) -> dict[str, Json]:
    received = next((gate for gate in event.gates if gate.name == "received"), None)
    return dict(received.facts) if received and event.trigger == "call" else {}


def _event(
    live: Live, run: Run, event: Event, path: str, inputs: Json, chain: list[str], now: float
) -> Event:
    facts = {
        "run": run.id,
        "path": path,
        "chain": chain,
        "root": "hookline" if is_of_own_events(event) else event.trigger,
    }
    reason = f"called by {run.workflow}, run {run.id}, at {path}"
    return own_event(live.workflow.slug, "call", inputs, Gate("received", "passed", reason, facts), now=now)

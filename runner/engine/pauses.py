"""
Pauses: what people stopped for a while. Events of a paused workflow are held; runs go on.

A workflow's pause that ended (resumed, or its time over) holds its events until those held before
are released, so that they run in the order of their coming.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from runner.engine.runs import Gate
from runner.values import Json, iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.engine.admission import Admitted
    from runner.engine.runs import Event, NewRun
    from runner.language.workflow import Workflow

Kind = Literal["workflow", "connection", "host"]

DISABLED = Gate("enabled", "stopped", "the workflow's file says `enabled: false`")


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused what, when, why and until when (None: until it is resumed). Times are UTC seconds."""

    kind: Kind
    name: str
    by: str
    at: float
    why: str = ""
    until: float | None = None

    def is_over(self, now: float) -> bool:
        """Whether its time has passed, or it was resumed."""
        return self.until is not None and self.until <= now

    def as_json(self) -> Json:
        """`{kind, name, until, why, by, at}`, times as ISO 8601."""
        return {
            "kind": self.kind,
            "name": self.name,
            "until": iso(self.until),
            "why": self.why,
            "by": self.by,
            "at": iso(self.at),
        }

    def gate(self, now: float) -> Gate:
        """Why an event of the workflow is held."""
        paused = f"paused by {self.by} at {iso(self.at)}{f': {self.why}' if self.why else ''}"
        if self.is_over(now):
            reason = f"{paused}; that is over, and the events held before this one go first"
        elif self.until is not None:
            reason = f"{paused}; until {iso(self.until)}"
        else:
            reason = f"{paused}; until it is resumed"
        return Gate("paused", "stopped", reason, self.as_json())


@dataclass(frozen=True, slots=True)
class Release:
    """A held event let go: its gates as they shall stand, and its runs."""

    event_id: str
    gates: tuple[Gate, ...]
    runs: Sequence[NewRun]


class Pauses(Protocol):
    """What keeps pauses, and the events that they hold. All methods raise StoreUnavailable."""

    async def current(self) -> Sequence[Pause]:
        """All pauses of every kind that are in force, the oldest first."""

    async def holding(self) -> Sequence[Pause]:
        """Those of workflows, also the ones that are over while their held events wait for release."""

    async def pause(self, pause: Pause) -> None:
        """Pause, in place of an earlier pause of the same."""

    async def resume(self, kind: Kind, name: str) -> Pause:
        """
        End a pause that is in force; what it was.

        Raises:
            NotFound: there is none.
        """

    async def held(self, workflow: str) -> Sequence[Event]:
        """The first held events of the workflow in the order of their coming: a bounded portion."""

    async def count_held(self, workflow: str) -> int:
        """How many events of the workflow are held."""

    async def held_event(self, event_id: str) -> Event:
        """
        One held event.

        Raises:
            NotFound: there is no such event.
            MoveRefused: it is not held.
        """

    async def release(
        self, workflow: str, releases: Sequence[Release], *, is_asked: bool
    ) -> Sequence[Admitted]:
        """
        Start the runs of those events that are held still, all in one transaction; what became of
        them. Unless a person *is_asked* for these events, nothing of a workflow that is paused.
        """

    async def settle(self, workflow: str, *, keeps_held: bool = False) -> bool:
        """
        Take away a pause that is over once nothing is held (or though it is, with *keeps_held*);
        whether it is gone.
        """

    async def tidy(self) -> None:
        """Take away the pauses of connections and hosts that are over."""


class PauseBoard:
    """The workflows whose events are held, as of the last look: asked for each event, without a read."""

    def __init__(self, pauses: Pauses) -> None:
        self._pauses = pauses
        self._by_workflow: dict[str, Pause] = {}

    async def refresh(self) -> None:
        """Look. Raises StoreUnavailable."""
        self._by_workflow = {one.name: one for one in await self._pauses.holding()}

    def of(self, slug: str) -> Pause | None:
        """The pause that holds the events of the workflow."""
        return self._by_workflow.get(slug)

    def gate(self, workflow: Workflow, now: float) -> Gate | None:
        """Why an event of *workflow* would be held, or None."""
        if not workflow.enabled:
            return DISABLED
        pause = self._by_workflow.get(workflow.slug)
        return pause.gate(now) if pause else None

"""The port for what was: an event as it was received, what its runs gave, and texts that were tried."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.runs import Event, Record, Run
    from runner.language.basis import Basis


@dataclass(frozen=True, slots=True)
class Gave:
    """What a step was given in a run, secrets as their names, and what it gave."""

    path: str
    input: Json
    output: Json


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that has ended, all that was recorded of it, and the sentence of why it ended so."""

    run: Run
    status: str
    sentence: str
    records: Sequence[Record]


class Past(Protocol):
    """Nothing here is hidden: who shows it, hides. All methods raise StoreUnavailable."""

    async def event(self, event_id: str) -> Event:
        """An event as it is stored. Raises NotFound."""

    async def latest(self, workflow: str, *, limit: int, most_bytes: int) -> Sequence[Event]:
        """
        The newest events of a workflow that were not refused, at most *limit*, as many as have together no
        more than *most_bytes* in their bodies, but one at least.
        """

    async def judged(self, workflow: str, *, limit: int, since: float | None = None) -> Sequence[str]:
        """
        The ids of the newest events that the door let in or passed over by their type, newest first, at
        most *limit*, received at or after *since*: those whose live runs have ended.
        """

    async def runs(self, event_ids: Sequence[str]) -> Sequence[PastRun]:
        """
        Of these events the newest run each (of each item, where it was split) that was live and ended other
        than as cancelled.
        """

    async def versions(self, event_id: str) -> Collection[int]:
        """The versions of an event's runs."""

    async def gave(self, event_id: str) -> Sequence[Gave]:
        """What the actions of its newest run gave that were called and succeeded."""

    async def samples(self, event_ids: Sequence[str]) -> Collection[str]:
        """Those of *event_ids* that are samples (`runner.engine.sampling`)."""

    async def keep_tried(self, workflow: str, digest: str, source: str, basis: Basis, *, now: float) -> int:
        """
        Keep a text that is tried for real before it is published, so that its run goes on after a
        crash; the number that stands for its version, which is below 0.
        """

"""
Drafts: the texts that people are working on, one for each workflow and person, kept as they type,
with faults too. A workflow of which there is nothing but drafts is not published yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from runner.values import Json, iso

LATELY_SECONDS = 3600.0  # somebody whose draft changed within that is said to be editing


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A person's text of a workflow. `person` is a key, `by` a name; `base` the version that it began from
    (None: there was none); `revision` goes up with each save and is never given twice; `saved_at` UTC
    seconds.
    """

    workflow: str
    person: str
    by: str
    text: str
    revision: int
    base: int | None
    saved_at: float

    def as_json(self) -> Json:
        """`{text, revision, base, saved_at}`."""
        return {
            "text": self.text,
            "revision": self.revision,
            "base": self.base,
            "saved_at": iso(self.saved_at),
        }


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A draft that was not saved: what is stored is another than was meant (None: nothing is)."""

    stored: Draft | None


@dataclass(frozen=True, slots=True)
class Editing:
    """Somebody with a draft of the same workflow; `saved_at` UTC seconds."""

    by: str
    saved_at: float

    def as_json(self) -> Json:
        """`{by, saved_at}`."""
        return {"by": self.by, "saved_at": iso(self.saved_at)}


class Drafts(Protocol):
    """What keeps drafts. All methods raise StoreUnavailable."""

    async def get(self, workflow: str, person: str) -> Draft | None:
        """The person's draft of the workflow."""

    async def put(
        self, workflow: str, person: str, *, by: str, text: str, base: int | None, revision: int | None
    ) -> Draft | Elsewhere:
        """
        Keep *text*, if what is stored has *revision* (None: if nothing is stored); the same text again
        is no change.
        """

    async def drop(self, workflow: str, person: str | None) -> int:
        """Forget the person's draft, or (None) everybody's; how many there were."""

    async def others(self, workflow: str, person: str, *, since: float) -> Sequence[Editing]:
        """Who else saved a draft of the workflow at or after *since*, the latest first."""

    async def texts(self, workflow: str) -> Sequence[str]:
        """Everybody's draft of the workflow."""

    async def unpublished(self) -> Mapping[str, str]:
        """
        The workflows of which there are drafts and never was a version, unless they were deleted: each
        with the name in its latest draft, or its slug.
        """

"""
The audit log: who changed what, from the pages, the API and the command line.

It has no secrets: facts name things and say how they changed, never what is kept secret in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from runner.engine.history import Page
from runner.values import Json

SIGN_IN_FAILED = "could not sign in"
FAILURES_KEPT = 10_000  # strangers can make as many as they like: these alone are bounded by number
NOBODY = ("", "Nobody who is known")


@dataclass(frozen=True, slots=True)
class Deed:
    """
    One thing that was done: *verb* is a past tense as lists show it ("published", "signed in"), *kind*
    and *name* are what it was done to ("workflow", "order-alerts"), *facts* what else is worth knowing.
    """

    who_key: str  # a user's id, `token:NAME`, or `os:NAME` of the command line
    who_name: str
    verb: str
    kind: str
    name: str
    facts: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeedsWanted:
    """What a list shows; each given field narrows it."""

    kind: str | None = None
    who: str | None = None  # a key
    text: str | None = None  # part of who, verb, kind or name; case does not count
    cursor: str | None = None
    limit: int = 50


class AuditLog(Protocol):
    """The log. All methods raise StoreUnavailable."""

    async def note(self, deed: Deed) -> None:
        """Write *deed* down, as done now."""

    async def page(self, wanted: DeedsWanted) -> Page:
        """
        `{at, who: {key, name}, verb, kind, name, facts}`, newest first. Raises ValueError: the cursor is
        none of ours.
        """

    async def let_go(self, *, before: float) -> int:
        """Let go of some of what was done before *before*; how many, 0 when there are no more."""

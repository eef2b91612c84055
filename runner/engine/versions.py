"""Versions of a workflow's text: who made which when, and how many runs each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from runner.values import Json, iso

MOST_COUNTED = 10_001  # runs of a version; that many stands for more than 10,000


@dataclass(frozen=True, slots=True)
class Signed:
    """Who publishes a version here, and what they say of it."""

    by: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """
    A version. `by` is None where the file was changed otherwise than here; `created_at` UTC seconds;
    `runs` counts its runs, at most MOST_COUNTED.
    """

    version: int
    created_at: float
    by: str | None
    message: str | None
    runs: int

    def as_json(self, *, live: int | None) -> Json:
        """`{version, created_at, by, message, is_live, runs}`; *live* is the number of the live one."""
        return {
            "version": self.version,
            "created_at": iso(self.created_at),
            "by": self.by,
            "message": self.message,
            "is_live": self.version == live,
            "runs": self.runs,
        }


class Versions(Protocol):
    """Reads of versions that never block the writer. All methods raise StoreUnavailable."""

    async def page(self, workflow: str, *, before: int | None, limit: int) -> Sequence[VersionInfo]:
        """At most *limit* versions of the workflow with numbers below *before*, newest first."""

    async def one(self, workflow: str, version: int) -> VersionInfo:
        """One version. Raises NotFound."""

    async def previous(self, workflow: str, version: int) -> int | None:
        """The number of the version before that one, of those that are kept."""

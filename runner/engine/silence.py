"""
Silence: a sender from whom nothing comes for as long as `expect_every` says is a problem of its own.

It is counted from the last event that the workflow let in, whatever became of it, or from when it
began to expect any, whichever is later. What was refused is no sign of life: anybody can send that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.values import iso

if TYPE_CHECKING:
    from runner.engine.library import Library

CAUSE = "silent"
NOT_EXPECTED = "It expects no events any more."


@dataclass(frozen=True, slots=True)
class Silence:
    """That nothing came from a workflow's sender since then; `heard_at` is None where nothing ever did."""

    workflow: str
    seconds: float
    since: float
    heard_at: float | None

    @property
    def sentence(self) -> str:
        """For page, command, API and alert."""
        expected = f"at least one is expected every {in_words(self.seconds)}"
        if self.heard_at is None:
            return f"No event has come since {iso(self.since)}, when this was first expected: {expected}."
        return f"No event has come since {iso(self.heard_at)}: {expected}."


def silence_of(
    workflow: str, *, seconds: float, expected_since: float, heard_at: float | None, now: float
) -> Silence | None:
    """The silence of a workflow that expects an event every *seconds*, if it is one by *now*."""
    since = max(expected_since, heard_at if heard_at is not None else expected_since)
    return Silence(workflow, seconds, since, heard_at) if now - since >= seconds else None


def in_words(seconds: float) -> str:
    """`1d`, `1d12h`, `90s` as `1m30s`: as a file writes it."""
    left, words = round(seconds), ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        words += f"{count}{unit}" if count else ""
    return words or f"{seconds:g}s"


def expected(library: Library) -> dict[str, float]:
    """Every how many seconds each workflow that says so expects an event, by its slug."""
    return {
        live.workflow.slug: webhook.expect_every_seconds
        for live in library.all()
        if (webhook := live.workflow.webhook) and webhook.expect_every_seconds is not None
    }


class Listening(Protocol):
    """What remembers who expects events, and opens and closes problems of silence."""

    async def listen(self, expected: Mapping[str, float], *, now: float) -> None:
        """
        Look at all workflows: *expected* has those that expect an event every so many seconds. One
        that was not there before, or with another time, expects it from *now* on; a problem opens
        once for each silence, a dismissed one too, and closes when events come again or are expected
        no more. Raises StoreUnavailable.
        """

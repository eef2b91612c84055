"""
The port for looking: lists and single items of events and runs.

Shapes are those of interfaces.md, as JSON, so that page, API and command line show the same.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from runner.engine.where import Anywhere, Condition
from runner.values import Json

LAST_NUMBER = 2**63 - 1  # of a row
LOOKING_SECONDS = 0.06  # for one page: a person who waits a tenth of a second does not notice


def write_cursor(number: int) -> str:
    """The cursor of what comes after the row *number*: opaque to whoever holds it."""
    return base64.urlsafe_b64encode(f"before {number}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """
    The row's number that `write_cursor` was given.

    Raises:
        ValueError: it is no cursor of ours.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        number = int(text.removeprefix("before "))
    except (binascii.Error, ValueError):
        number = 0
    if not 0 < number <= LAST_NUMBER or write_cursor(number) != cursor:
        raise ValueError("this is no cursor of ours; take `next` of the page before")
    return number


@dataclass(frozen=True, slots=True)
class Page:
    """`items` newest first; `next` is the cursor of the page after, None at the end."""

    items: list[Json]
    next: str | None

    def as_json(self) -> Json:
        """`{"items": […], "next": cursor or null}`."""
        return {"items": self.items, "next": self.next}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list shows: each given field narrows it. `since` and `before` are UTC seconds."""

    workflow: str | None = None
    status: str | None = None  # of a run; the disposition of an event
    event: str | None = None  # runs of this event
    problem: str | None = None  # runs of this problem
    since: float | None = None
    before: float | None = None
    text: str | None = None  # part of an id, a title, a delivery id or an event type
    id: str | None = None
    ids: tuple[str, ...] = ()  # these alone
    type: str | None = None  # of the event, exactly
    delivery_id: str | None = None
    payload: tuple[Condition | Anywhere, ...] = ()  # of the event's payload; all must hold
    cursor: str | None = None
    limit: int = 50
    seconds: float = LOOKING_SECONDS  # of looking row by row, where no index knows; then a page ends as it is


@dataclass(frozen=True, slots=True)
class Span:
    """Runs that were accepted within some time, and how many of them failed."""

    runs: int
    failed: int


class History(Protocol):
    """
    Reads that never block the writer.

    An event in a list: `id, workflow, trigger, disposition, received_at, method, path,
    content_type, size, source_ip, type, delivery_id, reason` (the sentence of the gate that
    stopped it, or null), `runs: [{id, status, title}]`; alone, also `query, headers, gates,
    payload` with `notes` (sentences on what had to be guessed to read it), or `body`, the beginning of
    it as text, with `unreadable`: why it has no payload.

    A run in a list: `id, title, workflow, version, status, reason, event, attempt, replay_of,
    mode, waiting {for, until}, accepted_at, started_at, ended_at`; alone, also `steps: [{id,
    path, kind, status, attempts, input, output, error, started_at, ended_at}]` in the order of
    reading, `trace`, `output`, `answer`, `notes`. Times are ISO 8601.

    A page may hold fewer items than asked for, even none, and still have a `next`: what narrows
    it without an index is looked for in bounded portions. What a workflow's `redact` names is
    masked (`runner.engine.redact`). All methods raise StoreUnavailable.
    """

    async def events(self, wanted: Wanted) -> Page:
        """Events, newest first. Raises ValueError: the cursor is none of ours."""

    async def event(self, event_id: str) -> Json:
        """One event. Raises NotFound."""

    async def runs(self, wanted: Wanted) -> Page:
        """Runs, newest first. Raises ValueError: the cursor is none of ours."""

    async def run(self, run_id: str) -> Json:
        """One run with its steps. Raises NotFound."""

    async def counts(self, *, since: float) -> dict[str, Json]:
        """
        For each workflow `{runs, failed, last_at, last_status}`: how many runs were accepted at or
        after *since*, how many of those failed; when its last run was accepted, where that is.
        """

    async def stopped(self, *, since: float) -> dict[str, Json]:
        """
        For each workflow that has such `{held, rejected}`: how many events are held now, and how many that
        arrived at or after *since* are refused.
        """

    async def spans(self, workflows: Sequence[str], bounds: Sequence[float]) -> dict[str, list[Span]]:
        """
        For each of *workflows* how many runs were accepted between each two of *bounds* (UTC seconds,
        rising) and the next, and how many of those failed: one `Span` fewer than there are bounds.
        """

"""The port for a closer look: what a step sent, an event's raw body, and how many there are of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from runner.values import Json

MOST_COUNTED = 1_001  # that many stands for more than 1,000


class Details(Protocol):
    """Reads that never block the writer; what `History` hides is hidden here. All raise StoreUnavailable."""

    async def exchanges(self, run_id: str, path: str) -> list[Json]:
        """
        The attempts of the step at *path*, the first one first: `{attempt, exchanges, left_out}`, of which
        each exchange is `{at, ms, method, url, headers, body, size, answer}` and `answer` null or `{status,
        headers, body, size}`. Bodies are the beginnings of texts, null where there is none.

        Raises:
            NotFound: there is no such run.
        """

    async def body(self, event_id: str) -> bytes | None:
        """
        An event's body as it was received; None where something in it is hidden from those who look.

        Raises:
            NotFound: there is no such event.
        """

    async def event_counts(self, workflow: str | None) -> Mapping[str, int]:
        """
        How many events there are in all ("all"), and of each disposition whose count is cheap, up to
        MOST_COUNTED.
        """

    async def run_counts(self, workflow: str | None) -> Mapping[str, int]:
        """The same of runs, by status."""

"""The server's own event `connection_expiring`: a week and a day before a connection ends, once each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from runner.connector import Connection
from runner.engine.own_events import CONNECTION_EXPIRING
from runner.engine.standing import Standing, warning_due

TOGETHER = "warnings"  # the name of the lease under which one process looks at a time


class Ends(Protocol):
    """The connections as the vault has them. Raises StoreUnavailable."""

    def connection_kinds(self) -> Mapping[str, str]:
        """Names and kinds."""

    def open_connection(self, name: str) -> Connection | None:
        """Ready for use, or None."""

    def standing(self, name: str) -> Standing:
        """How it stands."""

    async def standing_on_disk(self, name: str) -> Standing:
        """The same as another process may have changed it."""

    async def stand(self, name: str, standing: Standing) -> None:
        """Remember how it stands."""

    def alone(self, name: str) -> AbstractAsyncContextManager[None]:
        """Nobody else on this store is inside meanwhile."""


class Noted(Protocol):
    """Where own events are noted. Raises StoreUnavailable."""

    async def note(self, kind: str, subject: str, at: float) -> None:
        """Note one, if anybody listens for its kind."""


async def warn(ends: Ends, rows: Noted, clock: Callable[[], float]) -> None:
    """Note what is to be told now. A process that dies in between tells it again, never not at all."""
    now = clock()
    due = [name for name in ends.connection_kinds() if _due(ends, name, ends.standing(name), now)]
    if not due:
        return
    async with ends.alone(TOGETHER):
        for name in due:
            warned = _due(ends, name, await ends.standing_on_disk(name), now)
            if warned is not None:
                await rows.note(CONNECTION_EXPIRING, name, now)
                await ends.stand(name, warned)


def _due(ends: Ends, name: str, standing: Standing, now: float) -> Standing | None:
    return warning_due(ends.open_connection(name), standing, now)

"""
A connection that ends: it is told of a week and a day before, once each, as the server's own event
`connection_expiring` and as a message to people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from runner.connector import Connection
from runner.engine.notices import Notice
from runner.engine.own_events import CONNECTION_EXPIRING
from runner.engine.standing import Standing, described, warning_due

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


class Saying(Protocol):
    """Where messages to people are written. Raises StoreUnavailable."""

    async def say(self, notice: Notice, *, now: float) -> None:
        """Write one."""


async def warn(
    ends: Ends, rows: Noted, clock: Callable[[], float], *, people: Saying | None = None, public_url: str = ""
) -> None:
    """
    Note what is to be told now, to *people* too (None: nobody is told). A process that dies in between tells
    it again, never not at all.
    """
    now = clock()
    due = [name for name in ends.connection_kinds() if _due(ends, name, ends.standing(name), now)]
    if not due:
        return
    async with ends.alone(TOGETHER):
        for name in due:
            warned = _due(ends, name, await ends.standing_on_disk(name), now)
            if warned is not None:
                await rows.note(CONNECTION_EXPIRING, name, now)
                if people is not None:
                    await people.say(_notice(ends, name, now, public_url), now=now)
                await ends.stand(name, warned)


def _notice(ends: Ends, name: str, now: float, public_url: str) -> Notice:
    kind = ends.connection_kinds().get(name, "")
    state = described(name, kind, ends.open_connection(name), ends.standing(name), now)["sentence"]
    sentence = f"The connection {name}: {state}."
    text = f"{sentence} Connect it again, so that no run has to wait for it.\n{public_url}/connections/{name}"
    return Notice("open", sentence, text)


def _due(ends: Ends, name: str, standing: Standing, now: float) -> Standing | None:
    return warning_due(ends.open_connection(name), standing, now)

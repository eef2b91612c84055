"""
Waking parked runs: in the order in which they were accepted, as many as their destination takes.

Which runs are parked where is read from the store's rows, so a restart or the death of another
process forgets none. A parked run is never failed for waiting: it burns no attempt and goes on when
its destination does. It is bounded by people instead: it stands in lists as waiting with its reason,
counts as a problem of its destination, and can be cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from runner.errors import StoreUnavailable

if TYPE_CHECKING:
    from runner.engine.pauses import Pauses
    from runner.engine.places import Destinations

LOOK_SECONDS = 0.5  # how late a destination's time to be tried again may be noticed
ROWS_SECONDS = 1.0  # between two looks at what other processes parked and people paused

log = logging.getLogger(__name__)


class ParkedRuns(Protocol):
    """The runs that wait at a place (host:port, or a paused connection). All raise StoreUnavailable."""

    async def places(self) -> list[str]:
        """Where runs are parked."""

    async def unpark(self, place: str, count: int, *, now: float) -> int:
        """Make the first *count* runs parked at *place* due, by the order of accepting; how many it had."""

    async def count(self, place: str) -> int:
        """How many runs are parked at *place*."""


class Parking:
    """
    Wakes what is parked at the *destinations* of this process, unless *pauses* say otherwise;
    *woke()* hears that some are due.
    """

    def __init__(
        self,
        parked: ParkedRuns,
        destinations: Destinations,
        *,
        pauses: Pauses | None = None,
        clock: Callable[[], float],
        woke: Callable[[], None],
    ) -> None:
        self._parked = parked
        self._destinations = destinations
        self._pauses = pauses
        self._clock = clock
        self._woke = woke
        self._asked = asyncio.Event()
        destinations.on_room = self._asked.set

    def look(self) -> None:
        """Look now: time or a pause has changed."""
        self._asked.set()

    async def run(self) -> None:
        """Wake what may go on, until cancelled."""
        loop = asyncio.get_running_loop()
        rows_at = loop.time()
        while True:
            self._asked.clear()  # before the look: what comes during it is looked at again
            try:
                if loop.time() >= rows_at:
                    rows_at = loop.time() + ROWS_SECONDS
                    await self.find()
                await self.wake()
            except StoreUnavailable:
                pass  # said by the writer already; the next look may find it back
            except Exception:
                log.exception("waking parked runs failed", extra={"action": "waking_failed"})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._asked.wait()

    async def find(self) -> None:
        """Take notice of all places where runs are parked, and of what people have paused."""
        if self._pauses:
            self._destinations.pause(await self._pauses.current())
        for place in await self._parked.places():
            self._destinations.found_parked(place)

    async def wake(self) -> int:
        """Make due what its place takes now; how many runs that were."""
        total = 0
        for place in self._destinations.with_parked():
            room = self._destinations.room(place)
            if room:
                parks = self._destinations.parks(place)
                woken = await self._parked.unpark(place, room, now=self._clock())
                self._destinations.grant(place, woken, asked=room, parks=parks)
                total += woken
        if total:
            self._woke()
        return total

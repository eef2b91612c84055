"""
The Queue port in one process, over the store's own rows.

It remembers nothing that matters: due runs are read from the store when someone says that there
may be some, when the earliest waiting one is due, and each half second for the sake of other
processes on the same file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.engine.runs import Job, Store

LOOK_SECONDS = 0.5  # how late a run that another process queued may begin


class EmbeddedQueue:
    """See `runner.engine.runs.Queue`."""

    def __init__(self, store: Store, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._woken = asyncio.Event()
        self._earliest: float | None = None

    def wake(self, due_at: float | None = None) -> None:
        """Something may be due now, or at *due_at*."""
        if due_at is None or due_at <= self._clock():
            self._woken.set()
        elif self._earliest is None or due_at < self._earliest:
            self._earliest = due_at

    async def close(self) -> None:
        """Nothing is held."""

    async def take(self, room: int) -> list[Job]:
        """At most *room* due jobs; waits until there is one."""
        while True:
            self._woken.clear()  # before the look: what comes during it is looked at again
            now = self._clock()
            if self._earliest is not None and self._earliest <= now:
                self._earliest = None
            jobs = await self._store.due(now=now, limit=room)
            if jobs:
                return jobs
            pause = (
                LOOK_SECONDS if self._earliest is None else min(LOOK_SECONDS, max(0.0, self._earliest - now))
            )
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                continue

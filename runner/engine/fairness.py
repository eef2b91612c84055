"""
Fairness between the runs of one process: a turn that computes for long without waiting for anything lets
the others go first, every few milliseconds. Steps without effect are not tasks of their own, so a loop
over thousands of them would else stop every other run, and every sender, until its end.

It looks at the real time alone, and nothing that a run computes depends on it.
"""

from __future__ import annotations

import asyncio
import time

SLICE_SECONDS = 0.004  # of computing at a stretch: what one sender waits for another's loop
PAUSE_SECONDS = 0.004  # as long: all loops together get about half of the process


class Fairness:
    """
    Shared by all turns of a process. Those that compute for long pause one after the other, so that a
    hundred loops take no more of the process at a stretch than one.
    """

    def __init__(self) -> None:
        self._line = asyncio.Lock()

    async def pause(self) -> None:
        """Let the others go first."""
        async with self._line:
            await asyncio.sleep(PAUSE_SECONDS)


def is_long(since: float) -> bool:
    """Whether a stretch that began at *since* (`time.perf_counter()`) has had its time."""
    return time.perf_counter() - since > SLICE_SECONDS

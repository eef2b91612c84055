"""How many requests a workflow takes within a time. Pure: the time is handed in."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.language.workflow import RateLimit

MOST_TIMES = 10_000  # kept for one workflow: some 300 KB
MOST_WORKFLOWS = 1_000


class RateMeter:
    """
    Counts what came for each workflow, exactly: no more than a limit's `count` within any time of
    its length. A limit of more than 10,000 is kept as 10,000 within a time that is as much shorter.

    It is the count of one process. With several workers a workflow takes up to as many times more:
    a provider's few long connections do not spread evenly over them, so that each worker's share
    would refuse requests of a sender that keeps to the limit.
    """

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    def take(self, slug: str, limit: RateLimit, now: float) -> float | None:
        """
        Count a request at *now* (seconds of any clock) and give None, or, where it is one too many,
        count nothing and give the seconds until the next one is taken (more than 0).
        """
        count, seconds = limit.count, limit.seconds
        if count > MOST_TIMES:
            count, seconds = MOST_TIMES, seconds * MOST_TIMES / count
        times = self._times.get(slug)
        if times is None or times.maxlen != count:  # new, or its file was changed
            times = self._times[slug] = deque(times or (), maxlen=count)
            if len(self._times) > MOST_WORKFLOWS:
                del self._times[next(iter(self._times))]
        if times and times[-1] > now:  # the clock was set back, and would refuse all until it is there again
            times.clear()
        if len(times) == count and times[0] + seconds > now:
            return times[0] + seconds - now
        times.append(now)
        return None

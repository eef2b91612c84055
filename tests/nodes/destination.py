"""
A destination that notes what came to it: under which key, in which order, and how many at once.

A path is `/<kind>/<line>/<number>`: of one line at most so many may be under way at a time, and numbers
of one line have an order.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web

TAKES_SECONDS = {"limited": 0.03, "ordered": 0.005}


@dataclass(slots=True)
class Arrivals:
    """What came. `keys` has for each effect (a path) the keys under which it came; a repetition counts."""

    keys: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    first: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    under_way: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    most: Counter[str] = field(default_factory=Counter)

    async def take(self, request: web.Request) -> web.Response:
        kind, line, number = (request.match_info[name] for name in ("kind", "line", "number"))
        where, key = f"{kind}/{line}", request.headers["idempotency-key"]
        if not self.keys[request.path]:
            self.first[where].append(int(float(number)))
        self.keys[request.path][key] += 1
        self.under_way[where].add(key)  # the same effect again is no second one
        self.most[where] = max(self.most[where], len(self.under_way[where]))
        try:
            await asyncio.sleep(TAKES_SECONDS.get(kind, 0))  # what it does takes its time
        finally:
            self.under_way[where].discard(key)
        return web.json_response({"ok": True})

    @property
    def under_another_key(self) -> list[str]:
        """
        Effects that came under more than one key for one event. Who sends a number again, having heard
        no answer, sends another event: the part of the key before the point is the event's.
        """
        return [
            path
            for path, keys in self.keys.items()
            if len(keys) > len({key.partition(".")[0] for key in keys})
        ]

    @property
    def repeated(self) -> int:
        return sum(count - 1 for keys in self.keys.values() for count in keys.values())


@contextlib.asynccontextmanager
async def destination() -> AsyncIterator[tuple[Arrivals, int]]:
    """What arrives at the port that is given too."""
    arrivals = Arrivals()
    app = web.Application()
    app.router.add_post("/{kind}/{line}/{number}", arrivals.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield arrivals, runner.addresses[0][1]
    finally:
        await runner.cleanup()

"""A list that goes on: what is new in the history, or has changed, as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace

from runner.engine.history import Page, Wanted
from runner.values import Json

LOOK_SECONDS = 0.5
PAGE = 200  # how far back a change is looked for when nothing else is new
MOST_REMEMBERED = 10_000


async def follow(
    read: Callable[[Wanted], Awaitable[Page]], wanted: Wanted, *, state: Callable[[Json], str]
) -> AsyncIterator[Json]:
    """
    Items of the list *read* from `wanted.since` on, the oldest first, without end. An item comes
    again when its *state* is another one, as long as it is among the last PAGE.
    """
    seen: dict[str, str] = {}
    while True:
        for item in reversed(await _news(read, wanted, seen, state)):
            seen[item["id"]] = state(item)
            yield item
        for forgotten in sorted(seen)[: max(0, len(seen) - MOST_REMEMBERED)]:  # ids sort by time
            del seen[forgotten]
        await asyncio.sleep(LOOK_SECONDS)


async def _news(
    read: Callable[[Wanted], Awaitable[Page]],
    wanted: Wanted,
    seen: Mapping[str, str],
    state: Callable[[Json], str],
) -> list[Json]:
    """What is not *seen* as it is now, newest first, back to a page that holds nothing of it."""
    news: list[Json] = []
    cursor = None
    while len(news) < MOST_REMEMBERED:
        page = await read(replace(wanted, limit=PAGE, cursor=cursor))
        fresh = [item for item in page.items if seen.get(item["id"]) != state(item)]
        news += fresh
        cursor = page.next
        if cursor is None or (page.items and not fresh):
            break
    return news

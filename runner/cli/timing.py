"""Schedules and polls of a process that executes, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from runner.engine.polls import Poller
from runner.engine.schedules import Scheduler
from runner.engine.timed import timed_items
from runner.engine.upkeep import Chore
from runner.store.polls import StoredPolls
from runner.store.schedules import StoredSchedules

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.engine.accept import Door
    from runner.engine.pauses import PauseBoard
    from runner.engine.turn import Tools
    from runner.values import Json

LONGEST_SECONDS = 1.0  # between two looks: files, pauses and clocks change
SHORTEST_SECONDS = 0.02  # what is due is looked at right then, but never in a circle without a pause
TIDY_SECONDS = 3600.0


class Clockwork:
    """What starts by itself; to be closed before the store is."""

    def __init__(self, rooms: Rooms, node: str, door: Door, tools: Tools) -> None:
        self._clock = tools.clock
        self._scheduler = Scheduler(StoredSchedules(rooms.store), door, rooms.library)
        self._poller = Poller(StoredPolls(rooms.store), door, rooms.library, tools, node=node)

    def chores(self) -> list[Chore]:
        """What upkeep does: each look is followed by a pause until the next time that is due."""

        def until_due(look: Callable[[], Awaitable[float]]) -> Callable[[], Awaitable[None]]:
            async def do() -> None:
                due = await look()
                await asyncio.sleep(min(LONGEST_SECONDS, max(0.0, due - self._clock())))

            return do

        return [
            Chore("fire schedules", SHORTEST_SECONDS, until_due(self._scheduler.look)),
            Chore("begin polls", SHORTEST_SECONDS, until_due(self._poller.look)),
            Chore("let go of what polls saw long ago", TIDY_SECONDS, self._poller.tidy),
        ]

    async def close(self) -> None:
        """Break off the polls that are under way."""
        await self._poller.close()


async def timed_of(rooms: Rooms, holding: PauseBoard, now: float) -> list[Json]:
    """Schedules and polls of the workflows, as `runner.engine.timed` tells of them."""
    schedules, polls = StoredSchedules(rooms.store), StoredPolls(rooms.store)
    return await timed_items(rooms.library, schedules, polls, holding, now)

"""Held events get their runs when a pause ends: in their order, each once, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.engine.history import Wanted
from runner.engine.pauses import Pause
from runner.engine.release import release, release_all, release_ended
from runner.engine.runs import Disposition
from runner.errors import MoveRefused, NotFound
from runner.store.pauses import MOST_EVENTS
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

NOTE = "steps:\n  - action: probe.note\n    with: {text: '{{ payload }}'}\n"
IN_ORDER = "concurrency: {limit: 1}\n" + NOTE
NOON = 1_800_000_000.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        world.now = NOON
        yield world


async def paused(world: World, slug: str = "one", *, seconds: float | None = None) -> None:
    until = world.clock() + seconds if seconds is not None else None
    await world.pauses.pause(Pause("workflow", slug, "ada", world.clock(), "a reason", until))
    await world.holding.refresh()


async def held(world: World, *payloads: Any, slug: str = "one") -> list[str]:
    accepted = [await world.send(slug, payload) for payload in payloads]
    assert {one.disposition for one in accepted} == {Disposition.HELD}
    return [one.event_id for one in accepted]


async def upkeep(world: World) -> None:
    """What a server does each second."""
    await release_ended(world.door, world.pauses, world.holding, world.library)


async def run_of(world: World, event_id: str) -> Any:
    event = await world.history.event(event_id)
    assert event["disposition"] == "accepted"
    (run,) = event["runs"]
    await world.turned(run["id"])
    return run


async def test_resuming_releases_what_was_held_in_its_order(world: World) -> None:
    await world.workflow("one", "title: '{{ payload }}'\n" + IN_ORDER)
    await paused(world)
    ids = await held(world, *range(5))
    await upkeep(world)
    assert world.outside.notes == []  # it is paused still
    await world.pauses.resume("workflow", "one")
    await upkeep(world)
    runs = [await run_of(world, event_id) for event_id in ids]
    assert [run["title"] for run in runs] == ["0", "1", "2", "3", "4"]
    assert world.outside.notes == [0, 1, 2, 3, 4]
    event = await world.history.event(ids[0])
    assert event["reason"] is None
    assert event["gates"][-1]["reason"].endswith("; released at 2027-01-15T08:00:00.000Z")
    assert (await world.send("one", 5)).disposition is Disposition.ACCEPTED


async def test_a_pause_for_a_time_ends_by_itself(world: World) -> None:
    await world.workflow("one", NOTE)
    await paused(world, seconds=3600)
    ids = await held(world, 1)
    world.now = NOON + 3599
    await upkeep(world)
    assert [one.name for one in await world.pauses.current()] == ["one"]
    world.now = NOON + 3600
    assert await world.pauses.current() == []
    await upkeep(world)
    await run_of(world, ids[0])


async def test_what_comes_before_the_held_are_released_stands_behind_them(world: World) -> None:
    await world.workflow("one", IN_ORDER)
    await paused(world)
    ids = await held(world, 1, 2)
    await world.pauses.resume("workflow", "one")
    ids += await held(world, 3)
    await upkeep(world)
    for event_id in ids:
        await run_of(world, event_id)
    assert world.outside.notes == [1, 2, 3]


async def test_a_release_runs_what_is_live_at_that_moment(world: World) -> None:
    await world.workflow("one", NOTE)
    await paused(world)
    ids = await held(world, 1)
    await world.workflow("one", NOTE.replace("payload", "payload + 1"))
    await world.pauses.resume("workflow", "one")
    await upkeep(world)
    run = await run_of(world, ids[0])
    assert (await world.history.run(run["id"]))["version"] == 2
    assert world.outside.notes == [2]


async def test_a_process_that_dies_in_the_middle_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside, grace_seconds=0) as world:
        await world.workflow("one", IN_ORDER)
        await paused(world)
        ids = await held(world, *range(MOST_EVENTS + 20))
        await world.pauses.resume("workflow", "one")
        live = world.library.get("one")
        assert live
        # one portion, and then it is gone
        assert await release(world.door, world.pauses, live, await world.pauses.held("one"), is_asked=False)
    async with opened(tmp_path, outside) as world:
        await asyncio.gather(upkeep(world), upkeep(world))  # two at once: each event once
        for event_id in ids:
            (run,) = (await world.history.event(event_id))["runs"]
            while (await world.history.run(run["id"]))["status"] != "succeeded":
                await world.turned(run["id"])
        assert sorted(set(outside.notes)) == list(range(MOST_EVENTS + 20))
        assert await world.pauses.holding() == []


async def test_what_is_paused_anew_is_not_released(world: World) -> None:
    await world.workflow("one", NOTE)
    await paused(world)
    await held(world, 1)
    await world.pauses.resume("workflow", "one")
    live = world.library.get("one")
    assert live
    events = await world.pauses.held("one")
    await paused(world)
    assert await release(world.door, world.pauses, live, events, is_asked=False) == 0
    assert await release(world.door, world.pauses, live, events) == 1  # a person may


async def test_a_disabled_workflow_keeps_what_is_held_until_a_person_releases_it(world: World) -> None:
    await world.workflow("one", "enabled: false\n" + NOTE)
    ids = await held(world, 1, 2)
    await paused(world)
    await world.pauses.resume("workflow", "one")
    await upkeep(world)
    assert await world.pauses.holding() == []
    live = world.library.get("one")
    assert live
    assert await release_all(world.door, world.pauses, live) == 2
    for event_id in ids:
        await run_of(world, event_id)


async def test_a_full_backlog_stops_a_release_and_the_next_second_goes_on(world: World) -> None:
    await world.workflow("one", NOTE)
    await paused(world)
    ids = await held(world, 1)
    await world.pauses.resume("workflow", "one")
    full = replace(world.door, backlog_limit=0)
    await release_ended(full, world.pauses, world.holding, world.library)
    assert (await world.history.events(Wanted(status="held"))).items
    await upkeep(world)
    await run_of(world, ids[0])


async def test_a_released_event_may_find_its_key_full(world: World) -> None:
    await world.workflow("one", "concurrency: {limit: 1, when_full: drop}\n" + NOTE)
    await paused(world)
    ids = await held(world, 1, 2)
    await world.pauses.resume("workflow", "one")
    await upkeep(world)
    await run_of(world, ids[0])
    assert (await world.history.event(ids[1]))["disposition"] == "dropped"


async def test_only_a_held_event_can_be_released(world: World) -> None:
    await world.workflow("one", NOTE)
    accepted = await world.send("one", 1)
    with pytest.raises(MoveRefused, match="is accepted"):
        await world.pauses.held_event(accepted.event_id)
    with pytest.raises(NotFound):
        await world.pauses.held_event("nothing")
    with pytest.raises(NotFound, match="the workflow one is not paused"):
        await world.pauses.resume("workflow", "one")


async def test_pauses_of_every_kind_are_listed_until_their_time_is_over(world: World) -> None:
    await paused(world)
    await world.pauses.pause(Pause("connection", "mail", "ada", NOON + 1))
    await world.pauses.pause(Pause("host", "api.example.com", "ada", NOON + 2, until=NOON + 10))
    assert [one.kind for one in await world.pauses.current()] == ["workflow", "connection", "host"]
    world.now = NOON + 10
    await upkeep(world)
    assert [one.kind for one in await world.pauses.current()] == ["workflow", "connection"]
    ended = await world.pauses.resume("connection", "mail")
    assert (ended.name, ended.by) == ("mail", "ada")
    assert [one.kind for one in await world.pauses.current()] == ["workflow"]

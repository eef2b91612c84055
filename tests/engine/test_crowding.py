"""Too many runs that wait, for minutes, are a problem: told when it opens and when few wait again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runner.engine.crowding import PATIENCE_SECONDS, CrowdWatch
from runner.engine.notices import Notice, Teller, Way
from runner.store.crowding import StoredCrowding
from runner.store.notices import StoredNotices
from runner.store.own_events import StoredOwnEvents
from runner.store.problems import StoredProblems
from tests.engine.world import Outside, World, opened

NOON = 1_800_000_000.0
LIMIT = 8
NOTE = "trigger: {webhook: {}}\nsteps:\n  - action: probe.note\n    with: {text: x}\n"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside(), places=0) as world:  # nobody begins what waits
        world.now = NOON
        await world.workflow("few", NOTE)
        await world.workflow("many", NOTE)
        yield world


def watches(world: World) -> list[CrowdWatch]:
    """Those of two processes on one store."""
    return [CrowdWatch(StoredCrowding(world.store), limit=LIMIT, clock=world.clock) for _ in range(2)]


async def problems(world: World, watching: list[CrowdWatch], *, later: float) -> list[Any]:
    """What there is after *later* more seconds and a look of each process, newest first."""
    world.now = world.clock() + later
    for one in watching:
        await one.look()
    return (await StoredProblems(world.store).page()).items


async def wait_in_line(world: World, count: int) -> list[str]:
    """The runs of *count* events, most of them of `many`."""
    slugs = ["few", *["many"] * (count - 1)]
    return [(await world.send(slug)).run_id for slug in slugs]


async def test_it_opens_after_minutes_and_not_for_a_burst(world: World) -> None:
    watching = watches(world)
    runs = await wait_in_line(world, 4)
    assert await problems(world, watching, later=0) == []
    assert await problems(world, watching, later=PATIENCE_SECONDS - 1) == []
    await world.store.cancel(runs[0], now=world.clock())
    assert await problems(world, watching, later=2) == []  # it was a burst
    await world.send("many")
    assert await problems(world, watching, later=1) == []
    (one,) = await problems(world, watching, later=PATIENCE_SECONDS)
    assert (one["kind"], one["status"], one["workflow"]) == ("backlog", "open", "many")
    assert one["sentence"] == (
        "Too many runs wait: 4, 4 of them of this workflow. At 8 new events are refused."
    )


async def test_it_closes_when_few_wait_and_not_before(world: World) -> None:
    watching = watches(world)
    runs = await wait_in_line(world, 5)
    await problems(world, watching, later=0)
    assert len(await problems(world, watching, later=PATIENCE_SECONDS)) == 1
    for run in runs[:3]:
        await world.store.cancel(run, now=world.clock())
    assert [one["status"] for one in await problems(world, watching, later=10)] == ["open"]
    await world.store.cancel(runs[3], now=world.clock())
    assert [one["status"] for one in await problems(world, watching, later=10)] == ["closed"]


async def test_one_that_a_person_put_away_stays_away(world: World) -> None:
    watching = watches(world)
    await wait_in_line(world, 5)
    await problems(world, watching, later=0)
    (one,) = await problems(world, watching, later=PATIENCE_SECONDS)
    await StoredProblems(world.store).dismiss(one["id"], by="ada", note="a sale", now=world.clock())
    assert [one["status"] for one in await problems(world, watching, later=3600)] == ["closed"]


async def test_people_and_workflows_hear_of_it(world: World) -> None:
    rows = StoredOwnEvents(world.store)
    await rows.listen(frozenset({"problem_opened", "problem_closed"}))
    ways = (Way("chat", "probe.note", lambda notice: {"text": said(notice)}),)
    teller = Teller(StoredNotices(world.store), world.tools, ways=lambda: ways, per_minute=5)
    watching = watches(world)
    runs = await wait_in_line(world, 5)
    await problems(world, watching, later=0)
    for later in (PATIENCE_SECONDS, 10, 10):
        await problems(world, watching, later=later)
        await teller.tell()
    for run in runs:
        await world.store.cancel(run, now=world.clock())
    await problems(world, watching, later=10)
    await teller.tell()
    first, second = world.outside.notes
    assert first.startswith("open: Backlog: many: Too many runs wait: 5, 4 of them")
    assert second.startswith("closed: Closed: many: Too many runs")
    assert "\nFew wait now.\n" in second
    assert [one.kind for one in await rows.waiting(10)] == ["problem_opened", "problem_closed"]


def said(notice: Notice) -> str:
    return f"{notice.kind}: {notice.text}"

"""Schedules: fired once by whoever is first, made up for, skipped with a reason; restarts and clocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from runner.engine.history import Wanted
from runner.engine.pauses import Pause
from runner.engine.schedules import Firing, Planned, Scheduler
from runner.engine.timing import to_fire
from runner.language.workflow import Schedule
from runner.store.schedules import StoredSchedules
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

HOUR = 3600.0
DAY = 86400.0
STEPS = 'steps:\n  - action: probe.note\n    with: {text: "{{ payload.scheduled_at }}"}\n'


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


NOON = at("2027-01-15T12:00")


def file(schedule: str, *, steps: str = STEPS, more: str = "") -> str:
    return f"trigger: {{schedule: {{{schedule}}}}}\n{more}{steps}"


SLOW = "steps:\n  - action: probe.note\n    with: {text: '{{ payload.scheduled_at }}', after: gate}\n"
"""Their run goes on until the test opens the gate."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        world.now = NOON
        yield world


def scheduler(world: World) -> Scheduler:
    return Scheduler(StoredSchedules(world.store), world.door, world.library)


async def look(world: World, now: float | None = None, *, wait: bool = True) -> float:
    """What a server does when time has come; the next time."""
    world.now = now if now is not None else world.now
    due = await scheduler(world).look()
    if wait:
        await world.quiet()
    return due


async def events(world: World) -> list[Any]:
    """The events of schedules, the oldest first, as `disposition scheduled_at reason`."""
    page = await world.history.events(Wanted(limit=200))
    found = [await world.history.event(one["id"]) for one in reversed(page.items)]
    return [(one["disposition"], one["payload"], one["gates"][-1]["reason"]) for one in found]


async def test_it_fires_at_its_time_and_tells_the_run_when_that_was(world: World) -> None:
    await world.workflow("one", file('cron: "30 12 * * *"'))
    assert await look(world) == NOON + HOUR / 2
    await look(world, NOON + HOUR / 2 - 0.01)
    assert world.outside.notes == []
    assert await look(world, NOON + HOUR / 2) == NOON + HOUR / 2 + DAY
    await look(world, NOON + HOUR)
    await look(world, NOON + HOUR / 2 + DAY)
    assert [(one[0], one[1]) for one in await events(world)] == [
        ("accepted", {"scheduled_at": "2027-01-15T12:30:00.000Z", "previous_at": None}),
        ("accepted", {"scheduled_at": "2027-01-16T12:30:00.000Z", "previous_at": "2027-01-15T12:30:00.000Z"}),
    ]
    assert world.outside.notes == ["2027-01-15T12:30:00.000Z", "2027-01-16T12:30:00.000Z"]


async def test_the_event_knows_its_trigger_and_the_run_its_title(world: World) -> None:
    await world.workflow("one", file("every: 15m", more="title: 'Of {{ payload.scheduled_at }}'\n"))
    await look(world)
    await look(world, NOON + 900)
    (run,) = (await world.history.runs(Wanted())).items
    assert (run["status"], run["title"]) == ("succeeded", "Of 2027-01-15T12:15:00.000Z")
    event = await world.history.event(run["event"])
    assert (event["trigger"], event["method"], event["content_type"]) == ("schedule", "", "application/json")
    assert event["gates"][0]["name"] == "schedule"


async def test_every_counts_from_when_it_was_first_seen_and_does_not_drift(world: World) -> None:
    await world.workflow("one", file("every: 10m"))
    assert await look(world, NOON + 7) == NOON + 607
    assert await look(world, NOON + 607.9) == NOON + 1207
    assert await look(world, NOON + 1209) == NOON + 1807
    assert world.outside.notes == ["2027-01-15T12:10:07.000Z", "2027-01-15T12:20:07.000Z"]


@pytest.mark.parametrize(
    ("zone", "before", "expected"),
    [
        ("Europe/Athens", "2027-03-27T00:00", ["2027-03-27T01:30", "2027-03-28T01:00", "2027-03-29T00:30"]),
        ("Europe/Athens", "2027-10-30T00:00", ["2027-10-30T00:30", "2027-10-31T00:30", "2027-11-01T01:30"]),
        (
            "America/New_York",
            "2027-03-13T05:00",
            ["2027-03-13T08:30", "2027-03-14T07:30", "2027-03-15T07:30"],
        ),
        (
            "Australia/Lord_Howe",
            "2027-04-02T00:00",
            ["2027-04-02T16:30", "2027-04-03T17:00", "2027-04-04T17:00"],
        ),
    ],
)
async def test_a_day_whose_clock_changes_has_one_firing(
    world: World, zone: str, before: str, expected: list[str]
) -> None:
    await world.workflow("one", file(f'cron: "30 3 * * *", timezone: {zone}, catch_up: all'))
    now = at(before)
    await look(world, now)
    for _ in range(72):
        now += HOUR
        await look(world, now)
    assert [one[:16] for one in world.outside.notes] == expected


async def test_the_zone_is_the_workflows_unless_it_has_its_own(world: World) -> None:
    await world.workflow("one", file('cron: "0 9 * * *"', more="timezone: Asia/Tokyo\n"))
    await world.workflow(
        "two", file('cron: "0 9 * * *", timezone: America/New_York', more="timezone: Asia/Tokyo\n")
    )
    await look(world)
    rows = await StoredSchedules(world.store).all()
    assert (rows["one"].next_at, rows["two"].next_at) == (at("2027-01-16T00:00"), at("2027-01-15T14:00"))


async def test_of_several_processes_one_fires(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as one, opened(tmp_path, outside, places=0) as two:
        one.now = two.now = NOON
        await one.workflow("one", file("every: 1m"))
        await two.library.reload()
        await asyncio.gather(scheduler(one).look(), scheduler(two).look())
        for minute in range(1, 6):
            one.now = two.now = NOON + 60 * minute
            await asyncio.gather(*(scheduler(world).look() for world in (one, two, one, two)))
            await one.quiet()
        assert len(outside.notes) == len(set(outside.notes)) == 5


@pytest.mark.parametrize(
    ("catch_up", "noted"),
    [
        ("none", []),
        ("one", ["2027-01-15T17:00:00.000Z"]),
        ("all", [f"2027-01-15T{hour}:00:00.000Z" for hour in range(13, 18)]),
    ],
)
async def test_what_no_server_saw_is_made_up_for_as_the_file_says(
    tmp_path: Path, catch_up: str, noted: list[str]
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = NOON + 60
        await world.workflow("one", file(f'cron: "0 * * * *", catch_up: {catch_up}'))
        await look(world)
    async with opened(tmp_path, outside) as world:
        assert await look(world, NOON + 5.5 * HOUR) == NOON + 6 * HOUR
        assert outside.notes == noted
        found = await events(world)
        if catch_up == "none":
            assert [one[0] for one in found] == ["dropped"]
            assert found[0][2].startswith("5 up to 2027-01-15T17:00:00.000Z were missed while no server ran")
        if catch_up == "one":
            assert found[0][2].endswith("; 4 before it were missed and are not made up for")
        if catch_up == "all":
            assert [one[1]["previous_at"] for one in found[1:]] == noted[:-1]
        await look(world, NOON + 6 * HOUR)
        assert outside.notes == [*noted, "2027-01-15T18:00:00.000Z"]  # and on time again


async def test_a_restart_over_the_time_counts_as_on_time(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = NOON + 1
        await world.workflow("one", file('cron: "0 * * * *", catch_up: none'))
        await look(world)
    async with opened(tmp_path, outside) as world:
        await look(world, NOON + HOUR + 30)
        assert outside.notes == ["2027-01-15T13:00:00.000Z"]


async def test_all_is_bounded_and_says_so(world: World) -> None:
    await world.workflow("one", file('cron: "* * * * *", catch_up: all'))
    await look(world)
    assert await look(world, NOON + 30 * DAY + 1) == NOON + 30 * DAY + 60
    assert len(world.outside.notes) == 100
    assert world.outside.notes[-1] == "2027-02-14T12:00:00.000Z"
    assert world.outside.notes == sorted(world.outside.notes)
    assert "before it were missed" in (await events(world))[0][2]


async def test_a_firing_is_skipped_while_the_run_before_goes_on(world: World) -> None:
    await world.workflow("one", file("every: 1m", steps=SLOW))
    await look(world)
    await look(world, NOON + 60, wait=False)
    (run,) = (await world.history.runs(Wanted())).items
    for minute in range(2, 12):
        await look(world, NOON + 60 * minute, wait=False)
    found = await events(world)
    assert [one[0] for one in found] == ["accepted", "dropped"]  # the first of a series alone
    assert found[1][2] == f"the run {run['id']} of the firing before has not ended, and `overlap` is skip"
    assert (await StoredSchedules(world.store).all())["one"].skipped == 10
    world.outside.gates["gate"].set()
    await world.quiet()
    await look(world, NOON + 720)
    found = await events(world)
    assert found[2][1] == {
        "scheduled_at": "2027-01-15T12:12:00.000Z",
        "previous_at": "2027-01-15T12:01:00.000Z",  # of the last that started a run
    }
    assert found[2][2] == "due at 2027-01-15T12:12:00.000Z; 10 before it started nothing"
    assert (await StoredSchedules(world.store).all())["one"].skipped == 0


async def test_with_queue_a_firing_waits_for_the_run_before(world: World) -> None:
    await world.workflow("one", file("every: 1m, overlap: queue", steps=SLOW))
    await look(world)
    for minute in (1, 2, 3):
        await look(world, NOON + 60 * minute, wait=False)
    await world.outside.begun.wait()
    runs = (await world.history.runs(Wanted())).items
    assert sorted(one["status"] for one in runs) == ["queued", "queued", "running"]
    world.outside.gates["gate"].set()
    await world.quiet()
    assert world.outside.notes == [f"2027-01-15T12:0{minute}:00.000Z" for minute in (1, 2, 3)]


async def test_what_is_made_up_for_runs_one_after_another(world: World) -> None:
    await world.workflow("one", file("every: 1h, catch_up: all", steps=SLOW))
    await look(world)
    await look(world, NOON + 3.5 * HOUR, wait=False)
    await world.outside.begun.wait()
    runs = (await world.history.runs(Wanted())).items
    assert sorted(one["status"] for one in runs) == ["queued", "queued", "running"]
    world.outside.gates["gate"].set()
    await world.quiet()
    assert len(world.outside.notes) == 3


async def test_a_paused_schedule_does_not_fire_and_that_is_not_made_up_for(world: World) -> None:
    await world.workflow("one", file("every: 1h, catch_up: all"))
    await look(world)
    await world.pauses.pause(Pause("workflow", "one", "ada", NOON, "stocktaking"))
    await world.holding.refresh()
    for hour in (1, 2, 3):
        await look(world, NOON + hour * HOUR)
    await world.pauses.resume("workflow", "one")
    await world.holding.refresh()
    await look(world, NOON + 3.5 * HOUR)
    assert world.outside.notes == []
    found = await events(world)
    assert [one[0] for one in found] == ["dropped"]
    assert found[0][2].startswith("paused by ada")
    await look(world, NOON + 4 * HOUR)
    assert world.outside.notes == ["2027-01-15T16:00:00.000Z"]


async def test_a_disabled_workflow_does_not_fire(world: World) -> None:
    await world.workflow("one", file("every: 1h", more="enabled: false\n"))
    await look(world)
    await look(world, NOON + HOUR)
    assert [one[0] for one in await events(world)] == ["dropped"]
    await world.workflow("one", file("every: 1h"))
    await look(world, NOON + 2 * HOUR)
    assert world.outside.notes == ["2027-01-15T14:00:00.000Z"]


async def test_a_changed_schedule_counts_from_the_change_and_another_edit_changes_nothing(
    world: World,
) -> None:
    await world.workflow("one", file("every: 1h"))
    await look(world)
    world.now = NOON + HOUR / 2
    await world.workflow("one", file("every: 1h", steps=STEPS + "  - filter: payload\n"))
    assert await look(world) == NOON + HOUR
    await world.workflow("one", file("every: 2h"))
    assert await look(world) == NOON + 2.5 * HOUR
    await world.workflow("one", file('cron: "0 9 * * *"'))
    assert await look(world) == at("2027-01-16T09:00")


async def test_a_file_that_is_gone_for_a_minute_has_no_schedule_any_more(world: World) -> None:
    await world.workflow("one", file("every: 1h"))
    await world.workflow("two", file("every: 1h"))
    one = scheduler(world)
    await one.look()
    (world.folder / "workflows" / "one.yaml").unlink()
    await world.library.reload()
    await one.look()
    world.now = NOON + 30
    await one.look()
    assert set(await StoredSchedules(world.store).all()) == {"one", "two"}  # it may be written anew just now
    world.now = NOON + 61
    await one.look()
    assert set(await StoredSchedules(world.store).all()) == {"two"}
    world.now = NOON + HOUR
    await one.look()
    await world.quiet()
    assert len(world.outside.notes) == 1


async def test_a_folder_without_any_file_ends_nothing(world: World) -> None:
    await world.workflow("one", file("every: 1h"))
    one = scheduler(world)
    await one.look()
    (world.folder / "workflows" / "one.yaml").unlink()
    await world.library.reload()
    await one.look()
    world.now = NOON + HOUR
    await one.look()
    assert set(await StoredSchedules(world.store).all()) == {"one"}


async def test_a_new_name_keeps_the_schedule(world: World) -> None:
    await world.workflow("one", file("every: 1h"))
    await look(world)
    await look(world, NOON + HOUR)
    (world.folder / "workflows" / "one.yaml").unlink()
    await world.workflow("two", file("every: 1h", more="formerly: [one]\n"))
    assert await look(world, NOON + 1.5 * HOUR) == NOON + 2 * HOUR
    await look(world, NOON + 2 * HOUR)
    assert (await events(world))[-1][1]["previous_at"] == "2027-01-15T13:00:00.000Z"


async def test_a_file_with_faults_goes_on_as_it_was(world: World) -> None:
    await world.workflow("one", file("every: 1h"))
    await look(world)
    (world.folder / "workflows" / "one.yaml").write_text(
        "name: one\ntrigger: {schedule: {every: x}}\n" + STEPS
    )
    await world.library.reload()
    await look(world, NOON + HOUR)
    assert world.outside.notes == ["2027-01-15T13:00:00.000Z"]


async def test_a_clock_that_steps_back_a_little_fires_nothing_twice(world: World) -> None:
    await world.workflow("one", file('cron: "0 13 * * *"'))
    await look(world)
    await look(world, NOON + HOUR)
    await look(world, NOON + HOUR - 600)
    await look(world, NOON + HOUR)
    assert world.outside.notes == ["2027-01-15T13:00:00.000Z"]


async def test_a_clock_that_was_years_ahead_does_not_stop_a_schedule_for_years(world: World) -> None:
    await world.workflow("one", file('cron: "0 13 1 1 *"'))
    await look(world, NOON + 3650 * DAY)
    assert await look(world, NOON) == at("2028-01-01T13:00")


async def test_a_clock_that_jumps_ahead_makes_no_flood(world: World) -> None:
    await world.workflow("one", file("every: 1s"))
    await look(world)
    await look(world, NOON + 3650 * DAY)
    assert len(world.outside.notes) == 1


async def test_a_full_backlog_is_waited_for(world: World) -> None:
    await world.workflow("one", file("every: 1h"))
    await look(world)
    world.now = NOON + HOUR
    world.store.backlog = 1000
    assert await scheduler(world).look() == world.now + 1
    world.store.backlog = 0
    await look(world)
    assert world.outside.notes == ["2027-01-15T13:00:00.000Z"]


async def test_a_webhook_beside_a_schedule_keeps_its_own_rules(world: World) -> None:
    text = "trigger: {webhook: {split: payload.items}, schedule: {every: 1h}}\n"
    await world.workflow("one", text + "steps:\n  - action: probe.note\n    with: {text: '{{ payload }}'}\n")
    await look(world)
    await world.send("one", {"items": [1, 2]})
    await look(world, NOON + HOUR)
    assert sorted(world.outside.notes[:2]) == [1, 2]
    assert world.outside.notes[2:] == [{"scheduled_at": "2027-01-15T13:00:00.000Z", "previous_at": None}]


class Dying(StoredSchedules):
    """A process that ends right before its commit, or right after it."""

    is_after = False

    async def fire(self, was: Planned, becomes: Planned, firings: Sequence[Firing]) -> Any:
        if self.is_after:
            await super().fire(was, becomes, firings)
        raise asyncio.CancelledError


@pytest.mark.parametrize("is_after", [False, True])
async def test_a_process_that_dies_while_it_fires_has_fired_once(tmp_path: Path, is_after: bool) -> None:
    outside = Outside()
    async with opened(tmp_path, outside, grace_seconds=0) as world:
        world.now = NOON
        await world.workflow("one", file("every: 1h"))
        await look(world)
        world.now = NOON + HOUR
        dying = Dying(world.store)
        dying.is_after = is_after
        with pytest.raises(asyncio.CancelledError):
            await Scheduler(dying, world.door, world.library).look()
    async with opened(tmp_path, outside) as world:
        await look(world, NOON + HOUR + 5)
        await look(world, NOON + HOUR + 9)
        assert outside.notes == ["2027-01-15T13:00:00.000Z"]


@pytest.mark.parametrize(
    ("catch_up", "late", "fired"),
    [("none", 59, [3.0]), ("none", 61, []), ("one", 61, [3.0]), ("all", 61, [1.0, 2.0, 3.0])],
)
def test_which_times_are_fired(catch_up: Any, late: float, fired: list[float]) -> None:
    assert to_fire(Schedule(every_seconds=1, catch_up=catch_up), [1.0, 2.0, 3.0], 3.0 + late) == fired

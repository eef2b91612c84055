"""Problems by the whole chain: what a run fails of, by which runs stand together, and who hears of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.engine.notices import Notice, Teller, Way
from runner.engine.problems import normalised
from runner.engine.runs import Status
from runner.store.notices import StoredNotices
from runner.store.problems import StoredProblems
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

START = 1_000_000.0
ORDERS = "steps:\n  - id: send\n    action: probe.note\n    with: {text: x, fail: '{{ payload.fail }}'}\n"
FLAKY = (
    "steps:\n  - id: send\n    action: probe.note\n    retry: {delay: 1h, jitter: false}\n"
    "    with: {text: x, fail: unavailable, times: 1}\n"
)


async def problems_of(world: World) -> list[Any]:
    return (await StoredProblems(world.store).page()).items


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ('no customer "Ada" with id 4711', "no customer … with id #"),
        ("run 01kz2v3nd8z5rjq0v6a7t4m9xe failed at 2026-05-03T14:00:00Z", "run # failed at #"),
        ("ada@example.com is not known to https://shop.example.com/a?b=1", "… is not known to …"),
        ("it can't be, and it's 'quoted' and “quoted”", "it can't be, and it's … and …"),
        ("not  done\nwithin 0.5 s", "not done within # s"),
    ],
)
def test_a_cause_is_the_message_without_what_differs_from_run_to_run(message: str, cause: str) -> None:
    assert normalised(message) == cause


async def test_failed_runs_of_one_step_and_cause_are_one_problem(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await world.workflow("orders", ORDERS)
        for _ in range(4):
            await world.ran("orders", {"fail": "rejected"})
        await world.ran("orders", {"fail": None})
        (one,) = await problems_of(world)
    assert (one["workflow"], one["step"], one["cause"]) == ("orders", "send", "rejected: it was refused")
    assert one["sentence"] == "send failed: it was refused"
    assert one["runs"]["failed"] == one["runs"]["total"] == 4


async def test_the_items_of_a_loop_fail_at_one_step(tmp_path: Path) -> None:
    text = (
        "steps:\n  - id: lines\n    for_each: payload\n    steps:\n"
        "      - id: send\n        action: probe.note\n        with: {text: x, fail: '{{ item }}'}\n"
    )
    async with opened(tmp_path) as world:
        await world.workflow("orders", text)
        await world.ran("orders", [None, "rejected"])
        await world.ran("orders", [None, None, None, "rejected"])
        (one,) = await problems_of(world)
    assert (one["step"], one["runs"]["total"]) == ("lines.send", 2)


async def test_what_got_no_answer_stands_with_the_latest_trouble_of_its_step(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        world.now = START
        await world.workflow("orders", ORDERS + "    retry: {attempts: 1}\n")
        await world.ran("orders", {"fail": "rejected"})
        world.now += 60
        await world.ran("orders", {"fail": "unknown"})
        (one,) = await problems_of(world)
        assert (one["cause"], one["runs"]["failed"]) == ("rejected: it was refused", 2)
        assert await StoredProblems(world.store).in_doubt(one["id"]) == 1
        world.now += 3600  # of that trouble people were told long ago; this is news
        await world.ran("orders", {"fail": "unknown"})
        assert {found["cause"]: found["runs"]["failed"] for found in await problems_of(world)} == {
            "rejected: it was refused": 2,
            "unavailable: probe": 1,
        }


async def test_what_is_known_to_have_failed_otherwise_is_another_problem(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await world.workflow("orders", ORDERS + "    retry: {attempts: 1}\n")
        await world.ran("orders", {"fail": "unknown"})
        await world.ran("orders", {"fail": "rejected"})
        await world.ran("orders", {"fail": "unavailable"})
        found = {one["cause"]: one["runs"]["failed"] for one in await problems_of(world)}
    assert found == {"unavailable: probe": 2, "rejected: it was refused": 1}


async def test_what_does_not_answer_is_one_problem_whatever_it_says_and_closes_when_it_answers(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as world:
        world.now = START
        await world.workflow("orders", FLAKY)
        first = await world.send("orders")
        second = await world.send("orders")
        assert (await world.turned(first.run_id)).status is Status.WAITING
        assert (await world.turned(second.run_id)).status is Status.WAITING
        (one,) = await problems_of(world)
        assert (one["destination"], one["cause"]) == ("probe", "unavailable: probe")
        assert one["sentence"] == "probe does not answer: nobody answered"
        assert (one["status"], one["runs"]["waiting"]) == ("open", 2)
        world.now += 3601
        world.worker.queue.wake()
        await world.turned(first.run_id, turns=2)
        await world.turned(second.run_id, turns=2)
        (one,) = await problems_of(world)
        assert (one["status"], one["runs"]["recovered"]) == ("closed", 2)


async def test_runs_that_were_parked_stand_under_the_problem_of_those_that_tried(tmp_path: Path) -> None:
    text = (
        "steps:\n  - id: ask\n    action: http.request\n    retry: {delay: 1h}\n"
        "    with: {method: POST, url: 'http://127.0.0.1:1/{{ payload }}'}\n"
    )
    async with opened(tmp_path) as world:
        world.now = START
        await world.workflow("orders", text)
        for number in range(12):
            assert (await world.ran("orders", number)).status is Status.WAITING
        assert await world.parked.count("127.0.0.1:1")
        (one,) = await problems_of(world)
    assert (one["destination"], one["runs"]["waiting"]) == ("127.0.0.1", 12)


async def test_a_short_wait_inside_a_turn_opens_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await world.workflow("orders", FLAKY.replace("1h", "10ms"))
        assert (await world.ran("orders")).status is Status.SUCCEEDED
        assert await problems_of(world) == []


async def test_a_secret_stands_in_no_problem(tmp_path: Path) -> None:
    text = "steps:\n  - id: it\n    fail: 'no access with {{ payload }}'\n"
    async with opened(tmp_path, secrets={"TOKEN": "hunter2-and-more"}) as world:
        await world.workflow("orders", text)
        await world.ran("orders", "hunter2-and-more")
        (one,) = await problems_of(world)
    assert one["sentence"] == "it failed: no access with •••"
    assert "more" not in one["cause"]


async def test_a_version_that_cannot_be_loaded_is_a_problem_of_the_run_as_a_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await world.workflow("orders", ORDERS)
        accepted = await world.send("orders", {"fail": "rejected"})
        await world.turned(accepted.run_id)
        await world.store.replay_failed(accepted.run_id, version=99, now=world.clock())
        world.worker.queue.wake()
        await world.turned(accepted.run_id, turns=2)
        found = {one["step"]: one["sentence"] for one in await problems_of(world)}
    assert found[""].startswith("Version 99 of orders cannot be run any more")


# --- messages -------------------------------------------------------------------------------


def way(name: str, **more: Any) -> Way:
    """A way whose messages arrive at the test's own connector."""

    def inputs(notice: Notice) -> Any:
        return {"text": f"{name}: {notice.kind}: {notice.text}", **more}

    return Way(name, "probe.note", inputs)


def teller(world: World, *ways: Way, per_minute: int = 5) -> Teller:
    return Teller(StoredNotices(world.store), world.tools, ways=lambda: ways, per_minute=per_minute)


async def test_one_message_when_a_problem_opens_and_one_when_it_closes(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("orders", ORDERS)
        accepted = [await world.send("orders", {"fail": "rejected"}) for _ in range(3)]
        for one in accepted:
            await world.turned(one.run_id)
        (problem,) = await problems_of(world)
        # as many processes as there may be: the message is written and sent once
        tellers = [teller(world, way("chat")) for _ in range(3)]
        for each in [*tellers, *tellers]:
            await each.tell()
        (told,) = outside.notes
        assert told.splitlines() == [
            "chat: open: Problem: send failed: it was refused",
            "orders, step send: 3 runs so far.",
            f"http://hookline.test/failures/{problem['id']}",
        ]
        await StoredProblems(world.store).dismiss(problem["id"], by="ada", note="a test", now=world.now)
        for each in tellers:
            await each.tell()
        assert len(outside.notes) == 2
        assert "3 runs in all. Dismissed by ada: a test" in outside.notes[1]


async def test_what_settles_by_itself_within_seconds_is_no_message(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("orders", FLAKY.replace("1h", "6s"))
        accepted = await world.send("orders")
        await world.turned(accepted.run_id)
        tell = teller(world, way("chat")).tell
        await tell()
        assert outside.notes == []
        world.now += 6
        await tell()
        assert [one[:10] for one in outside.notes] == ["chat: open"]


async def test_a_message_that_fails_goes_the_second_way_and_one_that_cannot_is_tried_again(
    tmp_path: Path,
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("orders", ORDERS)
        await world.ran("orders", {"fail": "rejected"})
        tell = teller(world, way("chat", fail="unavailable"), way("mail", fail="unknown", times=2)).tell
        await tell()
        await tell()
        assert outside.notes == []  # both failed; the next attempt is in ten seconds
        world.now += 11
        await tell()
        await tell()
        assert [one[:10] for one in outside.notes] == ["mail: open"]
        assert len({key for key in outside.calls if key.startswith("notice")}) == 1


async def test_a_problem_of_the_first_way_itself_is_told_by_the_second(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("orders", FLAKY)
        accepted = await world.send("orders")
        await world.turned(accepted.run_id)
        world.now += 60
        await teller(world, way("probe"), way("mail")).tell()
        assert [one[:10] for one in outside.notes] == ["mail: open"]


async def test_many_problems_at_once_are_summed_up(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = START
        for number in range(12):
            await world.workflow(f"orders-{number}", ORDERS)
            await world.ran(f"orders-{number}", {"fail": "rejected"})
        tell = teller(world, way("chat"), per_minute=3).tell
        for _ in range(5):
            await tell()
        assert [one.split(":")[1] for one in outside.notes] == [" open", " open", " many"]
        assert "Problems: 10 more opened." in outside.notes[2]
        await world.workflow("late", ORDERS)
        await world.ran("late", {"fail": "rejected"})
        await tell()
        assert len(outside.notes) == 3  # not within this minute
        world.now += 61
        await tell()
        assert len(outside.notes) == 4


async def test_a_problem_that_opens_again_and_again_is_not_told_each_time(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("orders", FLAKY.replace("1h", "10s"))
        tell = teller(world, way("chat")).tell
        for _ in range(5):
            accepted = await world.send("orders")
            await world.turned(accepted.run_id)
            world.now += 7
            await tell()
            world.now += 4
            world.worker.queue.wake()
            await world.turned(accepted.run_id, turns=2)
            await tell()
        told = [one.split(":")[1] for one in outside.notes if one.startswith("chat")]
        assert told == [" open", " closed"]


async def test_no_secret_goes_into_a_message(tmp_path: Path) -> None:
    outside = Outside()
    secrets: dict[str, str] = {}
    async with opened(tmp_path, outside, secrets=secrets) as world:
        world.now = START
        await world.workflow("orders", "steps:\n  - id: it\n    fail: 'no access with {{ payload }}'\n")
        await world.ran("orders", "hunter2-and-more")
        world._secrets = {}
        world.tools.safe._values["TOKEN"] = "hunter2-and-more"  # type: ignore[attr-defined]  # known only since
        await teller(world, way("chat")).tell()
    assert "no access with •••" in outside.notes[0]

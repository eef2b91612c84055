"""Replays of many runs by the whole chain: what a plan says, how it is carried out, what stops it."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.engine.history import Wanted
from runner.engine.replaying import Replayer
from runner.engine.replays import Filter, Terms
from runner.engine.runs import Status
from runner.errors import MoveRefused, NotFound
from runner.store.problems import StoredProblems
from runner.store.queries import Statement
from runner.store.replays import StoredReplays
from runner.store.sqlite import SQLiteStore
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

START = 1_000_000.0
DAY = 86400.0
TWO = """
vars: {{fail: {fail}}}
steps:
  - id: first
    action: probe.note
    with: {{text: '{{{{ payload }}}} one'}}
  - id: send
    action: {action}
    with: {{text: '{{{{ payload }}}} two', fail: '{{{{ vars.fail }}}}'}}
"""


def two(*, fail: str = "null", action: str = "probe.note") -> str:
    return TWO.format(fail=fail, action=action)


def replayer(world: World, *, node: str = "here", backlog: Callable[[], int] = lambda: 0) -> Replayer:
    return Replayer(
        StoredReplays(world.store), world.library, node=node, clock=world.clock, backlog=backlog,
        backlog_limit=1000, woke=world.worker.queue.wake,
    )  # fmt: skip


async def failed(world: World, count: int, *, slug: str = "orders") -> list[str]:
    """Runs that failed at their second step, in the order of accepting."""
    ids = [(await world.send(slug, f"{slug}-{number}")).run_id for number in range(count)]
    for run_id in ids:
        assert (await world.turned(run_id)).status is Status.FAILED
    return ids


def in_turn(world: World, notes: list[str]) -> list[str]:
    """*notes* as they came, where that is the order of replaying: on PostgreSQL runs end in any order."""
    if isinstance(world.store, SQLiteStore):
        return notes
    return sorted(notes, key=lambda note: int(note.removeprefix("orders-").partition(" ")[0]))


async def moved_on(world: World, one: Replayer, replay_id: str, *, ticks: int = 60) -> Any:
    """Let upkeep and the runs go on until the replay runs no more; where it is then."""
    for _ in range(ticks):
        await one.advance()
        await world.quiet()
        world.now = world.clock() + 0.5
        found = await StoredReplays(world.store).show(replay_id)
        if found["status"] != "running":
            return found
    return found


@contextlib.asynccontextmanager
async def broken(tmp_path: Path, outside: Outside, count: int, *, fail: str = "rejected") -> Any:
    """A world with *count* failed runs of a workflow that is mended since."""
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("orders", two(fail=fail))
        ids = await failed(world, count)
        await world.workflow("orders", two())
        yield world, ids


async def test_a_replay_of_all_goes_on_from_the_failed_step_and_sends_nothing_twice(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 12) as (world, ids):
        ones = list(outside.notes)
        one = replayer(world)
        plan = await one.plan(Terms(where=Filter(workflow="orders")), by="ada")
        assert plan["status"] == "planned"
        assert plan["plan"] == {"safe": 12, "uncertain": 0, "stale": 0, "refused": 0, "included": 12}
        assert plan["effects"] == [
            {"class": "safe", "step": "send", "action": "probe.note", "key": "new", "runs": 12}
        ]
        await one.start(plan["id"])
        done = await moved_on(world, one, plan["id"])
        assert (done["status"], done["progress"]["succeeded"], done["progress"]["left"]) == ("done", 12, 0)
        assert in_turn(world, outside.notes[len(ones) :]) == [f"orders-{number} two" for number in range(12)]
        assert [note for note in outside.notes if note.endswith("one")] == ones
        assert len(outside.keys) == len(set(outside.keys))
        assert (await world.history.run(ids[0]))["attempt"] == 2
        (problem,) = (await StoredProblems(world.store).page()).items
        assert (problem["status"], problem["runs"]["recovered"]) == ("closed", 12)


async def test_the_first_ones_go_alone_and_the_rest_at_the_rate(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 20) as (world, _ids):
        one = replayer(world)
        plan = await one.plan(Terms(where=Filter(workflow="orders"), first=5, rate=4), by="ada")
        await one.start(plan["id"])
        started = []
        for _ in range(6):
            await one.advance()
            await world.quiet()
            started.append((await StoredReplays(world.store).show(plan["id"]))["progress"]["started"])
            world.now += 0.5
        assert started[0] == 5
        assert all(later - earlier <= 3 for earlier, later in itertools.pairwise(started))
        assert started[-1] > 10


async def test_a_trial_that_fails_pauses_the_replay_and_it_goes_on_when_it_is_started_again(
    tmp_path: Path,
) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 8) as (world, _ids):
        await world.workflow("orders", two(fail="rejected"))
        one = replayer(world)
        plan = await one.plan(Terms(where=Filter(workflow="orders"), first=3), by="ada")
        await one.start(plan["id"])
        paused = await moved_on(world, one, plan["id"])
        assert paused["status"] == "paused"
        assert paused["why"] == "Paused by itself: 3 of the first 3 failed: send failed: it was refused"
        assert (paused["progress"]["failed"], paused["progress"]["left"]) == (3, 5)
        await world.workflow("orders", two())
        await one.start(plan["id"])
        done = await moved_on(world, one, plan["id"])
        assert (done["status"], done["progress"]["succeeded"], done["progress"]["failed"]) == ("done", 8, 0)
        (problem,) = (await StoredProblems(world.store).page()).items
        assert (problem["status"], problem["runs"]["failed"]) == ("closed", 0)
        twos = [note for note in outside.notes if note.endswith("two")]
        if isinstance(world.store, SQLiteStore):  # elsewhere several end in any order; what failed comes last
            assert twos[:3] == [f"orders-{number} two" for number in (3, 4, 5)]
        assert sorted(twos) == [f"orders-{number} two" for number in range(8)]


async def test_what_fails_once_more_remains_in_its_problem(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 4) as (world, ids):
        fails = "{{ ''rejected'' if payload == ''orders-0'' else none }}"
        await world.workflow("orders", two().replace("{{ vars.fail }}", fails))
        one = replayer(world)
        plan = await one.plan(Terms(where=Filter(workflow="orders"), first=2), by="ada")
        await one.start(plan["id"])
        paused = await moved_on(world, one, plan["id"])
        assert (paused["status"], paused["progress"]["left"]) == ("paused", 2)
        await one.start(plan["id"])
        found = await moved_on(world, one, plan["id"])
        assert (found["status"], found["progress"]["succeeded"], found["progress"]["failed"]) == (
            "done",
            3,
            1,
        )
        assert (await StoredReplays(world.store).candidate(ids[0])).status == Status.FAILED
        (problem,) = (await StoredProblems(world.store).page()).items
        assert (problem["status"], problem["runs"]["failed"]) == ("open", 1)


async def test_what_may_have_arrived_meanwhile_is_not_sent_again_by_going_on(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 4) as (world, _ids):
        await world.workflow("orders", two(fail="unknown") + "    retry: {attempts: 1}\n")
        one = replayer(world)
        plan = await one.plan(Terms(where=Filter(workflow="orders"), first=2), by="ada")
        await one.start(plan["id"])
        assert (await moved_on(world, one, plan["id"]))["progress"]["failed"] == 2
        await world.workflow("orders", two())
        await one.start(plan["id"])
        done = await moved_on(world, one, plan["id"])
        assert (done["status"], done["progress"]["succeeded"], done["progress"]["failed"]) == ("done", 2, 2)
        (problem,) = (await StoredProblems(world.store).page()).items
        assert (problem["status"], problem["runs"]["failed"]) == ("open", 2)
        assert await StoredProblems(world.store).in_doubt(problem["id"]) == 2


async def test_five_failures_in_a_row_pause_it(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 30) as (world, _ids):
        await world.workflow("orders", two(fail="rejected"))
        one = replayer(world)
        plan = await one.plan(Terms(where=Filter(workflow="orders"), first=0, rate=1), by="ada")
        await one.start(plan["id"])
        paused = await moved_on(world, one, plan["id"])
        assert paused["why"].startswith("Paused by itself: 5 failed in a row")
        assert paused["progress"]["started"] == 5


async def test_a_replay_survives_a_restart_in_its_middle(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 15) as (world, _ids):
        first = replayer(world, node="first")
        plan = await first.plan(Terms(where=Filter(workflow="orders"), first=5), by="ada")
        await first.start(plan["id"])
        await first.advance()
        await world.quiet()
        then = world.now
    async with opened(tmp_path, outside) as world:
        world.now = then + 1
        second = replayer(world, node="second")
        await second.advance()
        await world.quiet()
        show = StoredReplays(world.store).show
        assert (await show(plan["id"]))["progress"]["started"] == 5  # the other one may live still
        world.now += 10
        done = await moved_on(world, second, plan["id"])
    assert (done["status"], done["progress"]["succeeded"]) == ("done", 15)
    twos = [note for note in outside.notes if note.endswith("two")]
    assert in_turn(world, twos) == [f"orders-{number} two" for number in range(15)]


async def test_of_several_processes_one_moves_a_replay_on(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 10) as (world, _ids):
        first, second = replayer(world, node="first"), replayer(world, node="second")
        plan = await first.plan(Terms(where=Filter(workflow="orders"), first=3), by="ada")
        await first.start(plan["id"])
        for one in (first, second, second, first):
            await one.advance()
        assert (await StoredReplays(world.store).show(plan["id"]))["progress"]["started"] == 3


async def test_what_may_have_arrived_is_left_out_unless_told_and_keeps_its_key(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("orders", two(fail="unknown", action="probe.once"))
        await failed(world, 3)
        keys = set(outside.calls)
        await world.workflow("orders", two(action="probe.once"))
        one = replayer(world)
        where = Filter(workflow="orders")
        plan = await one.plan(Terms(where=where), by="ada")
        assert (plan["plan"]["uncertain"], plan["plan"]["included"]) == (3, 0)
        assert plan["left_out"][0]["why"] == "send may have happened"
        plan = await one.plan(Terms(where=where, include_uncertain=True), by="ada")
        assert plan["effects"] == [
            {"class": "uncertain", "step": "send", "action": "probe.once", "key": "kept", "runs": 3}
        ]
        await one.start(plan["id"])
        assert (await moved_on(world, one, plan["id"]))["progress"]["succeeded"] == 3
        assert set(outside.calls) == keys


async def test_a_refusal_after_an_attempt_that_may_have_happened_leaves_the_doubt_and_the_key(
    tmp_path: Path,
) -> None:
    outside = Outside()
    text = (
        "steps:\n  - id: send\n    action: probe.note\n    retry: {{delay: 1h, attempts: {attempts}}}\n"
        "    with: {{text: x, fail: {fail}}}\n"
    )
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("orders", text.format(fail="unknown", attempts=2))
        accepted = await world.send("orders")
        assert (await world.turned(accepted.run_id)).status is Status.WAITING
        # the receiver answers again, and refuses: nobody knows whether the first attempt arrived
        await world.workflow("orders", text.format(fail="rejected", attempts=2))
        live = world.library.get("orders")
        assert live
        await world.store.execute(Statement.of("UPDATE runs SET version = :version"), version=live.version)
        world.now += 3601
        world.worker.queue.wake()
        end = await world.turned(accepted.run_id, turns=2)
        assert end.reason
        assert end.reason.code == "rejected"
        plan = await replayer(world).plan(Terms(where=Filter(workflow="orders")), by="ada")
        assert (plan["plan"]["uncertain"], plan["effects"][0]["key"]) == (1, "kept")
        await world.store.replay_failed(accepted.run_id, version=None, now=world.now)
        world.worker.queue.wake()
        await world.turned(accepted.run_id, turns=3)
        assert list(outside.calls.values()) == [3]


async def test_what_is_old_is_left_out_unless_told(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 2) as (world, _ids):
        world.now += 8 * DAY
        one = replayer(world)
        where = Filter(workflow="orders")
        assert (await one.plan(Terms(where=where), by="ada"))["plan"]["stale"] == 2
        plan = await one.plan(Terms(where=where, include_stale=True), by="ada")
        assert plan["plan"]["included"] == 2
        plan = await one.plan(Terms(where=where, stale_after_seconds=9 * DAY), by="ada")
        assert plan["plan"]["safe"] == 2


async def test_from_the_start_is_a_new_run_and_the_plan_says_which_keys_are_kept(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 2) as (world, ids):
        keys = list(outside.keys)
        one = replayer(world)
        plan = await one.plan(Terms(run_ids=tuple(reversed(ids)), origin="start"), by="ada")
        assert [(each["step"], each["key"], each["runs"]) for each in plan["effects"]] == [
            ("first", "kept", 2), ("send", "new", 2),
        ]  # fmt: skip
        await one.start(plan["id"])
        assert (await moved_on(world, one, plan["id"]))["progress"]["succeeded"] == 2
        assert sorted(outside.notes[2:]) == ["orders-0 one", "orders-0 two", "orders-1 one", "orders-1 two"]
        assert [key for key in outside.keys[2:] if key in keys] == keys
        assert (await world.history.run(ids[0]))["status"] == "failed"
        (problem,) = (await StoredProblems(world.store).page()).items
        assert problem["status"] == "closed"


async def test_sent_again_as_new_every_effect_has_a_new_key(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 1) as (world, ids):
        one = replayer(world)
        latest = ids[0]
        for _ in range(2):
            plan = await one.plan(Terms(run_ids=(latest,), origin="start", as_new=True), by="ada")
            await one.start(plan["id"])
            await moved_on(world, one, plan["id"])
            latest = (await world.history.runs(Wanted(limit=1))).items[0]["id"]
        assert outside.notes.count("orders-0 one") == 3
        assert len(set(outside.keys)) == len(outside.keys)


async def test_from_a_step_the_same_run_goes_on_from_there_with_the_keys_it_had(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 1) as (world, ids):
        keys = list(outside.keys)
        one = replayer(world)
        plan = await one.plan(Terms(run_ids=tuple(ids), origin="first"), by="ada")
        await one.start(plan["id"])
        done = await moved_on(world, one, plan["id"])
        assert done["progress"]["succeeded"] == 1
        assert outside.notes == ["orders-0 one", "orders-0 one", "orders-0 two"]
        assert outside.keys[1] == keys[0]
        plan = await one.plan(Terms(run_ids=tuple(ids), origin="third"), by="ada")
        assert plan["plan"]["refused"] == 1


async def test_a_version_that_lacks_a_recorded_step_is_refused_with_the_steps_unless_told(
    tmp_path: Path,
) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 1) as (world, ids):
        changed = two(action="probe.once").replace("id: first", "id: renamed")
        await world.workflow("orders", changed)
        one = replayer(world)
        plan = await one.plan(Terms(run_ids=tuple(ids)), by="ada")
        assert plan["left_out"] == [
            {
                "run": ids[0],
                "class": "refused",
                "why": "version 3 has no step first; send was probe.note and is probe.once in version 3",
            }
        ]
        with pytest.raises(MoveRefused, match="has no step first"):
            await one.one(ids[0], Terms())
        assert (await one.plan(Terms(run_ids=tuple(ids), version="original"), by="a"))["plan"]["safe"] == 1
        plan = await one.plan(Terms(run_ids=tuple(ids), run_missing=True), by="ada")
        await one.start(plan["id"])
        done = await moved_on(world, one, plan["id"])
        assert done["progress"]["succeeded"] == 1
        assert outside.notes == ["orders-0 one", "orders-0 one", "orders-0 two"]


async def test_replayed_runs_stand_behind_fresh_ones_and_are_fed_only_while_there_is_room(
    tmp_path: Path,
) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 3) as (world, _ids):
        one = replayer(world, backlog=lambda: 500)
        plan = await one.plan(Terms(where=Filter(workflow="orders")), by="ada")
        await one.start(plan["id"])
        await one.advance()
        assert (await StoredReplays(world.store).show(plan["id"]))["progress"]["started"] == 0
        await world.worker.drain(0)  # nothing is taken any more, so that the order can be seen
        await replayer(world).advance()
        world.now += 5
        fresh = (await world.send("orders", "fresh")).run_id
        jobs = await world.store.due(now=world.now, limit=10)
        assert [job.run_id == fresh for job in jobs] == [True, False, False, False]
        assert [job.run_id for job in await world.store.due(now=world.now, limit=1)] == [fresh]


async def test_pause_stop_and_start_again(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 6) as (world, _ids):
        one = replayer(world)
        plan = await one.plan(Terms(where=Filter(workflow="orders"), first=2), by="ada")
        replay_id = plan["id"]
        with pytest.raises(MoveRefused, match="is planned; it cannot be paused now"):
            await one.pause(replay_id, by="ada")
        await one.start(replay_id)
        await one.advance()
        paused = await one.pause(replay_id, by="ada")
        assert (paused["status"], paused["why"]) == ("paused", "Paused by ada.")
        await one.advance()
        await world.quiet()
        stopped = await one.stop(replay_id, by="bo")
        assert (stopped["why"], stopped["progress"]["started"]) == ("Stopped by bo.", 2)
        await one.start(replay_id)
        done = await moved_on(world, one, replay_id)
        assert (done["status"], done["progress"]["succeeded"]) == ("done", 6)
        with pytest.raises(MoveRefused, match="is done; it cannot be started now"):
            await one.start(replay_id)
        with pytest.raises(NotFound):
            await one.start("nothing")


async def test_a_run_that_someone_else_replayed_meanwhile_is_not_replayed_again(tmp_path: Path) -> None:
    outside = Outside()
    async with broken(tmp_path, outside, 2) as (world, ids):
        one = replayer(world)
        plan = await one.plan(Terms(run_ids=tuple(ids), first=0), by="ada")
        await world.store.replay_failed(ids[0], version=2, now=world.now)
        await world.quiet()
        await one.start(plan["id"])
        done = await moved_on(world, one, plan["id"])
        assert (done["progress"]["refused"], done["progress"]["succeeded"]) == (1, 1)
        assert len([note for note in outside.notes if note.endswith("two")]) == 2


async def test_runs_of_one_key_are_replayed_in_the_order_of_accepting(tmp_path: Path) -> None:
    outside = Outside()
    keyed = "concurrency: {limit: 1, key: payload.k}\n"
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("orders", keyed + two(fail="rejected"))
        ids = await failed(world, 8)
        await world.workflow("orders", keyed + two())
        one = replayer(world)
        plan = await one.plan(Terms(where=Filter(status="failed"), first=0, rate=1000), by="ada")
        await one.start(plan["id"])
        done = await moved_on(world, one, plan["id"])
        assert done["progress"]["succeeded"] == len(ids)
        twos = [note for note in outside.notes if note.endswith("two")]
        assert in_turn(world, twos) == [f"orders-{number} two" for number in range(8)]


async def test_a_run_past_its_time_goes_on_when_it_is_replayed(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow(
            "orders",
            "timeout: 50ms\nsteps:\n  - id: send\n    action: probe.note\n    with: {text: x, after: go}\n",
        )
        accepted = await world.send("orders")
        end = await world.turned(accepted.run_id)
        assert end.reason
        assert end.reason.code == "timeout"
        outside.gates["go"].set()
        await world.store.replay_failed(accepted.run_id, version=None, now=world.clock())
        world.worker.queue.wake()
        assert (await world.turned(accepted.run_id, turns=2)).status is Status.SUCCEEDED

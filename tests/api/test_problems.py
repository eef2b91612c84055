"""Problems and replays as programs use them."""

from __future__ import annotations

from typing import Any

import pytest

from runner.engine.problems import Trouble
from runner.engine.runs import Record, RecordStatus, Status
from tests.api.house import World
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores

PROBLEMS, REPLAYS = f"{PREFIX}/problems", f"{PREFIX}/replays"


async def failed(world: World, *, cause: str = "rejected: no", error: str = "rejected") -> str:
    """A run of `orders` that failed at its only step."""
    record = Record(
        path="action#1", kind="action", status=RecordStatus.FAILED, attempts=1, started_at=world.made.now,
        error={"type": error, "message": "no"}, ended_at=world.made.now,
    )  # fmt: skip
    trouble = Trouble("orders", "action#1", cause, f"action#1 failed: {cause}", None, world.made.now)
    return await world.made.run(Status.FAILED, records=[record], trouble=trouble)


async def test_problems_are_listed_and_their_runs_found(world: World) -> None:
    runs = [await failed(world) for _ in range(3)]
    await failed(world, cause="rejected: other")
    found = (await world.get(f"{PROBLEMS}?workflow=orders&status=open"))["items"]
    assert [one["runs"]["failed"] for one in found] == [1, 3]
    listed = await world.get(f"{PREFIX}/runs?problem={found[1]['id']}")
    assert [one["id"] for one in listed["items"]] == runs[::-1]
    assert (await world.get(f"{PROBLEMS}?status=closed"))["items"] == []


async def test_a_problem_is_seen_and_dismissed_by_whoever_holds_the_token(world: World) -> None:
    await failed(world)
    (one,) = (await world.get(PROBLEMS))["items"]
    seen = await world.post(f"{PROBLEMS}/{one['id']}/seen", {})
    assert seen["seen"]["by"] == "a editor"
    refused = await world.post(f"{PROBLEMS}/{one['id']}/dismiss", {}, status=400)
    assert refused["parameter"] == "note"
    closed = await world.post(f"{PROBLEMS}/{one['id']}/dismiss", {"note": "a test shop"})
    assert (closed["status"], closed["dismissed_by"], closed["note"]) == ("closed", "a editor", "a test shop")
    await world.post(f"{PROBLEMS}/{one['id']}/seen", {}, status=409)
    await world.post(f"{PROBLEMS}/nothing/seen", {}, status=404)


async def test_a_replay_is_planned_started_paused_and_stopped(world: World) -> None:
    for _ in range(3):
        await failed(world)
    await failed(world, error="timeout")
    (one, *_rest) = (await world.get(PROBLEMS))["items"]
    body = {"where": f"problem={one['id']}", "rate": 2.5, "first": 1, "version": "original"}
    plan = await world.post(REPLAYS, body)
    assert plan["plan"] == {"safe": 3, "uncertain": 1, "stale": 0, "refused": 0, "included": 3}
    assert (plan["status"], plan["rate"], plan["first"], plan["by"]) == ("planned", 2.5, 1, "a editor")
    address = f"{REPLAYS}/{plan['id']}"
    assert (await world.post(f"{address}/start", {}))["status"] == "running"
    assert (await world.get(f"{PROBLEMS}/{one['id']}"))["replay"] == plan["id"]
    await world.house.replayer.advance()
    assert (await world.get(address))["progress"]["started"] == 1
    assert (await world.post(f"{address}/pause", {}))["why"] == "Paused by a editor."
    assert (await world.post(f"{address}/stop", {}))["status"] == "stopped"
    assert [item["id"] for item in (await world.get(f"{REPLAYS}?status=stopped"))["items"]] == [plan["id"]]
    await world.post(f"{address}/pause", {}, status=409)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"where": "orders"}, "where"),
        ({"runs": []}, "runs"),
        ({"runs": [1]}, "runs"),
        ({"runs": "a"}, "runs"),
        ({"where": "workflow=orders", "rate": 0}, "rate"),
        ({"where": "workflow=orders", "rate": "10"}, "rate"),
        ({"where": "workflow=orders", "first": True}, "first"),
        ({"where": "workflow=orders", "as_new": "yes"}, "as_new"),
        ({"where": "workflow=orders", "version": "newest"}, "version"),
        ({"where": "workflow=orders", "stale_after": "a week"}, "stale_after"),
    ],
)
async def test_terms_that_are_not_understood_are_refused(world: World, body: Any, parameter: str) -> None:
    assert (await world.post(REPLAYS, body, status=400))["parameter"] == parameter


@pytest.mark.parametrize(
    "body", [{}, {"where": "workflow=orders", "runs": ["a"]}, {"where": "status=running"}]
)
async def test_terms_of_the_right_form_that_mean_no_runs_are_refused(world: World, body: Any) -> None:
    assert (await world.post(REPLAYS, body, status=422))["parameter"] == "where"


async def test_a_run_that_is_named_must_be_there(world: World) -> None:
    await world.post(REPLAYS, {"runs": ["nothing"]}, status=404)


@pytest.mark.parametrize("address", [f"{PROBLEMS}/x/dismiss", REPLAYS, f"{REPLAYS}/x/start"])
async def test_looking_is_not_enough_to_act(world: World, address: str) -> None:
    await world.post(address, {}, role="viewer", status=403)

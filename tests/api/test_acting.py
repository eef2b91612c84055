from __future__ import annotations

import pytest

from runner.engine.runs import Status
from runner.values import Json
from tests.api.house import World
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores


async def test_a_queued_run_is_cancelled_at_once(world: World) -> None:
    run_id = await world.made.run(Status.QUEUED)
    run = await world.post(f"{PREFIX}/runs/{run_id}/cancel", None)
    assert run["status"] == "cancelled"
    assert run["reason"]["code"] == "cancelled"


async def test_a_run_that_has_ended_cannot_be_cancelled(world: World) -> None:
    run_id = await world.made.run(Status.SUCCEEDED)
    problem = await world.post(f"{PREFIX}/runs/{run_id}/cancel", {}, status=409)
    assert "has ended as succeeded" in problem["detail"]


async def test_a_replay_from_the_failed_step_goes_on_in_the_same_run(world: World) -> None:
    run_id = await world.made.run(Status.FAILED)
    run = await world.post(f"{PREFIX}/runs/{run_id}/replay", {"from": "failed"})
    assert (run["id"], run["status"], run["attempt"]) == (run_id, "queued", 2)


async def test_a_replay_from_the_start_is_a_new_run_that_names_its_origin(world: World) -> None:
    run_id = await world.made.run(Status.SUCCEEDED, title="Order")
    run = await world.post(f"{PREFIX}/runs/{run_id}/replay", {"from": "start", "version": "original"})
    assert run["id"] != run_id
    assert run["replay_of"] == run_id
    assert run["title"] == "Order (original)"


async def test_without_a_word_a_replay_goes_on_from_the_failed_step(world: World) -> None:
    succeeded = await world.made.run(Status.SUCCEEDED)
    problem = await world.post(f"{PREFIX}/runs/{succeeded}/replay", {}, status=409)
    assert "only a failed run goes on" in problem["detail"]
    failed = await world.made.run(Status.FAILED)
    assert (await world.post(f"{PREFIX}/runs/{failed}/replay", {}))["id"] == failed


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"from": "step 3"}, "from"),
        ({"version": "newest"}, "version"),
        ({"from": 1}, "from"),
        ({"from": None}, "from"),
        ({"form": "start"}, "form"),
        ([], None),
        ("start", None),
    ],
)
async def test_a_replay_that_is_not_understood_changes_nothing(
    world: World, body: Json, parameter: str | None
) -> None:
    run_id = await world.made.run(Status.FAILED)
    problem = await world.post(f"{PREFIX}/runs/{run_id}/replay", body, status=400)
    assert problem.get("parameter") == parameter
    assert (await world.get(f"{PREFIX}/runs/{run_id}"))["status"] == "failed"


async def test_a_body_that_is_not_json_is_refused(world: World) -> None:
    run_id = await world.made.run(Status.FAILED)
    answer = await world.app.test_client().post(
        f"{PREFIX}/runs/{run_id}/replay", data=b"{from: start}", headers=await world.token()
    )
    assert answer.status_code == 400


async def test_what_does_not_exist_is_not_found(world: World) -> None:
    for action in ("cancel", "replay"):
        problem = await world.post(f"{PREFIX}/runs/nothing/{action}", {}, status=404)
        assert "no run nothing" in problem["detail"]


@pytest.mark.parametrize("action", ["cancel", "replay"])
async def test_looking_is_not_enough_to_act(world: World, action: str) -> None:
    run_id = await world.made.run(Status.FAILED)
    await world.post(f"{PREFIX}/runs/{run_id}/{action}", {}, role="viewer", status=403)
    assert (await world.get(f"{PREFIX}/runs/{run_id}"))["status"] == "failed"

from __future__ import annotations

import pytest

from runner.values import Json
from tests.api.house import World
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores

ORDERS = f"{PREFIX}/workflows/orders"


async def test_a_workflow_is_paused_and_says_who_and_why(world: World) -> None:
    paused = await world.post(f"{ORDERS}/pause", {"for": "1h", "why": "the shop moves"})
    pause = paused["paused"]
    assert (pause["kind"], pause["name"], pause["by"]) == ("workflow", "orders", "a editor")
    assert pause["why"] == "the shop moves"
    assert pause["until"] > pause["at"]
    assert (await world.get(ORDERS))["paused"] == pause
    assert [one.name for one in await world.house.pauses.current()] == ["orders"]


async def test_a_resumed_workflow_is_paused_no_more(world: World) -> None:
    await world.post(f"{ORDERS}/pause", {})
    assert (await world.post(f"{ORDERS}/resume", {}))["paused"] is None
    problem = await world.post(f"{ORDERS}/resume", {}, status=404)
    assert "orders is not paused" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"for": "soon"}, 400), ({"for": "0s"}, 422), ({"why": "x" * 501}, 400), ({"until": "1h"}, 400)],
)
async def test_a_pause_that_is_not_understood_pauses_nothing(world: World, body: Json, status: int) -> None:
    await world.post(f"{ORDERS}/pause", body, status=status)
    assert await world.house.pauses.current() == []


@pytest.mark.parametrize("action", ["pause", "resume"])
async def test_looking_is_not_enough_to_pause(world: World, action: str) -> None:
    await world.post(f"{ORDERS}/{action}", {}, role="viewer", status=403)
    await world.post(f"{PREFIX}/workflows/nothing/{action}", {}, status=404)

"""Approvals as signed-in people see and answer them, by the API and on the page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runner.engine.resuming import question_id
from runner.engine.runs import Record, RecordStatus, Status
from tests.api.house import FROM_HERE, World, open_world

pytestmark = pytest.mark.both_stores

ASKS = """name: Asks
trigger: {webhook: {}}
steps:
  - id: ok
    wait_for:
      approval: {message: "Refund?", choices: [refund, decline]}
"""
NAMED = ASKS.replace("[refund, decline]}", "[refund, decline], assignees: [a viewer]}")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path, workflows={"orders": ASKS, "named": NAMED}) as one:
        yield one


async def waiting(world: World, workflow: str = "orders", *, status: Status = Status.WAITING) -> str:
    """The approval of a run that waits."""
    made = world.made
    record = Record(
        path="ok", kind="wait_for", status=RecordStatus.WAITING, attempts=1, started_at=made.now,
        due_at=made.now + 3600,
        input={"message": "Refund <12>?", "choices": ["refund", "decline"], "assignees": []},
    )  # fmt: skip
    run_id = await made.run(status, workflow=workflow, title="Order #1", records=[record])
    return question_id(run_id, "ok")


async def listed(world: World) -> Any:
    return (await world.get("/api/v1/approvals"))["items"]


async def test_what_waits_is_listed_and_gone_when_it_is_answered(world: World) -> None:
    first, second = await waiting(world), await waiting(world)
    (one, two) = await listed(world)
    assert (one["id"], two["id"]) == (first, second)
    assert (one["message"], one["choices"], one["step"]) == ("Refund <12>?", ["refund", "decline"], "ok")
    page = await world.get("/api/v1/approvals?limit=1")
    assert [item["id"] for item in page["items"]] == [first]
    page = await world.get(f"/api/v1/approvals?limit=1&cursor={page['next']}")
    assert ([item["id"] for item in page["items"]], page["next"]) == ([second], None)
    said = await world.post(f"/api/v1/approvals/{first}", {"choice": "refund", "comment": "ok"})
    assert said == {"choice": "refund", "by": "a editor", "comment": "ok"}
    assert [item["id"] for item in await listed(world)] == [second]
    said = await world.post(f"/api/v1/approvals/{first}", {"choice": "decline"}, role="admin", status=409)
    assert (said["by"], said["choice"]) == ("a editor", "refund")


async def test_who_may_answer(world: World) -> None:
    one = await waiting(world)
    await world.post(f"/api/v1/approvals/{one}", {"choice": "refund"}, role="viewer", status=403)
    named = await waiting(world, "named")
    said = await world.post(f"/api/v1/approvals/{named}", {"choice": "refund"}, role="editor", status=403)
    assert said["detail"] == "Your role does not allow this; this is asked of a viewer."
    assert (await world.post(f"/api/v1/approvals/{named}", {"choice": "refund"}, role="viewer"))[
        "by"
    ] == "a viewer"
    named = await waiting(world, "named")
    await world.post(f"/api/v1/approvals/{named}", {"choice": "refund"}, role="admin")


async def test_what_is_wrong_is_named(world: World) -> None:
    one = await waiting(world)
    said = await world.post(f"/api/v1/approvals/{one}", {"choice": "maybe"}, status=422)
    assert (said["parameter"], said["detail"]) == ("choice", "choice: choose one of refund, decline.")
    await world.post(f"/api/v1/approvals/{one}", {}, status=400)
    await world.post(f"/api/v1/approvals/{one}", {"choice": "refund", "comment": "x" * 2001}, status=400)
    await world.post(f"/api/v1/approvals/{one}x", {"choice": "refund"}, status=404)
    await world.post(f"/api/v1/approvals/{one.replace('.', '.x')}", {"choice": "refund"}, status=404)
    await world.store.cancel(one.partition(".")[0], now=world.clock())
    assert await listed(world) == []
    said = await world.post(f"/api/v1/approvals/{one}", {"choice": "refund"}, status=410)
    assert said["detail"] == "The run has ended, so this can be answered no more."


async def test_the_page_asks_and_takes_the_answer(world: World) -> None:
    assert 'href="/approvals"' not in await world.page("/")
    one = await waiting(world)
    browser = await world.signed_in("editor")
    page = await (await browser.get("/approvals")).get_data(as_text=True)
    assert 'href="/approvals"' in page
    assert "Refund &lt;12&gt;?" in page
    assert "Order #1" in page
    found = re.search('name="form_token" value="([^"]+)"', page)
    assert found
    form = {"choice": "decline", "comment": "no", "form_token": found[1]}
    wrong = await browser.post(f"/approvals/{one}", form={"choice": "decline"}, headers=FROM_HERE)
    assert wrong.status_code == 403
    answer = await browser.post(f"/approvals/{one}", form=form, headers=FROM_HERE)
    assert answer.status_code == 303
    page = await (await browser.get("/approvals")).get_data(as_text=True)
    assert "Nothing waits for an answer." in page
    again = await browser.post(f"/approvals/{one}", form=form, headers=FROM_HERE)
    assert again.status_code == 409
    assert "by ada" in await again.get_data(as_text=True)


async def test_a_viewer_sees_it_without_buttons(world: World) -> None:
    await waiting(world)
    page = await world.page("/approvals")
    assert "Refund &lt;12&gt;?" in page
    assert 'name="choice"' not in page
    assert "it is for others to answer" in page

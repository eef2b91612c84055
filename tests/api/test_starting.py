"""Starting a run by hand: the API and the form for those who are signed in."""

from __future__ import annotations

import re
from typing import Any

import pytest

from runner.engine.history import Wanted
from tests.api.house import FROM_HERE, World
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores

REFUND = """name: Refund
trigger:
  manual:
    public: true
    inputs: {type: object, required: [order], properties: {order: {type: integer}, why: {type: string}}}
steps:
  - action: probe.note
    with: {text: "{{ payload.order }}"}
"""
RUN = f"{PREFIX}/workflows/refund/run"


async def form_token(browser: Any, path: str) -> str:
    page = await (await browser.get(path)).get_data(as_text=True)
    found = re.findall('name="form_token" value="([^"]+)"', page)
    return str(found[-1])


async def test_the_api_starts_a_run_and_says_who_did(world: World) -> None:
    await world.write("refund", REFUND)
    started = await world.post(RUN, {"inputs": {"order": 7}})
    event = await world.house.history.event(started["event"])
    assert (event["trigger"], event["payload"]) == ("manual", {"order": 7})
    assert event["gates"][0]["facts"] == {"by": "a editor"}
    assert [run["id"] for run in event["runs"]] == [started["id"]]


async def test_inputs_that_are_wrong_start_nothing(world: World) -> None:
    await world.write("refund", REFUND)
    problem = await world.post(RUN, {"inputs": {"order": "x"}}, status=422)
    assert problem["faults"] == [{"input": "order", "message": "must be a whole number, and is a text"}]
    await world.post(RUN, {"inputs": 7}, status=400)
    problem = await world.post(RUN, {}, status=422)
    assert problem["detail"] == "refund does not take these inputs: order is missing."
    problem = await world.post(f"{PREFIX}/workflows/orders/run", {}, status=409)
    assert "no `manual` trigger" in problem["detail"]
    await world.post(f"{PREFIX}/workflows/nothing/run", {}, status=404)
    await world.post(RUN, {"inputs": {"order": 7}}, role="viewer", status=403)
    assert (await world.house.history.runs(Wanted())).items == []


async def test_the_page_draws_a_form_and_starts_a_run(world: World) -> None:
    await world.write("refund", REFUND)
    browser = await world.signed_in("editor")
    assert "/workflows/refund/run" in await (await browser.get("/")).get_data(as_text=True)
    path = "/workflows/refund/run"
    token = await form_token(browser, path)
    answer = await browser.post(path, form={"form_token": token, "input.order": "x"}, headers=FROM_HERE)
    assert answer.status_code == 422
    page = await answer.get_data(as_text=True)
    assert "must be a whole number" in page
    assert 'value="x"' in page
    answer = await browser.post(path, form={"form_token": token, "input.order": "7"}, headers=FROM_HERE)
    assert answer.status_code == 303
    (run,) = (await world.house.history.runs(Wanted())).items
    assert answer.headers["Location"] == f"/runs/{run['id']}"


async def test_a_form_of_another_site_starts_nothing(world: World) -> None:
    await world.write("refund", REFUND)
    browser = await world.signed_in("editor")
    answer = await browser.post("/workflows/refund/run", form={"input.order": "7"}, headers=FROM_HERE)
    assert answer.status_code == 403
    assert (await world.house.history.runs(Wanted())).items == []
    viewer = await world.signed_in("viewer")
    assert (await viewer.get("/workflows/refund/run")).status_code == 403
    assert "/workflows/refund/run" not in await (await viewer.get("/")).get_data(as_text=True)


async def test_the_list_says_where_the_form_is(world: World) -> None:
    await world.write("refund", REFUND)
    items = {one["slug"]: one for one in (await world.get(f"{PREFIX}/workflows"))["items"]}
    assert (items["refund"]["manual"], items["refund"]["url"]) == (True, None)
    assert items["refund"]["form"].endswith("/forms/form-of-token-of-refund")
    assert (items["orders"]["manual"], items["orders"]["form"]) == (False, None)

"""The palette and the page behind it: names, ids, values, and what can be done."""

from __future__ import annotations

import pytest

from runner.engine.runs import Disposition, Status
from tests.api.house import World
from tests.api.schema_check import differences
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores


async def _found(world: World, text: str, *, role: str = "editor") -> list[tuple[str, str, str]]:
    headers = await world.token(role)  # type: ignore[arg-type]
    answer = await world.app.test_client().get(f"{PREFIX}/find", query_string={"q": text}, headers=headers)
    assert answer.status_code == 200
    document = await world.get(f"{PREFIX}/openapi.json")
    schema = document["paths"]["/find"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    found = await answer.get_json()
    assert differences(found, schema, document) == []
    return [(one["kind"], one["title"], one["url"]) for one in found["items"]]


async def test_nothing_typed_gives_the_pages_that_one_may_open(world: World) -> None:
    pages = await _found(world, "", role="viewer")
    assert ("page", "Runs", "/runs") in pages
    assert ("page", "New workflow", "/workflows/new") not in pages
    assert ("page", "New workflow", "/workflows/new") in await _found(world, "", role="editor")
    for _kind, _title, url in pages:
        answer = await (await world.signed_in("viewer")).get(url)
        assert answer.status_code in {200, 404}, url  # pages that are still to come


async def test_a_workflow_is_found_with_what_can_be_done(world: World) -> None:
    assert await _found(world, "ord") == [("workflow", "Orders", "/workflows/orders")]
    assert await _found(world, "pause ord") == [("command", "Pause Orders", "/workflows/orders#pause")]
    assert await _found(world, "pause ord", role="viewer") == []
    await world.post(f"{PREFIX}/workflows/orders/pause", {})
    assert ("command", "Resume Orders", "/workflows/orders#resume") in await _found(world, "resume")


async def test_a_run_is_found_by_title_id_and_delivery(world: World) -> None:
    run_id = await world.made.run(Status.FAILED, title="Order #1042 · Ada", delivery_id="5f2c")
    expected = [("run", "Order #1042 · Ada", f"/runs/{run_id}")]
    for text in ("#1042", "1042 · ada", run_id, run_id.upper(), "5f2c"):
        assert await _found(world, text) == expected, text


async def test_a_whole_value_of_the_payload_finds_its_event(world: World) -> None:
    await world.made.run(
        title="One", body={"customer": {"email": "Ada@example.com"}, "lines": [{"id": 77001}]}
    )
    await world.made.run(title="Two", body={"customer": {"email": "bo@example.com"}})
    event_id, _ = await world.made.event(
        title=None, disposition=Disposition.IGNORED, body={"email": "carl@example.com"}, type="orders/paid"
    )
    assert [one[1] for one in await _found(world, "ada@example.com")] == ["One"]
    assert [one[1] for one in await _found(world, "77001")] == ["One"]
    assert await _found(world, "carl@example.com") == [("event", "orders/paid", f"/events/{event_id}")]
    assert await _found(world, "@example.com") == []  # a part of a value is in too many


async def test_too_long_a_text_is_refused(world: World) -> None:
    await world.get(f"{PREFIX}/find?q={'x' * 201}", status=400)


async def test_the_page_shows_the_same_without_scripts(world: World) -> None:
    await world.made.run(title="Order <b>")
    page = await world.page("/find?q=order%20%3C")
    assert "<bdi>Order &lt;b&gt;</bdi>" in page
    assert "Nothing is called “nobody”." in await world.page("/find?q=nobody")

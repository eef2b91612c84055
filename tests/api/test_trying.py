"""Trying a workflow while it is written: events, values, previews, samples, and runs for real."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.values import Json
from tests.api.house import FROM_HERE, World
from tests.api.schema_check import differences

pytestmark = pytest.mark.both_stores

API = "/api/v1"
SHOP = """name: Shop
trigger:
  webhook:
    verify: {provider: shopify, secret: SHOP_SECRET}
steps:
  - filter: to_number(payload.total_price) > 1
  - action: http.request
    with: {method: POST, url: "https://example.com/{{ payload.name | replace('#', '') }}"}
"""
REDACTING = SHOP.replace("steps:", "redact: [payload.email]\nsteps:")


async def sample(world: World, slug: str = "shop", **more: Json) -> Any:
    body = {"text": SHOP, "type": "orders/create", **more}
    return await world.post(f"{API}/workflows/{slug}/sample", body, role="run")


@pytest.fixture
async def shop(world: World) -> World:
    """With a workflow of a shop, whose action is one that this house knows."""
    world.secrets["SHOP_SECRET"] = "the shop's own secret"
    await world.write("shop", SHOP.replace("http.request", "probe.note").replace("method: POST, url", "text"))
    assert world.house.library.get("shop") is not None
    return world


async def test_a_sample_goes_through_the_door_and_sends_nothing(shop: World) -> None:
    told = await sample(shop)
    assert told["disposition"] == "accepted"
    assert told["sentence"] == "It came in. Its run shows its actions and sends none."
    event = await shop.get(f"{API}/events/{told['event']}")
    assert event["type"] == "orders/create"
    assert {one["name"]: one["verdict"] for one in event["gates"]}["signature"] == "passed"
    (run,) = (await shop.get(f"{API}/runs?event={told['event']}"))["items"]
    assert run["mode"] == "sample"
    sent = await sample(shop, send_for_real=True)
    (run,) = (await shop.get(f"{API}/runs?event={sent['event']}"))["items"]
    assert run["mode"] == "test"


async def test_a_sample_signed_with_what_the_server_does_not_have_is_said(shop: World) -> None:
    shop.secrets.clear()
    body = {"text": SHOP, "type": "orders/create"}
    told = await shop.post(f"{API}/workflows/shop/sample", body, role="run", status=409)
    assert "SHOP_SECRET" in told["detail"]


async def test_nobody_outside_can_say_that_a_request_is_a_sample(shop: World) -> None:
    told = await sample(shop)
    event = await shop.get(f"{API}/events/{told['event']}")
    assert event["gates"][0]["facts"] == {"sample": "shown", "by": "a run"}
    items = (await shop.get(f"{API}/workflows/shop/recent"))["items"]
    assert [(one["id"], one["is_sample"]) for one in items] == [(told["event"], True)]
    await shop.made.event(workflow="shop", title="Real", headers={"hookline.sample": "sent"})
    items = (await shop.get(f"{API}/workflows/shop/recent"))["items"]
    assert [one["is_sample"] for one in items] == [False, True]


async def test_before_the_first_publish_a_sample_is_judged_by_the_text_and_held(world: World) -> None:
    world.secrets["SHOP_SECRET"] = "the shop's own secret"
    made = await world.post(f"{API}/workflows", {"name": "New shop", "text": SHOP})
    slug = made["slug"]
    told = await sample(world, slug)
    assert told["disposition"] == "held"
    assert "until you publish" in told["sentence"]
    assert not (await world.get(f"{API}/runs?workflow={slug}"))["items"]
    found = await world.post(f"{API}/preview", {"slug": slug, "text": SHOP, "event": told["event"]})
    assert [one["status"] for one in found["steps"]] == ["passed", "would_send"]
    assert found["steps"][1]["request"]["url"].startswith("https://example.com/")
    data = await world.get(f"{API}/workflows/{slug}/data?event={told['event']}")
    assert data["payload"]["name"]
    world.secrets["SHOP_SECRET"] = "another secret than it was signed with"
    # what is held now is kept as it was; a sample that is made now is signed with the new one
    assert (await sample(world, slug))["disposition"] == "held"


async def test_what_was_held_before_the_first_publish_sends_nothing_after_it(world: World) -> None:
    world.secrets["SHOP_SECRET"] = "the shop's own secret"
    slug = (await world.post(f"{API}/workflows", {"name": "New shop", "text": SHOP}))["slug"]
    told = await sample(world, slug, send_for_real=True)
    assert told["disposition"] == "held"
    await world.write(slug, SHOP.replace("http.request", "probe.note").replace("method: POST, url", "text"))
    await world.post(f"{API}/events/recheck", {"workflow": slug}, role="admin")
    (run,) = (await world.get(f"{API}/runs?event={told['event']}"))["items"]
    assert run["mode"] == "sample"


async def test_a_sample_is_let_in_where_only_some_addresses_are(world: World) -> None:
    flow = SHOP.replace("http.request", "probe.note").replace("method: POST, url", "text")
    world.secrets["SHOP_SECRET"] = "the shop's own secret"
    await world.write("shop", flow.replace("    verify:", "    allow_ips: [203.0.113.7]\n    verify:"))
    assert (await sample(world))["disposition"] == "accepted"


async def test_values_over_an_event_a_sample_or_any_payload(shop: World) -> None:
    told = await sample(shop)
    asked = {"slug": "shop", "text_of_workflow": SHOP, "text": "payload.name"}
    for source in (
        {"event": told["event"]},
        {"sample": {"provider": "shopify", "type": "orders/create"}},
        {"payload": {"name": "#7"}},
    ):
        found = await shop.post(f"{API}/evaluate", {**asked, **source})
        assert found["value"].startswith("#")
    both = {**asked, "event": told["event"], "payload": {}}
    assert (await shop.post(f"{API}/evaluate", both, status=422))["parameter"] == "payload"


async def test_of_another_workflow_no_event_is_shown(shop: World) -> None:
    other, _run = await shop.made.event(workflow="orders")
    asked = {"slug": "shop", "text_of_workflow": SHOP, "text": "payload", "event": other}
    await shop.post(f"{API}/evaluate", asked, status=404)
    await shop.get(f"{API}/workflows/shop/data?event={other}", status=404)


async def test_what_the_text_or_what_is_live_redacts_is_hidden_everywhere(shop: World) -> None:
    told = await sample(shop)
    asked = {"slug": "shop", "text_of_workflow": REDACTING, "event": told["event"]}
    found = await shop.post(f"{API}/evaluate", {**asked, "text": "[payload.email, payload.name]"})
    assert found["value"][0] == "•••"
    await shop.write(
        "shop", REDACTING.replace("http.request", "probe.note").replace("method: POST, url", "text")
    )
    bare = {"slug": "shop", "text_of_workflow": SHOP, "event": told["event"], "text": "payload.email"}
    assert (await shop.post(f"{API}/evaluate", bare))["value"] == "•••"
    data = await shop.get(f"{API}/workflows/shop/data?event={told['event']}")
    assert data["payload"]["email"] == "•••"
    fields = (await shop.get(f"{API}/workflows/shop/fields"))["fields"]
    assert {one["path"]: one["example"] for one in fields}["payload.email"] == "•••"


async def test_fields_say_how_often_and_of_which_kind(world: World) -> None:
    for payload in ({"id": 1, "lines": [{"sku": "A"}]}, {"id": "2"}, {"id": None, "a b": True}):
        await world.made.event(body=json.dumps(payload).encode())
    found = await world.get(f"{API}/workflows/orders/fields?last=3")
    assert found["events"] == 3
    fields = {one["path"]: (one["in"], one["types"]) for one in found["fields"]}
    assert fields["payload.id"] == (3, ["nothing", "text", "number"])
    assert fields["payload.lines[].sku"] == (1, ["text"])
    assert fields['payload."a b"'] == (1, ["true or false"])


async def test_a_text_that_is_not_published_runs_for_real_once_as_a_test(world: World) -> None:
    first, _run = await world.made.event(body=b'{"id": 5}')
    text = "name: Orders\ntrigger: {webhook: {}}\nsteps: [{stop: 'tried'}]\n"
    before = world.house.library.get("orders")
    assert before is not None
    tried = await world.post(f"{API}/workflows/orders/try", {"text": text, "event": first}, role="run")
    run = await world.get(f"{API}/runs/{tried['run']}")
    assert (run["mode"], run["version"]) == ("test", -1)
    assert run["event"] != first
    pinned = await world.house.library.version("orders", -1)
    assert pinned.steps[0].kind == "stop"
    again = await world.post(f"{API}/workflows/orders/try", {"text": text, "payload": {"id": 6}}, role="run")
    assert (await world.get(f"{API}/runs/{again['run']}"))["version"] == -1
    live = await world.post(f"{API}/workflows/orders/try", {"text": before.source}, role="run")
    assert (await world.get(f"{API}/runs/{live['run']}"))["version"] == before.version
    versions = await world.get(f"{API}/workflows/orders/versions")
    assert [one["version"] for one in versions["items"]] == [before.version]
    broken = await world.post(f"{API}/workflows/orders/try", {"text": "name: x"}, role="run", status=422)
    assert broken["faults"]


async def test_who_may_look_may_not_try(world: World) -> None:
    asked = {"slug": "orders", "text": "name: x", "text_of_workflow": "name: x"}
    await world.get(f"{API}/workflows/orders/recent", role="viewer")
    await world.get(f"{API}/workflows/orders/fields", role="viewer")
    await world.get(f"{API}/samples?provider=shopify", role="viewer")
    for path, body in (
        ("/preview", {"slug": "orders", "text": "name: x"}),
        ("/evaluate", {**asked, "text": "payload"}),
    ):
        await world.post(f"{API}{path}", body, role="viewer", status=403)
        await world.post(f"{API}{path}", body, role="run", status=403)
        await world.post(f"{API}{path}", body, role="editor")
    for path in ("try", "sample"):
        await world.post(f"{API}/workflows/orders/{path}", {"text": "name: x"}, role="viewer", status=403)


async def test_another_sites_form_tries_nothing(world: World) -> None:
    browser = await world.signed_in("admin")
    text = "name: Orders\ntrigger: {webhook: {}}\nsteps: [{stop: 'x'}]\n"
    elsewhere = {"Origin": "https://evil.example"}
    answer = await browser.post(f"{API}/workflows/orders/try", json={"text": text}, headers=elsewhere)
    assert answer.status_code == 403
    answer = await browser.post(f"{API}/workflows/orders/try", json={"text": text}, headers=FROM_HERE)
    assert answer.status_code == 200


async def test_samples_are_listed_and_shown(world: World) -> None:
    items = (await world.get(f"{API}/samples?provider=shopify"))["items"]
    assert "orders/create" in [one["type"] for one in items]
    shown = await world.get(f"{API}/samples/shopify?type=orders/create")
    assert shown["payload"]["total_price"]
    assert shown["headers"]["x-shopify-topic"] == "orders/create"
    await world.get(f"{API}/samples/shopify?type=orders/crate", status=404)
    await world.get(f"{API}/samples?provider=nobody", status=404)


async def test_all_answers_are_as_they_are_described(shop: World) -> None:
    document = await shop.get(f"{API}/openapi.json")
    text = SHOP.replace("> 1", "> `1`").replace("steps:", "steps:\n  - {filter: 'payload.['}\n  - {wait: 1d}")
    made = (await sample(shop))["event"]
    read, write = "get", "post"
    asked: dict[tuple[str, str, str], list[Json]] = {
        (read, "/workflows/{id}/recent", "/workflows/shop/recent"): [None],
        (read, "/workflows/{id}/data", f"/workflows/shop/data?event={made}"): [None],
        (read, "/workflows/{id}/data", "/workflows/shop/data?sample=shopify/orders/create"): [None],
        (read, "/workflows/{id}/data", "/workflows/shop/data"): [None],
        (read, "/workflows/{id}/fields", "/workflows/shop/fields"): [None],
        (read, "/samples", "/samples"): [None],
        (read, "/samples/{id}", "/samples/stripe?type=invoice.paid"): [None],
        (read, "/catalogue", "/catalogue"): [None],
        (read, "/schema/workflow", "/schema/workflow"): [None],
        (write, "/evaluate", "/evaluate"): [
            {"slug": "shop", "text_of_workflow": text, "event": made, "kind": kind, "text": source}
            for kind, source in (
                ("condition", "payload.name == 'x'"), ("template", "{{ payload.nme }}"), ("expression", "a["),
                ("expression", "payload.nme"),
            )
        ],
        (write, "/preview", "/preview"): [
            {"slug": "shop", "text": one, "event": made} for one in (text, SHOP, "steps: [", "name: x")
        ],
        (write, "/workflows/{id}/try", "/workflows/shop/try"): [
            {"text": "name: a\ntrigger: {webhook: {}}\nsteps: [{stop: x}]\n", "event": made}
        ],
        (write, "/workflows/{id}/sample", "/workflows/shop/sample"): [
            {"text": text, "type": "orders/create"}
        ],
    }  # fmt: skip
    for (method, path, address), bodies in asked.items():
        operation = document["paths"][path][method]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        for body in bodies:
            answer = (
                await shop.get(f"{API}{address}")
                if method == read
                else await shop.post(f"{API}{address}", body, role="admin")
            )
            assert differences(answer, schema, document) == [], (address, body)


async def test_a_text_is_held_against_past_events(shop: World) -> None:
    run = await shop.made.run(workflow="shop", title="Real")
    event = (await shop.get(f"{API}/runs/{run}"))["event"]
    address = f"{API}/workflows/shop/backtest"
    assert (await shop.get(f"{address}?last=5", role="editor"))["items"] == [event]
    text = SHOP.replace("http.request", "probe.note").replace("method: POST, url", "text")
    found = await shop.post(address, {"text": text, "events": [event, "1" * 26]})
    assert sum(found["summary"].values()) == 1
    (entry,) = found["events"]
    assert (entry["event"], entry["run"]) == (event, run)
    refused = await shop.post(address, {"text": "name: Shop", "events": [event]}, status=422)
    assert refused["faults"]
    await shop.post(address, {"text": SHOP, "events": []}, status=400)
    await shop.post(address, {"text": SHOP, "events": [event]}, role="viewer", status=403)

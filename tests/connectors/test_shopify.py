"""Shopify's actions against a server with its shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.shopify import ShopifyApp, ShopifyConnection
from runner.connector import Call, ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.connectors.acting import Acting, silence
from tests.servers.shopify_service import APP_TOKEN, SECRET, TOKEN, ShopifyService, order

MakeCall = Callable[..., Call]
FIRST = "gid://shopify/Order/1001000"


@pytest.fixture
async def service() -> AsyncIterator[ShopifyService]:
    async with ShopifyService() as one:
        yield one


def connected(service: ShopifyService, token: str = TOKEN) -> ShopifyConnection:
    return ShopifyConnection.model_validate({"shop": "acme", "token": token, "api_url": service.url})


@pytest.fixture
def act(service: ShopifyService, make_call: MakeCall) -> Acting:
    return Acting("shopify", make_call, connected(service))


@pytest.mark.parametrize("given", [1001000, "1001000", FIRST, "#1001"])
async def test_an_order_is_found_by_number_id_or_name(act: Acting, given: Any) -> None:
    one = await act("get_order", order=given)

    assert (one["id"], one["name"], one["total"], one["currency"]) == (FIRST, "#1001", "12.50", "EUR")
    assert one["shipping_address"] == {"name": "Ada Lovelace", "city": "London"}
    assert one["items"] == [
        {
            "id": "gid://shopify/LineItem/1",
            "title": "Shirt",
            "sku": "SHIRT",
            "quantity": 2,
            "unit_price": "6.25",
            "variant_id": "gid://shopify/ProductVariant/1",
        }
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("7", "no order 7"),
        ("#9", "no orders of the name #9"),
        ("gid://shopify/Product/1", "is not the id of a Order"),
        ("gid://shopify/Order/1/../2", "is not the id"),
    ],
)
async def test_an_order_that_is_not_there_is_said(act: Acting, given: str, says: str) -> None:
    with pytest.raises(Rejected, match=says):
        await act("get_order", order=given)


async def test_orders_are_found_with_quoted_values_in_all_pages(act: Acting, service: ShopifyService) -> None:
    service.orders = [order(number) for number in range(130)]

    found = await act("find_orders", where={"email": 'a" OR tag:"b\\', "status": "open"}, limit=70)
    every = await act("find_orders", query="tag:vip", limit=1000)

    asked = [one.json()["variables"] for one in service.requests]
    assert asked[0]["query"] == 'email:"a\\" OR tag:\\"b\\\\" AND status:"open"'
    assert [(one["first"], one["after"]) for one in asked[:2]] == [(50, None), (20, "50")]
    assert (len(found["orders"]), found["more"]) == (70, True)
    assert (len(every["orders"]), every["more"]) == (130, False)


async def test_an_order_gets_a_note_and_tags(act: Acting, service: ShopifyService) -> None:
    assert await act("update_order", order="#1001", note="Paid", po_number="7") == {"id": FIRST}
    await act("add_tags", id="#1001", tags="exported, paid")
    await act("remove_tags", id=FIRST, tags=["paid"])
    await act("add_tags", object="Customer", id=5, tags=["vip"])

    assert service.updates == [{"id": FIRST, "note": "Paid", "poNumber": "7"}]
    assert service.tags == {FIRST: {"exported"}, "gid://shopify/Customer/5": {"vip"}}


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("update_order", {"order": "1"}, "give note, email, phone or po_number"),
        ("add_tags", {"id": "1", "tags": []}, "at least 1"),
        ("add_tags", {"id": "1", "tags": ["x" * 41]}, "at most 40"),
        ("add_tags", {"object": "Product", "id": "#1", "tags": ["x"]}, "no id of a Product"),
        ("adjust_inventory", {"sku": "a", "location": "1", "delta": 0}, "delta: 0"),
        ("adjust_inventory", {"location": "1", "delta": 1}, "give sku or inventory_item"),
        (
            "adjust_inventory",
            {"inventory_item": "1", "location": "Berlin", "delta": 1},
            "no id of a Location",
        ),
        ("find_orders", {"where": {"a": "b"}, "query": "c"}, "not both"),
    ],
)
async def test_inputs_that_cannot_be_are_refused(
    act: Acting, service: ShopifyService, name: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await act(name, **inputs)

    assert service.requests == []


async def test_a_customer_is_created_once_and_then_updated(act: Acting, service: ShopifyService) -> None:
    first = await act("create_or_update_customer", email="ada@example.org ", first_name="Ada", tags="a,b")
    second = await act("create_or_update_customer", email="ada@example.org", last_name="Lovelace", note="x")

    assert first["id"] == second["id"] == "gid://shopify/Customer/1"
    assert second == {"id": first["id"], "email": "ada@example.org", "name": "Ada Lovelace"}
    assert service.customers["ada@example.org"]["tags"] == ["a", "b"]


async def test_stock_changes_once_for_all_attempts_of_a_step(act: Acting, service: ShopifyService) -> None:
    given: dict[str, Any] = {
        "sku": "SHIRT",
        "location": 1,
        "delta": -2,
        "reason": "damaged",
        "reference": "erp://7",
    }

    first, second = await act("adjust_inventory", **given), await act("adjust_inventory", **given)

    assert first == second == {"inventory_item": "gid://shopify/InventoryItem/1", "delta": -2, "quantity": 8}
    assert service.stock == 8
    for sku, says in (("NOPE", "no inventory items"), ("TWICE", "2 inventory items")):
        with pytest.raises(Rejected, match=says):
            await act("adjust_inventory", sku=sku, location="1", delta=1)


async def test_all_that_is_open_is_sent_off_and_no_more(act: Acting, service: ShopifyService) -> None:
    first = await act("create_fulfillment", order=FIRST, tracking_number="1Z", tracking_company="UPS")
    again = await act("create_fulfillment", order=FIRST)

    assert first == {"id": "gid://shopify/Fulfillment/1", "status": "SUCCESS", "created": True}
    assert again == first | {"created": False}
    sent = next(one for one in service.requests if b"fulfillmentCreate" in one.body).json()["variables"]
    assert sent["fulfillment"] == {
        "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": "gid://shopify/FulfillmentOrder/1"}],
        "notifyCustomer": True,
        "trackingInfo": {"number": "1Z", "company": "UPS"},
    }


async def test_an_order_of_several_locations_asks_which(act: Acting, service: ShopifyService) -> None:
    service.to_fulfill = {f"gid://shopify/FulfillmentOrder/{at}": ("OPEN", at) for at in "12"}

    with pytest.raises(Rejected, match="sent from 2 locations"):
        await act("create_fulfillment", order=FIRST)
    assert (await act("create_fulfillment", order=FIRST, location="2"))["created"] is True
    assert service.to_fulfill["gid://shopify/FulfillmentOrder/1"] == ("OPEN", "1")


@pytest.mark.parametrize(
    ("code", "meaning", "says"),
    [
        ("ACCESS_DENIED", ConnectionRejected, "access scope"),
        ("SHOP_INACTIVE", ConnectionRejected, "closed"),
        ("INTERNAL_SERVER_ERROR", OutcomeUnknown, "why"),
        ("MAX_COST_EXCEEDED", Rejected, "why"),
        ("", Rejected, "why"),
    ],
)
async def test_shopify_says_no_with_200_and_each_no_has_its_meaning(
    act: Acting, service: ShopifyService, code: str, meaning: type[Exception], says: str
) -> None:
    service.errors = {"errors": [{"message": "why", "extensions": {"code": code}}]}

    with pytest.raises(meaning, match=says) as caught:
        await act("get_order", order=FIRST)

    assert type(caught.value) is meaning


@pytest.mark.parametrize(
    ("cost", "seconds"),
    [
        ({"requestedQueryCost": 700, "throttleStatus": {"currentlyAvailable": 100, "restoreRate": 50.0}}, 12),
        ({"requestedQueryCost": 70, "throttleStatus": {"currentlyAvailable": 66, "restoreRate": 50}}, 1),
        ({}, 1),
    ],
)
async def test_a_throttled_query_waits_until_there_is_room_for_its_cost(
    act: Acting, service: ShopifyService, cost: dict[str, Any], seconds: float
) -> None:
    service.errors = {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": cost},
    }

    with pytest.raises(Unavailable, match="Throttled") as caught:
        await act("get_order", order=FIRST)

    assert (caught.value.retry_after_seconds, caught.value.cause) == (seconds, "429")


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("INVALID_LOCATION", Rejected),
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", Rejected),
        ("IDEMPOTENCY_CONCURRENT_REQUEST", Unavailable),
        ("SERVICE_UNAVAILABLE", Unavailable),
    ],
)
async def test_what_a_mutation_does_not_take_is_said_with_its_field(
    act: Acting, service: ShopifyService, code: str, meaning: type[Exception]
) -> None:
    service.user_errors = [{"code": code, "field": ["input", "changes", "0"], "message": "why"}]

    with pytest.raises(meaning, match=f"{code}: input.changes.0: why"):
        await act("adjust_inventory", inventory_item="1", location="1", delta=1)


@pytest.mark.parametrize(
    ("status", "meaning", "says"),
    [
        (401, ConnectionRejected, "does not know the token"),
        (402, ConnectionRejected, "frozen"),
        (403, ConnectionRejected, "scope"),
        (404, ConnectionRejected, "no such shop"),
        (406, Rejected, "406"),
        (423, Unavailable, "locked"),
        (429, Unavailable, "429"),
        (500, OutcomeUnknown, "500"),
        (503, Unavailable, "503"),
    ],
)
async def test_each_status_has_its_meaning(
    act: Acting, service: ShopifyService, status: int, meaning: type[Exception], says: str
) -> None:
    service.reply(status, json={"errors": "why"})

    with pytest.raises(meaning, match=says) as caught:
        await act("get_order", order=FIRST)

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)


async def test_an_answer_that_is_not_shopifys_is_an_unknown_outcome(
    act: Acting, service: ShopifyService
) -> None:
    for answer in ([1], {"ok": True}, {"data": {"tagsAdd": None}}):
        service.reply(200, json=answer)
        with pytest.raises(OutcomeUnknown):
            await act("add_tags", id=FIRST, tags=["x"])
    service.reply(200, json={"errors": "why"})
    with pytest.raises(Rejected, match="why"):
        await act("add_tags", id=FIRST, tags=["x"])
    service.handler = silence
    with pytest.raises(TimedOut):
        await act("add_tags", id=FIRST, tags=["x"], timeout_seconds=0.2)


async def test_locations_can_be_chosen(act: Acting, service: ShopifyService) -> None:
    assert await act.choose("adjust_inventory.location") == ([("gid://shopify/Location/1", "Warehouse")], "1")
    assert await act.choose("create_fulfillment.location", 'a"b', "1") == (
        [("gid://shopify/Location/2", "Store")],
        None,
    )
    assert service.requests[-1].json()["variables"]["query"] == 'name:"a\\"b"'


async def test_a_connection_says_which_shop_it_is(service: ShopifyService, make_call: MakeCall) -> None:
    good, wrong = connected(service), connected(service, "shpat_wrongsecret")

    assert await good.test(make_call(good)) == "connected to Acme (acme.myshopify.com)"
    with pytest.raises(ConnectionRejected, match="does not know the token") as caught:
        await wrong.test(make_call(wrong))
    assert "wrongsecret" not in str(caught.value) + repr(wrong)


async def test_an_app_gets_its_token_by_itself(service: ShopifyService, make_call: MakeCall) -> None:
    fields = {"shop": "acme", "client_id": "app1", "client_secret": SECRET, "api_url": service.url}
    app = ShopifyApp.model_validate(fields)

    tokens = await app.obtain(make_call().http, 1000.0)
    ready = app.with_tokens(tokens)

    assert tokens.expires_at == 1000 + 86_399
    assert await ready.test(make_call(ready)) == "connected to Acme (acme.myshopify.com)"
    assert {SECRET, APP_TOKEN} <= ready.secret_texts()
    assert SECRET not in repr(ready)
    assert APP_TOKEN not in repr(ready)
    wrong = ShopifyApp.model_validate(fields | {"client_secret": "shpss_wrong"})
    with pytest.raises(ConnectionRejected, match="invalid_client") as caught:
        await wrong.obtain(make_call().http, 0)
    assert "shpss_wrong" not in str(caught.value)
    with pytest.raises(ConnectionRejected, match="no token yet"):
        await app.test(make_call(app))
    service.reply(502, body="x")
    with pytest.raises(Unavailable):
        await app.obtain(make_call().http, 0)


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("acme", "acme.myshopify.com"),
        ("ACME.myshopify.com", "acme.myshopify.com"),
        ("https://acme.myshopify.com/admin", "acme.myshopify.com"),
        ("shop.example.com", None),
        ("acme.myshopify.com.evil.example", None),
        ("a@evil.example", None),
        ("", None),
    ],
)
def test_credentials_go_to_a_shop_of_shopifys_alone(given: str, host: str | None) -> None:
    fields = {"shop": given, "token": "x"}
    if host is None:
        with pytest.raises(ValidationError, match="such as acme"):
            ShopifyConnection.model_validate(fields)
    else:
        assert ShopifyConnection.model_validate(fields).bound_hosts() == [host]
        app = ShopifyApp.model_validate({"shop": given, "client_id": "a", "client_secret": "b"})
        assert app.bound_hosts() == [host]

"""Stripe's actions against a server with its shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.stripe import StripeConnection
from connectors.stripe.access import flat
from runner.connector import Call, ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.connectors.acting import Acting, silence
from tests.servers.stripe_service import KEY, StripeService, no

MakeCall = Callable[..., Call]


@pytest.fixture
async def service() -> AsyncIterator[StripeService]:
    async with StripeService() as one:
        yield one


def connected(service: StripeService, token: str = KEY, **more: Any) -> StripeConnection:
    return StripeConnection.model_validate({"token": token, "api_url": service.api_url, **more})


@pytest.fixture
def act(service: StripeService, make_call: MakeCall) -> Acting:
    return Acting("stripe", make_call, connected(service))


def test_nested_values_become_a_flat_form() -> None:
    values = {"a": None, "b": True, "c": [{"d": 1}, {"e": {"f": "x"}}], "g": ["h"], "i": ""}

    assert dict(flat(values)) == {"b": True, "c[0][d]": 1, "c[1][e][f]": "x", "g[0]": "h", "i": ""}


async def test_a_customer_is_made_once_for_all_attempts_of_a_step(
    act: Acting, service: StripeService
) -> None:
    given: dict[str, Any] = {"email": "ada@example.org", "name": "Ada", "metadata": {"shop": 7, "vip": True}}
    first = await act("create_customer", **given)
    again = await act("create_customer", **given)

    assert first == again == {"id": "cus_1", "email": "ada@example.org", "name": "Ada"}
    assert service.done == ["/customers"]
    assert service.keys == ["evt1.shop.step"] * 2
    assert service.objects["cus_1"]["metadata"] == {"shop": "7", "vip": "true"}
    with pytest.raises(Rejected, match="idempotency_error"):
        await act("create_customer", email="bob@example.org")


async def test_a_customer_is_changed(act: Acting, service: StripeService) -> None:
    service.make("cus", "customer", {"email": "a@example.org", "name": "A"})

    changed = await act("update_customer", customer="cus_1", name="B", metadata={"plan": None})

    assert changed == {"id": "cus_1", "email": "a@example.org", "name": "B"}
    assert service.objects["cus_1"]["metadata"] == {"plan": ""}


async def test_a_checkout_and_a_payment_link_are_made_of_prices_or_amounts(
    act: Acting, service: StripeService
) -> None:
    session = await act(
        "create_checkout_session",
        items=[{"name": "Order 1", "amount": 1250}, {"price": "price_1", "quantity": 2}],
        currency="EUR",
        customer_email="ada@example.org",
        reference="#1",
        success_url="https://shop.example.com/thanks",
    )

    assert session == {
        "id": "cs_test_1",
        "url": "https://checkout.stripe.com/c/1",
        "expires_at": 1_800_000_000,
    }
    form = parse_qs(service.requests[-1].body.decode())
    assert form["line_items[0][price_data][currency]"] == ["eur"]
    assert form["line_items[0][price_data][unit_amount]"] == ["1250"]
    assert form["line_items[1][quantity]"] == ["2"]
    service.first.clear()
    link = await act("create_payment_link", price="price_1", quantity=3, redirect_url="https://x.example")
    assert link == {"id": "plink_2", "url": "https://buy.stripe.com/test_1"}


async def test_an_invoice_is_made_finalized_and_sent_each_under_its_own_key(
    act: Acting, service: StripeService
) -> None:
    given: dict[str, Any] = {
        "customer": "cus_1",
        "currency": "eur",
        "days_until_due": 14,
        "items": [{"description": "Order 1", "amount": 1250}, {"price": "price_1", "quantity": 2}],
    }
    invoice = await act("create_invoice", **given)
    again = await act("create_invoice", **given)

    assert invoice == again
    assert invoice == {
        "id": "in_1",
        "number": "A-0001",
        "status": "open",
        "amount_due": 2250,
        "currency": "eur",
        "url": "https://invoice.stripe.com/i/1",
        "pdf": "https://pay.stripe.com/invoice/1/pdf",
    }
    assert service.objects["in_1"]["sent"] is True
    assert service.done == [
        "/invoices",
        "/invoices/in_1/add_lines",
        "/invoices/in_1/finalize",
        "/invoices/in_1/send",
    ]
    parts = ("invoice", "lines", "finalize", "send")
    assert service.keys == [f"evt1.shop.step.{part}" for part in parts] * 2


async def test_an_invoice_may_stay_a_draft(act: Acting, service: StripeService) -> None:
    invoice = await act(
        "create_invoice",
        customer="cus_1",
        currency="eur",
        items=[{"description": "x", "amount": -5}],
        send=False,
    )

    assert (invoice["status"], invoice["number"], invoice["amount_due"]) == ("draft", None, -5)


async def test_money_is_given_back_once(act: Acting, service: StripeService) -> None:
    refund: dict[str, Any] = {"payment": "pi_1", "amount": 500, "reason": "requested_by_customer"}

    assert await act("create_refund", **refund) == await act("create_refund", **refund)
    assert service.done == ["/refunds"]
    service.first.clear()
    all_of_it = await act("create_refund", payment="ch_1")
    assert all_of_it == {"id": "re_2", "status": "succeeded", "amount": 999, "currency": "eur"}
    assert service.requests[-1].body == b"charge=ch_1"


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("create_payment_link", {}, "give price, or items"),
        ("create_payment_link", {"items": [{"name": "x", "amount": 1}]}, "currency: needed"),
        ("create_payment_link", {"items": [{"name": "x"}]}, "give price, or name and amount"),
        ("create_payment_link", {"items": [{"price": "p", "name": "x", "amount": 1}]}, "give price, or name"),
        ("create_payment_link", {"price": "p", "metadata": {"x" * 41: 1}}, "at most 40 characters"),
        ("create_payment_link", {"price": "p", "metadata": {"a[b]": 1}}, "no square brackets"),
        ("create_payment_link", {"price": "p", "metadata": {"a": "x" * 501}}, "at most 500"),
        (
            "create_payment_link",
            {"price": "p", "metadata": dict.fromkeys(map(str, range(51)), 1)},
            "at most 50",
        ),
        ("create_invoice", {"customer": "c", "currency": "euro", "items": []}, "currency"),
        (
            "create_invoice",
            {"customer": "c", "currency": "eur", "items": [{"amount": 5}]},
            "needs a description",
        ),
        ("create_invoice", {"customer": "c", "currency": "eur", "items": [{}]}, "give price, or description"),
        ("create_refund", {"payment": "re_1"}, "pattern"),
        ("create_refund", {"payment": "pi_1", "amount": 0}, "greater than or equal to 1"),
        ("search", {"object": "customer"}, "give where or query"),
        ("get_object", {"object": "balance", "id": "x"}, "object"),
        (
            "create_checkout_session",
            {"price": "p", "success_url": "x", "customer": "c", "customer_email": "e"},
            "not both",
        ),
    ],
)
async def test_inputs_that_cannot_be_are_refused(
    act: Acting, service: StripeService, name: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await act(name, **inputs)

    assert service.requests == []


async def test_an_object_is_read_at_its_own_place(act: Acting, service: StripeService) -> None:
    service.make("cs_test", "checkout.session", {})

    read = await act("get_object", object="checkout_session", id="cs_test_1", expand=["customer"])

    assert service.requests[-1].path == "/v1/checkout/sessions/cs_test_1"
    assert read["object"]["expanded"] == ["customer"]
    with pytest.raises(Rejected, match="resource_missing"):
        await act("get_object", object="customer", id="cus_1/../../account")
    assert service.requests[-1].request.raw_path == "/v1/customers/cus_1%2F..%2F..%2Faccount"


async def test_a_search_quotes_its_values_and_reads_all_pages(act: Acting, service: StripeService) -> None:
    for _ in range(150):
        service.make("cus", "customer", {})

    found = await act(
        "search",
        object="customer",
        where={"email": 'a" OR name:"b\\', "metadata.order no": 7, "phone": None},
        limit=120,
    )

    assert (len(found["results"]), found["more"]) == (120, True)
    queries = [one.query for one in service.requests]
    assert queries[0]["query"] == 'email:"a\\" OR name:\\"b\\\\" AND metadata["order no"]:"7" AND phone:null'
    assert [(one["limit"], one.get("page")) for one in queries] == [("100", None), ("20", "100")]
    every = await act("search", object="customer", query="created>0", limit=1000)
    assert (len(every["results"]), every["more"]) == (150, False)


@pytest.mark.parametrize(
    ("status", "kind", "code", "meaning", "says"),
    [
        (400, "invalid_request_error", "parameter_missing", Rejected, "parameter_missing: why"),
        (401, "invalid_request_error", None, ConnectionRejected, "copy the key"),
        (402, "card_error", "card_declined", Rejected, "card_declined"),
        (403, "invalid_request_error", None, ConnectionRejected, "permission"),
        (404, "invalid_request_error", "resource_missing", Rejected, "resource_missing"),
        (409, "idempotency_error", "idempotency_key_in_use", Unavailable, "idempotency_key_in_use"),
        (424, "api_error", None, OutcomeUnknown, "424"),
        (429, "invalid_request_error", "rate_limit", Unavailable, "rate_limit"),
        (429, "invalid_request_error", "lock_timeout", Unavailable, "lock_timeout"),
        (500, "api_error", None, OutcomeUnknown, "500"),
        (503, "api_error", None, OutcomeUnknown, "503"),
    ],
)
async def test_each_refusal_has_its_meaning(
    act: Acting,
    service: StripeService,
    status: int,
    kind: str,
    code: str | None,
    meaning: type[Exception],
    says: str,
) -> None:
    async def refuse(_received: Any) -> Any:
        return no(status, kind, code, "why")

    service.handler = refuse
    with pytest.raises(meaning, match=says) as caught:
        await act("create_customer", email="a@example.org")

    assert type(caught.value) is meaning
    assert KEY not in str(caught.value)


async def test_what_is_asked_to_wait_waits_and_what_is_no_answer_is_unknown(
    act: Acting, service: StripeService
) -> None:
    service.reply(429, json={}, headers={"Retry-After": "4"})
    with pytest.raises(Unavailable) as caught:
        await act("create_customer")
    assert (caught.value.retry_after_seconds, caught.value.cause) == (4, "429")

    service.reply(200, json=[1])
    service.reply(200, json={})
    service.reply(502, body="<html>")
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            await act("create_customer")
    service.handler = silence
    with pytest.raises(TimedOut):
        await act("create_customer", timeout_seconds=0.2)


async def test_prices_and_customers_can_be_chosen(act: Acting, service: StripeService) -> None:
    service.make("cus", "customer", {"email": "ada@example.org", "name": None})

    assert await act.choose("create_payment_link.price") == ([("price_1", "Shirt")], "price_1")
    assert await act.choose("create_checkout_session.price", "tea", "price_1") == (
        [("price_2", "Tea · Monthly")],
        None,
    )
    assert await act.choose("create_invoice.customer", "ADA") == ([("cus_1", "ada@example.org")], None)
    assert await act.choose("create_invoice.customer", "bob") == ([], None)


async def test_a_connection_says_whose_key_it_is(service: StripeService, make_call: MakeCall) -> None:
    good, reader = connected(service), connected(service, "rk_test_reader")
    wrong = connected(service, "sk_live_wrongsecretkey")

    assert await good.test(make_call(good)) == "connected to Acme (test mode)"
    assert await reader.test(make_call(reader)) == (
        "Stripe knows the restricted key (test mode); it may not see the account's name"
    )
    with pytest.raises(ConnectionRejected, match="Invalid API Key") as caught:
        await wrong.test(make_call(wrong))
    assert "wrongsecretkey" not in str(caught.value) + repr(wrong)
    assert StripeConnection.model_validate({"token": "x"}).bound_hosts() == ["api.stripe.com"]


async def test_a_connected_account_is_named(service: StripeService, make_call: MakeCall) -> None:
    act = Acting("stripe", make_call, connected(service, account="acct_9"))

    await act("create_customer")

    assert service.requests[0].headers["stripe-account"] == "acct_9"

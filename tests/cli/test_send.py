"""`hookline events send`: bundled samples through the door of a running server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.cli.home import Home
from tests.cli.test_serve import end, ready

VERIFIED = """\
name: {slug}
trigger:
  webhook:
    verify: {verify}
steps:
  - transform: payload
"""
SECRETS = {
    "HOOKLINE_SECRET_SHOP": "the shop's secret",
    "HOOKLINE_SECRET_ORDERS": "the orders' secret",
    "HOOKLINE_SECRET_PHONE": "the phone's secret",
}
FLOWS = {
    "shop": "{provider: shopify, secret: SHOP}",
    "phone": "{provider: twilio, secret: PHONE}",
    "orders": "{hmac: {header: X-Signature, secret: ORDERS}}",
    "unset": "{provider: shopify, secret: NOBODY_SET_IT}",
    "mail": "{provider: sendgrid, public_key: MFkw}",
}


@pytest.fixture
def house(home: Home) -> Home:
    for slug, verify in FLOWS.items():
        home.workflow(slug, VERIFIED.format(slug=slug, verify=verify))
    home.workflow("open", "name: Open\ntrigger:\n  webhook: {}\nsteps:\n  - transform: payload\n")
    return home


@pytest.fixture
async def address(house: Home) -> AsyncIterator[str]:
    """Where a server of the house answers; services know it by another name."""
    server = await house.start("serve", "--port", "0", **SECRETS)
    where, _said = await ready(server)
    yield where
    assert (await end(server))[0] == 0


async def sent(house: Home, *words: str, **environment: str) -> tuple[int | None, Any, str]:
    """Run `events send … --json`; exit status, what was sent, and stderr."""
    given = {**SECRETS, **environment}
    status, out, err = await house.process("events", "send", *words, "--json", **given)
    return status, json.loads(out)["items"] if out else None, err


async def shown(house: Home, event_id: str) -> Any:
    _status, out, _err = await house.process("events", "show", event_id, "--json")
    return json.loads(out)


async def test_a_sample_goes_through_the_door_signed(house: Home, address: str) -> None:
    status, found, err = await sent(house, "shop", "--sample", "orders/create")
    assert (status, err) == (0, "")
    (one,) = found
    assert (one["status"], one["provider"], one["type"]) == (200, "shopify", "orders/create")
    event = await shown(house, one["event"])
    assert (event["disposition"], event["type"]) == ("accepted", "orders/create")
    assert event["delivery_id"]
    assert event["payload"]["name"] == "#1001"
    (gate,) = [gate for gate in event["gates"] if gate["name"] == "signature"]
    assert gate["reason"] == "proved by X-Shopify-Hmac-Sha256"


async def test_many_samples_are_many_deliveries(house: Home, address: str) -> None:
    status, found, _err = await sent(house, "shop", "--sample", "products/update", "--count", "3")
    assert status == 0
    assert [json.loads(one["answer"])["status"] for one in found] == ["accepted"] * 3
    assert len({one["event"] for one in found}) == 3


async def test_the_public_address_is_signed_and_the_listening_one_is_called(house: Home) -> None:
    server = await house.start(
        "serve", "--port", "0", HOOKLINE_PUBLIC_URL="https://hooks.example.com", **SECRETS
    )
    where, _said = await ready(server)
    public = {"HOOKLINE_PUBLIC_URL": "https://hooks.example.com"}
    words = ("phone", "--sample", "message.received", "--server-url")
    status, found, _err = await sent(house, *words, where, **public)
    assert (status, found[0]["status"]) == (0, 200)
    # Twilio's answer is its own and names no event
    assert found[0]["answer"] == "<Response/>"
    event = await shown(house, found[0]["event"])
    assert (event["workflow"], event["type"]) == ("phone", "message.received")
    # another address than the server's own is another signature
    public["HOOKLINE_PUBLIC_URL"] = "https://elsewhere.example.com"
    status, found, _err = await sent(house, *words, where, **public)
    assert (status, found[0]["status"]) == (1, 401)
    assert (await end(server))[0] == 0


async def test_a_generic_scheme_signs_anybodys_sample(house: Home, address: str) -> None:
    words = ("orders", "--sample", "push", "--provider", "github")
    status, found, _err = await sent(house, *words)
    assert (status, found[0]["status"]) == (0, 200)
    event = await shown(house, found[0]["event"])
    assert event["payload"]["ref"] == "refs/heads/main"


async def test_a_workflow_that_verifies_nobody_gets_it_unsigned(house: Home, address: str) -> None:
    status, out, _err = await house.process(
        "events", "send", "open", "--provider", "github", "--sample", "push"
    )
    assert status == 0
    first, second = out.splitlines()
    assert first.startswith('200 {"event":"')
    assert second.startswith("event ")
    assert second.removeprefix("event ") in first


async def test_what_the_server_refuses_fails(house: Home, address: str) -> None:
    words = ("shop", "--sample", "orders/create")
    status, found, _err = await sent(house, *words, HOOKLINE_SECRET_SHOP="another secret")
    assert (status, found[0]["status"]) == (1, 401)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (
            ("shop", "--sample", "orders/create"),
            1,
            "no server answers at http://127.0.0.1:1; start it with `hookline serve`",
        ),
        (("unset", "--sample", "orders/create"), 1, "set it with: hookline secrets set NOBODY_SET_IT"),
        (
            ("mail", "--sample", "bounce"),
            1,
            "hookline events send mail --sample bounce --print | hookline run mail --payload -",
        ),
        (("shop", "--sample", "order/create"), 2, 'did you mean "orders/create"?'),
        (("shop",), 2, "say which with --sample; of shopify there are: orders/create, products/update"),
        (("shop", "--sample", "push", "--provider", "github"), 2, "a sample of github would be refused"),
        (("orders", "--sample", "push"), 2, "say whose sample with --provider"),
        (("none", "--sample", "push"), 2, 'there is no workflow "none"'),
        (("--list", "githb"), 2, 'there are no samples of "githb"; did you mean "github"?'),
        ((), 2, "name the workflow, or use --list"),
    ],
)
def test_what_cannot_be_sent_is_said(house: Home, words: tuple[str, ...], status: int, said: str) -> None:
    environment: Any = {**SECRETS, "HOOKLINE_SERVER_PORT": "1"}
    result = house("events", "send", *words, **environment)
    assert (result.exit_code, result.stdout) == (status, "")
    assert said in result.stderr


def test_a_sample_can_be_printed_for_a_rehearsal(house: Home) -> None:
    result = house("events", "send", "mail", "--sample", "bounce", "--print")
    assert result.exit_code == 0
    assert json.loads(result.stdout)[0]["event"] == "bounce"
    assert "content-type: application/json" in result.stderr
    assert house("run", "mail", "--payload", "-", stdin=result.stdout).exit_code == 0
    told = json.loads(house("events", "send", "mail", "--sample", "bounce", "--print", "--json").stdout)
    assert json.loads(told["body"])[0]["event"] == "bounce"


def test_samples_are_listed(house: Home) -> None:
    told = json.loads(house("events", "send", "--list", "shopify", "--json").stdout)
    assert told["items"][0] == {"provider": "shopify", "type": "orders/create"}
    lines = house("events", "send", "--list").stdout.splitlines()
    assert ["github", "pull_request.opened"] in [line.split() for line in lines]

"""
Requests that start nothing: what is kept of them is enough to judge them again as their sender signed
them, at whatever address they came to. And Amazon's confirmation, which visits an address first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from runner.engine.examining import Examiner
from runner.engine.history import Wanted
from runner.engine.rechecking import Rechecker
from runner.inbound.request import Request
from runner.inbound.samples import sample, samples_of
from runner.outbound import Outbound
from runner.outbound.fetching import Keys
from runner.store.addresses import StoredAddresses
from runner.store.rechecking import StoredRechecks
from tests.engine.world import NothingToFetch, Outside, World, opened
from tests.inbound import signers
from tests.receiving.provider_senders import NOW, Published, sender
from tests.receiving.test_hooks import Client, Said
from tests.servers.http_sink import HttpSink

PUBLIC = "https://hooks.example.com"
STEPS = "steps:\n  - action: probe.note\n    with: {text: '{{ event.path }}'}\n"
KEPT_SECONDS = 86_400.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        world.now = NOW
        yield world


@pytest.fixture
def client(world: World) -> Client:
    return Client(world)


def request_to(path: str, provider: str) -> Request:
    """A usual event, signed; Twilio, Square and HubSpot sign the address, too."""
    taken = sample(provider, samples_of(provider)[0], now=NOW, entropy=path.encode())
    return sender(provider).sign(taken.to(f"{PUBLIC}{path}"), 0, NOW)


async def sent(client: Client, request: Request) -> Said:
    url = urlsplit(request.url)
    said = await client(
        url.path, request.body, headers=dict(request.headers), query=url.query,
        content_type=request.headers["content-type"],
    )  # fmt: skip
    assert said
    return said


async def rechecked(world: World, client: Client) -> dict[str, int]:
    """What became of all that was refused or held, as of today's secrets."""
    examiner = Examiner(lambda: client.secrets, NothingToFetch())
    rechecks = StoredRechecks(world.store, world.clock)
    done = await Rechecker(world.door, rechecks, world.library, examiner, PUBLIC).recheck("one")
    return {word: count for word, count in done.counts.items() if count}


async def reached(world: World) -> None:
    """Let the workflow `one` answer at a path, and at a token that it had before, too."""
    addresses = StoredAddresses(world.store)
    await addresses.open("one")
    await addresses.add_path("one", "/webhook/sms")
    await addresses.rotate("one", keep_until=NOW + KEPT_SECONDS)
    await world.library.reload()


PATHS = ["/hooks/one-1", "/hooks/one-1/", "/hooks/one-1/a%2Fb/c%20d", "/hooks/one-1//a", "/hooks/one-0",
         "/hooks/one-0/x", "/webhook/sms", "/hooks/one-1?from=shop&x=%41"]  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "path"),
    [*(("twilio", path) for path in PATHS), ("square", "/webhook/sms"), ("hubspot", "/hooks/one-1/a%2Fb")],
)
async def test_a_refused_request_is_judged_again_by_the_address_that_was_signed(
    world: World, client: Client, path: str, provider: str
) -> None:
    await world.workflow("one", f"trigger: {{webhook: {{verify: {sender(provider).verify}}}}}\n{STEPS}")
    await reached(world)
    request = request_to(path, provider)
    assert (await sent(client, request)).status == 401
    assert await rechecked(world, client) == {"rejected": 1}
    client.secrets |= sender(provider).secrets
    assert await rechecked(world, client) == {"accepted": 1}
    assert await rechecked(world, client) == {}
    await sent(client, request)
    found = (await world.history.events(Wanted(workflow="one"))).items
    assert [one["disposition"] for one in found] == ["duplicate", "accepted"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_workflow_without_a_good_version_holds_at_each_of_its_addresses(
    world: World, client: Client, path: str
) -> None:
    file = world.folder / "workflows" / "one.yaml"
    file.write_text("name: [\n")
    await world.library.reload()
    await reached(world)
    client.secrets |= sender("twilio").secrets
    said = await sent(client, request_to(path, "twilio"))
    assert (said.status, said.json()["status"]) == (200, "held")
    assert (await sent(client, request_to("/hooks/one-2", "twilio"))).status == 404
    assert (await sent(client, request_to("/webhook/sms/x", "twilio"))).body == b"pages"
    await world.workflow("one", f"trigger: {{webhook: {{verify: {sender('twilio').verify}}}}}\n{STEPS}")
    assert await rechecked(world, client) == {"accepted": 1}


@pytest.mark.parametrize(
    ("webhook", "word"),
    [
        ("{allow_ips: [203.0.113.0/24]}", "192.0.2.7"),
        ("{client_certificate: {san: shop.example.com}}", "certificate"),
        ("{methods: [PUT]}", "PUT"),
        ("{verify: {provider: github, secret: NONE}}", "secret"),
        ("{allow_ips: [192.0.2.0/24]}", ""),
        ("{}", ""),
    ],
)
async def test_what_was_held_unjudged_is_asked_everything_once_there_is_a_version(
    world: World, client: Client, webhook: str, word: str
) -> None:
    (world.folder / "workflows" / "one.yaml").write_text("name: [\n")
    await world.library.reload()
    assert (await sent(client, request_to("/hooks/one-0", "github"))).json()["status"] == "held"
    await world.workflow("one", f"trigger: {{webhook: {webhook}}}\n{STEPS}")
    examiner = Examiner(lambda: client.secrets, NothingToFetch())
    rechecks = StoredRechecks(world.store, world.clock)
    done = await Rechecker(world.door, rechecks, world.library, examiner, PUBLIC).recheck("one")
    assert done.counts["accepted"] == (not word)
    assert word in "".join(done.reasons)


async def test_what_a_proxy_sent_on_unasked_is_in_doubt_also_when_it_was_held(
    world: World, client: Client
) -> None:
    """Its address is the proxy's, which may well be allowed."""
    (world.folder / "workflows" / "one.yaml").write_text("name: [\n")
    await world.library.reload()
    request = request_to("/hooks/one-0", "github")
    forwarded = replace(request, headers={**request.headers, "x-forwarded-for": "203.0.113.7"})
    assert (await sent(client, forwarded)).json()["status"] == "held"
    await world.workflow("one", f"trigger: {{webhook: {{allow_ips: [192.0.2.0/24]}}}}\n{STEPS}")
    assert "accepted" not in await rechecked(world, client)


async def test_what_could_not_be_split_is_judged_again_by_the_address_that_was_signed(
    world: World, client: Client
) -> None:
    verify = sender("twilio").verify
    await world.workflow("one", f"trigger: {{webhook: {{verify: {verify}, split: payload.Body}}}}\n{STEPS}")
    await reached(world)
    client.secrets |= sender("twilio").secrets
    said = await sent(client, request_to("/webhook/sms", "twilio"))
    assert said.status == 422
    assert "split" in said.json()["detail"]
    await world.workflow("one", f"trigger: {{webhook: {{verify: {verify}}}}}\n{STEPS}")
    assert await rechecked(world, client) == {"accepted": 1}


class Loopback(Published):
    """Amazon's addresses, whose confirmations a server on loopback takes."""

    def __init__(self, server: HttpSink, keys: Keys) -> None:
        super().__init__()
        self._server = server
        self._keys = keys

    async def visit(self, url: str) -> None:
        asked = urlsplit(url)
        assert asked.netloc == "sns.us-east-1.amazonaws.com"
        await self._keys.visit(f"{self._server.url}{asked.path}?{asked.query}")


@pytest.fixture
async def amazon(client: Client) -> AsyncIterator[HttpSink]:
    outbound = Outbound(allow=["127.0.0.0/8"])
    keys = Keys(outbound)
    async with HttpSink() as server:
        client.app._examiner = Examiner(dict, Loopback(server, keys))
        yield server
    await keys.close()
    await outbound.close()


def confirmation(**more: Any) -> Request:
    """A SubscriptionConfirmation of Amazon's, signed."""
    url = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-first.pem"
    return signers.sns("SubscriptionConfirmation", key="first", SigningCertURL=url, **more)


TRUSTED = signers.certificate("sns.amazonaws.com", signers.rsa("first"))


def sns(options: str) -> str:
    pinned = signers.pem(TRUSTED).decode().replace("\n", "\\n")
    verify = f'{{provider: aws-sns, certificate: "{pinned}", {options}}}'
    return f"trigger: {{webhook: {{verify: {verify}}}}}\n{STEPS}"


async def test_amazon_s_subscription_is_confirmed_by_visiting_its_address(
    world: World, client: Client, amazon: HttpSink
) -> None:
    await world.workflow("one", sns(f"confirm: true, topics: [{signers.TOPIC}]"))
    request = confirmation()
    said = await client("/hooks/one-0", request.body, headers=dict(request.headers))
    assert said
    assert said.status == 200
    (asked,) = amazon.requests
    assert (asked.method, asked.query["Action"]) == ("GET", "ConfirmSubscription")
    assert (asked.query["Token"], asked.query["TopicArn"]) == ("2336412f37f", signers.TOPIC)
    assert (await world.history.events(Wanted())).items == []


async def test_a_confirmation_that_fails_is_503_and_kept(
    world: World, client: Client, amazon: HttpSink
) -> None:
    await world.workflow("one", sns("confirm: true"))
    amazon.reply(500)
    request = confirmation()
    said = await client("/hooks/one-0", request.body, headers=dict(request.headers))
    assert said
    assert (said.status, said.headers["retry-after"]) == (503, "5")
    (kept,) = (await world.history.events(Wanted())).items
    assert (kept["disposition"], kept["runs"]) == ("rejected", [])
    assert "was not confirmed" in kept["reason"]
    assert "500" in kept["reason"]


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ("confirm: false", {}),
        ("confirm: true", {"SubscribeURL": "https://evil.example.com/?Action=ConfirmSubscription"}),
        (
            "confirm: true",
            {"SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"},
        ),
    ],
    ids=["not asked for", "another host", "another region"],
)
async def test_another_address_is_never_visited_and_the_message_is_an_event(
    world: World, client: Client, amazon: HttpSink, options: str, more: dict[str, str]
) -> None:
    await world.workflow("one", sns(options))
    request = confirmation(**more)
    said = await client("/hooks/one-0", request.body, headers=dict(request.headers))
    assert said
    assert said.json()["status"] == "accepted"
    (event,) = (await world.history.events(Wanted())).items
    assert event["type"] == "SubscriptionConfirmation"
    assert amazon.requests == []

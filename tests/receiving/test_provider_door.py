"""
Every provider through the way in: what is rightly signed is accepted once, with its type and its
delivery id; anything else is refused and kept with the reason; the provider hears what it demands.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from runner.engine.examining import Examiner
from runner.engine.history import Wanted
from runner.inbound.request import Request
from runner.inbound.samples import sample, samples_of
from tests.engine.world import Outside, World, opened
from tests.receiving.documented import DOCUMENTED, Sent
from tests.receiving.provider_senders import (
    LONG_AGO,
    NOW,
    SENDERS,
    Published,
    Sender,
    sender,
    slug_of,
)
from tests.receiving.test_hooks import Client, Said

pytestmark = pytest.mark.asyncio(loop_scope="module")
PUBLIC = "https://hooks.example.com"
STEPS = "steps:\n  - transform: payload\n"
NO_DELIVERY_ID = {"dropbox"}
FETCHING = ("aws-sns", "google-pubsub", "paypal")  # nothing is set on the server: keys are fetched
# status, content type and body; all others get 200 and our JSON, which names the event
DEMANDED = {
    "adyen": (200, "text/plain; charset=utf-8", b"[accepted]"),
    "gitlab": (200, None, b""),
    "twilio": (200, "text/xml; charset=utf-8", b"<Response/>"),
    "wechat": (200, "text/plain; charset=utf-8", b"success"),
}
number = itertools.count()


@dataclass
class House:
    """A server with a workflow for each sender."""

    world: World
    client: Client
    published: Published

    async def events(self, slug: str, **wanted: Any) -> list[Any]:
        """The kept events of a workflow, newest first."""
        return list((await self.world.history.events(Wanted(workflow=slug, **wanted))).items)

    async def send(self, request: Request) -> Said:
        """Send a request as it is to the path of its URL."""
        url = urlsplit(request.url)
        said = await self.client(
            url.path,
            request.body,
            method=request.method,
            content_type=request.header("content-type"),
            headers=dict(request.headers),
            query=url.query,
        )
        assert said
        return said


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with opened(tmp_path_factory.mktemp("world"), Outside()) as world:
        world.now = NOW
        client, published = Client(world), Published()
        client.app._examiner = Examiner(lambda: client.secrets, published)
        for name in SENDERS:
            one = sender(name)
            client.secrets |= one.secrets
            for slug, verify in ((slug_of(name), one.verify), (f"{slug_of(name)}-rotating", one.rotating)):
                if verify:
                    await world.workflow(slug, f"trigger: {{webhook: {{verify: {verify}}}}}\n{STEPS}")
        yield House(world, client, published)


def made(name: str, slug: str = "") -> Request:
    """A new event of the provider's, not signed."""
    provider = sender(name).provider
    taken = sample(provider, samples_of(provider)[0], now=NOW, entropy=b"%d" % next(number))
    return taken.to(f"{PUBLIC}/hooks/{slug or slug_of(name)}-0")


def signed(name: str, *, key: int = 0, at: float = NOW, slug: str = "") -> Request:
    """A new event, rightly signed."""
    return sender(name).sign(made(name, slug), key, at)


async def refused(house: House, name: str, request: Request, *, status: int = 401) -> Any:
    """Send what must be refused; the event that is kept of it."""
    slug = slug_of(name)
    before = len(await house.events(slug, limit=200))
    said = await house.send(request)
    assert said.status == status, said.body
    assert said.headers["content-type"] == "application/problem+json"
    kept, *others = await house.events(slug, limit=200)
    assert (len(others), kept["disposition"], kept["runs"]) == (before, "rejected", [])
    assert len(kept["reason"]) > len("a sentence")
    assert (kept["id"] in said.json()["detail"]) == (status == 401)
    for secret in house.client.secrets.values():
        assert secret not in kept["reason"]
        assert secret.encode() not in said.body
    return await house.world.history.event(kept["id"])


def told(name: str, request: Request) -> tuple[str | None, str | None]:
    """The type and the delivery id where the provider's page says that they stand."""
    kind, delivery = DOCUMENTED[sender(name).provider]
    return kind(Sent(request)), delivery(Sent(request))


@pytest.mark.parametrize("name", SENDERS)
async def test_what_is_rightly_signed_is_accepted_with_its_type_and_delivery_id(
    house: House, name: str
) -> None:
    request = signed(name)
    said = await house.send(request)
    event = await house.world.history.event((await house.events(slug_of(name), limit=1))[0]["id"])
    assert (event["disposition"], len(event["runs"])) == ("accepted", 1)
    assert (event["type"], event["delivery_id"]) == told(name, request)
    assert (event["delivery_id"] is None) == (name in NO_DELIVERY_ID)
    (gate,) = (gate for gate in event["gates"] if gate["name"] == "signature")
    assert gate["verdict"] == "passed"
    assert "proved by" in gate["reason"]
    ours = (200, "application/json", f'{{"event":"{event["id"]}","status":"accepted"}}'.encode())
    wanted = DEMANDED.get(sender(name).provider, ours)
    assert (said.status, said.headers.get("content-type"), said.body) == wanted


@pytest.mark.parametrize("name", [name for name in SENDERS if sender(name).covered])
async def test_one_flipped_bit_of_what_is_signed_is_401(house: House, name: str) -> None:
    change = sender(name).covered
    assert change
    event = await refused(house, name, change(signed(name)))
    assert event["gates"][-1]["name"] == "signature"


@pytest.mark.parametrize("name", SENDERS)
async def test_one_flipped_bit_of_the_signature_is_401(house: House, name: str) -> None:
    event = await refused(house, name, sender(name).signature(signed(name)))
    assert event["gates"][-1]["facts"]["code"] in ("mismatch", "malformed")


@pytest.mark.parametrize("name", [name for name in SENDERS if sender(name).is_timed])
async def test_an_old_timestamp_is_401(house: House, name: str) -> None:
    event = await refused(house, name, signed(name, at=LONG_AGO))
    assert event["gates"][-1]["facts"]["code"] == "stale"


@pytest.mark.parametrize("name", SENDERS)
async def test_a_request_without_a_signature_is_401(house: House, name: str) -> None:
    request = made(name)
    event = await refused(house, name, request)
    assert event["gates"][-1]["facts"]["code"] in ("missing", "malformed", "unsupported", "mismatch")


@pytest.mark.parametrize("name", SENDERS)
async def test_the_second_key_of_a_rotation_is_accepted(house: House, name: str) -> None:
    slug = f"{slug_of(name)}-rotating" if sender(name).rotating else slug_of(name)
    for key in (0, 1):
        await house.send(signed(name, key=key, slug=slug))
        assert (await house.events(slug, limit=1))[0]["disposition"] == "accepted"


@pytest.mark.parametrize("name", SENDERS)
async def test_the_same_delivery_again_is_a_duplicate(house: House, name: str) -> None:
    first = signed(name)
    await house.send(first)
    # a provider that tries again signs again where it signs the time
    said = await house.send(again(sender(name), first))
    second, one, *_ = await house.events(slug_of(name), limit=2)
    if name in NO_DELIVERY_ID:
        assert (one["disposition"], second["disposition"]) == ("accepted", "accepted")
        return
    assert (one["disposition"], second["disposition"]) == ("accepted", "duplicate")
    assert second["runs"] == []
    assert one["id"] in second["reason"]
    if sender(name).provider not in DEMANDED:
        assert said.json() == {"event": one["id"], "status": "duplicate"}


def again(one: Sender, request: Request) -> Request:
    """The same delivery, tried some seconds later."""
    return one.sign(request, 0, NOW + 4) if one.is_timed else request


@pytest.mark.parametrize("name", [name for name in SENDERS if name not in NO_DELIVERY_ID])
async def test_of_two_at_once_one_is_accepted(house: House, name: str) -> None:
    request = signed(name)
    await asyncio.gather(house.send(request), house.send(request))
    found = await house.events(slug_of(name), limit=2)
    assert {one["disposition"] for one in found} == {"accepted", "duplicate"}
    assert found[0]["delivery_id"] == found[1]["delivery_id"] == told(name, request)[1]


@pytest.mark.parametrize("name", [name for name in SENDERS if name not in FETCHING])
async def test_without_its_secret_everything_is_401(house: House, name: str) -> None:
    request = signed(name)
    secrets, house.client.secrets = house.client.secrets, {}
    try:
        event = await refused(house, name, request)
    finally:
        house.client.secrets = secrets
    assert event["gates"][-1]["facts"]["code"] == "no_secret"
    assert "hookline secrets set" in event["gates"][-1]["reason"]


@pytest.mark.parametrize("name", FETCHING)
async def test_while_the_keys_cannot_be_fetched_everything_is_503(house: House, name: str) -> None:
    house.published.is_down = True
    try:
        event = await refused(house, name, signed(name), status=503)
    finally:
        house.published.is_down = False
    assert event["gates"][-1]["facts"]["code"] == "unavailable"
    await house.send(signed(name))
    assert (await house.events(name, limit=1))[0]["disposition"] == "accepted"


OTHER_ANSWERS = [
    ("slack", "slash_command", 200, None, b""),
    ("slack", "block_actions", 200, None, b""),
    ("twilio", "call.ringing", 200, "text/xml; charset=utf-8", b"<Response/>"),
]


@pytest.mark.parametrize(("name", "kind", "status", "content_type", "body"), OTHER_ANSWERS)
async def test_other_events_are_answered_as_demanded_too(
    house: House, name: str, kind: str, status: int, content_type: str | None, body: bytes
) -> None:
    taken = sample(name, kind, now=NOW, entropy=b"%d" % next(number)).to(f"{PUBLIC}/hooks/{name}-0")
    for _ in ("accepted", "duplicate"):
        said = await house.send(sender(name).sign(taken, 0, NOW))
        assert (said.status, said.headers.get("content-type"), said.body) == (status, content_type, body)
    assert [one["disposition"] for one in await house.events(name, limit=2)] == ["duplicate", "accepted"]


async def test_a_webhook_event_of_discord_is_answered_with_204_and_nothing(house: House) -> None:
    body = b'{"version":1,"application_id":"1","type":1,"event":{"type":"ENTITLEMENT_CREATE","data":{}}}'
    request = replace(made("discord"), body=body)
    said = await house.send(sender("discord").sign(request, 0, NOW))
    assert (said.status, said.body, said.headers["content-type"]) == (204, b"", "application/json")
    assert "content-length" not in said.headers  # RFC 9110, section 8.6
    assert (await house.events("discord", limit=1))[0]["type"] == "ENTITLEMENT_CREATE"

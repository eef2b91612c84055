"""Judge: a check gets what it asks for, at most so often, and what cannot be had is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from runner.engine.verifying import Fetcher, judge
from runner.errors import Unavailable
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.jwt import jwt_provider
from runner.inbound.providers.provider import Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Fetch, Passed, Refused
from runner.outbound import Outbound
from runner.outbound.fetching import Keys
from runner.values import dumps
from tests.inbound import signers
from tests.inbound.signers import NOW
from tests.servers.http_sink import HttpSink

CLAIMS = {"exp": NOW + 3600}


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with HttpSink() as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(clock: Clock) -> AsyncIterator[Keys]:
    outbound = Outbound(allow=["127.0.0.0/8"])
    one = Keys(outbound, clock=clock)
    yield one
    await one.close()
    await outbound.close()


def shown(kid: str, key: str = "sender") -> Request:
    token = signers.token(CLAIMS, signers.rsa(key), kid=kid)
    return signers.request(b"{}", {"Authorization": f"Bearer {token}"})


async def judged(request: Request, keys: Fetcher, sink: HttpSink) -> Passed | Refused:
    options = {"jwks": f"{sink.url}/keys"}
    return await judge(request, jwt_provider(options), Trust(options=options), now=NOW, fetch=keys)


def keys_of(*kids: str) -> dict[str, Any]:
    return {"keys": [signers.jwk(signers.rsa(), kid=one) for one in kids]}


async def test_keys_are_fetched_once(sink: HttpSink, keys: Keys) -> None:
    sink.reply(json=keys_of("a"))
    for _ in range(3):
        assert isinstance(await judged(shown("a"), keys, sink), Passed)
    verdict = await judged(shown("a", "stranger"), keys, sink)
    assert isinstance(verdict, Refused)
    assert verdict.code == "mismatch"
    assert len(sink.requests) == 1


async def test_a_new_key_is_found_and_an_unknown_one_asked_for_once_a_minute(
    sink: HttpSink, keys: Keys, clock: Clock
) -> None:
    sink.reply(json=keys_of("a"))
    assert isinstance(await judged(shown("a"), keys, sink), Passed)
    clock.now += 61
    sink.reply(json=keys_of("a", "b"), times=9)
    assert isinstance(await judged(shown("b"), keys, sink), Passed)
    assert len(sink.requests) == 2

    for _ in range(5):
        verdict = await judged(shown("forged"), keys, sink)
        assert isinstance(verdict, Refused)
        assert verdict.code == "mismatch"
    assert len(sink.requests) == 2
    clock.now += 61
    await judged(shown("forged"), keys, sink)
    assert len(sink.requests) == 3


async def test_what_cannot_be_fetched_is_unavailable(sink: HttpSink, keys: Keys) -> None:
    sink.reply(500)
    for _ in range(3):
        verdict = await judged(shown("a"), keys, sink)
        assert isinstance(verdict, Refused)
        assert (verdict.code, "500" in verdict.reason) == ("unavailable", True)
    assert len(sink.requests) == 1


@dataclass
class Shelf:
    """A `Fetcher` of what it was given; the addresses of PayPal and Amazon are theirs alone."""

    copies: dict[str, bytes]
    asked: list[str] = field(default_factory=list)
    pem: bytes = b""

    def roots(self) -> bytes:
        return self.pem

    async def fetch(self, what: Fetch) -> bytes:
        self.asked.append(what.url)
        if what.url not in self.copies:
            raise Unavailable("no connection")
        return self.copies[what.url]

    async def visit(self, url: str) -> None:
        self.asked.append(url)


async def test_a_certificate_is_fetched_and_its_chain_followed() -> None:
    root = signers.certificate("Root", signers.p256("root"), is_authority=True)
    name = "messageverificationcerts.paypal.com"
    leaf = signers.certificate(name, signers.rsa(), issuer=(root, signers.p256("root")))
    trust = Trust(options={"webhook_id": "1JE4291016473214C"})
    chain = signers.pem(leaf, root)
    stranger = signers.pem(signers.certificate("Root", signers.p256("stranger"), is_authority=True))
    for roots, is_passed in ((signers.pem(root), True), (stranger, False), (b"", True)):
        shelf = Shelf({signers.PAYPAL_CERTIFICATE_URL: chain}, pem=roots)
        verdict = await judge(signers.paypal(), PROVIDERS["paypal"], trust, now=NOW, fetch=shelf)
        assert isinstance(verdict, Passed) == is_passed
        assert shelf.asked == [signers.PAYPAL_CERTIFICATE_URL]

    verdict = await judge(signers.paypal(), PROVIDERS["paypal"], trust, now=NOW, fetch=Shelf({}))
    assert isinstance(verdict, Refused)
    assert verdict.code == "unavailable"


async def test_a_forged_address_is_never_fetched() -> None:
    shelf = Shelf({"https://evil.com/a.pem": signers.pem(signers.certificate("a", signers.rsa()))})
    request = signers.sns(SigningCertURL="https://evil.com/a.pem")
    verdict = await judge(request, PROVIDERS["aws-sns"], Trust(), now=NOW, fetch=shelf)
    assert isinstance(verdict, Refused)
    assert shelf.asked == []


async def test_what_needs_nothing_fetches_nothing(sink: HttpSink, keys: Keys) -> None:
    request = signers.request(dumps({}).encode(), {})
    verdict = await judge(request, PROVIDERS["discord"], Trust(), now=NOW, fetch=keys)
    assert isinstance(verdict, Refused)
    assert sink.requests == []

"""
The handshakes of providers, over HTTP at a real server: answered whatever the workflow's `methods`
are, as each provider's page demands it, and nothing runs.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from runner.inbound.request import Request
from tests.cli.home import Home
from tests.receiving.provider_senders import sender
from tests.servers.hookline_process import Running, serving

PUBLIC = "https://hooks.example.com"
FORM = "application/x-www-form-urlencoded"
TOPIC = "https://blog.example.com/feed.atom"
OPTIONS = {
    "meta-whatsapp": ", verify_token: META_VERIFY_TOKEN",
    "websub": f", topic: ['{TOPIC}']",
    "cloudevents": ", origins: [eventgrid.azure.net]",
}
VERIFY_TOKEN = "chosen by hand"
PLAIN = {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"}
# a token of Graph's with what has a meaning in HTML and in a query
GRAPH_TOKEN = "Validation: Testing client application <b>&amp; more+"


@dataclass(frozen=True)
class Handshake:
    """What a provider sends, and what it wants to hear; headers that are None must not be there."""

    provider: str
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_signed: bool = False
    status: int = 200
    says: bytes = b""
    has: Mapping[str, str | None] = field(default_factory=dict)


def zoom_says(token: str) -> bytes:
    secret = next(iter(sender("zoom").secrets.values()))
    digest = hmac.digest(secret.encode(), token.encode(), hashlib.sha256).hex()
    return json.dumps({"plainToken": token, "encryptedToken": digest}, separators=(",", ":")).encode()


JSON = {"content-type": "application/json"}
HUB = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}
CONSENT = {"webhook-request-origin": "eventgrid.azure.net"}
HANDSHAKES = {
    "Slack's url_verification": Handshake(
        "slack", headers=JSON, body=b'{"type":"url_verification","challenge":"3eZbrw1a","token":"x"}',
        is_signed=True, says=b"3eZbrw1a", has=PLAIN,
    ),
    "Slack's ssl_check": Handshake("slack", headers={"content-type": FORM}, body=b"ssl_check=1&token=x"),
    "Discord's PING": Handshake(
        "discord", headers=JSON, body=b'{"id":"1","type":1,"version":1}', is_signed=True, says=b'{"type":1}',
        has=JSON,
    ),
    "Discord's PING of webhook events": Handshake(
        "discord", headers=JSON, body=b'{"version":1,"application_id":"1","type":0}', is_signed=True,
        status=204, has={**JSON, "content-length": None, "transfer-encoding": None},
    ),
    "Zoom's url_validation": Handshake(
        "zoom", headers=JSON,
        body=b'{"payload":{"plainToken":"qgg8vlvZRS6"},"event_ts":1,"event":"endpoint.url_validation"}',
        is_signed=True, says=zoom_says("qgg8vlvZRS6"), has=JSON,
    ),
    "Meta's challenge": Handshake(
        "meta-whatsapp", "GET", {**HUB, "hub.verify_token": VERIFY_TOKEN}, says=b"1158201444", has=PLAIN
    ),
    "Meta's challenge with another token": Handshake(
        "meta-whatsapp", "GET", {**HUB, "hub.verify_token": "guessed"}, status=403
    ),
    "WebSub's subscription": Handshake(
        "websub", "GET", {**HUB, "hub.topic": TOPIC, "hub.lease_seconds": "86400"}, says=b"1158201444"
    ),
    "WebSub's subscription to another topic": Handshake(
        "websub", "GET", {**HUB, "hub.topic": f"{TOPIC}x"}, status=404
    ),
    "WebSub's end of what is wanted": Handshake(
        "websub", "GET", {**HUB, "hub.mode": "unsubscribe", "hub.topic": TOPIC}, status=404
    ),
    "Dropbox's challenge": Handshake("dropbox", "GET", {"challenge": "a <b>"}, says=b"a <b>", has=PLAIN),
    "Microsoft Graph's validationToken": Handshake(
        "microsoft-graph", query={"validationToken": GRAPH_TOKEN},
        says=b"Validation: Testing client application &lt;b&gt;&amp;amp; more+", has=PLAIN,
    ),
    "CloudEvents' OPTIONS": Handshake(
        "cloudevents", "OPTIONS", headers={**CONSENT, "webhook-request-rate": "120"},
        has={"webhook-allowed-origin": "eventgrid.azure.net", "webhook-allowed-rate": "*", "allow": "POST"},
    ),
    "CloudEvents' OPTIONS of another origin": Handshake(
        "cloudevents", "OPTIONS", headers={"webhook-request-origin": "evil.example.com"}, status=405,
        has={"webhook-allowed-origin": None, "webhook-allowed-rate": None, "allow": "POST"},
    ),
    "Event Grid's SubscriptionValidation": Handshake(
        "cloudevents", headers={**JSON, "aeg-event-type": "SubscriptionValidation"},
        body=b'[{"id":"1","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent",'
        b'"data":{"validationCode":"512d38b6"}}]',
        is_signed=True, says=b'{"validationResponse":"512d38b6"}', has=JSON,
    ),
    "WooCommerce's ping": Handshake("woocommerce", headers={"content-type": FORM}, body=b"webhook_id=7"),
    "Intercom's HEAD": Handshake("intercom", "HEAD"),
    "Intercom's ping": Handshake(
        "intercom", headers=JSON, body=b'{"type":"notification_event","topic":"ping"}', is_signed=True
    ),
    "WeChat's echostr": Handshake(
        "wechat", "GET", {"echostr": "5837397576500011341"}, is_signed=True, says=b"5837397576500011341"
    ),
}  # fmt: skip
PROVIDERS = sorted({one.provider for one in HANDSHAKES.values()})
METHODS = {"": "[POST]", "-put": "[PUT]"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    one = Home(tmp_path_factory.mktemp("home"))
    for provider in PROVIDERS:
        verify = sender(provider).verify.removesuffix("}") + OPTIONS.get(provider, "") + "}"
        for suffix, methods in METHODS.items():
            webhook = f"{{methods: {methods}, verify: {verify}}}"
            text = f"name: A\ntrigger: {{webhook: {webhook}}}\nsteps:\n  - transform: payload\n"
            one.workflow(f"{provider}{suffix}", text)
    assert one("check", "--json").exit_code == 0
    return one


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Running]:
    secrets = {"META_VERIFY_TOKEN": VERIFY_TOKEN}
    for provider in PROVIDERS:
        secrets |= sender(provider).secrets
    environment = {f"HOOKLINE_SECRET_{name}": value for name, value in secrets.items()}
    with serving(home, HOOKLINE_PUBLIC_URL=PUBLIC, **environment) as running:
        yield running


def request_of(one: Handshake, path: str) -> Request:
    """The request to a path of the public address, signed now where it is signed."""
    query = f"?{urlencode(one.query, quote_via=quote)}" if one.query else ""
    request = Request(one.method, f"{PUBLIC}{path}{query}", dict(one.headers), one.body)
    return sender(one.provider).sign(request, 0, time.time()) if one.is_signed else request


def events(home: Home, slug: str) -> list[Any]:
    """What is kept of a workflow, newest first."""
    items = json.loads(home("events", "list", "--workflow", slug, "--json").stdout)["items"]
    assert isinstance(items, list)
    return items


def ask(port: int, request: Request) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(
            request.method, request.url.removeprefix(PUBLIC), request.body or None, dict(request.headers)
        )
        answer = connection.getresponse()
        return (
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            answer.read(),
        )
    finally:
        connection.close()


@pytest.mark.parametrize("suffix", METHODS, ids=list(METHODS.values()))
@pytest.mark.parametrize("name", HANDSHAKES)
def test_a_handshake_is_answered_and_nothing_runs(
    server: Running, home: Home, name: str, suffix: str
) -> None:
    one = HANDSHAKES[name]
    status, headers, body = ask(server.port, request_of(one, server.paths[one.provider + suffix]))
    assert (status, body if one.says or status < 300 else b"") == (one.status, one.says), body
    assert {name: headers.get(name) for name in one.has} == dict(one.has)


@pytest.mark.parametrize("name", [name for name, one in HANDSHAKES.items() if one.status >= 400])
def test_one_that_is_refused_is_kept_with_the_reason(server: Running, home: Home, name: str) -> None:
    one = HANDSHAKES[name]
    ask(server.port, request_of(one, server.paths[one.provider]))
    kept, *_ = events(home, one.provider)
    assert (kept["disposition"], kept["method"]) == ("rejected", one.method)
    assert kept["reason"].startswith(("refused", "did not confirm"))
    recheck = json.loads(home("events", "recheck", one.provider, "--json").stdout)["items"][0]
    assert recheck["accepted"] == 0


@pytest.mark.parametrize("name", [name for name, one in HANDSHAKES.items() if one.is_signed])
def test_one_with_a_changed_signature_is_refused(server: Running, home: Home, name: str) -> None:
    one = HANDSHAKES[name]
    request = sender(one.provider).signature(request_of(one, server.paths[one.provider]))
    status, _headers, body = ask(server.port, request)
    assert status == (401 if one.method == "POST" else 405)
    assert not one.says or one.says not in body
    assert re.search("match|not this key's|cannot be decoded|is not", events(home, one.provider)[0]["reason"])


def test_no_handshake_has_started_anything(server: Running, home: Home) -> None:
    assert all(one["disposition"] == "rejected" for provider in PROVIDERS for one in events(home, provider))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_event_by_a_method_that_is_not_wanted_is_405_and_kept(
    server: Running, home: Home, provider: str
) -> None:
    slug = f"{provider}-put"
    request = Request("POST", f"{PUBLIC}{server.paths[slug]}", JSON, b'{"type":"an event"}')
    for each in (request, sender(provider).sign(request, 0, time.time())):
        status, headers, _body = ask(server.port, each)
        assert (status, headers["allow"]) == (405, "PUT")
    assert all(one["reason"].startswith("this address takes PUT") for one in events(home, slug)[:2])

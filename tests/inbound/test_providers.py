"""What providers send, ask and expect to hear: types and delivery ids, handshakes, answers."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from runner.inbound.bounds import Bounds
from runner.inbound.decode import decode
from runner.inbound.providers import PROVIDERS, provider_infos
from runner.inbound.providers.provider import Identity, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Passed, Refused, Reply
from runner.inbound.verify import shake_hands
from runner.values import Json
from tests.inbound.senders import FIXTURES, NOW, SYMMETRIC, URL, judged, signed

FORM = "application/x-www-form-urlencoded"
INDEX = FIXTURES / "payloads" / "index.json"
WITHOUT_ID = {"dropbox", "wechat", "twilio", "meta-whatsapp", "mailgun", "line", "slack", "zoom"}  # some


def payloads() -> list[dict[str, Any]]:
    rows = json.loads(INDEX.read_bytes()) if INDEX.exists() else []
    return [row for row in rows if row["provider"] in SYMMETRIC and row["provider"] != "adyen"]


def identified(name: str, request: Request) -> Identity:
    decoded = decode(
        request.body, content_type=request.header("content-type"), method=request.method, bounds=Bounds()
    )
    return PROVIDERS[name].identify(request, decoded.payload)


def request_of(body: bytes | Json, headers: dict[str, str] | None = None) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    return Request("POST", URL, {"content-type": "application/json", **lower}, raw)


@pytest.mark.parametrize("row", payloads(), ids=lambda row: row["file"])
def test_every_recorded_payload_has_a_type_and_where_it_can_an_id(row: dict[str, Any]) -> None:
    body = (FIXTURES / "payloads" / row["file"]).read_bytes()
    found = identified(
        row["provider"], request_of(body, {"content-type": row["content_type"], **row["headers"]})
    )
    assert found.type
    assert all(isinstance(one, str) and one for one in (found.type, *found.also))
    if row["provider"] not in WITHOUT_ID:
        assert found.delivery_id


IDENTITIES: list[tuple[str, Request, Identity]] = [
    (
        "github",
        request_of({"action": "opened"}, {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "72d"}),
        Identity("pull_request.opened", ("pull_request",), "72d"),
    ),
    ("github", request_of({}, {"X-GitHub-Event": "push"}), Identity("push")),
    (
        "github",
        request_of(
            b"payload=" + quote('{"action": "closed"}').encode(),
            {"Content-Type": FORM, "X-GitHub-Event": "issues"},
        ),
        Identity("issues.closed", ("issues",)),
    ),
    (
        "shopify",
        request_of(
            {},
            {"X-Shopify-Topic": "orders/create", "X-Shopify-Webhook-Id": "w", "X-Shopify-Event-Id": "e"},
        ),
        Identity("orders/create", (), "w"),
    ),
    (
        "shopify",
        request_of(
            {"topic": "Product", "action": "update"}, {"shopify-topic": "Product", "shopify-webhook-id": "w"}
        ),
        Identity("Product.update", ("Product",), "w"),
    ),
    ("stripe", request_of({"type": "invoice.paid", "id": "evt_1"}), Identity("invoice.paid", (), "evt_1")),
    (
        "slack",
        request_of(
            {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "subtype": "bot"}}
        ),
        Identity("message", ("message.bot", "event_callback"), "Ev1"),
    ),
    (
        "slack",
        request_of(b"command=%2Fdeploy&text=now&trigger_id=1.2", {"Content-Type": FORM}),
        Identity("slash_command", (), "1.2"),
    ),
    (
        "slack",
        request_of(
            b"payload=" + quote('{"type": "block_actions", "trigger_id": "3.4"}').encode(),
            {"Content-Type": FORM},
        ),
        Identity("block_actions", (), "3.4"),
    ),
    (
        "twilio",
        request_of(
            b"MessageSid=SM1&SmsStatus=received", {"Content-Type": FORM, "I-Twilio-Idempotency-Token": "t"}
        ),
        Identity("message.received", ("message",), "SM1:received"),
    ),
    (
        "twilio",
        request_of(
            b"CallSid=CA1&CallStatus=in-progress&Digits=1",
            {"Content-Type": FORM, "I-Twilio-Idempotency-Token": "t"},
        ),
        Identity("call.in-progress", ("call",), "t"),
    ),
    (
        "twilio",
        request_of(
            b"CallSid=CA1&CallStatus=ringing&SequenceNumber=2",
            {"Content-Type": FORM, "I-Twilio-Idempotency-Token": "t"},
        ),
        Identity("call.ringing", ("call",), "CA1:ringing:2"),
    ),
    (
        "twilio",
        request_of(b"MessageSid=SM1&MessageStatus=delivered", {"Content-Type": FORM}),
        Identity("message.delivered", ("message",), "SM1:delivered"),
    ),
    (
        "gitlab",
        request_of(
            {"object_kind": "merge_request", "object_attributes": {"action": "open"}},
            {"X-Gitlab-Event": "Merge Request Hook", "Idempotency-Key": "k", "X-Gitlab-Event-UUID": "u"},
        ),
        Identity("Merge Request Hook", ("merge_request.open", "merge_request"), "k"),
    ),
    (
        "linear",
        request_of({"action": "create", "type": "Issue"}, {"Linear-Event": "Issue", "Linear-Delivery": "d"}),
        Identity("Issue.create", ("Issue",), "d"),
    ),
    (
        "sentry",
        request_of({"action": "created"}, {"Sentry-Hook-Resource": "issue", "Request-ID": "r"}),
        Identity("issue.created", ("issue",), "r"),
    ),
    (
        "hubspot",
        request_of([{"subscriptionType": "contact.creation", "eventId": 5}]),
        Identity("contact.creation", (), "5"),
    ),
    (
        "hubspot",
        request_of(
            [
                {"subscriptionType": kind, "eventId": n}
                for n, kind in enumerate(["deal.creation", "deal.deletion"])
            ]
        ),
        Identity("deal.creation", ("deal.deletion",), None),
    ),
    (
        "meta-whatsapp",
        request_of(
            {
                "object": "whatsapp_business_account",
                "entry": [{"changes": [{"field": "messages", "value": {"messages": [{"id": "wamid.1"}]}}]}],
            }
        ),
        Identity("whatsapp_business_account.messages", ("messages",), "wamid.1"),
    ),
    (
        "meta-whatsapp",
        request_of(
            {
                "object": "whatsapp_business_account",
                "entry": [
                    {
                        "changes": [
                            {"field": "messages", "value": {"statuses": [{"id": "w", "status": "read"}]}}
                        ]
                    }
                ],
            }
        ),
        Identity("whatsapp_business_account.messages", ("messages",), "w:read"),
    ),
    (
        "telegram",
        request_of({"update_id": 10000, "callback_query": {}}),
        Identity("callback_query", (), "10000"),
    ),
    ("line", request_of({"destination": "U", "events": []}), Identity()),
    (
        "line",
        request_of({"events": [{"type": "message", "webhookEventId": "01"}]}),
        Identity("message", (), "01"),
    ),
    (
        "zendesk",
        request_of(
            {"type": "zen:event-type:ticket.created", "id": "c"}, {"X-Zendesk-Webhook-Invocation-Id": "i"}
        ),
        Identity("zen:event-type:ticket.created", ("ticket.created",), "c"),
    ),
    (
        "zoom",
        request_of({"event": "meeting.started", "event_ts": 16, "payload": {"object": {"uuid": "u=="}}}),
        Identity("meeting.started", (), "meeting.started:16:u=="),
    ),
    (
        "wechat",
        request_of(
            b"<xml><FromUserName>f</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType>"
            b"<Event>subscribe</Event></xml>",
            {"Content-Type": "text/xml"},
        ),
        Identity("event.subscribe", ("event",), "f:1:subscribe"),
    ),
    (
        "websub",
        request_of(
            b"<feed><entry><id>yt:1</id><updated>2026-01-15</updated></entry></feed>",
            {"Content-Type": "application/atom+xml"},
        ),
        Identity(None, (), "yt:1:2026-01-15"),
    ),
]


@pytest.mark.parametrize(("name", "request_", "expected"), IDENTITIES)
def test_type_and_delivery_id(name: str, request_: Request, expected: Identity) -> None:
    assert identified(name, request_) == expected


def test_a_token_of_mailgun_is_its_delivery_id_whatever_the_body_says() -> None:
    request = signed("mailgun")
    body = json.loads(request.body)
    replayed = replace(
        request, body=json.dumps({**body, "event-data": {"event": "failed", "id": "new"}}).encode()
    )
    assert isinstance(judged("mailgun", replayed), Passed)  # Mailgun does not sign it: the id has to stop it
    first, second = identified("mailgun", request), identified("mailgun", replayed)
    assert first.delivery_id == second.delivery_id == body["signature"]["token"]
    week = 7 * 86_400.0  # when the id is forgotten, the time is long past
    assert isinstance(judged("mailgun", replayed, now=NOW + week), Refused)


@pytest.mark.parametrize("kind", ["form", "multipart"])
def test_mailgun_signs_forms_too(kind: str) -> None:
    token, time = "5egbgr1vjgqxtrnp65xfznchgdccwh5d6i09vijqi3whgowmn6", str(int(NOW))
    digest = hmac.new(b"key", (time + token).encode(), "sha256").hexdigest()
    fields = {"timestamp": time, "token": token, "signature": digest, "event": "delivered"}
    if kind == "form":
        body, content_type = "&".join(f"{k}={v}" for k, v in fields.items()), FORM
    else:
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()
        ]
        body, content_type = "".join(parts) + "--b--\r\n", "multipart/form-data; boundary=b"
    request = request_of(body.encode(), {"Content-Type": content_type})
    assert isinstance(judged("mailgun", request, trust=Trust(("key",))), Passed)
    assert isinstance(judged("mailgun", request, trust=Trust(("other",))), Refused)
    assert identified("mailgun", request) == Identity("delivered", (), token)


# -- handshakes


def shaken(name: str, request: Request, trust: Trust = Trust(("s3cret",))) -> Reply | None:  # noqa: B008
    provider = PROVIDERS[name]
    reply = shake_hands(provider.unsigned, request, trust)
    if reply is None and isinstance(judged(name, request, trust=trust), Passed):
        reply = shake_hands(provider.signed, request, trust)
    return reply


def get(query: str) -> Request:
    return Request("GET", f"https://hooks.example.com/hooks/t?{query}", {}, b"")


def sign(name: str, body: Json, secret: str = "s3cret") -> Request:
    return PROVIDERS[name].schemes[0].sign(request_of(body), Trust((secret,)), now=NOW)


def is_plain(reply: Reply | None, body: bytes) -> bool:
    assert reply is not None
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.headers["x-content-type-options"] == "nosniff"
    return (reply.status, reply.body) == (200, body)


def test_slack_gets_its_challenge_back_if_it_signed() -> None:
    body = {"type": "url_verification", "challenge": "3eZbrw1a<b>", "token": "J"}
    assert is_plain(shaken("slack", sign("slack", body)), b"3eZbrw1a<b>")
    assert shaken("slack", sign("slack", body, "another")) is None
    assert shaken("slack", sign("slack", {"type": "event_callback", "text": "url_verification"})) is None


def test_slack_looks_whether_a_commands_address_answers() -> None:
    check = request_of(b"ssl_check=1&token=x", {"Content-Type": FORM})
    assert is_plain(shaken("slack", check), b"")
    command = request_of(b"command=%2Fx&text=ssl_check=1", {"Content-Type": FORM})
    assert shaken("slack", command) is None


def test_zoom_is_answered_with_the_secret_that_signed() -> None:
    body = {"event": "endpoint.url_validation", "payload": {"plainToken": "qgg8"}, "event_ts": 1}
    for secret in ("old", "new"):
        reply = shaken("zoom", sign("zoom", body, secret), Trust(("new", "old")))
        assert reply is not None
        token = hmac.new(secret.encode(), b"qgg8", "sha256").hexdigest()
        assert json.loads(reply.body) == {"plainToken": "qgg8", "encryptedToken": token}
    assert shaken("zoom", sign("zoom", body, "unknown"), Trust(("new", "old"))) is None


def test_meta_gets_its_challenge_back_for_the_verify_token_alone() -> None:
    query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    trust = Trust(("app secret",), {"verify_token": "méta"})
    assert is_plain(shaken("meta-whatsapp", get(query + "m%C3%A9ta"), trust), b"1158201444")
    for wrong, options in (
        ("other", trust.options),
        ("", trust.options),
        ("", {}),
        ("", {"verify_token": ""}),
    ):
        reply = shaken("meta-whatsapp", get(query + wrong), Trust(("app secret",), options))
        assert reply is not None
        assert (reply.status, reply.body) == (403, b"")
    assert shaken("meta-whatsapp", get("a=b"), trust) is None


def test_a_hub_gets_its_challenge_back_for_what_the_workflow_wants() -> None:
    topic, other = "https://example.com/feed", "https://example.com/other"
    for options in ({"topic": [topic]}, {"topic": topic}):
        trust = Trust(("s",), options)
        for mode, about, confirmed in (
            ("subscribe", topic, True),
            ("subscribe", other, False),
            ("unsubscribe", topic, False),
            ("unsubscribe", other, True),
            ("reset", topic, False),
        ):
            query = f"hub.mode={mode}&hub.topic={quote(about)}&hub.challenge=xyz&hub.lease_seconds=60"
            reply = shaken("websub", get(query), trust)
            assert reply is not None
            assert (reply.status == 200) is confirmed
            assert reply.body == (b"xyz" if confirmed else b"")
    denied = shaken("websub", get(f"hub.mode=denied&hub.topic={topic}&hub.reason=no"), Trust(("s",)))
    assert denied is not None
    assert "denied" in denied.about


def test_dropbox_gets_its_challenge_back_as_text() -> None:
    assert is_plain(shaken("dropbox", get("challenge=%3Cscript%3E")), b"<script>")
    assert shaken("dropbox", replace(get("challenge=x"), method="POST")) is None


def test_wechat_gets_its_echo_back_if_it_signed() -> None:
    digest = hashlib.sha1("".join(sorted(["test", str(int(NOW)), "n"])).encode()).hexdigest()
    request = get(f"signature={digest}&timestamp={int(NOW)}&nonce=n&echostr=hello")
    assert is_plain(shaken("wechat", request, Trust(("test",))), b"hello")
    assert shaken("wechat", request, Trust(("other",))) is None


def test_woocommerce_and_intercom_are_told_that_the_address_is_there() -> None:
    ping = request_of(b"webhook_id=12", {"Content-Type": FORM})
    assert is_plain(shaken("woocommerce", ping), b"")
    assert shaken("woocommerce", request_of(b"webhook_id=12&x=1", {"Content-Type": FORM})) is None
    assert is_plain(shaken("intercom", Request("HEAD", URL, {}, b"")), b"")
    assert is_plain(
        shaken("intercom", sign("intercom", {"type": "notification_event", "topic": "ping"})), b""
    )
    assert shaken("intercom", request_of({"topic": "ping"})) is None


# -- answers


def test_providers_hear_what_they_demand() -> None:
    form = request_of(b"a=b", {"Content-Type": FORM})
    for name, request, body, content_type in (
        ("gitlab", request_of({}), b"", ""),
        ("slack", form, b"", ""),
        ("twilio", form, b"<Response/>", "text/xml"),
        ("adyen", request_of({}), b"[accepted]", "text/plain"),
        ("wechat", request_of(b"<xml/>"), b"success", "text/plain"),
    ):
        thanks = PROVIDERS[name].thanks
        assert thanks is not None
        reply = thanks(request, {})
        assert reply is not None
        assert (reply.status, reply.body) == (200, body)
        assert reply.headers.get("content-type", "").startswith(content_type)
    for name in ("slack", "twilio"):
        thanks = PROVIDERS[name].thanks
        assert thanks is not None
        assert thanks(request_of({}), {}) is None


# -- the table


def test_every_row_says_where_it_comes_from_and_how_it_is_set_up() -> None:
    for name, provider in PROVIDERS.items():
        assert provider.name == name
        assert provider.title
        assert provider.page.startswith("https://")
        assert provider.schemes
        assert "{url}" in " ".join(provider.setup)
    infos = provider_infos()
    assert infos.keys() == PROVIDERS.keys()
    assert infos["meta-whatsapp"].options[0].name == "verify_token"
    assert infos["meta-whatsapp"].options[0].kind == "secret"

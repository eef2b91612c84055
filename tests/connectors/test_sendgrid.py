"""`sendgrid.send`, against the documented API on loopback."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.sendgrid import SendGridConnection, sendgrid
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.raw_peer import RawPeer, hang, unused_port
from tests.servers.sendgrid_api import KEY, VERIFIED, SendGridApi

MakeCall = Callable[..., Call]
TEMPLATE = "d-" + "1" * 32
TEXT: dict[str, Any] = {"to": "ada@example.com", "subject": "Hi", "text": "Hello"}


@pytest.fixture
async def api() -> AsyncIterator[SendGridApi]:
    async with SendGridApi() as one:
        yield one


def key(url: str, **fields: Any) -> SendGridConnection:
    given = {"api_key": KEY, "from": f"Shop <{VERIFIED}>", "api_url": url}
    return SendGridConnection.model_validate(given | fields)


async def send(make_call: MakeCall, way: SendGridConnection, *, seconds: float = 10, **inputs: Any) -> Any:
    action = sendgrid.actions["send"]
    return (await action.function(make_call(way, seconds), way, action.read_input(inputs))).model_dump()


async def test_a_mail_is_sent(api: SendGridApi, make_call: MakeCall) -> None:
    answer = await send(
        make_call, key(api.url), to=["Ada L. <ada@example.com>", "bob@example.com", None],
        cc="eve@example.com", bcc=["ADA@example.com"], reply_to="help@example.com", subject="Hi",
        text="Hello", html="<p>Hello</p>", categories=["orders"], custom_args={"order": "7"},
        unsubscribe_group=100,
    )  # fmt: skip

    assert answer == {"message_id": "msg-1"}
    assert api.sent == [
        {
            "personalizations": [
                {
                    "to": [{"email": "ada@example.com", "name": "Ada L."}, {"email": "bob@example.com"}],
                    "cc": [{"email": "eve@example.com"}],
                }
            ],
            "from": {"email": VERIFIED, "name": "Shop"},
            "reply_to": {"email": "help@example.com"},
            "subject": "Hi",
            "content": [
                {"type": "text/plain", "value": "Hello"},
                {"type": "text/html", "value": "<p>Hello</p>"},
            ],
            "categories": ["orders"],
            "custom_args": {"order": "7"},
            "asm": {"group_id": 100},
        }
    ]


async def test_a_template_gets_its_data_and_each_receiver_a_mail(
    api: SendGridApi, make_call: MakeCall
) -> None:
    to, data = ["ada@example.com", "bob@example.com"], {"name": "x", "lines": [1]}

    await send(make_call, key(api.url), to=to, template=TEMPLATE, data=data, separate=True)

    assert api.sent[0]["template_id"] == TEMPLATE
    assert api.sent[0]["personalizations"] == [
        {"to": [{"email": one}], "dynamic_template_data": data} for one in to
    ]


async def test_files_go_along(api: SendGridApi, make_call: MakeCall, files: Any) -> None:
    stored = await files.save(b"%PDF", filename="bill\n.pdf", content_type="application/pdf; name=x")
    made = {"filename": "a.png", "content_type": "image/png", "content": base64.b64encode(b"PNG").decode()}

    await send(make_call, key(api.url), **TEXT, attachments=[stored, made, "a note"])

    sent = [
        (one["filename"], one["type"], base64.b64decode(one["content"])) for one in api.sent[0]["attachments"]
    ]
    assert sent == [
        ("bill.pdf", "application/pdf", b"%PDF"),
        ("a.png", "image/png", b"PNG"),
        ("attachment-3.txt", "text/plain", b"a note"),
    ]
    with pytest.raises(Rejected, match="less than 30 MB"):
        await send(make_call, key(api.url), **TEXT, attachments=["x" * (24 * 1024 * 1024)])


async def test_a_mail_can_be_put_off_or_only_tried(api: SendGridApi, make_call: MakeCall) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)

    await send(make_call, key(api.url), **TEXT, send_at=soon.isoformat())
    tried = await send(make_call, key(api.url), **TEXT, sandbox=True)

    assert api.sent[0]["send_at"] == int(soon.timestamp())
    assert (tried, len(api.sent)) == ({"message_id": None}, 1)
    with pytest.raises(Rejected, match="at most 72 hours"):
        await send(make_call, key(api.url), **TEXT, send_at=(soon + timedelta(days=3)).isoformat())


@pytest.mark.parametrize(
    ("status", "field", "meaning", "says"),
    [
        (401, None, ConnectionRejected, "make a new one"),
        (403, None, ConnectionRejected, "give it the right to"),
        (403, "from", Rejected, "Sender Authentication"),
        (400, "subject", Rejected, "SendGrid: subject: no"),
        (404, None, Rejected, "SendGrid: no"),
        (413, None, Rejected, "less than 30 MB"),
        (429, None, Unavailable, "too many requests"),
        (500, None, OutcomeUnknown, "500"),
        (503, None, Unavailable, "503"),
    ],
)
async def test_each_refusal_has_its_meaning(
    api: SendGridApi,
    make_call: MakeCall,
    status: int,
    field: str | None,
    meaning: type[Exception],
    says: str,
) -> None:
    api.refuse(status, field=field)

    with pytest.raises(meaning, match=says) as caught:
        await send(make_call, key(api.url), **TEXT)

    assert type(caught.value) is meaning


async def test_a_rate_limit_says_when_to_come_back(api: SendGridApi, make_call: MakeCall) -> None:
    api.refuse(429, X_RateLimit_Reset=str(int(time.time()) + 30))
    api.refuse(429, Retry_After="7")
    api.refuse(429)

    waits = []
    for _ in range(3):
        with pytest.raises(Unavailable) as caught:
            await send(make_call, key(api.url), **TEXT)
        waits.append(caught.value.retry_after_seconds)

    assert waits[0] is not None
    assert 25 < waits[0] <= 30
    assert waits[1:] == [7, None]


async def test_a_sender_is_named_and_verified(api: SendGridApi, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match="name a sender"):
        await send(make_call, key(api.url, **{"from": None}), **TEXT)
    with pytest.raises(Rejected, match=r"from: The from address does not match .* Sender Authentication"):
        await send(make_call, key(api.url, **{"from": "me@elsewhere.example"}), **TEXT)


async def test_sendgrid_is_silent_or_away(make_call: MakeCall) -> None:
    async with RawPeer(hang) as silent:
        with pytest.raises(TimedOut):
            await send(make_call, key(silent.url), seconds=0.2, **TEXT)
    with pytest.raises(Unavailable):
        await send(make_call, key(f"http://127.0.0.1:{unused_port()}"), **TEXT)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({**TEXT, "to": []}, "to: "),
        ({**TEXT, "to": "a@x.example, b@x.example"}, "is not one address"),
        ({**TEXT, "to": "Ann\n <a@x.example>"}, "is not one address"),
        ({**TEXT, "to": ["a@x.example"] * 1001}, "1001 receivers"),
        ({**TEXT, "subject": "a\nb"}, "one line"),
        ({**TEXT, "subject": None}, "needs a subject"),
        ({"to": "a@x.example", "subject": "x"}, "either template, or text"),
        ({**TEXT, "template": TEMPLATE}, "either template, or text"),
        ({**TEXT, "data": {}}, "give the template too"),
        ({**TEXT, "template": "old", "text": None}, "template"),
        ({**TEXT, "separate": True, "cc": "b@x.example"}, "leave cc and bcc out"),
        ({**TEXT, "categories": ["x"] * 11}, "10"),
        ({**TEXT, "send_at": "2026-01-31"}, "with a zone"),
    ],
)
async def test_what_cannot_be_is_refused_before_it_is_sent(
    api: SendGridApi, make_call: MakeCall, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await send(make_call, key(api.url), **inputs)

    assert api.requests == []


async def test_templates_and_groups_are_listed(api: SendGridApi, make_call: MakeCall) -> None:
    way = key(api.url)
    templates, groups = sendgrid.choosers["send.template"], sendgrid.choosers["send.unsubscribe_group"]

    first = await templates(make_call(way), way, {}, "", None)
    second = await templates(make_call(way), way, {}, "BILL", first.next)
    found = await groups(make_call(way), way, {}, "", None)

    assert ([one.label for one in first.items], first.next) == (["Welcome"], "a=b")
    assert ([one.value for one in second.items], second.next) == (["d-" + "2" * 32], None)
    assert [(one.value, one.label, one.note) for one in found.items] == [(100, "News", "Monthly")]


async def test_a_connection_says_what_it_may_do(api: SendGridApi, make_call: MakeCall) -> None:
    way, wrong = key(api.url), key(api.url, api_key="SG.wr0ng_k3y")

    assert await way.test(make_call(way)) == "the key may send mail, and has 2 rights in all"
    with pytest.raises(ConnectionRejected, match="make a new one") as caught:
        await wrong.test(make_call(wrong))
    api.scopes = ["stats.read"]
    with pytest.raises(ConnectionRejected, match="give it the right Mail Send"):
        await way.test(make_call(way))
    assert "SG.wr0ng_k3y" not in str(caught.value)
    assert KEY not in repr(way)


def test_html_is_escaped_and_a_connection_whole() -> None:
    assert connectors.catalogue_actions()["sendgrid.send"].html == {"html"}
    with pytest.raises(ValidationError, match="api_url"):
        key("api.sendgrid.com")

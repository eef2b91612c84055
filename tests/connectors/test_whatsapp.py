"""WhatsApp's actions, against the documented Cloud API on loopback."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.whatsapp import WhatsAppConnection, whatsapp
from connectors.whatsapp.access import CREDENTIALS, LATER, MENDS, UNKNOWN
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.raw_peer import RawPeer, hang, unused_port
from tests.servers.whatsapp_api import ACCOUNT, NUMBER, TOKEN, WhatsAppApi

MakeCall = Callable[..., Call]
TO = "+1 (415) 555-0123"


@pytest.fixture
async def api() -> AsyncIterator[WhatsAppApi]:
    async with WhatsAppApi() as one:
        yield one


def number(api_url: str, **fields: Any) -> WhatsAppConnection:
    given = {"token": TOKEN, "phone_number_id": NUMBER, "business_account_id": ACCOUNT, "api_url": api_url}
    return WhatsAppConnection.model_validate(given | fields)


async def run(
    make_call: MakeCall, way: WhatsAppConnection, name: str, *, seconds: float = 10, **inputs: Any
) -> Any:
    action = whatsapp.actions[name]
    return (await action.function(make_call(way, seconds), way, action.read_input(inputs))).model_dump()


async def test_a_text_is_sent(api: WhatsAppApi, make_call: MakeCall) -> None:
    answer = await run(make_call, number(api.api_url), "send_text", to=TO, text="Hi", reply_to="wamid.0")

    assert answer == {"id": "wamid.1", "receiver": "14155550123", "media_id": None}
    assert api.sent == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "14155550123",
            "type": "text",
            "text": {"body": "Hi", "preview_url": False},
            "context": {"message_id": "wamid.0"},
        }
    ]


async def test_a_template_has_its_variables_in_order_or_by_name(
    api: WhatsAppApi, make_call: MakeCall
) -> None:
    way = number(api.api_url)
    template: dict[str, Any] = {"to": TO, "template": "order_shipped", "language": "en_US"}
    components = [{"type": "header", "parameters": [{"type": "text", "text": "x"}]}]

    await run(make_call, way, "send_template", **template)
    await run(make_call, way, "send_template", **template, body=["Ada", 7])
    await run(make_call, way, "send_template", **template, body={"name": "Ada"})
    await run(make_call, way, "send_template", **template, components=components)

    bare, listed, named, whole = (one["template"] for one in api.sent)
    assert bare == {"name": "order_shipped", "language": {"code": "en_US"}}
    assert listed["components"] == [
        {"type": "body", "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "7"}]}
    ]
    assert named["components"][0]["parameters"] == [{"type": "text", "parameter_name": "name", "text": "Ada"}]
    assert whole["components"] == components


async def test_a_file_is_uploaded_and_sent_by_its_id(
    api: WhatsAppApi, make_call: MakeCall, files: Any
) -> None:
    way = number(api.api_url)
    stored = await files.save(b"%PDF", filename="bill.pdf", content_type="application/pdf")
    made = {"filename": "a.png", "content_type": "image/png", "content": base64.b64encode(b"PNG").decode()}

    document = await run(make_call, way, "send_media", to=TO, file=stored, caption="Your bill")
    await run(make_call, way, "send_media", to=TO, type="image", file=made)
    await run(make_call, way, "send_media", to=TO, file="some text", filename="note.txt")

    assert document["media_id"] == "1000"
    assert [(one.filename, one.content) for one in api.files.values()] == [
        ("bill.pdf", b"%PDF"), ("a.png", b"PNG"), ("note.txt", b"some text"),
    ]  # fmt: skip
    assert api.sent[0]["document"] == {"id": "1000", "caption": "Your bill", "filename": "bill.pdf"}
    assert api.sent[1]["image"] == {"id": "1001"}
    assert api.sent[2]["document"] == {"id": "1002", "filename": "note.txt"}


async def test_media_may_be_a_link_or_an_id(api: WhatsAppApi, make_call: MakeCall) -> None:
    way, link = number(api.api_url), "https://cdn.example.com/a.mp3"

    await run(make_call, way, "send_media", to=TO, type="audio", link=link)
    with pytest.raises(Rejected, match="131053"):
        await run(make_call, way, "send_media", to=TO, type="video", media_id="7")

    assert api.sent[0]["audio"] == {"link": link}


async def test_a_message_is_marked_as_read(api: WhatsAppApi, make_call: MakeCall) -> None:
    answer = await run(make_call, number(api.api_url), "mark_read", message_id="wamid.9", typing=True)

    assert answer == {"success": True}
    assert api.sent == [
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": "wamid.9",
            "typing_indicator": {"type": "text"},
        }
    ]


@pytest.mark.parametrize(
    ("status", "code", "meaning", "says"),
    [
        (401, 190, ConnectionRejected, "make one of a system user"),
        (403, 10, ConnectionRejected, "permission"),
        (403, 200, ConnectionRejected, "lacks a permission"),
        (400, 131031, ConnectionRejected, "locked"),
        (400, 130429, Unavailable, "too many messages a second"),
        (429, 131056, Unavailable, "to this receiver"),
        (503, 131016, Unavailable, "not available"),
        (500, 131000, OutcomeUnknown, "131000"),
        (400, 131047, Rejected, "send a template"),
        (404, 132001, Rejected, "no such approved template"),
        (400, 999999, Rejected, "WhatsApp: 999999: more of it"),
        (500, 999999, OutcomeUnknown, "500"),
        (200, 131047, Rejected, "send a template"),
    ],
)
async def test_each_refusal_has_its_meaning(
    api: WhatsAppApi, make_call: MakeCall, status: int, code: int, meaning: type[Exception], says: str
) -> None:
    api.refuse(status, code, "more of it")

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, number(api.api_url), "send_text", to=TO, text="Hi")

    assert type(caught.value) is meaning
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after_seconds == 5


async def test_an_answer_that_is_not_whatsapps_has_the_meaning_of_its_status(
    api: WhatsAppApi, make_call: MakeCall
) -> None:
    answers: list[tuple[int, Any, type[Exception]]] = [
        (200, [1], OutcomeUnknown), (200, {"messages": []}, OutcomeUnknown), (502, {}, OutcomeUnknown),
        (400, {"error": "x"}, Rejected), (200, {"error": {}}, OutcomeUnknown), (429, {}, Unavailable),
    ]  # fmt: skip
    for status, body, meaning in answers:
        api.reply(status, json=body)
        with pytest.raises(meaning) as caught:
            await run(make_call, number(api.api_url), "send_text", to=TO, text="Hi")
        assert type(caught.value) is meaning


async def test_whatsapp_is_silent_or_away(make_call: MakeCall) -> None:
    async with RawPeer(hang) as silent:
        with pytest.raises(TimedOut):
            await run(make_call, number(silent.url), "send_text", seconds=0.2, to=TO, text="Hi")
    with pytest.raises(Unavailable):
        await run(make_call, number(f"http://127.0.0.1:{unused_port()}"), "send_text", to=TO, text="Hi")


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("send_text", {"to": "ada", "text": "x"}, "to: is no number with its country code"),
        ("send_text", {"to": TO, "text": ""}, "text"),
        ("send_text", {"to": TO, "text": "x" * 4097}, "4096"),
        ("send_template", {"to": TO, "template": "A b", "language": "en"}, "template"),
        ("send_template", {"to": TO, "template": "a", "language": "en/../x"}, "language"),
        ("send_template", {"to": TO, "template": "a", "language": "en", "body": [1], "components": []},
         "either body or components"),
        ("send_media", {"to": TO}, "one of file, link and media_id"),
        ("send_media", {"to": TO, "link": "https://a.example", "media_id": "1"}, "one of file"),
        ("send_media", {"to": TO, "type": "audio", "media_id": "1", "caption": "x"}, "has no caption"),
        ("send_media", {"to": TO, "link": "javascript:x"}, "must start with"),
        ("send_media", {"to": TO, "type": "sticker", "file": "x" * 600_000}, "at most 512,000"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_before_it_is_sent(
    api: WhatsAppApi, make_call: MakeCall, name: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await run(make_call, number(api.api_url), name, **inputs)

    assert api.requests == []


async def test_templates_and_their_languages_are_listed(api: WhatsAppApi, make_call: MakeCall) -> None:
    way = number(api.api_url)
    templates = whatsapp.choosers["send_template.template"]
    languages = whatsapp.choosers["send_template.language"]

    first = await templates(make_call(way), way, {}, "", None)
    second = await templates(make_call(way), way, {}, "", first.next)
    spoken = await languages(make_call(way), way, {"template": "order_shipped"}, "", None)

    names = [(one.value, one.note) for one in first.items + second.items]
    assert names == [("order_shipped", "en_US"), ("order_shipped", "de"), ("hello", "en_US")]
    assert second.next is None
    assert [one.value for one in spoken.items] == ["en_US", "de"]
    with pytest.raises(Rejected, match="choose a template first"):
        await languages(make_call(way), way, {}, "", None)
    bare = number(api.api_url, business_account_id=None)
    with pytest.raises(Rejected, match="business_account_id"):
        await templates(make_call(bare), bare, {}, "", None)


async def test_a_connection_says_whose_it_is(api: WhatsAppApi, make_call: MakeCall) -> None:
    way, wrong = number(api.api_url), number(api.api_url, token="EAAG_wr0ng_t0ken")

    assert await way.test(make_call(way)) == "connected as Acme, +1 555 0100"
    with pytest.raises(ConnectionRejected, match="190") as caught:
        await wrong.test(make_call(wrong))
    assert "EAAG_wr0ng_t0ken" not in str(caught.value)
    assert TOKEN not in repr(way)
    assert way.bound_hosts() == ["127.0.0.1"]


@pytest.mark.parametrize(
    "fields", [{"phone_number_id": "../me"}, {"api_url": "graph.facebook.com"}, {"token": ""}]
)
def test_a_connection_is_whole(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(fields))):
        number(**{"api_url": "https://graph.facebook.com", **fields})


def test_no_code_has_two_meanings() -> None:
    codes = [*CREDENTIALS, *LATER, *UNKNOWN, *MENDS]

    assert len(codes) == len(set(codes))

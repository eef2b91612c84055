"""Twilio's actions, against its documented API on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.twilio import TwilioConnection, twilio
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.raw_peer import RawPeer, hang, unused_port
from tests.servers.twilio_api import KEY, KEY_SECRET, OWN, SERVICE, SID, TOKEN, TwilioApi

MakeCall = Callable[..., Call]
TO = "+14155550123"
TEMPLATE = "HX" + "f6" * 16


@pytest.fixture
async def api() -> AsyncIterator[TwilioApi]:
    async with TwilioApi() as one:
        yield one


def account(url: str, **fields: Any) -> TwilioConnection:
    urls = dict.fromkeys(("api_url", "lookups_url", "messaging_url"), url)
    given: dict[str, Any] = {"account_sid": SID, "auth_token": TOKEN, "from": OWN} | urls | fields
    return TwilioConnection.model_validate({name: one for name, one in given.items() if one is not None})


def by_key(url: str) -> TwilioConnection:
    return account(url, auth_token=None, api_key=KEY, api_key_secret=KEY_SECRET)


async def run(
    make_call: MakeCall, way: TwilioConnection, name: str, *, seconds: float = 10, **inputs: Any
) -> Any:
    action = twilio.actions[name]
    call = make_call(way, seconds)
    return (await action.function(call, way, action.read_input(inputs))).model_dump(by_alias=True)


async def test_a_text_is_sent(api: TwilioApi, make_call: MakeCall) -> None:
    answer = await run(make_call, account(api.url), "send_sms", to="+1 (415) 555-0123", body="Hi & bye")

    assert answer == {"sid": "SM" + "d4" * 16, "status": "queued", "to": TO, "from": OWN, "segments": 1}
    assert api.sent == [{"To": [TO], "From": [OWN], "Body": ["Hi & bye"]}]


async def test_a_picture_message_has_its_media(api: TwilioApi, make_call: MakeCall) -> None:
    media = ["https://cdn.example.com/a.png", "https://cdn.example.com/b.png"]

    await run(make_call, by_key(api.url), "send_sms", to=TO, media_urls=media, valid_seconds=60)

    assert api.sent == [{"To": [TO], "From": [OWN], "MediaUrl": media, "ValidityPeriod": ["60"]}]


async def test_a_messaging_service_picks_the_sender_and_can_send_later(
    api: TwilioApi, make_call: MakeCall
) -> None:
    way, later = account(api.url), "2026-01-31T09:00:00Z"

    answer = await run(make_call, way, "send_sms", to=TO, body="Hi", messaging_service=SERVICE, send_at=later)

    assert (answer["status"], answer["from"], answer["segments"]) == ("scheduled", None, None)
    form = api.sent[0]
    assert "From" not in form
    assert (form["MessagingServiceSid"], form["SendAt"], form["ScheduleType"]) == (
        [SERVICE],
        [later],
        ["fixed"],
    )


async def test_a_connection_may_have_a_service_in_place_of_a_sender(
    api: TwilioApi, make_call: MakeCall
) -> None:
    way = account(api.url, **{"from": None, "messaging_service": SERVICE})

    await run(make_call, way, "send_sms", to=TO, body="Hi")
    named: dict[str, Any] = {"from": "Acme"}
    await run(make_call, way, "send_sms", to=TO, body="Hi", **named)

    assert [one.get("From") for one in api.sent] == [None, ["Acme"]]
    assert [one.get("MessagingServiceSid") for one in api.sent] == [[SERVICE], None]


async def test_whatsapp_gets_a_template_or_a_text(api: TwilioApi, make_call: MakeCall) -> None:
    way = account(api.url)

    await run(
        make_call, way, "send_whatsapp", to=TO, content_sid=TEMPLATE, content_variables={"1": "Ada", "2": 3}
    )
    await run(
        make_call, way, "send_whatsapp", to=f"whatsapp:{TO}", body="Hi", media_url="https://a.example/x"
    )

    template, text = api.sent
    assert (template["To"], template["From"]) == ([f"whatsapp:{TO}"], [f"whatsapp:{OWN}"])
    assert json.loads(template["ContentVariables"][0]) == {"1": "Ada", "2": "3"}
    assert (text["To"], text["Body"], text["MediaUrl"]) == (
        [f"whatsapp:{TO}"],
        ["Hi"],
        ["https://a.example/x"],
    )


async def test_a_call_is_made(api: TwilioApi, make_call: MakeCall) -> None:
    way = account(api.url)

    answer = await run(make_call, way, "make_call", to=TO, twiml="<Response/>", machine_detection="Enable")
    await run(make_call, way, "make_call", to=TO, url="https://example.com/voice.xml", ring_seconds=20)

    assert answer == {"sid": "CA" + "e5" * 16, "status": "queued"}
    assert api.called[0] == {
        "To": [TO], "From": [OWN], "Twiml": ["<Response/>"], "Timeout": ["60"],
        "MachineDetection": ["Enable"],
    }  # fmt: skip
    assert (api.called[1]["Url"], api.called[1]["Timeout"]) == (["https://example.com/voice.xml"], ["20"])


def test_what_is_put_into_twiml_is_escaped() -> None:
    assert connectors.catalogue_actions()["twilio.make_call"].html == {"twiml"}


def test_a_call_is_not_made_again_after_a_crash() -> None:
    assert {name: one.after_crash for name, one in twilio.actions.items()} == {
        "send_sms": "repeat",
        "send_whatsapp": "repeat",
        "make_call": "stop",
        "lookup": "repeat",
    }


async def test_a_number_is_looked_up(api: TwilioApi, make_call: MakeCall) -> None:
    way = account(api.url)

    plain = await run(make_call, way, "lookup", number=TO)
    full = await run(
        make_call, way, "lookup", number="(415) 555-0100", country="US", line_type=True, caller_name=True
    )
    wrong = await run(make_call, way, "lookup", number="+1415")

    assert (plain["valid"], plain["line_type"], plain["caller_name"]) == (True, None, None)
    assert "Fields" not in api.requests[0].query
    assert full == {
        "valid": True, "number": "+14155550100", "national": "(415) 555-0100", "country": "US", "errors": [],
        "line_type": "mobile", "carrier": "Acme Mobile", "caller_name": "ADA",
    }  # fmt: skip
    assert (wrong["valid"], wrong["errors"]) == (False, ["TOO_SHORT"])


async def test_a_number_stays_one_part_of_the_path(api: TwilioApi, make_call: MakeCall) -> None:
    await run(make_call, account(api.url), "lookup", number="123/..-/.")

    assert api.requests[0].request.raw_path == "/v2/PhoneNumbers/123%2F..-%2F."


@pytest.mark.parametrize(
    ("status", "code", "meaning", "says"),
    [
        (401, 20003, ConnectionRejected, "do not belong together"),
        (401, None, ConnectionRejected, "401"),
        (403, 20403, ConnectionRejected, "403"),
        (429, 20429, Unavailable, "too many requests"),
        (429, None, Unavailable, "429"),
        (400, 21611, Unavailable, "wait at this sender"),
        (400, 21211, Rejected, "write \\+, country code"),
        (400, 21610, Rejected, "unsubscribed"),
        (400, 21608, Rejected, "trial"),
        (400, 99999, Rejected, "Twilio: 99999: no"),
        (400, None, Rejected, "400"),
        (404, 20404, Rejected, "Twilio: 20404"),
        (500, 20500, OutcomeUnknown, "500"),
        (503, 20503, Unavailable, "503"),
    ],
)
async def test_each_refusal_has_its_meaning(
    api: TwilioApi,
    make_call: MakeCall,
    status: int,
    code: int | None,
    meaning: type[Exception],
    says: str,
) -> None:
    api.refuse(status, code, Retry_After="3")

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, account(api.url), "send_sms", to=TO, body="Hi")

    assert type(caught.value) is meaning
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after_seconds == 3


async def test_who_has_unsubscribed_gets_nothing(api: TwilioApi, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match=r"21610: Attempt .*: the receiver has unsubscribed \(STOP\)"):
        await run(make_call, account(api.url), "send_sms", to="+14155550199", body="Hi")


async def test_an_answer_that_is_not_twilios_is_an_unknown_outcome(
    api: TwilioApi, make_call: MakeCall
) -> None:
    api.reply(201, body="<html>")
    api.reply(201, json=[1])
    api.reply(201, json={"sid": 1})

    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            await run(make_call, account(api.url), "send_sms", to=TO, body="Hi")


async def test_twilio_is_silent_or_away(make_call: MakeCall) -> None:
    async with RawPeer(hang) as silent:
        with pytest.raises(TimedOut):
            await run(make_call, account(silent.url), "send_sms", seconds=0.2, to=TO, body="Hi")
    with pytest.raises(Unavailable):
        await run(make_call, account(f"http://127.0.0.1:{unused_port()}"), "send_sms", to=TO, body="Hi")


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("send_sms", {"to": "4155550123", "body": "x"}, r"to: is no number as Twilio takes it"),
        ("send_sms", {"to": "+١٤١٥٥٥٥٠١٢٣", "body": "x"}, "to: is no number"),
        ("send_sms", {"to": TO}, "the message is empty"),
        ("send_sms", {"to": TO, "body": "x" * 1601}, "1600"),
        ("send_sms", {"to": TO, "media_urls": ["ftp://x"]}, "must start with https://"),
        ("send_sms", {"to": TO, "media_urls": ["https://a.example"] * 11}, "10"),
        ("send_sms", {"to": TO, "body": "x", "from": "much too long a name"}, "is no sender"),
        ("send_sms", {"to": TO, "body": "x", "messaging_service": "MGx"}, "messaging_service"),
        ("send_sms", {"to": TO, "body": "x", "send_at": "tomorrow"}, "no time in ISO 8601"),
        ("send_sms", {"to": TO, "body": "x", "send_at": "2026-01-31T09:00:00"}, "with a zone"),
        ("send_sms", {"to": TO, "body": "x", "send_at": "2026-01-31T09:00:00Z"}, "can send later"),
        ("send_whatsapp", {"to": TO}, "either content_sid, or body"),
        ("send_whatsapp", {"to": TO, "body": "x", "content_sid": TEMPLATE}, "either content_sid, or body"),
        ("send_whatsapp", {"to": TO, "body": "x", "content_variables": {}}, "those of a content_sid"),
        ("make_call", {"to": TO}, "either url or twiml"),
        ("make_call", {"to": TO, "url": "https://a.example", "twiml": "<R/>"}, "either url or twiml"),
        ("lookup", {"number": "+1?Fields=x"}, "number"),
    ],
)
async def test_what_cannot_be_is_refused_before_it_is_sent(
    api: TwilioApi, make_call: MakeCall, name: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await run(make_call, account(api.url), name, **inputs)

    assert api.requests == []


async def test_a_sender_is_named_somewhere(api: TwilioApi, make_call: MakeCall) -> None:
    way = account(api.url, **{"from": None})
    given: dict[str, dict[str, Any]] = {"send_sms": {"body": "x"}, "make_call": {"twiml": "<Response/>"}}
    for name, inputs in given.items():
        with pytest.raises(Rejected, match="here or in the connection"):
            await run(make_call, way, name, to=TO, **inputs)


async def test_numbers_and_services_are_listed_page_by_page(api: TwilioApi, make_call: MakeCall) -> None:
    way = account(api.url)
    numbers = twilio.choosers["send_sms.from"]
    services = twilio.choosers["send_whatsapp.messaging_service"]

    first = await numbers(make_call(way), way, {}, "", None)
    second = await numbers(make_call(way), way, {}, "nigh", first.next)
    none = await numbers(make_call(way), way, {}, "nobody", None)
    one = await services(make_call(way), way, {}, "", None)
    two = await services(make_call(way), way, {}, "", one.next)

    assert [(each.value, each.note) for each in first.items] == [(OWN, "Day")]
    assert ([each.value for each in second.items], second.next) == (["+14155550101"], None)
    assert none.items == []
    assert ([each.label for each in one.items + two.items], two.next) == (["Orders 0", "Orders 1"], None)


async def test_a_cursor_chooses_a_page_and_no_address(api: TwilioApi, make_call: MakeCall) -> None:
    way = account(api.url)

    await twilio.choosers["send_sms.from"](
        make_call(way), way, {}, "", "http://evil.example/?PageSize=1&To=x"
    )

    assert api.requests[0].query_string == "PageSize=1"


async def test_a_connection_says_whose_it_is(api: TwilioApi, make_call: MakeCall) -> None:
    token, key = account(api.url), by_key(api.url)
    wrong = account(api.url, auth_token="wr0ng_t0ken_value")

    assert await token.test(make_call(token)) == "connected to Acme, which is active"
    assert await key.test(make_call(key)) == f"the API key works for {SID}"
    with pytest.raises(ConnectionRejected, match="20003") as caught:
        await wrong.test(make_call(wrong))
    assert "wr0ng_t0ken_value" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "either auth_token, or api_key"),
        ({"auth_token": "x", "api_key": KEY, "api_key_secret": "y"}, "either auth_token, or api_key"),
        ({"api_key": KEY}, "belong together"),
        ({"auth_token": "x", "account_sid": "AC/../x"}, "account_sid"),
        ({"auth_token": "x", "api_url": "api.twilio.com"}, "must start with"),
    ],
)
def test_a_connection_is_whole(fields: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TwilioConnection.model_validate({"account_sid": SID, **fields})


def test_a_token_is_never_shown(api: TwilioApi) -> None:
    way = account(api.url)

    assert TOKEN not in repr(way)
    assert TOKEN in way.secret_texts()
    assert len(way.secret_texts()) == 2  # and as it is sent
    assert way.bound_hosts() == ["127.0.0.1"]

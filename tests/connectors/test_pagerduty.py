"""PagerDuty's actions, against its documented APIs on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.pagerduty import PagerDutyConnection, pagerduty
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.connectors.acting import Acting
from tests.servers.pagerduty_api import API_TOKEN, ROUTING_KEY, PagerDutyApi
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]


@pytest.fixture
async def api() -> AsyncIterator[PagerDutyApi]:
    async with PagerDutyApi() as one:
        yield one


def at(url: str, **fields: Any) -> PagerDutyConnection:
    given = {
        "routing_key": ROUTING_KEY, "api_token": API_TOKEN, "from_email": "ada@example.com",
        "events_url": url, "api_url": f"{url}/rest",
    }  # fmt: skip
    return PagerDutyConnection.model_validate(given | fields)


@pytest.fixture
def act(api: PagerDutyApi, make_call: MakeCall) -> Acting:
    return Acting("pagerduty", make_call, at(api.url))


async def test_an_alert_is_triggered_acknowledged_and_resolved_by_its_key(
    api: PagerDutyApi, act: Acting
) -> None:
    kind: Any = {"class": "5xx"}  # a word of Python's own
    sent = await act(
        "trigger", summary="Checkout fails", source="web-1", severity="error", dedup_key="checkout",
        component="cart", custom_details={"n": 1}, links=[{"href": "https://x.example", "text": "x"}],
        images=[{"src": "https://x.example/i.png"}], client_url="https://x.example", **kind,
    )  # fmt: skip
    await act("acknowledge", dedup_key="checkout")
    assert api.alerts == {"checkout": "acknowledged"}
    await act("resolve", dedup_key="checkout")

    assert sent == {"dedup_key": "checkout", "status": "success"}
    assert api.alerts == {"checkout": "resolved"}
    assert api.events[0] == {
        "routing_key": ROUTING_KEY, "event_action": "trigger", "dedup_key": "checkout", "client": "Hookline",
        "client_url": "https://x.example", "links": [{"href": "https://x.example", "text": "x"}],
        "images": [{"src": "https://x.example/i.png"}],
        "payload": {"summary": "Checkout fails", "source": "web-1", "severity": "error",
                    "component": "cart", "class": "5xx", "custom_details": {"n": 1}},
    }  # fmt: skip


async def test_a_repetition_wakes_nobody_twice(api: PagerDutyApi, act: Acting) -> None:
    first = await act("trigger", summary="Down")
    await act("trigger", summary="Down")

    assert first["dedup_key"] == "evt1.shop.step"
    assert api.alerts == {"evt1.shop.step": "triggered"}
    assert api.events[0]["payload"] == {"summary": "Down", "severity": "critical", "source": "hookline"}


async def test_a_change_is_told(api: PagerDutyApi, act: Acting) -> None:
    answer = await act("send_change", summary="Deployed", source="ci", links=[{"href": "https://x.example"}])

    assert answer == {"status": "success"}
    assert api.changes == [{"routing_key": ROUTING_KEY, "links": [{"href": "https://x.example"}],
                            "payload": {"summary": "Deployed", "source": "ci"}}]  # fmt: skip


async def test_a_note_goes_to_an_incident_or_to_that_of_an_alert(api: PagerDutyApi, act: Acting) -> None:
    await act("trigger", summary="Down", dedup_key="a/b c")

    by_key = await act("create_note", dedup_key="a/b c", content="Looking")
    by_id = await act("create_note", incident="Q1", content="Done")

    assert by_key == {"id": "PWL7QXS", "incident": "Q2QFLSK3PBFZXC"}
    assert by_id["incident"] == "Q1"
    assert api.notes[0] == ("Q2QFLSK3PBFZXC", "Looking", "ada@example.com")
    with pytest.raises(Rejected, match='no open incident has the key "other"'):
        await act("create_note", dedup_key="other", content="x")


@pytest.mark.parametrize(("limit", "requests"), [(2, 1), (100, 1), (150, 2), (300, 3)])
async def test_who_is_on_call_is_said(api: PagerDutyApi, act: Acting, limit: int, requests: int) -> None:
    api.on_call = 250

    answer = await act("on_call", escalation_policy="PANZZEQ", limit=limit)

    assert len(answer["people"]) == min(limit, 250)
    assert answer["more"] is (limit < 250)
    assert len(api.requests) == requests
    assert answer["people"][1] == {
        "level": 2, "user": "Ada 1", "user_id": "P1", "email": "ada1@example.com",
        "escalation_policy": "Engineering", "schedule": "Daily", "until": "2026-01-31T09:00:00Z",
    }  # fmt: skip
    assert answer["people"][0]["schedule"] is None
    assert api.requests[0].query["escalation_policy_ids[]"] == "PANZZEQ"


@pytest.mark.parametrize(
    ("status", "headers", "body", "meaning", "says"),
    [
        (400, {}, {"status": "invalid event", "message": "Event object is invalid",
                   "errors": ["'payload.severity' is invalid"]}, Rejected, "payload.severity"),
        (400, {}, {"status": "invalid key", "message": "Event object is invalid",
                   "errors": ["Invalid routing key"]}, ConnectionRejected, "copy the integration key"),
        (429, {}, None, Unavailable, "too many events"),
        (403, {}, None, ConnectionRejected, "403"),
        (500, {}, {"status": "error", "message": "oops"}, OutcomeUnknown, "500"),
        (503, {}, None, Unavailable, "503"),
        (202, {}, [], OutcomeUnknown, "not an object"),
        (202, {}, None, OutcomeUnknown, "JSON"),
    ],
)  # fmt: skip
async def test_each_no_to_an_event_has_its_meaning(
    api: PagerDutyApi,
    act: Acting,
    status: int,
    headers: dict[str, str],
    body: Any,
    meaning: type[Exception],
    says: str,
) -> None:
    api.reply(status, headers=headers, **({"body": "no"} if body is None else {"json": body}))

    with pytest.raises(meaning, match=says) as caught:
        await act("trigger", summary="Down")

    assert type(caught.value) is meaning
    assert ROUTING_KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "headers", "body", "meaning", "says"),
    [
        (401, {}, {"error": {"message": "Unauthorized", "code": 2006}}, ConnectionRejected, "API key"),
        (403, {}, {"error": {"message": "Access Denied", "code": 2010}}, ConnectionRejected, "Access Denied"),
        (404, {}, {"error": {"message": "Not Found", "code": 2100}}, Rejected, "Not Found"),
        (400, {}, {"error": {"message": "Invalid Input Provided", "code": 2001,
                             "errors": ["Requester User Not Found"]}}, Rejected, "Requester User Not Found"),
        (400, {}, {"error": {"message": "Invalid", "errors": {"since": ["too far"]}}}, Rejected, "since"),
        (429, {"ratelimit-reset": "17"}, {}, Unavailable, "too many requests"),
        (502, {}, None, OutcomeUnknown, "502"),
    ],
)  # fmt: skip
async def test_each_no_of_the_rest_api_has_its_meaning(
    api: PagerDutyApi,
    act: Acting,
    status: int,
    headers: dict[str, str],
    body: Any,
    meaning: type[Exception],
    says: str,
) -> None:
    api.reply(status, headers=headers, **({"body": "no"} if body is None else {"json": body}))

    with pytest.raises(meaning, match=says) as caught:
        await act("create_note", incident="Q1", content="x")

    assert type(caught.value) is meaning
    assert API_TOKEN not in str(caught.value)
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after_seconds == 17


async def test_a_throttled_service_is_left_alone_for_a_while(api: PagerDutyApi, act: Acting) -> None:
    api.reply(429)
    api.reply(429, headers={"Retry-After": "5"})

    for seconds in (60, 5):
        with pytest.raises(Unavailable) as caught:
            await act("resolve", dedup_key="a")
        assert (caught.value.retry_after_seconds, caught.value.cause) == (seconds, "429")


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("trigger", {"summary": "x" * 1025}, "1024"),
        ("trigger", {"summary": "a", "dedup_key": "x" * 256}, "255"),
        ("trigger", {"summary": "a", "severity": "bad"}, "severity"),
        ("trigger", {"summary": "a", "images": [{"src": "http://x.example"}]}, "images"),
        ("trigger", {"summary": "a", "custom_details": {"a": "x" * 512 * 1024}}, "512 KB"),
        ("create_note", {"content": "a"}, "either incident or dedup_key"),
        ("create_note", {"content": "a", "incident": "../x"}, "incident"),
    ],
)
async def test_what_cannot_be_is_refused_before_it_is_sent(
    api: PagerDutyApi, act: Acting, name: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await act(name, **inputs)

    assert api.requests == []


async def test_a_connection_that_lacks_a_part_says_which(api: PagerDutyApi, make_call: MakeCall) -> None:
    alerts = Acting("pagerduty", make_call, at(api.url, api_token=None, from_email=None))
    rest = Acting("pagerduty", make_call, at(api.url, routing_key=None))

    with pytest.raises(Rejected, match="no api_token"):
        await alerts("on_call")
    with pytest.raises(Rejected, match="needs from_email"):
        await alerts("create_note", incident="Q1", content="x")
    with pytest.raises(Rejected, match="no routing_key"):
        await rest("trigger", summary="Down")
    with pytest.raises(ValidationError, match="give routing_key, api_token, or both"):
        at(api.url, routing_key="", api_token=None)


async def test_a_silent_pagerduty_is_a_timeout_and_one_that_is_down_unavailable(make_call: MakeCall) -> None:
    async with RawPeer(hang) as peer:
        with pytest.raises(TimedOut):
            await Acting("pagerduty", make_call, at(peer.url))("trigger", timeout_seconds=0.2, summary="a")
    with pytest.raises(Unavailable):
        await Acting("pagerduty", make_call, at(f"http://127.0.0.1:{unused_port()}"))("trigger", summary="a")


async def test_a_connection_is_tested_without_waking_anyone(api: PagerDutyApi, make_call: MakeCall) -> None:
    both, short, wrong = at(api.url), at(api.url, routing_key="short"), at(api.url, api_token="no")

    said = await both.test(make_call(both))

    assert said == "PagerDuty takes events with this integration key, and the API key works"
    assert api.alerts == {}
    with pytest.raises(ConnectionRejected, match="should be 32 characters"):
        await short.test(make_call(short))
    with pytest.raises(ConnectionRejected, match="Unauthorized"):
        await wrong.test(make_call(wrong))


def test_a_region_has_its_addresses_and_the_keys_are_kept() -> None:
    given = {"routing_key": ROUTING_KEY, "api_token": API_TOKEN, "region": "eu"}
    connection = PagerDutyConnection.model_validate(given)

    assert connection.bound_hosts() == ["events.eu.pagerduty.com", "api.eu.pagerduty.com"]
    assert connection.secret_texts() == {ROUTING_KEY, API_TOKEN}
    assert ROUTING_KEY not in repr(connection)
    assert API_TOKEN not in repr(connection)


async def test_policies_and_schedules_can_be_chosen(act: Acting) -> None:
    assert await act.choose("on_call.escalation_policy") == ([("P0", "All 0")], "100")
    assert await act.choose("on_call.schedule", "day", "100") == ([("P100", "day 100")], None)


def test_every_list_belongs_to_an_input() -> None:
    for name in pagerduty.choosers:
        action, _, field = name.partition(".")
        assert field in pagerduty.actions[action].input.model_fields
    assert connectors.connector("pagerduty") is pagerduty

"""HubSpot's actions against a server with its shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from connectors.hubspot import HubSpotConnection
from runner.connector import Call, ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.connectors.acting import Acting, silence
from tests.servers.hubspot_service import TOKEN, HubSpotService, no

MakeCall = Callable[..., Call]


@pytest.fixture
async def service() -> AsyncIterator[HubSpotService]:
    async with HubSpotService() as one:
        yield one


def connected(service: HubSpotService, token: str = TOKEN) -> HubSpotConnection:
    return HubSpotConnection.model_validate({"token": token, "api_url": f"{service.url}/"})


@pytest.fixture
def act(service: HubSpotService, make_call: MakeCall) -> Acting:
    return Acting("hubspot", make_call, connected(service))


async def test_a_contact_is_created_once_and_then_updated(act: Acting, service: HubSpotService) -> None:
    first = await act("create_or_update_contact", email=" ada@example.org", properties={"firstname": "Ada"})
    second = await act(
        "create_or_update_contact",
        email="ada@example.org",
        properties={"score": 12.5, "vip": True, "topics": ["a", "b"], "phone": None},
    )

    assert (first["created"], second["created"], second["id"]) == (True, False, first["id"])
    assert service.objects["contacts"] == {
        "1": {
            "email": "ada@example.org",
            "firstname": "Ada",
            "score": "12.5",
            "vip": "true",
            "topics": "a;b",
            "phone": "",
        }
    }


async def test_an_error_inside_a_yes_is_a_no(act: Acting) -> None:
    with pytest.raises(Rejected, match="HubSpot took no contact: no_such does not exist"):
        await act("create_or_update_contact", email="a@example.org", properties={"no_such": 1})
    with pytest.raises(Rejected, match="geo takes a text, a number, true, false or a list"):
        await act("create_or_update_contact", email="a@example.org", properties={"geo": {"lat": 1}})


async def test_a_deal_stands_with_its_associations_in_one_request(
    act: Acting, service: HubSpotService
) -> None:
    deal = await act(
        "create_deal",
        name="Order 1",
        stage="closedwon",
        amount=12.5,
        owner=7,
        close_date="2026-01-31",
        properties={"dealtype": "newbusiness"},
        contacts=[1, "2"],
        companies=[9],
    )

    assert deal["properties"] == {
        "dealtype": "newbusiness",
        "dealname": "Order 1",
        "dealstage": "closedwon",
        "amount": "12.5",
        "hubspot_owner_id": "7",
        "closedate": "2026-01-31",
    }
    assert service.associations == [
        ("deals", deal["id"], "3", "1"),
        ("deals", deal["id"], "3", "2"),
        ("deals", deal["id"], "341", "9"),
    ]
    assert len(service.requests) == 1


async def test_a_note_belongs_to_someone(act: Acting, service: HubSpotService) -> None:
    note = await act(
        "create_note", body="<b>Hi</b>", contacts=["1"], companies=["2"], deals=["3"], tickets=["4"]
    )
    dated = await act("create_note", body="x", at="2026-01-02T00:00:00Z", owner="7", deals=["3"])

    assert [one[2:] for one in service.associations[:4]] == [
        ("202", "1"),
        ("190", "2"),
        ("214", "3"),
        ("228", "4"),
    ]
    assert note["properties"]["hs_timestamp"].endswith("Z")
    assert dated["properties"] == {
        "hs_note_body": "x",
        "hs_timestamp": "2026-01-02T00:00:00Z",
        "hubspot_owner_id": "7",
    }
    with pytest.raises(Rejected, match="say to whom the note belongs"):
        await act("create_note", body="x")
    with pytest.raises(Rejected, match="at most 65536"):
        await act("create_note", body="x" * 65_537, deals=["3"])


async def test_an_object_is_read_changed_and_associated(act: Acting, service: HubSpotService) -> None:
    await act("create_or_update_contact", email="ada@example.org", properties={"firstname": "Ada"})

    read = await act(
        "get_object", object="contacts", id="ada@example.org", id_property="email", properties=["email"]
    )
    changed = await act("update_object", object="contacts", id=1, properties={"firstname": "A"})
    pair = await act("associate", from_object="contacts", from_id="1", to_object="companies", to_id=9)

    assert read["properties"] == {"email": "ada@example.org"}
    assert changed["properties"]["firstname"] == "A"
    assert pair == {"from_id": "1", "to_id": "9"}
    assert service.associations == [("contacts", "1", "companies", "9")]
    with pytest.raises(Rejected, match="OBJECT_NOT_FOUND resource not found"):
        await act("get_object", object="contacts", id="../deals")
    assert service.requests[-1].request.raw_path == "/crm/objects/2026-09/contacts/..%2Fdeals"


async def test_a_search_reads_all_pages_up_to_the_limit(act: Acting, service: HubSpotService) -> None:
    service.objects["deals"] = {str(number): {"dealname": f"#{number}"} for number in range(450)}

    found = await act(
        "search",
        object="deals",
        where={"dealname": "x", "amount": None, "dealstage": ["a", "b"]},
        filters=[{"propertyName": "amount", "operator": "GT", "value": "1"}],
        query="q",
        properties=["dealname"],
        sort={"property": "amount"},
        limit=430,
    )

    assert (len(found["results"]), found["total"]) == (430, 450)
    bodies = [one.json() for one in service.requests]
    assert [(one["limit"], one.get("after")) for one in bodies] == [(200, None), (200, "200"), (30, "400")]
    assert bodies[0]["filterGroups"] == [
        {
            "filters": [
                {"propertyName": "amount", "operator": "GT", "value": "1"},
                {"propertyName": "dealname", "operator": "EQ", "value": "x"},
                {"propertyName": "amount", "operator": "NOT_HAS_PROPERTY"},
                {"propertyName": "dealstage", "operator": "IN", "values": ["a", "b"]},
            ]
        }
    ]
    assert bodies[0]["sorts"] == [{"propertyName": "amount", "direction": "ASCENDING"}]
    assert (await act("search", object="notes"))["results"] == []


@pytest.mark.parametrize(
    ("status", "category", "meaning", "says"),
    [
        (400, "VALIDATION_ERROR", Rejected, "VALIDATION_ERROR why"),
        (401, "INVALID_AUTHENTICATION", ConnectionRejected, "copy the key"),
        (403, "MISSING_SCOPES", ConnectionRejected, "the scope that is missing"),
        (404, "OBJECT_NOT_FOUND", Rejected, "OBJECT_NOT_FOUND"),
        (409, "CONFLICT", Rejected, "CONFLICT"),
        (408, "", OutcomeUnknown, "408"),
        (423, "", Unavailable, "423"),
        (429, "RATE_LIMITS", Unavailable, "429"),
        (477, "", Unavailable, "477"),
        (500, "", OutcomeUnknown, "500"),
        (502, "", OutcomeUnknown, "502"),
        (503, "", Unavailable, "503"),
        (504, "", OutcomeUnknown, "504"),
    ],
)
async def test_each_refusal_has_its_meaning(
    act: Acting, service: HubSpotService, status: int, category: str, meaning: type[Exception], says: str
) -> None:
    async def refuse(_received: Any) -> Any:
        return no(status, category, "why")

    service.handler = refuse
    with pytest.raises(meaning, match=says) as caught:
        await act("get_object", object="deals", id="1")

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "policy", "headers", "seconds"),
    [
        (429, "SECONDLY", {}, 1.0),
        (429, "TEN_SECONDLY_ROLLING", {}, 10.0),
        (429, "DAILY", {}, 3600.0),
        (429, "DAILY", {"Retry-After": "5"}, 5.0),
        (429, "ANOTHER", {}, None),
        (423, "", {}, 2.0),
        (477, "", {"Retry-After": "7200"}, 7200.0),
    ],
)
async def test_it_waits_as_long_as_the_limit_that_was_met_says(
    act: Acting,
    service: HubSpotService,
    status: int,
    policy: str,
    headers: dict[str, str],
    seconds: float | None,
) -> None:
    body = {"status": "error", "message": "You have reached your limit.", "policyName": policy}
    service.reply(status, json=body, headers=headers)

    with pytest.raises(Unavailable) as caught:
        await act("get_object", object="deals", id="1")

    assert (caught.value.retry_after_seconds, caught.value.cause) == (seconds, "429")


async def test_an_answer_that_is_not_hubspots_is_an_unknown_outcome(
    act: Acting, service: HubSpotService
) -> None:
    service.reply(200, json=[1])
    service.reply(200, json={"ok": True})
    service.reply(200, body="<html>")

    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            await act("create_deal", name="x", stage="y")
    service.handler = silence
    with pytest.raises(TimedOut):
        await act("create_deal", name="x", stage="y", timeout_seconds=0.2)


async def test_pipelines_stages_and_owners_can_be_chosen(act: Acting) -> None:
    stages = [("appointmentscheduled", "Appointment"), ("closedwon", "Won")]

    assert await act.choose("create_deal.pipeline") == ([("default", "Sales")], None)
    assert await act.choose("create_deal.stage") == (stages, None)
    assert await act.choose("create_deal.stage", "won", pipeline="default") == (stages[1:], None)
    assert await act.choose("create_deal.stage", pipeline="other") == ([], None)
    assert await act.choose("create_note.owner", "lovelace") == ([("1", "Ada Lovelace")], "1")
    assert await act.choose("create_note.owner", "", "1") == ([("2", "bob@example.org")], None)


async def test_a_connection_says_whose_account_it_is(service: HubSpotService, make_call: MakeCall) -> None:
    good, wrong = connected(service), connected(service, "pat-wrong-secret")

    assert await good.test(make_call(good)) == "connected to the account 123456 (STANDARD)"
    with pytest.raises(ConnectionRejected, match="INVALID_AUTHENTICATION") as caught:
        await wrong.test(make_call(wrong))
    assert "pat-wrong-secret" not in str(caught.value) + repr(wrong)
    assert HubSpotConnection.model_validate({"token": "x"}).bound_hosts() == ["api.hubapi.com"]

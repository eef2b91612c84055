"""Airtable's actions against a server with its shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.airtable import AirtableConnection
from runner.connector import Call, ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.connectors.acting import Acting, silence
from tests.servers.airtable_service import BASE, TABLE, TOKEN, AirtableService, literals

MakeCall = Callable[..., Call]


@pytest.fixture
async def service() -> AsyncIterator[AirtableService]:
    async with AirtableService() as one:
        yield one


def connected(service: AirtableService, token: str = TOKEN) -> AirtableConnection:
    return AirtableConnection.model_validate({"token": token, "api_url": service.api_url})


@pytest.fixture
def act(service: AirtableService, make_call: MakeCall) -> Acting:
    return Acting("airtable", make_call, connected(service), base=BASE, table="Orders")


async def test_a_record_is_created_changed_read_and_deleted(act: Acting, service: AirtableService) -> None:
    made = await act("create_record", fields={"Number": "#1", "Total": 12.5, "Paid": False})
    changed = await act("update_record", record=made["id"], fields={"Paid": True})
    read = await act("get_record", record=made["id"])
    gone = await act("delete_record", record=made["id"])

    assert made["created_at"] == "2026-01-02T03:04:05.000Z"
    assert made["fields"] == {"Number": "#1", "Total": 12.5}
    assert changed == read
    assert read["fields"] == {"Number": "#1", "Total": 12.5, "Paid": True}
    assert gone == {"id": made["id"], "deleted": True}
    assert await act("delete_record", record=made["id"]) == {"id": made["id"], "deleted": False}
    assert service.records == {}


async def test_an_upsert_adds_and_then_updates(act: Acting, service: AirtableService) -> None:
    one: dict[str, Any] = {"merge_on": ["Email", "Email"], "fields": {"Email": "a@example.org", "Total": 1}}
    first = await act("upsert_record", **one)
    second = await act("upsert_record", merge_on=["Email"], fields={"Email": "a@example.org", "Total": 2})

    assert (first["created"], second["created"]) == (True, False)
    assert first["id"] == second["id"]
    assert second["fields"]["Total"] == 2
    service.add({"Email": "a@example.org"})
    with pytest.raises(Rejected, match="multiple records match"):
        await act("upsert_record", **one)


@pytest.mark.parametrize(
    ("merge_on", "says"),
    [(["Email"], "no value for Email"), ([], "at least 1"), (["a", "b", "c", "d"], "at most 3")],
)
async def test_an_upsert_goes_by_values_that_it_has(
    act: Acting, service: AirtableService, merge_on: list[str], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await act("upsert_record", merge_on=merge_on, fields={"Number": "#1", "Email": None})

    assert service.requests == []


async def test_all_pages_are_read_up_to_the_limit(act: Acting, service: AirtableService) -> None:
    for number in range(250):
        service.add({"Number": f"#{number}"})

    some = await act(
        "find_records", limit=230, view="Grid view", fields=["Number"], sort=[{"field": "Number"}]
    )
    every = await act("find_records", limit=1000)

    assert [one["fields"]["Number"] for one in some["records"]] == [f"#{n}" for n in range(230)]
    assert (some["more"], every["more"], len(every["records"])) == (True, False, 250)
    assert [one.json()["pageSize"] for one in service.requests] == [100, 100, 30, 100, 100, 100]
    assert service.requests[0].json()["sort"] == [{"field": "Number", "direction": "asc"}]


async def test_a_value_of_a_payload_stays_a_value_in_a_formula(act: Acting, service: AirtableService) -> None:
    nasty = 'x", {Secret}) \\" OR(1,\n"'

    await act("find_records", where={"Num}ber": nasty, "Total": 3, "Paid": True, "Email": None})

    [formula] = service.formulas
    assert formula is not None
    assert literals(formula) == [nasty]
    assert formula.startswith('AND({Num\\}ber} = "x\\"')
    assert formula.endswith("{Total} = 3, {Paid} = TRUE(), {Email} = BLANK())")


async def test_a_payload_cannot_lead_to_another_place(act: Acting, service: AirtableService) -> None:
    with pytest.raises(Rejected):
        await act("get_record", record="../../meta/whoami?x=#")
    assert service.requests[-1].request.rel_url.raw_path.endswith("/Orders/..%2F..%2Fmeta%2Fwhoami%3Fx=%23")
    for record in ("..", ".", " "):
        with pytest.raises(Rejected, match="cannot stand in an address"):
            await act("get_record", record=record)


@pytest.mark.parametrize(
    ("status", "body", "meaning", "says"),
    [
        (
            401,
            {"error": {"type": "AUTHENTICATION_REQUIRED", "message": "x"}},
            ConnectionRejected,
            "make a token",
        ),
        (403, {"error": {"type": "INVALID_PERMISSIONS", "message": "x"}}, ConnectionRejected, "add the base"),
        (404, {"error": "NOT_FOUND"}, Rejected, "NOT_FOUND"),
        (413, None, Rejected, "413"),
        (
            422,
            {"error": {"type": "UNKNOWN_FIELD_NAME", "message": "Unknown: X"}},
            Rejected,
            "Unknown: X; the table",
        ),
        (422, {"error": {"type": "INVALID_MULTIPLE_CHOICE_OPTIONS"}}, Rejected, "typecast"),
        (429, {"errors": [{"error": "RATE_LIMIT_REACHED", "message": "later"}]}, Unavailable, "RATE_LIMIT"),
        (500, None, OutcomeUnknown, "500"),
        (503, {"error": "SERVICE_UNAVAILABLE"}, OutcomeUnknown, "503"),
        (200, [1], OutcomeUnknown, "not an object"),
        (200, {"ok": True}, OutcomeUnknown, "not a record"),
    ],
)
async def test_each_refusal_has_its_meaning(
    act: Acting, service: AirtableService, status: int, body: Any, meaning: type[Exception], says: str
) -> None:
    service.reply(status, json=body) if body is not None else service.reply(status, body="<html>")

    with pytest.raises(meaning, match=says) as caught:
        await act("create_record", fields={"Number": "#1"})

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(("headers", "seconds"), [({}, 30.0), ({"Retry-After": "7"}, 7.0)])
async def test_after_too_many_requests_it_waits_as_long_as_airtable_wants(
    act: Acting, service: AirtableService, headers: dict[str, str], seconds: float
) -> None:
    service.reply(429, json={}, headers=headers)

    with pytest.raises(Unavailable) as caught:
        await act("get_record", record="rec1")

    assert (caught.value.retry_after_seconds, caught.value.cause) == (seconds, "429")


async def test_no_answer_in_time_is_an_unknown_outcome(act: Acting, service: AirtableService) -> None:
    service.handler = silence

    with pytest.raises(TimedOut):
        await act("create_record", fields={"Number": "#1"}, timeout_seconds=0.2)


async def test_a_table_that_is_not_there_is_no_deleted_record(act: Acting) -> None:
    with pytest.raises(Rejected, match="the base has no such table"):
        await act("delete_record", table="Nope", record="rec1")


async def test_bases_tables_fields_and_views_can_be_chosen(act: Acting) -> None:
    assert await act.choose("create_record.base") == ([(BASE, "Shop")], "itr1/app1")
    assert await act.choose("find_records.base", "OFF", "itr1/app1") == (
        [("appSW9R5uCNmRmfl6", "Office")],
        None,
    )
    assert await act.choose("create_record.table", base=BASE) == ([(TABLE, "Orders")], None)
    assert await act.choose("create_record.table", "x", base=BASE) == ([], None)
    assert await act.choose("create_record.table") == ([], None)
    names = [("Number", "Number"), ("Email", "Email"), ("Total", "Total"), ("Paid", "Paid")]
    assert await act.choose("upsert_record.merge_on", base=BASE, table="Orders") == (names, None)
    assert await act.choose("find_records.view", base=BASE, table=TABLE) == (
        [("viwQpsuEDqHFqegkp", "Grid view")],
        None,
    )


async def test_a_connection_says_who_it_is(service: AirtableService, make_call: MakeCall) -> None:
    good, wrong = connected(service), connected(service, "patWrong.secretvalue")

    assert await good.test(make_call(good)) == "connected as ada@example.org"
    with pytest.raises(ConnectionRejected, match="AUTHENTICATION_REQUIRED") as caught:
        await wrong.test(make_call(wrong))
    assert "secretvalue" not in str(caught.value) + repr(wrong)
    assert good.bound_hosts() == ["127.0.0.1"]
    assert AirtableConnection.model_validate({"token": "x"}).bound_hosts() == ["api.airtable.com"]
    with pytest.raises(ValidationError):
        AirtableConnection.model_validate({"token": ""})

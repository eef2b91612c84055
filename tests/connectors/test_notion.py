"""Notion's actions against a server with its shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

from connectors.notion import NotionConnection
from connectors.notion.access import notion_id
from runner.connector import Call, ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.connectors.acting import Acting, silence
from tests.servers.notion_service import ADA, DATABASE, SOURCE, TOKEN, NotionService, no

MakeCall = Callable[..., Call]
LINK = f"https://www.notion.so/acme/Orders-{DATABASE.replace('-', '')}?v=00000000000000000000000000000001"
FIRST = str(UUID(int=1))


@pytest.fixture
async def service() -> AsyncIterator[NotionService]:
    async with NotionService() as one:
        yield one


def connected(service: NotionService, token: str = TOKEN) -> NotionConnection:
    return NotionConnection.model_validate({"token": token, "api_url": service.api_url})


@pytest.fixture
def act(service: NotionService, make_call: MakeCall) -> Acting:
    return Acting("notion", make_call, connected(service))


VALUES: dict[str, Any] = {
    "Name": "Order 1",
    "Notes": "x" * 4500,
    "Total": "12.50",
    "Status": "Open",
    "Channel": "Web",
    "Tags": "shop, new",
    "Due": "2026-01-31",
    "Done": "true",
    "Site": "https://example.org/1",
    "Email": "ada@example.org",
    "Phone": "+49 30 1234",
    "Owner": ADA,
    "Parent": [LINK],
    "Files": ["https://example.org/a/bill.pdf"],
}


async def test_plain_values_become_properties_by_the_databases_types_and_come_back_plain(
    act: Acting, service: NotionService
) -> None:
    page = await act("create_page", database=LINK, properties=VALUES, markdown="# Hi", icon="🐞")

    body = service.requests[-1].json()
    assert body["parent"] == {"data_source_id": SOURCE}
    assert (body["markdown"], body["icon"]) == ("# Hi", {"type": "emoji", "emoji": "🐞"})
    assert [len(one["text"]["content"]) for one in body["properties"]["Notes"]["rich_text"]] == [
        2000,
        2000,
        500,
    ]
    assert body["properties"]["Done"] == {"checkbox": True}
    assert (page["id"], page["in_trash"], page["created_at"]) == (FIRST, False, "2026-01-02T03:04:00.000Z")
    assert page["properties"] == {
        **VALUES,
        "Total": 12.5,
        "Tags": ["shop", "new"],
        "Done": True,
        "Owner": [{"id": ADA, "name": "Ada"}],
        "Parent": [DATABASE],
        "Files": [{"name": "bill.pdf", "url": "https://example.org/a/bill.pdf"}],
        "Sum": 42,
        "Number": "ORD-7",
        "Made": "2026-01-02T03:04:00.000Z",
        "All": [1, None],
    }


async def test_null_empties_a_property_and_notions_own_form_passes(
    act: Acting, service: NotionService
) -> None:
    await act("create_page", database=DATABASE, properties=VALUES)
    changed = await act(
        "update_page", page=FIRST, properties=dict.fromkeys(VALUES) | {"Channel": {"select": {"name": "x"}}}
    )

    empty = {name: value for name, value in changed["properties"].items() if name in VALUES}
    assert empty == {
        **dict.fromkeys(VALUES, None),
        **{name: [] for name in ("Tags", "Owner", "Parent", "Files")},
        **dict.fromkeys(("Name", "Notes"), ""),
        "Done": False,
        "Channel": "x",
    }
    assert (await act("update_page", page=FIRST, in_trash=True))["in_trash"] is True


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"Nam": "x"}, 'no property "Nam"; did you mean "Name"'),
        ({"Sum": 1}, "Sum is of type formula, which Notion works out itself"),
        ({"Total": "12,50"}, "Total takes a number, such as 12.5, not the text '12,50'"),
        ({"Total": "nan"}, "Total takes a number"),
        ({"Total": True}, "Total takes a number"),
        ({"Done": "perhaps"}, "Done takes true or false"),
        ({"Done": [1]}, "Done takes true or false, not a list"),
        ({"Due": 5}, "Due takes a date"),
        ({"Due": {"begin": "2026-01-01"}}, "not an object"),
        ({"Name": ["a"]}, "Name takes a text, not a list"),
        ({"Notes": "x" * 200_001}, "Notes is longer than the 200,000 characters"),
        ({"Email": "x" * 201}, "Email takes at most 200 characters"),
        ({"Tags": ["x"] * 101}, "Tags takes at most 100 values"),
        ({"Owner": "Ada"}, "'Ada' holds no id of Notion"),
    ],
)
async def test_what_a_property_does_not_take_is_said_before_it_is_sent(
    act: Acting, service: NotionService, properties: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await act("create_page", database=DATABASE, properties=properties)

    assert service.pages == {}


async def test_a_page_goes_under_a_page(act: Acting, service: NotionService) -> None:
    page = await act("create_page", parent=FIRST, properties={"title": "Notes"}, blocks=[{"divider": {}}])

    assert service.pages[FIRST]["parent"] == {"page_id": FIRST}
    assert service.blocks[FIRST] == [{"divider": {}}]
    assert page["properties"] == {"title": "Notes"}
    with pytest.raises(Rejected, match="has one property, title"):
        await act("create_page", parent=FIRST, properties={"Name": "x"})


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("create_page", {"properties": {}}, "give database, or the parent page"),
        ("create_page", {"database": "x", "parent": "y", "properties": {}}, "give database, or the parent"),
        ("create_page", {"database": "x", "properties": {}, "markdown": "a", "blocks": []}, "not both"),
        ("create_page", {"database": "x", "properties": {}, "blocks": [{}] * 101}, "at most 100"),
        ("update_page", {"page": FIRST}, "give properties, icon or in_trash"),
        ("append_blocks", {"page": FIRST, "text": " "}, "either text or blocks"),
        ("append_blocks", {"page": FIRST, "text": "a\n\n" * 101}, "101 paragraphs"),
    ],
)
async def test_inputs_that_cannot_be_are_refused(
    act: Acting, service: NotionService, name: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await act(name, **inputs)

    assert service.requests == []


async def test_a_query_compares_by_type_and_reads_all_pages_of_the_answer(
    act: Acting, service: NotionService
) -> None:
    for number in range(130):
        await act("create_page", database=DATABASE, data_source=SOURCE, properties={"Name": f"#{number}"})
    service.requests.clear()

    found = await act(
        "query_database",
        database=DATABASE,
        where={
            "Email": "a@example.org",
            "Done": False,
            "Tags": "new",
            "Owner": ADA,
            "Due": None,
            "Total": "3",
        },
        filter={"property": "Name", "title": {"contains": "1"}},
        sorts=[{"property": "created_time", "direction": "descending"}, {"property": "Name"}],
        limit=110,
    )

    assert (len(found["pages"]), found["more"]) == (110, True)
    first, second = (one.json() for one in service.requests[-2:])
    assert (first["page_size"], second["page_size"], second["start_cursor"]) == (100, 10, "100")
    assert first["sorts"] == [
        {"timestamp": "created_time", "direction": "descending"},
        {"property": "Name", "direction": "ascending"},
    ]
    assert first["filter"] == {
        "and": [
            {"property": "Name", "title": {"contains": "1"}},
            {
                "and": [
                    {"property": "Email", "email": {"equals": "a@example.org"}},
                    {"property": "Done", "checkbox": {"equals": False}},
                    {"property": "Tags", "multi_select": {"contains": "new"}},
                    {"property": "Owner", "people": {"contains": ADA}},
                    {"property": "Due", "date": {"is_empty": True}},
                    {"property": "Total", "number": {"equals": 3}},
                ]
            },
        ]
    }
    every = await act("query_database", database=DATABASE, limit=1000)
    assert (len(every["pages"]), every["more"]) == (130, False)
    with pytest.raises(Rejected, match="Files is of type files, which `where` cannot compare"):
        await act("query_database", database=DATABASE, where={"Files": "x"})


async def test_a_database_of_several_sources_asks_which(act: Acting, service: NotionService) -> None:
    service.sources.append({"id": ADA, "name": "Archive"})

    with pytest.raises(Rejected, match='data sources "Orders", "Archive"; say which'):
        await act("query_database", database=DATABASE)
    await act("query_database", database=DATABASE, data_source="Archive")
    assert service.requests[-1].path == f"/v1/data_sources/{ADA}/query"


async def test_text_becomes_paragraphs_at_the_end_of_a_page(act: Acting, service: NotionService) -> None:
    await act("create_page", database=DATABASE, properties={"Name": "a"})

    made = await act(
        "append_blocks",
        page=f"https://app.notion.com/p/a-{FIRST.replace('-', '')}",
        text="one\ntwo\n\n\nthree",
    )

    texts = [one["paragraph"]["rich_text"][0]["text"]["content"] for one in service.blocks[FIRST]]
    assert texts == ["one\ntwo", "three"]
    assert len(made["blocks"]) == 2
    read = await act("get_page", page=FIRST)
    assert read["properties"]["Name"] == "a"


async def test_a_search_finds_pages_and_databases(act: Acting) -> None:
    await act("create_page", database=DATABASE, properties={"Name": "Order 1"})

    found = await act("search", query="Order")
    databases = await act("search", kind="database", limit=1)

    assert [(one["kind"], one["title"]) for one in found["results"]] == [
        ("database", "Orders"),
        ("database", "Orders, old"),
        ("page", "Order 1"),
    ]
    assert databases == {
        "results": [
            {
                "kind": "database",
                "id": DATABASE,
                "title": "Orders",
                "url": "https://www.notion.so/orders",
                "data_source": SOURCE,
            }
        ],
        "more": True,
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (DATABASE.upper(), DATABASE),
        (DATABASE.replace("-", ""), DATABASE),
        (LINK, DATABASE),
        (f"https://www.notion.so/{DATABASE}", DATABASE),
        (f"{LINK}&p={FIRST.replace('-', '')}&pm=s", FIRST),
        ("https://www.notion.so/acme/Orders", None),
        ("../users/me", None),
        (f"{DATABASE}/../x", None),
        ("", None),
    ],
)
def test_an_id_is_found_in_a_link(text: str, found: str | None) -> None:
    if found is not None:
        assert notion_id(text) == found
    else:
        with pytest.raises(Rejected, match="holds no id of Notion"):
            notion_id(text)


@pytest.mark.parametrize(
    ("status", "code", "meaning", "says"),
    [
        (400, "validation_error", Rejected, "validation_error: why"),
        (401, "unauthorized", ConnectionRejected, "copy the integration's secret"),
        (403, "restricted_resource", ConnectionRejected, "capability"),
        (404, "object_not_found", Rejected, "shared with the integration"),
        (409, "conflict_error", Unavailable, "conflict_error"),
        (429, "rate_limited", Unavailable, "rate_limited"),
        (500, "internal_server_error", OutcomeUnknown, "internal"),
        (503, "service_unavailable", OutcomeUnknown, "503"),
        (503, "database_connection_unavailable", Unavailable, "database_connection"),
        (504, "gateway_timeout", OutcomeUnknown, "504"),
    ],
)
async def test_each_refusal_has_its_meaning(
    act: Acting, service: NotionService, status: int, code: str, meaning: type[Exception], says: str
) -> None:
    async def refuse(_received: Any) -> Any:
        return no(status, code, "why")

    service.handler = refuse
    with pytest.raises(meaning, match=says) as caught:
        await act("get_page", page=FIRST)

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)
    if status == 429:
        assert isinstance(caught.value, Unavailable)
        assert caught.value.retry_after_seconds == 3


@pytest.mark.parametrize(
    ("status", "meaning"), [(502, OutcomeUnknown), (403, ConnectionRejected), (200, OutcomeUnknown)]
)
async def test_an_answer_that_is_not_notions_is_judged_by_its_status(
    act: Acting, service: NotionService, status: int, meaning: type[Exception]
) -> None:
    service.reply(status, body="<html>")

    with pytest.raises(meaning):
        await act("search")


async def test_no_answer_in_time_is_an_unknown_outcome(act: Acting, service: NotionService) -> None:
    service.handler = silence

    with pytest.raises(TimedOut):
        await act("create_page", parent=FIRST, properties={"title": "x"}, timeout_seconds=0.2)


async def test_databases_sources_and_pages_can_be_chosen(act: Acting) -> None:
    await act("create_page", database=DATABASE, properties={"Name": "Order 1"})

    assert await act.choose("create_page.database", "Orders") == ([(DATABASE, "Orders")], None)
    assert await act.choose("create_page.data_source", database=LINK) == ([(SOURCE, "Orders")], None)
    assert await act.choose("create_page.data_source", "x", database=LINK) == ([], None)
    assert await act.choose("create_page.data_source") == ([], None)
    assert await act.choose("update_page.page", "Order") == ([(FIRST, "Order 1")], None)


async def test_a_connection_says_who_it_is(service: NotionService, make_call: MakeCall) -> None:
    good, wrong = connected(service), connected(service, "ntn_wrong_secret")

    assert await good.test(make_call(good)) == "connected as Hookline to Acme"
    with pytest.raises(ConnectionRejected, match="API token is invalid") as caught:
        await wrong.test(make_call(wrong))
    assert "ntn_wrong_secret" not in str(caught.value) + repr(wrong)
    assert NotionConnection.model_validate({"token": "x"}).bound_hosts() == ["api.notion.com"]

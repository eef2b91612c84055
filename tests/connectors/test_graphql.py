"""`graphql.query` and `graphql.mutate`, against a service that answers as the specification says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import connectors
from connectors.graphql import operations
from runner.connector import Bearer, Call, HttpConnection
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.graphql_service import TOKEN, GraphQlService
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]
ORDER = "query ($id: ID!) { order(id: $id) { name total } }"
NOTE = "mutation ($note: String!) { addNote(note: $note) { id } }"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def service() -> AsyncIterator[GraphQlService]:
    async with GraphQlService() as one:
        yield one


def bearer(address: str, token: str = TOKEN) -> Bearer:
    return Bearer.model_validate({"token": token, "api_url": address})


async def run(
    make_call: MakeCall, connection: HttpConnection | None, name: str, *, seconds: float = 10, **inputs: Any
) -> Any:
    action = connectors.action(f"graphql.{name}")
    assert action is not None
    call = make_call(connection, seconds)
    return (await action.function(call, connection, action.read_input(inputs))).model_dump()


async def test_a_query_gives_its_data(service: GraphQlService, make_call: MakeCall) -> None:
    answer = await run(
        make_call, bearer(service.address), "query", query=ORDER, variables={"id": "1"}, headers={"X-A": 1}
    )

    assert answer == {"data": {"order": {"name": "#1", "total": "9.90"}}, "errors": [], "extensions": {}}
    assert service.requests[0].json() == {"query": ORDER, "variables": {"id": "1"}}
    assert service.requests[0].headers["x-a"] == "1"


async def test_a_variable_is_data_and_never_text(service: GraphQlService, make_call: MakeCall) -> None:
    note = '") { id } deleteAll { id } #'

    answer = await run(make_call, bearer(service.address), "mutate", mutation=NOTE, variables={"note": note})

    assert service.notes == [note]
    assert service.requests[0].json()["query"] == NOTE
    assert (answer["data"], answer["extensions"]) == ({"addNote": {"id": 1}}, {"cost": 10})
    assert service.keys == ["evt1.shop.step"]


async def test_one_of_several_operations_is_named(service: GraphQlService, make_call: MakeCall) -> None:
    document = "query A { order { name } } query B { order { total } }"

    await run(make_call, bearer(service.address), "query", query=document, operation="B")

    assert service.requests[0].json()["operationName"] == "B"


async def test_incomplete_data_fails_unless_it_is_accepted(
    service: GraphQlService, make_call: MakeCall
) -> None:
    document = "{ order { name reviews { text } } }"
    way = bearer(service.address)

    with pytest.raises(Rejected, match=r"order\.reviews: reviews are away; with `accept_errors`"):
        await run(make_call, way, "query", query=document)
    answer = await run(make_call, way, "query", query=document, accept_errors=True)

    assert answer["data"]["order"]["name"] == "#1"
    assert answer["errors"][0]["path"] == ["order", "reviews"]


async def test_a_query_that_is_wrong_is_refused_with_its_reason(
    service: GraphQlService, make_call: MakeCall
) -> None:
    with pytest.raises(Rejected, match='GraphQL: Cannot query field "x"'):
        await run(make_call, bearer(service.address), "query", query="{ x }", accept_errors=True)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        ({"message": "no", "extensions": {"code": "UNAUTHENTICATED"}}, ConnectionRejected),
        ({"message": "no", "extensions": {"code": "FORBIDDEN"}}, ConnectionRejected),
        ({"message": "Throttled", "extensions": {"code": "THROTTLED"}}, Unavailable),
        ({"message": "slow", "type": "RATE_LIMITED"}, Unavailable),
        ({"message": "oops", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}, OutcomeUnknown),
        ({"message": "bad", "extensions": {"code": "BAD_USER_INPUT"}}, Rejected),
        ({"message": "bad", "extensions": None}, Rejected),
        ({}, Rejected),
    ],
)
async def test_errors_in_a_200_have_their_meaning(
    service: GraphQlService, make_call: MakeCall, error: dict[str, Any], meaning: type[Exception]
) -> None:
    service.errors = [error]

    with pytest.raises(meaning) as caught:
        await run(make_call, bearer(service.address), "query", query=ORDER)

    assert type(caught.value) is meaning


@pytest.mark.parametrize(
    ("status", "body", "headers", "meaning"),
    [
        (401, '{"errors": [{"message": "x"}]}', JSON, ConnectionRejected),
        (403, "no", {}, ConnectionRejected),
        (429, "{}", JSON | {"Retry-After": "7"}, Unavailable),
        (503, "", {}, Unavailable),
        (500, '{"errors": [{"message": "x"}]}', JSON, OutcomeUnknown),
        (502, "<html>", {}, OutcomeUnknown),
        (400, '{"errors": [{"message": "Must provide query"}]}', JSON, Rejected),
        (400, '{"data": {"a": 1}}', JSON, Rejected),
        (404, "nothing here", {}, Rejected),
        (200, "[]", JSON, OutcomeUnknown),
        (200, '{"message": "hello"}', JSON, OutcomeUnknown),
        (200, "hello", {}, OutcomeUnknown),
    ],
)
async def test_what_is_no_graphql_response_has_the_meaning_of_its_status(
    service: GraphQlService,
    make_call: MakeCall,
    status: int,
    body: str,
    headers: dict[str, str],
    meaning: type[Exception],
) -> None:
    service.reply(status, body=body.encode(), headers=headers)

    with pytest.raises(meaning) as caught:
        await run(make_call, bearer(service.address), "query", query=ORDER)

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)
    if isinstance(caught.value, Unavailable) and "Retry-After" in headers:
        assert caught.value.retry_after_seconds == 7


async def test_a_service_that_is_silent_or_away_is_told_apart(make_call: MakeCall) -> None:
    async with RawPeer(hang) as silent:
        with pytest.raises(TimedOut):
            await run(make_call, bearer(silent.url), "mutate", seconds=0.2, mutation=NOTE)
    with pytest.raises(Unavailable):
        await run(make_call, bearer(f"http://127.0.0.1:{unused_port()}"), "query", query=ORDER)


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("query", {"query": "mutation { a }"}, "query: holds a mutation; use graphql.mutate"),
        ("query", {"query": "subscription { a }"}, "has no end"),
        ("query", {"query": "fragment F on T { a }"}, "holds no operation"),
        ("query", {"query": ""}, "holds no operation"),
        ("mutate", {"mutation": "{ a }"}, "use graphql.query"),
        ("query", {"query": "{ a }", "operation": "no name"}, "operation"),
        ("query", {"query": "{ a }", "url": "ftp://x"}, "http"),
    ],
)
async def test_what_cannot_be_is_refused_before_it_is_sent(
    service: GraphQlService, make_call: MakeCall, name: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await run(make_call, bearer(service.address), name, **inputs)

    assert service.requests == []


async def test_an_address_is_needed_and_credentials_stay_at_home(
    service: GraphQlService, make_call: MakeCall
) -> None:
    with pytest.raises(Rejected, match="give a url here"):
        await run(make_call, None, "query", query="{ a }")
    with pytest.raises(Rejected, match="credentials may go to"):
        await run(make_call, bearer(service.address), "query", query="{ a }", url="http://localhost:1/")
    with pytest.raises(Rejected):  # 401 without a connection is the call's own fault
        await run(make_call, None, "query", query=ORDER, url=f"{service.url}/nothing")


@pytest.mark.parametrize(
    ("document", "kinds"),
    [
        ("{ a }", ["query"]),
        ("query A($x: In = {y: 1}) @d(if: true) { a(query: {b: 2}) } mutation { b }", ["query", "mutation"]),
        ('{ a(text: "mutation { b }") } # mutation', ["query"]),
        ('"""mutation {"""\nquery Q { a }', ["query"]),
        ("fragment F on Mutation { a } mutation M { ...F }", ["mutation"]),
        ("query mutation { a }", ["query"]),
        ("query Q { mutation { subscription } }", ["query"]),
        ("}}{{", []),
        ("nonsense", []),
    ],
)
def test_the_kind_of_an_operation_is_read_from_the_document(document: str, kinds: list[str]) -> None:
    assert operations(document) == kinds


async def test_a_connection_is_tested_at_its_address(service: GraphQlService, make_call: MakeCall) -> None:
    way = bearer(service.address)

    assert await way.test(make_call(way)) == "127.0.0.1 answered 405"

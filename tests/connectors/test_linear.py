"""Linear's actions, against a GraphQL engine over a reduced form of its schema on loopback."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from typing import Any

import pytest

import connectors
from connectors.linear import LinearConnection, linear
from connectors.linear.actions import id_of
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.linear_api import ACCESS_TOKEN, ENG, KEY, LinearApi
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]
NOW = 1_800_000_000


@pytest.fixture
async def api() -> AsyncIterator[LinearApi]:
    async with LinearApi() as one:
        yield one


def at(url: str, key: str = KEY) -> LinearConnection:
    return LinearConnection.model_validate({"api_key": key, "api_url": url})


async def run(make_call: MakeCall, connection: Any, name: str, *, seconds: float = 10, **inputs: Any) -> Any:
    action = connectors.action(f"linear.{name}")
    assert action is not None
    answer = await action.function(make_call(connection, seconds), connection, action.read_input(inputs))
    return answer.model_dump()


async def test_an_issue_is_made_by_names(api: LinearApi, make_call: MakeCall) -> None:
    answer = await run(
        make_call, at(api.api_url), "create_issue", team="eng", title="Broken", description="Seen",
        state="done", priority="urgent", labels=["bug", "Web"], assignee="ADA@example.com",
        due_date="2026-01-31", estimate=3,
    )  # fmt: skip

    made = api.issues[answer["id"]]
    assert answer == {
        "id": id_of("evt1.shop.step"), "identifier": "ENG-1", "title": "Broken", "state": "Done",
        "url": "https://linear.app/acme/issue/ENG-1",
    }  # fmt: skip
    assert (made["teamId"], made["stateId"], made["priority"]) == (ENG, "s2", 1)
    assert (made["labelIds"], made["assigneeId"]) == (["l2", "l4"], "u1")  # the team's own label goes first


async def test_ids_are_taken_as_they_are(api: LinearApi, make_call: MakeCall) -> None:
    await run(make_call, at(api.api_url), "create_issue", team=ENG, title="Broken")

    assert len(api.requests) == 1


async def test_what_is_made_again_after_a_crash_is_found(api: LinearApi, make_call: MakeCall) -> None:
    way = at(api.api_url)

    first = await run(make_call, way, "create_issue", team=ENG, title="Broken")
    again = await run(make_call, way, "create_issue", team=ENG, title="Broken")
    said = await run(make_call, way, "comment", issue="ENG-1", body="Mine")
    said_again = await run(make_call, way, "comment", issue="ENG-1", body="Mine")

    assert (again, said_again) == (first, said)
    assert (len(api.issues), len(api.comments)) == (1, 1)
    assert uuid.UUID(id_of("evt1.shop.step")).version == 4


async def test_an_issue_is_changed(api: LinearApi, make_call: MakeCall) -> None:
    way = at(api.api_url)
    await run(make_call, way, "create_issue", team=ENG, title="Broken")

    changed = await run(make_call, way, "update_issue", issue="ENG-1", state="Done", priority="none",
                        add_labels=["Web"], remove_labels=["Bug"], assignee="ada")  # fmt: skip

    assert changed["state"] == "Done"
    assert api.changes == [{"stateId": "s2", "priority": 0, "addedLabelIds": ["l4"],
                            "removedLabelIds": ["l2"], "assigneeId": "u1"}]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("create_issue", {"team": "NOPE"}, 'no team "NOPE"'),
        ("create_issue", {"team": "ENG", "state": "Later"}, 'no status "Later"'),
        ("create_issue", {"team": "ENG", "labels": ["Web", "No"]}, 'no label "No"'),
        ("create_issue", {"team": "ENG", "assignee": "bob"}, 'no user "bob"'),
    ],
)
async def test_a_name_that_is_not_there_is_said_before_anything_is_made(
    api: LinearApi, make_call: MakeCall, name: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await run(make_call, at(api.api_url), name, title="a", **inputs)

    assert api.issues == {}


async def test_an_issue_that_is_not_there_is_said(api: LinearApi, make_call: MakeCall) -> None:
    way = at(api.api_url)

    with pytest.raises(Rejected, match="Entity not found: Issue"):
        await run(make_call, way, "comment", issue="ENG-9", body="a")
    with pytest.raises(Rejected, match="Entity not found: Issue"):
        await run(make_call, way, "update_issue", issue="ENG-9", title="a")


@pytest.mark.parametrize(("limit", "requests"), [(10, 1), (60, 2), (120, 3), (200, 3)])
async def test_a_search_gives_as_many_as_asked(
    api: LinearApi, make_call: MakeCall, limit: int, requests: int
) -> None:
    for number in range(120):
        api.issueCreate(None, {"title": f"Broken {number}", "teamId": ENG})

    found = await run(make_call, at(api.api_url), "search_issues", term="Broken", limit=limit)

    assert len(found["issues"]) == min(limit, 120)
    assert found["more"] is (limit < 120)
    assert len(api.requests) == requests


@pytest.mark.parametrize(
    ("status", "extensions", "meaning", "says"),
    [
        (400, {"type": "ratelimited", "code": "RATELIMITED"}, Unavailable, "why"),
        (401, {"type": "authentication error"}, ConnectionRejected, "make a new one"),
        (400, {"code": "AUTHENTICATION_ERROR"}, ConnectionRejected, "make a new one"),
        (403, {"type": "forbidden"}, ConnectionRejected, "may not do this"),
        (200, {"type": "lock timeout"}, Unavailable, "why"),
        (200, {"type": "internal error"}, OutcomeUnknown, "why"),
        (400, {"type": "usage limit exceeded"}, Rejected, "limit of its plan"),
        (400, {"type": "invalid input", "userPresentableMessage": "title is too long"}, Rejected, "too long"),
        (200, {"type": "a new one"}, Rejected, "why"),
        (200, None, Rejected, "why"),
    ],
)
async def test_each_type_of_error_has_its_meaning(
    api: LinearApi,
    make_call: MakeCall,
    status: int,
    extensions: dict[str, Any] | None,
    meaning: type[Exception],
    says: str,
) -> None:
    api.reply(status, json={"errors": [{"message": "why", "extensions": extensions}]})

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, at(api.api_url), "search_issues", term="a")

    assert type(caught.value) is meaning
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (500, "oops", OutcomeUnknown), (502, "<html>", OutcomeUnknown), (503, "", Unavailable),
        (429, "", Unavailable), (404, "no", Rejected), (200, "<html>", OutcomeUnknown),
        (200, "[]", OutcomeUnknown), (200, '{"data": null}', OutcomeUnknown),
    ],
)  # fmt: skip
async def test_an_answer_that_is_not_linears_has_its_meaning(
    api: LinearApi, make_call: MakeCall, status: int, body: str, meaning: type[Exception]
) -> None:
    api.reply(status, body=body)

    with pytest.raises(meaning) as caught:
        await run(make_call, at(api.api_url), "search_issues", term="a")

    assert type(caught.value) is meaning


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "9"}, 9),
        ({"X-RateLimit-Requests-Remaining": "0", "X-RateLimit-Requests-Reset": str((NOW + 90) * 1000)}, 90),
        ({"X-RateLimit-Complexity-Remaining": "0", "X-RateLimit-Complexity-Reset": str(NOW + 30)}, 30),
        ({}, None),
    ],
)
async def test_a_rate_limit_says_when_to_come_back(
    api: LinearApi, make_call: MakeCall, headers: dict[str, str], seconds: float | None
) -> None:
    error = {"message": "Rate limit exceeded", "extensions": {"code": "RATELIMITED"}}
    api.reply(400, json={"errors": [error]}, headers=headers | {"Date": formatdate(NOW, usegmt=True)})

    with pytest.raises(Unavailable) as caught:
        await run(make_call, at(api.api_url), "search_issues", term="a")

    assert (caught.value.retry_after_seconds, caught.value.cause) == (seconds, "429")


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("create_issue", {"team": "ENG", "title": ""}, "title"),
        ("create_issue", {"team": "ENG", "title": "a", "priority": "huge"}, "priority"),
        ("update_issue", {"issue": "ENG-1"}, "nothing to change"),
        ("comment", {"issue": "no", "body": "a"}, "issue"),
        ("search_issues", {"term": "a", "limit": 251}, "250"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(name: str, inputs: dict[str, Any], says: str) -> None:
    action = connectors.action(f"linear.{name}")
    assert action is not None

    with pytest.raises(Rejected, match=says):
        action.read_input(inputs)


async def test_a_silent_linear_is_a_timeout_and_one_that_is_down_unavailable(make_call: MakeCall) -> None:
    async with RawPeer(hang) as peer:
        with pytest.raises(TimedOut):
            await run(make_call, at(peer.url), "search_issues", seconds=0.2, term="a")
    with pytest.raises(Unavailable):
        await run(make_call, at(f"http://127.0.0.1:{unused_port()}"), "search_issues", term="a")


async def test_a_connection_says_who_we_are_and_keeps_its_key(api: LinearApi, make_call: MakeCall) -> None:
    good, token, wrong = at(api.api_url), at(api.api_url, ACCESS_TOKEN), at(api.api_url, "lin_api_no")

    assert await good.test(make_call(good)) == "connected to Acme as Ada L"
    assert await token.test(make_call(token)) == "connected to Acme as Ada L"
    with pytest.raises(ConnectionRejected, match="You need to authenticate"):
        await wrong.test(make_call(wrong))
    bound = at("https://api.linear.app/graphql")
    with pytest.raises(Rejected, match=r"may go to api\.linear\.app only"):
        await make_call(bound).http.get(api.url)
    assert KEY not in repr(good)


async def test_teams_are_listed_page_by_page(api: LinearApi, make_call: MakeCall) -> None:
    api.team_table += [{"id": str(n), "key": f"T{n}", "name": f"Team {n}"} for n in range(60)]
    way, choose = at(api.api_url), linear.choosers["create_issue.team"]

    first = await choose(make_call(way), way, {}, "", None)
    second = await choose(make_call(way), way, {}, "", first.next)
    found = await choose(make_call(way), way, {}, "engin", None)

    assert (len(first.items), len(second.items), second.next) == (50, 12, None)
    assert [(one.value, one.label) for one in found.items] == [("ENG", "Engineering")]


@pytest.mark.parametrize(
    ("name", "given", "values"),
    [
        ("create_issue.state", {"team": "ENG"}, ["Todo", "Done"]),
        ("create_issue.state", {"team": "OPS"}, []),
        ("update_issue.state", {}, ["Todo", "Done"]),
        ("create_issue.labels", {}, ["Bug", "Bug", "Bug", "Web"]),
        ("update_issue.assignee", {}, ["ada@example.com"]),
    ],
)
async def test_what_there_is_can_be_chosen(
    api: LinearApi, make_call: MakeCall, name: str, given: dict[str, Any], values: list[str]
) -> None:
    way = at(api.api_url)

    found = await linear.choosers[name](make_call(way), way, given, "", None)

    assert [one.value for one in found.items] == values


def test_every_list_belongs_to_an_input() -> None:
    for name in linear.choosers:
        action, _, field = name.partition(".")
        assert field in linear.actions[action].input.model_fields

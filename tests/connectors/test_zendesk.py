"""Zendesk's actions, against its documented API on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import connectors
from connectors.zendesk import ZendeskConnection, zendesk
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.connectors.acting import Acting
from tests.servers.raw_peer import RawPeer, hang, unused_port
from tests.servers.zendesk_api import ACCESS_TOKEN, EMAIL, TOKEN, ZendeskApi

MakeCall = Callable[..., Call]


@pytest.fixture
async def api() -> AsyncIterator[ZendeskApi]:
    async with ZendeskApi() as one:
        yield one


def at(url: str, **fields: Any) -> ZendeskConnection:
    return ZendeskConnection.model_validate({"api_url": url, "email": EMAIL, "token": TOKEN} | fields)


@pytest.fixture
def act(api: ZendeskApi, make_call: MakeCall) -> Acting:
    return Acting("zendesk", make_call, at(api.url))


async def test_a_ticket_is_made(api: ZendeskApi, act: Acting) -> None:
    answer = await act(
        "create_ticket", subject="Order 1", body="Where is it?", requester_email="grace@example.com",
        requester_name="Grace", priority="high", type="question", tags=["webshop"], group_id=1,
        custom_fields={"360001": "EU"},
    )  # fmt: skip

    assert answer == {"id": 1, "subject": "Order 1", "status": "new", "priority": "high",
                      "tags": ["webshop"], "url": f"{api.url}/agent/tickets/1"}  # fmt: skip
    made = api.tickets[1]
    assert made["requester"] == {"email": "grace@example.com", "name": "Grace"}
    assert made["comments"] == [{"body": "Where is it?", "public": True}]
    assert made["custom_fields"] == [{"id": 360001, "value": "EU"}]


async def test_a_ticket_that_is_made_again_after_a_crash_is_the_same(api: ZendeskApi, act: Acting) -> None:
    first = await act("create_ticket", subject="Order 1", body="a")
    again = await act("create_ticket", subject="Order 1", body="a")

    assert again == first
    assert len(api.tickets) == 1
    with pytest.raises(Rejected, match="IdempotentRequestError"):
        await act("create_ticket", subject="Order 2", body="a")


async def test_a_ticket_is_changed_answered_tagged_and_read(api: ZendeskApi, act: Acting) -> None:
    await act("create_ticket", subject="Order 1", html="<p>a</p>", public=False)

    await act("update_ticket", ticket=1, priority="low", status="open")
    note = await act("comment", ticket=1, body="for us")
    said = await act("comment", ticket=1, html="<b>for you</b>", public=True, status="solved")
    tags = await act("add_tags", ticket=1, tags=["vip"])
    read = await act("get_ticket", ticket="1")

    assert api.tickets[1]["comments"] == [
        {"html_body": "<p>a</p>", "public": False},
        {"body": "for us", "public": False},
        {"html_body": "<b>for you</b>", "public": True},
    ]
    assert (note["status"], said) == ("open", {"ticket": 1, "status": "solved"})
    assert (tags, read["status"], read["priority"]) == ({"tags": ["vip"]}, "solved", "low")


def test_a_public_answer_is_not_sent_twice() -> None:
    action = connectors.action("zendesk.comment")
    assert action is not None

    assert action.crash_rule(action.read_input({"ticket": 1, "body": "a", "public": True})) == "stop"
    assert action.crash_rule(action.read_input({"ticket": 1, "body": "a"})) == "repeat"


def test_html_is_marked_so_that_expressions_in_it_are_escaped() -> None:
    assert connectors.catalogue_actions()["zendesk.comment"].html == {"html"}


@pytest.mark.parametrize(("limit", "requests"), [(10, 1), (100, 1), (150, 2), (300, 3)])
async def test_a_search_gives_as_many_as_asked(
    api: ZendeskApi, act: Acting, limit: int, requests: int
) -> None:
    api.found = 250

    answer = await act("search_tickets", query="status<solved", sort_by="updated_at", limit=limit)

    assert [one["id"] for one in answer["tickets"]] == list(range(min(limit, 250)))
    assert answer["count"] == 250
    assert len(api.requests) == requests
    assert api.requests[0].query["query"] == "type:ticket status<solved"


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("create_ticket", {"subject": "a"}, "either body or html"),
        ("create_ticket", {"subject": "a", "body": "a", "html": "b"}, "either body or html"),
        ("create_ticket", {"subject": "a", "body": "a", "requester_name": "x"}, "needs requester_email"),
        ("create_ticket", {"subject": "a", "body": "a", "tags": ["a b"]}, "slugify"),
        ("create_ticket", {"subject": "a", "body": "a", "custom_fields": {"color": 1}}, "custom_fields"),
        ("update_ticket", {"ticket": 1}, "nothing to change"),
        ("comment", {"ticket": "1/../2", "body": "a"}, "ticket"),
        ("search_tickets", {"query": "a", "limit": 1001}, "1000"),
    ],
)
async def test_what_cannot_be_is_refused_before_it_is_sent(
    api: ZendeskApi, act: Acting, name: str, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await act(name, **inputs)

    assert api.requests == []


@pytest.mark.parametrize(
    ("status", "headers", "body", "meaning", "says"),
    [
        (401, {}, {"error": "Couldn't authenticate you"}, ConnectionRejected, "e-mail and token"),
        (403, {}, {"error": {"title": "Forbidden", "message": "You do not have access to this page."}},
         ConnectionRejected, "Forbidden; You do not have access"),
        (404, {}, {"error": "RecordNotFound", "description": "Not found"}, Rejected, "RecordNotFound"),
        (409, {}, {"error": "Conflict"}, Unavailable, "another"),
        (422, {}, {"error": "RecordInvalid", "description": "Record validation errors",
                   "details": {"subject": [{"description": "Subject: cannot be blank"}]}},
         Rejected, "subject: Subject: cannot be blank"),
        (429, {"Retry-After": "33"}, None, Unavailable, "429"),
        (301, {"Location": "https://other.zendesk.com"}, {}, Rejected, "sends us elsewhere"),
        (500, {}, {"error": "oops"}, OutcomeUnknown, "500"),
        (503, {"Retry-After": "33"}, None, Unavailable, "503"),
        (404, {}, None, Rejected, "404"),
        (200, {}, [], OutcomeUnknown, "not an object"),
    ],
)  # fmt: skip
async def test_each_no_has_its_meaning(
    api: ZendeskApi,
    act: Acting,
    status: int,
    headers: dict[str, str],
    body: Any,
    meaning: type[Exception],
    says: str,
) -> None:
    api.reply(status, headers=headers, **({"body": "<html>"} if body is None else {"json": body}))

    with pytest.raises(meaning, match=says) as caught:
        await act("comment", ticket=1, body="a")

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)
    if headers.get("Retry-After"):
        assert isinstance(caught.value, Unavailable)
        assert caught.value.retry_after_seconds == 33


async def test_a_silent_zendesk_is_a_timeout_and_one_that_is_down_unavailable(make_call: MakeCall) -> None:
    async with RawPeer(hang) as peer:
        with pytest.raises(TimedOut):
            await Acting("zendesk", make_call, at(peer.url))("get_ticket", timeout_seconds=0.2, ticket=1)
    with pytest.raises(Unavailable):
        await Acting("zendesk", make_call, at(f"http://127.0.0.1:{unused_port()}"))("get_ticket", ticket=1)


async def test_a_connection_says_who_we_are_and_keeps_its_token(api: ZendeskApi, make_call: MakeCall) -> None:
    good, oauth = at(f"{api.url}/api/v2/"), at(api.url, email=None, token=ACCESS_TOKEN)
    wrong = at(api.url, token="wrong")

    assert await good.test(make_call(good)) == "connected as Ada"
    assert await oauth.test(make_call(oauth)) == "connected as Ada"
    with pytest.raises(ConnectionRejected, match="does not know"):
        await wrong.test(make_call(wrong))
    bound = at("https://acme.zendesk.com")
    with pytest.raises(Rejected, match=r"may go to acme\.zendesk\.com only"):
        await make_call(bound).http.get(api.url)
    assert TOKEN not in repr(good)
    assert len(good.secret_texts()) == 2


async def test_groups_and_agents_can_be_chosen(act: Acting) -> None:
    assert await act.choose("create_ticket.group_id") == ([(1, "Support")], "abc")
    assert await act.choose("update_ticket.group_id", "bill", "abc") == ([(2, "Billing")], None)
    assert await act.choose("create_ticket.assignee_id", "ada@") == ([(7, "Ada")], None)


def test_every_list_belongs_to_an_input() -> None:
    for name in zendesk.choosers:
        action, _, field = name.partition(".")
        assert field in zendesk.actions[action].input.model_fields

"""Jira's actions, against the documented APIs of Cloud and Data Center on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import connectors
from connectors.jira import JiraConnection, jira
from connectors.jira.adf import from_markdown, from_text
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.jira_api import EMAIL, PERSONAL, TOKEN, JiraApi, misplaced
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]


@pytest.fixture
async def cloud() -> AsyncIterator[JiraApi]:
    async with JiraApi() as one:
        yield one


@pytest.fixture
async def own() -> AsyncIterator[JiraApi]:
    async with JiraApi(is_cloud=False) as one:
        yield one


def at(url: str, **fields: Any) -> JiraConnection:
    return JiraConnection.model_validate({"api_url": url, "email": EMAIL, "token": TOKEN} | fields)


def personal(url: str) -> JiraConnection:
    return at(url, email=None, token=PERSONAL)


async def run(make_call: MakeCall, connection: Any, name: str, *, seconds: float = 10, **inputs: Any) -> Any:
    action = connectors.action(f"jira.{name}")
    assert action is not None
    answer = await action.function(make_call(connection, seconds), connection, action.read_input(inputs))
    return answer.model_dump()


async def test_an_issue_is_made_in_the_cloud(cloud: JiraApi, make_call: MakeCall) -> None:
    answer = await run(
        make_call, at(cloud.url + "/"), "create_issue", project="SHOP", issue_type="Bug", summary="Broken",
        description="Seen at **noon**\n\n- a\n- b", priority="High", labels=["web"], assignee="5b10",
        parent="SHOP-9", components=["Cart"], due_date="2026-01-31", fields={"customfield_10010": "EU"},
    )  # fmt: skip

    assert answer == {"id": "10001", "key": "SHOP-1", "url": f"{cloud.url}/browse/SHOP-1"}
    made = cloud.issues["SHOP-1"]
    assert made["description"]["content"][0]["content"][1] == {
        "type": "text", "text": "noon", "marks": [{"type": "strong"}],
    }  # fmt: skip
    assert {name: made[name] for name in made if name not in {"description", "status"}} == {
        "project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "summary": "Broken",
        "priority": {"name": "High"}, "labels": ["web"], "assignee": {"accountId": "5b10"},
        "parent": {"key": "SHOP-9"}, "components": [{"name": "Cart"}], "duedate": "2026-01-31",
        "customfield_10010": "EU",
    }  # fmt: skip


async def test_an_issue_is_made_in_a_jira_of_your_own(own: JiraApi, make_call: MakeCall) -> None:
    await run(
        make_call, personal(own.url), "create_issue", project=10000, issue_type="10002", summary="Broken",
        description="h1. As it is", assignee="ada",
    )  # fmt: skip

    made = own.issues["SHOP-1"]
    assert (made["project"], made["issuetype"]) == ({"id": "10000"}, {"id": "10002"})
    assert (made["description"], made["assignee"]) == ("h1. As it is", {"name": "ada"})


async def test_an_issue_is_changed_read_and_commented_on(cloud: JiraApi, make_call: MakeCall) -> None:
    way = at(cloud.url)
    await run(make_call, way, "create_issue", project="SHOP", summary="Broken", labels=["a"])

    await run(make_call, way, "update_issue", issue="SHOP-1", summary="Mended", add_labels=["b"],
              remove_labels=["a"])  # fmt: skip
    said = await run(make_call, way, "comment", issue="SHOP-1", body="*Not* bold\nhere", format="text")
    read = await run(make_call, way, "get_issue", issue="SHOP-1", fields=["summary", "labels"])

    assert said == {"id": "200"}
    assert cloud.comments[0]["content"][0]["content"] == [
        {"type": "text", "text": "*Not* bold"}, {"type": "hardBreak"}, {"type": "text", "text": "here"},
    ]  # fmt: skip
    assert read["fields"] == {"summary": "Mended", "labels": ["b"]}


async def test_an_issue_goes_to_a_status_by_its_name(cloud: JiraApi, make_call: MakeCall) -> None:
    way = at(cloud.url)
    await run(make_call, way, "create_issue", project="SHOP", summary="Broken")

    done = await run(
        make_call, way, "transition", issue="SHOP-1", to="done", fields={"resolution": {"name": "Fixed"}}
    )
    again = await run(make_call, way, "transition", issue="SHOP-1", to="Done")
    back = await run(make_call, way, "transition", issue="SHOP-1", to="Go to To Do")

    assert done == {"issue": "SHOP-1", "status": "Done", "changed": True}
    assert again == {"issue": "SHOP-1", "status": "Done", "changed": False}
    assert back["status"] == "To Do"
    assert cloud.transitions[0] == {"transition": {"id": "31"}, "fields": {"resolution": {"name": "Fixed"}}}
    with pytest.raises(Rejected, match='is "To Do" and cannot become "Closed"; it can go to: Done'):
        await run(make_call, way, "transition", issue="SHOP-1", to="Closed")


@pytest.mark.parametrize("limit", [1, 100, 150, 250, 300])
@pytest.mark.parametrize("is_cloud", [True, False])
async def test_a_search_gives_as_many_as_asked(make_call: MakeCall, *, is_cloud: bool, limit: int) -> None:
    async with JiraApi(is_cloud=is_cloud) as api:
        api.issue_count = 250
        way = at(api.url) if is_cloud else personal(api.url)

        found = await run(make_call, way, "search", jql="project = SHOP", limit=limit)

        keys = [one["key"] for one in found["issues"]]
        assert keys == [f"SHOP-{n}" for n in range(min(limit, 250))]
        assert found["more"] is (limit < 250)
        assert len(api.requests) == -(-min(limit, 250) // 100)


async def test_a_search_that_jira_cannot_read_is_said(cloud: JiraApi, make_call: MakeCall) -> None:
    with pytest.raises(Rejected, match="Expecting operator"):
        await run(make_call, at(cloud.url), "search", jql="oops")


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("create_issue", {"project": "SHOP", "summary": "a\nb"}, "one line"),
        ("create_issue", {"project": "SHOP", "summary": "x" * 256}, "255"),
        ("create_issue", {"project": "S/../x", "summary": "a"}, "project"),
        ("create_issue", {"project": "SHOP", "summary": "a", "labels": ["a b"]}, "slugify"),
        ("create_issue", {"project": "SHOP", "summary": "a", "description": "x" * 32_768}, "32767"),
        ("update_issue", {"issue": "SHOP-1", "format": "text"}, "nothing to change"),
        ("comment", {"issue": "SHOP-1/../../x", "body": "a"}, "issue"),
        ("search", {"jql": "a", "limit": 1001}, "1000"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(name: str, inputs: dict[str, Any], says: str) -> None:
    action = connectors.action(f"jira.{name}")
    assert action is not None

    with pytest.raises(Rejected, match=says):
        action.read_input(inputs)


@pytest.mark.parametrize(
    ("status", "headers", "body", "meaning", "says"),
    [
        (401, {}, {"errorMessages": ["You are not authenticated."]}, ConnectionRejected, "not authenticated"),
        (403, {"X-Seraph-LoginReason": "AUTHENTICATION_DENIED",
               "X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://x"}, {},
         ConnectionRejected, "sign in with a browser"),
        (404, {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, {"errorMessages": ["no"]},
         ConnectionRejected, "check e-mail and token"),
        (403, {}, {"errorMessages": ["no"]}, ConnectionRejected, "may not do this"),
        (400, {}, {"errorMessages": [], "errors": {"priority": "is required"}}, Rejected, "priority: is"),
        (404, {}, {"errorMessages": ["No project could be found"]}, Rejected, "No project"),
        (409, {}, {"errorMessages": ["conflict"]}, Unavailable, "another"),
        (429, {"Retry-After": "12"}, {"message": "Rate limit exceeded."}, Unavailable, "429"),
        (302, {"Location": "/login.jsp"}, {}, Rejected, "sends us elsewhere"),
        (500, {}, {"errorMessages": ["Internal server error"]}, OutcomeUnknown, "500"),
        (503, {}, None, Unavailable, "503"),
        (201, {}, [], OutcomeUnknown, "not an object"),
    ],
)  # fmt: skip
async def test_each_no_has_its_meaning(
    cloud: JiraApi,
    make_call: MakeCall,
    status: int,
    headers: dict[str, str],
    body: Any,
    meaning: type[Exception],
    says: str,
) -> None:
    cloud.reply(status, headers=headers, **({"body": "<html>"} if body is None else {"json": body}))

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, at(cloud.url), "create_issue", project="SHOP", summary="a")

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)
    if status == 429:
        assert isinstance(caught.value, Unavailable)
        assert caught.value.retry_after_seconds == 12


async def test_a_silent_jira_is_a_timeout_and_one_that_is_down_unavailable(make_call: MakeCall) -> None:
    async with RawPeer(hang) as peer:
        with pytest.raises(TimedOut):
            await run(make_call, at(peer.url), "comment", seconds=0.2, issue="A1-1", body="a")
    with pytest.raises(Unavailable):
        await run(make_call, at(f"http://127.0.0.1:{unused_port()}"), "comment", issue="A1-1", body="a")


async def test_a_connection_says_who_we_are_and_keeps_its_token(
    cloud: JiraApi, own: JiraApi, make_call: MakeCall
) -> None:
    good, mine, wrong = at(cloud.url), personal(own.url), at(cloud.url, token="wrong")

    assert await good.test(make_call(good)) == "connected as Ada"
    assert await mine.test(make_call(mine)) == "connected as Ada"
    with pytest.raises(ConnectionRejected, match="check e-mail and token"):
        await wrong.test(make_call(wrong))
    bound = at("https://acme.atlassian.net")
    with pytest.raises(Rejected, match=r"may go to acme\.atlassian\.net only"):
        await make_call(bound).http.get(cloud.url)
    assert TOKEN not in repr(good)
    assert len(good.secret_texts()) == 2
    assert at("https://api.atlassian.com/ex/jira/11").browse("SHOP-1") is None


async def choose(
    make_call: MakeCall, way: Any, name: str, search: str = "", cursor: Any = None, **given: Any
) -> Any:
    found = await jira.choosers[name](make_call(way), way, given, search, cursor)
    return [one.value for one in found.items], found.next


async def test_projects_types_people_and_statuses_can_be_chosen(cloud: JiraApi, make_call: MakeCall) -> None:
    way = at(cloud.url)
    await run(make_call, way, "create_issue", project="SHOP", summary="Broken")

    assert await choose(make_call, way, "create_issue.project") == (["SHOP"], "1")
    assert await choose(make_call, way, "create_issue.project", cursor="1") == (["SITE"], None)
    types = await choose(make_call, way, "create_issue.issue_type", "bu", project="SHOP")
    assert types == (["Bug"], None)
    assert await choose(make_call, way, "create_issue.assignee", "ad", project="SHOP") == (["5b10"], None)
    assert await choose(make_call, way, "transition.to") == (["To Do", "Done"], None)
    assert await choose(make_call, way, "transition.to", issue="SHOP-1") == (["Done"], None)
    with pytest.raises(Rejected, match="choose a project"):
        await choose(make_call, way, "create_issue.issue_type", project="{{ payload.project }}")


async def test_a_jira_of_your_own_lists_in_its_own_words(own: JiraApi, make_call: MakeCall) -> None:
    way = personal(own.url)

    assert await choose(make_call, way, "create_issue.project", "shop") == (["SHOP"], None)
    assert await choose(make_call, way, "create_issue.issue_type", project="SHOP") == (["Task", "Bug"], None)
    assert await choose(make_call, way, "create_issue.assignee", project="SHOP") == (["ada"], None)


PIECES = [
    "# H *a*\n", "para **b** `c` [l **m `n`**](https://x.example)\n",
    "- x\n  # in a list\n  > q\n\n  | a |\n  |---|\n",
    "-\n", "3. a\n   ```py\n   code\n   ```\n", "> # t\n>> deep\n> ---\n", "```\n\n```\n",
    "| a | b |\n|---|---|\n| 1 | |\n",
    "---\n", "![i](https://x.example/i.png)\n", "<b>html</b>\n", "a  \nb ~~s **t**~~\n", "\n", "    code\n",
]  # fmt: skip


@given(some.lists(some.sampled_from(PIECES) | some.text("#*_->`|[]()! \n\tab1.", max_size=20), max_size=6))
@settings(max_examples=300, deadline=None)
def test_every_text_becomes_a_document_that_jira_takes(pieces: list[str]) -> None:
    text = "\n".join(pieces)

    assert misplaced(from_markdown(text)) is None
    assert misplaced(from_text(text)) is None


def test_html_and_addresses_that_run_stay_text() -> None:
    (paragraph,) = from_markdown("<script>x</script> [a](javascript:alert(1))")["content"]

    assert all(set(one) == {"type", "text"} for one in paragraph["content"])


def test_every_list_belongs_to_an_input() -> None:
    for name in jira.choosers:
        action, _, field = name.partition(".")
        assert field in jira.actions[action].input.model_fields

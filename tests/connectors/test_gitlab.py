"""GitLab's actions, against its documented API on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import connectors
from connectors.gitlab import GitLabConnection, gitlab
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.gitlab_api import TOKEN, GitLabApi
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]
PROJECT = {"project": "acme/web/shop"}


@pytest.fixture
async def api() -> AsyncIterator[GitLabApi]:
    async with GitLabApi() as one:
        yield one


def at(url: str, token: str = TOKEN) -> GitLabConnection:
    return GitLabConnection.model_validate({"token": token, "api_url": url})


async def run(make_call: MakeCall, connection: Any, name: str, *, seconds: float = 10, **inputs: Any) -> Any:
    action = connectors.action(f"gitlab.{name}")
    assert action is not None
    given = action.read_input(PROJECT | inputs)
    answer = await action.function(make_call(connection, seconds), connection, given)
    return answer.model_dump()


async def test_an_issue_is_made_changed_and_closed(api: GitLabApi, make_call: MakeCall) -> None:
    way = at(api.api_url)

    made = await run(
        make_call, way, "create_issue", title="Broken", labels=["bug", "web"], due_date="2026-01-31"
    )
    closed = await run(make_call, way, "update_issue", issue=1, state="closed", remove_labels=["web"])

    assert made == {"id": 101, "issue": 1, "title": "Broken", "state": "opened",
                    "url": "https://gitlab.com/acme/web/shop/-/issues/1"}  # fmt: skip
    assert closed["state"] == "closed"
    assert (api.issues[1]["labels"], api.issues[1]["remove_labels"]) == ("bug,web", "web")


async def test_issues_and_merge_requests_are_commented_on(api: GitLabApi, make_call: MakeCall) -> None:
    way = at(api.api_url)

    said = await run(make_call, way, "comment", issue=1, body="a")
    await run(make_call, way, "comment", merge_request="2", body="b")

    assert said == {"id": 302}
    assert api.notes == [("issues/1", "a"), ("merge_requests/2", "b")]


async def test_a_status_that_stands_already_is_fine(api: GitLabApi, make_call: MakeCall) -> None:
    way, sha = at(api.api_url), "a" * 40

    first = await run(make_call, way, "commit_status", sha=sha, state="running")
    again = await run(make_call, way, "commit_status", sha=sha, state="running")

    assert first == {"id": 93, "state": "running", "name": "hookline"}
    assert again == {"id": None, "state": "running", "name": "hookline"}


async def test_a_pipeline_is_started(api: GitLabApi, make_call: MakeCall) -> None:
    way = at(api.api_url)

    answer = await run(
        make_call, way, "trigger_pipeline", variables={"TO": "staging", "N": 2, "DRY": True}, inputs={"a": 1}
    )

    assert answer == {"id": 61, "status": "created",
                      "url": "https://gitlab.com/acme/web/shop/-/pipelines/61"}  # fmt: skip
    (given,) = api.pipelines
    assert given["variables"] == [
        {"key": "TO", "value": "staging"}, {"key": "N", "value": "2"}, {"key": "DRY", "value": "true"},
    ]  # fmt: skip
    with pytest.raises(Rejected, match="base Reference not found"):
        await run(make_call, way, "trigger_pipeline", ref="nope")
    assert {name for name, one in gitlab.actions.items() if one.after_crash == "stop"} == {"trigger_pipeline"}


async def test_a_file_is_read(api: GitLabApi, make_call: MakeCall, files: Any) -> None:
    way = at(api.api_url)
    api.files["logo.png"] = (b"\x89PNG\xff", 3)

    page = await run(make_call, way, "get_file", file_path="docs/a b.md")
    image = await run(make_call, way, "get_file", file_path="logo.png", ref="v1")

    assert (page["text"], page["last_commit_id"], page["file"]["filename"]) == ("# Hello\n", "c1", "a b.md")
    assert image["text"] is None
    assert await files.read(image["file"]) == b"\x89PNG\xff"
    with pytest.raises(Rejected, match=r"nope\.md is not there"):
        await run(make_call, way, "get_file", file_path="nope.md")


async def test_a_file_is_made_replaced_and_left_alone(api: GitLabApi, make_call: MakeCall) -> None:
    way = at(api.api_url)

    made = await run(make_call, way, "put_file", file_path="data/a.json", content="1", message="one")
    again = await run(make_call, way, "put_file", file_path="data/a.json", content="1", message="one")
    await run(make_call, way, "put_file", file_path="data/a.json", content="2", message="two")

    assert (made["changed"], again["changed"]) == (True, False)
    assert api.files["data/a.json"] == (b"2", 2)


async def test_a_file_that_was_changed_meanwhile_is_not_lost(api: GitLabApi, make_call: MakeCall) -> None:
    way = at(api.api_url)

    with pytest.raises(Rejected, match="has changed since: by c1"):
        await run(
            make_call, way, "put_file", file_path="docs/a b.md", content="mine", message="m",
            last_commit_id="c0",
        )  # fmt: skip
    api.reply(404, json={"message": "404 File Not Found"})  # it comes between our look and our commit
    with pytest.raises(Unavailable, match="meanwhile"):
        await run(make_call, way, "put_file", file_path="docs/a b.md", content="mine", message="m")

    assert api.files["docs/a b.md"] == (b"# Hello\n", 1)


async def test_a_commit_that_gitlab_refuses_is_not_tried_again(api: GitLabApi, make_call: MakeCall) -> None:
    api.reply(404, json={"message": "404 File Not Found"})
    api.reply(400, json={"message": "You can only create or edit files when you are on a branch"})

    with pytest.raises(Rejected, match="when you are on a branch"):
        await run(
            make_call, at(api.api_url), "put_file", file_path="a", content="1", message="m", branch="no"
        )


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("create_issue", {"project": "shop", "title": "a"}, "its path with all groups"),
        ("create_issue", {"project": "acme/..", "title": "a"}, "its path with all groups"),
        ("create_issue", {"project": "acme/shop?x", "title": "a"}, "its path with all groups"),
        ("create_issue", {"title": "x" * 256}, "255"),
        ("create_issue", {"title": "a", "labels": ["a,b"]}, "no comma"),
        ("create_issue", {"title": "a", "due_date": "31.1.2026"}, "due_date"),
        ("update_issue", {"issue": 1}, "nothing to change"),
        ("comment", {"body": "a"}, "either issue or merge_request"),
        ("comment", {"body": "a", "issue": 1, "merge_request": 1}, "either issue or merge_request"),
        ("get_file", {"file_path": "a/../b"}, "without . and .."),
        ("commit_status", {"sha": "x/y", "state": "success"}, "sha"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(name: str, inputs: dict[str, Any], says: str) -> None:
    action = connectors.action(f"gitlab.{name}")
    assert action is not None

    with pytest.raises(Rejected, match=says):
        action.read_input(PROJECT | inputs)


def test_a_project_is_named_by_its_id_too() -> None:
    action = connectors.action("gitlab.comment")
    assert action is not None

    assert action.read_input({"project": 42, "issue": 1, "body": "a"}).path == "/projects/42"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "headers", "body", "meaning", "says"),
    [
        (401, {}, {"message": "401 Unauthorized"}, ConnectionRejected, "make a new one"),
        (401, {}, {"error": "invalid_token", "error_description": "Token is expired."},
         ConnectionRejected, "Token is expired"),
        (403, {}, {"error": "insufficient_scope", "error_description": "It requires higher privileges",
                   "scope": "api"}, ConnectionRejected, "it needs the scope api"),
        (404, {}, {"message": "404 Project Not Found"}, Rejected, "the token may not see it"),
        (400, {}, {"message": {"title": ["can't be blank", "is too short"]}}, Rejected,
         "title can't be blank, is too short"),
        (409, {}, {"message": "Conflict"}, Rejected, "Conflict"),
        (301, {"Location": "/other"}, {}, Rejected, "new path"),
        (429, {"Retry-After": "45"}, None, Unavailable, "429"),
        (500, {}, {"message": "500 Internal Server Error"}, OutcomeUnknown, "500"),
        (502, {}, None, OutcomeUnknown, "502"),
        (201, {}, [], OutcomeUnknown, "not an object"),
    ],
)  # fmt: skip
async def test_each_no_has_its_meaning(
    api: GitLabApi,
    make_call: MakeCall,
    status: int,
    headers: dict[str, str],
    body: Any,
    meaning: type[Exception],
    says: str,
) -> None:
    api.reply(status, headers=headers, **({"body": "Retry later"} if body is None else {"json": body}))

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, at(api.api_url), "create_issue", title="a")

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)
    assert len(api.requests) == 1
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after_seconds == 45


async def test_a_silent_gitlab_is_a_timeout_and_one_that_is_down_unavailable(make_call: MakeCall) -> None:
    async with RawPeer(hang) as peer:
        with pytest.raises(TimedOut):
            await run(make_call, at(peer.url), "create_issue", seconds=0.2, title="a")
    with pytest.raises(Unavailable):
        await run(make_call, at(f"http://127.0.0.1:{unused_port()}"), "create_issue", title="a")


async def test_a_connection_says_who_we_are_and_keeps_its_token(api: GitLabApi, make_call: MakeCall) -> None:
    good, wrong, bound = at(api.api_url), at(api.api_url, "glpat-no"), at("https://gitlab.com/api/v4")

    assert await good.test(make_call(good)) == "connected as ada"
    with pytest.raises(ConnectionRejected):
        await wrong.test(make_call(wrong))
    seen = len(api.requests)
    with pytest.raises(Rejected, match=r"may go to gitlab\.com only"):
        await make_call(bound).http.get(api.url)
    assert len(api.requests) == seen
    assert TOKEN not in repr(good)


async def test_projects_are_listed_page_by_page(api: GitLabApi, make_call: MakeCall) -> None:
    way = at(api.api_url)
    choose = gitlab.choosers["create_issue.project"]

    first = await choose(make_call(way), way, {}, "", None)
    second = await choose(make_call(way), way, {}, "shop", first.next)

    assert [one.value for one in first.items] == ["acme/web/shop", "acme/site"]
    assert ([one.value for one in second.items], second.next) == (["acme/old-shop"], None)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("put_file.branch", ["main"]),
        ("create_issue.labels", ["bug"]),
        ("create_issue.assignee_ids", [4]),
    ],
)
async def test_what_a_project_has_can_be_chosen(
    api: GitLabApi, make_call: MakeCall, name: str, values: list[Any]
) -> None:
    way = at(api.api_url)

    found = await gitlab.choosers[name](make_call(way), way, PROJECT, "", None)

    assert [one.value for one in found.items] == values
    with pytest.raises(Rejected, match="choose a project"):
        await gitlab.choosers[name](make_call(way), way, {}, "", None)


def test_every_list_belongs_to_an_input() -> None:
    for name in gitlab.choosers:
        action, _, field = name.partition(".")
        assert field in gitlab.actions[action].input.model_fields

"""GitHub's actions, against its documented API on loopback."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.github import GitHubApp, GitHubConnection, github
from runner.connector import Call
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from tests.servers.github_api import APP_PEM, INSTALLATION_TOKEN, TOKEN, GitHubApi
from tests.servers.raw_peer import RawPeer, hang, unused_port

MakeCall = Callable[..., Call]
REPO = {"repository": "acme/shop"}


@pytest.fixture
async def api() -> AsyncIterator[GitHubApi]:
    async with GitHubApi() as one:
        yield one


def by_token(url: str, token: str = TOKEN) -> GitHubConnection:
    return GitHubConnection.model_validate({"token": token, "api_url": url})


def app(url: str, **fields: Any) -> GitHubApp:
    given = {"app_id": 12345, "installation_id": 99, "private_key": APP_PEM, "api_url": url}
    return GitHubApp.model_validate(given | fields)


async def run(make_call: MakeCall, connection: Any, name: str, *, seconds: float = 10, **inputs: Any) -> Any:
    action = connectors.action(f"github.{name}")
    assert action is not None
    given = action.read_input(REPO | inputs)
    answer = await action.function(make_call(connection, seconds), connection, given)
    return answer.model_dump()


async def test_an_issue_is_made_changed_labelled_and_closed(api: GitHubApi, make_call: MakeCall) -> None:
    way = by_token(api.url)

    made = await run(make_call, way, "create_issue", title="Broken", body="Seen", labels=["bug"])
    said = await run(make_call, way, "comment", issue=1, body="Mine")
    labels = await run(make_call, way, "add_labels", issue="1", labels=["triage"])
    closed = await run(make_call, way, "update_issue", issue=1, state="closed", state_reason="completed")

    assert made == {"number": 1, "title": "Broken", "state": "open",
                    "url": "https://github.com/acme/shop/issues/1"}  # fmt: skip
    assert (said["id"], api.comments) == (5, ["Mine"])
    assert labels == {"labels": ["bug", "triage"]}
    assert closed["state"] == "closed"
    assert api.issues[1]["labels"] == ["bug"]


async def test_a_status_goes_to_its_commit(api: GitHubApi, make_call: MakeCall) -> None:
    answer = await run(
        make_call, by_token(api.url), "create_commit_status", sha="a" * 40, state="success", description="ok"
    )

    assert answer == {"id": 3, "state": "success", "context": "hookline"}
    assert api.statuses[0]["sha"] == "a" * 40


async def test_workflows_are_started(api: GitHubApi, make_call: MakeCall) -> None:
    way = by_token(api.url)

    await run(make_call, way, "dispatch_workflow", workflow="deploy.yml", inputs={"to": "staging"})
    await run(make_call, way, "repository_dispatch", event_type="prices", client_payload={"sku": 1})

    assert api.dispatched == [
        {"ref": "main", "inputs": {"to": "staging"}},
        {"event_type": "prices", "client_payload": {"sku": 1}},
    ]


def test_what_starts_a_workflow_is_not_started_twice() -> None:
    rules = {name: action.after_crash for name, action in github.actions.items()}

    assert {name for name, rule in rules.items() if rule == "stop"} == {
        "dispatch_workflow", "repository_dispatch",
    }  # fmt: skip


async def test_a_file_is_read_as_text_and_as_a_file(api: GitHubApi, make_call: MakeCall, files: Any) -> None:
    way = by_token(api.url)
    api.files["big.txt"] = b"x" * (1024 * 1024)

    page = await run(make_call, way, "get_file", path="docs/a b.md", ref="main")
    image = await run(make_call, way, "get_file", path="logo.png")
    big = await run(make_call, way, "get_file", path="big.txt")

    assert (page["text"], page["size"], page["file"]["filename"]) == ("# Hello\n", 8, "a b.md")
    assert (image["text"], image["file"]["content_type"]) == (None, "application/octet-stream")
    assert await files.read(image["file"]) == b"\x89PNG\xff"
    assert (big["text"], big["size"]) == (None, 1024 * 1024)
    assert api.requests[0].query == {"ref": "main"}


@pytest.mark.parametrize(
    ("path", "says"),
    [("nope.md", "nope.md is not in acme/shop"), ("docs", "docs is no file")],
)
async def test_a_file_that_is_none_is_said(api: GitHubApi, make_call: MakeCall, path: str, says: str) -> None:
    with pytest.raises(Rejected, match=says):
        await run(make_call, by_token(api.url), "get_file", path=path)


async def test_a_file_is_made_replaced_and_left_alone(api: GitHubApi, make_call: MakeCall) -> None:
    way = by_token(api.url)

    made = await run(make_call, way, "put_file", path="data/a.json", content="1", message="one")
    again = await run(make_call, way, "put_file", path="data/a.json", content="1", message="one")
    other = await run(
        make_call, way, "put_file", path="data/a.json", content="2", message="two", branch="main"
    )

    assert (made["changed"], made["commit"]) == (True, "c1")
    assert (again["changed"], again["commit"], again["sha"]) == (False, None, made["sha"])
    assert (other["changed"], api.files["data/a.json"]) == (True, b"2")
    assert api.commits == 2


async def test_a_file_that_was_changed_meanwhile_is_not_lost(api: GitHubApi, make_call: MakeCall) -> None:
    way = by_token(api.url)
    seen = await run(make_call, way, "get_file", path="docs/a b.md")
    api.files["docs/a b.md"] = b"theirs"

    with pytest.raises(Rejected, match="has changed since"):
        await run(
            make_call, way, "put_file", path="docs/a b.md", content="mine", message="m", sha=seen["sha"]
        )
    api.reply(404, json={"message": "Not Found"})  # it comes between our look and our commit
    api.reply(409, json={"message": "docs/a b.md does not match"})
    with pytest.raises(Unavailable, match="meanwhile"):
        await run(make_call, way, "put_file", path="docs/a b.md", content="mine", message="m")

    assert api.files["docs/a b.md"] == b"theirs"


async def test_a_payload_chooses_no_other_path(api: GitHubApi, make_call: MakeCall) -> None:
    way = by_token(api.url)

    with pytest.raises(Rejected):
        await run(make_call, way, "dispatch_workflow", workflow="../../issues?x=", ref="main")

    (only,) = api.requests
    assert only.request.raw_path == ("/repos/acme/shop/actions/workflows/..%2F..%2Fissues%3Fx=/dispatches")


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("create_issue", {"repository": "acme", "title": "a"}, "owner/name"),
        ("create_issue", {"repository": "acme/..", "title": "a"}, "no repository"),
        ("create_issue", {"repository": "a/b/c", "title": "a"}, "owner/name"),
        ("create_issue", {"title": ""}, "title"),
        ("create_issue", {"title": "a", "body": "x" * 65_537}, "65536"),
        ("update_issue", {"issue": 1}, "nothing to change"),
        ("comment", {"issue": 0, "body": "a"}, "issue"),
        ("get_file", {"path": "a/../b"}, "without . and .."),
        ("dispatch_workflow", {"workflow": ".."}, "must not be"),
        ("create_commit_status", {"sha": "../x", "state": "success"}, "sha"),
        ("create_commit_status", {"sha": "a" * 40, "state": "success", "description": "x" * 141}, "140"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(name: str, inputs: dict[str, Any], says: str) -> None:
    action = connectors.action(f"github.{name}")
    assert action is not None

    with pytest.raises(Rejected, match=says):
        action.read_input(REPO | inputs)


@pytest.mark.parametrize(
    ("status", "headers", "body", "meaning", "says"),
    [
        (401, {}, {"message": "Bad credentials"}, ConnectionRejected, "make a new one"),
        (403, {"X-Accepted-GitHub-Permissions": "issues=write"},
         {"message": "Resource not accessible by personal access token"},
         ConnectionRejected, "it needs issues: write"),
        (404, {}, {"message": "Not Found"}, Rejected, "acme/shop or what is asked for in it is not there"),
        (410, {}, {"message": "Issues are disabled for this repo"}, Rejected, "has no issues"),
        (422, {}, {"message": "Validation Failed",
                   "errors": [{"resource": "Issue", "field": "assignees", "code": "invalid"}]},
         Rejected, r"Validation Failed \(assignees: invalid\)"),
        (301, {"Location": "/repositories/1/issues"}, {"message": "Moved Permanently"}, Rejected, "new name"),
        (500, {}, {"message": "Server Error"}, OutcomeUnknown, "500"),
        (502, {}, None, OutcomeUnknown, "502"),
        (503, {"Retry-After": "7"}, {"message": "Down"}, Unavailable, "503"),
        (201, {}, [], OutcomeUnknown, "not an object"),
    ],
)  # fmt: skip
async def test_each_no_has_its_meaning(
    api: GitHubApi,
    make_call: MakeCall,
    status: int,
    headers: dict[str, str],
    body: Any,
    meaning: type[Exception],
    says: str,
) -> None:
    api.reply(status, headers=headers, **({"body": "<html>"} if body is None else {"json": body}))

    with pytest.raises(meaning, match=says) as caught:
        await run(make_call, by_token(api.url), "create_issue", title="a")

    assert type(caught.value) is meaning
    assert TOKEN not in str(caught.value)
    assert len(api.requests) == 1


NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("status", "headers", "message", "seconds"),
    [
        (403, {"Retry-After": "30"}, "You have exceeded a secondary rate limit", 30),
        (429, {"Retry-After": "5"}, "Too many requests", 5),
        (
            403,
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW + 90)},
            "API rate limit exceeded",
            90,
        ),
        (403, {"X-RateLimit-Remaining": "12"}, "You have exceeded a secondary rate limit", 60),
    ],
)
async def test_a_rate_limit_says_when_to_come_back(
    api: GitHubApi, make_call: MakeCall, status: int, headers: dict[str, str], message: str, seconds: float
) -> None:
    headers = headers | {"Date": formatdate(NOW, usegmt=True)}
    api.reply(status, headers=headers, json={"message": message})

    with pytest.raises(Unavailable) as caught:
        await run(make_call, by_token(api.url), "create_issue", title="a")

    assert (caught.value.retry_after_seconds, caught.value.cause) == (seconds, "429")


async def test_a_silent_github_is_a_timeout(make_call: MakeCall) -> None:
    async with RawPeer(hang) as peer:
        with pytest.raises(TimedOut):
            await run(make_call, by_token(peer.url), "create_issue", seconds=0.2, title="a")


async def test_a_github_that_is_down_is_unavailable(make_call: MakeCall) -> None:
    with pytest.raises(Unavailable):
        await run(make_call, by_token(f"http://127.0.0.1:{unused_port()}"), "create_issue", title="a")


async def test_the_token_goes_to_the_api_only(api: GitHubApi, make_call: MakeCall) -> None:
    way = by_token("https://api.github.com")

    with pytest.raises(Rejected, match=r"may go to api\.github\.com only"):
        await make_call(way).http.get(api.url)

    assert api.requests == []
    assert TOKEN not in repr(way)


async def test_a_connection_says_who_we_are(api: GitHubApi, make_call: MakeCall) -> None:
    good, wrong = by_token(api.url), by_token(api.url, "ghp_wrong")

    assert await good.test(make_call(good)) == "connected as ada"
    with pytest.raises(ConnectionRejected, match="Bad credentials"):
        await wrong.test(make_call(wrong))


async def test_an_app_works_by_its_installations_token(api: GitHubApi, make_call: MakeCall) -> None:
    bare = app(api.url)
    tokens = await bare.obtain(make_call().http, time.time())
    way = bare.with_tokens(tokens)

    said = await way.test(make_call(way))
    await run(make_call, way, "create_issue", title="By an App")

    assert said == "connected as the App 12345, which sees 1 repositories"
    assert tokens.expires_at == 4102444800
    assert INSTALLATION_TOKEN in way.secret_texts()
    assert api.issues[1]["title"] == "By an App"


async def test_an_app_that_is_not_installed_is_said(api: GitHubApi, make_call: MakeCall) -> None:
    with pytest.raises(ConnectionRejected, match="has no installation 98"):
        await app(api.url, installation_id=98).obtain(make_call().http, time.time())
    with pytest.raises(ConnectionRejected, match="JSON web token"):
        await app(api.url, app_id="other").obtain(make_call().http, time.time())


def test_a_key_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(ValidationError, match="paste the whole") as caught:
        app("https://api.github.com", private_key="-----BEGIN s3cr3t")

    assert "s3cr3t" not in str(caught.value)
    assert app("https://api.github.com", private_key=APP_PEM.replace("\n", "\\n")).installation_id == 99


async def choices(make_call: MakeCall, way: Any, name: str, search: str = "", cursor: Any = None) -> Any:
    given = {} if name.endswith("repository") else REPO
    found = await github.choosers[name](make_call(way), way, given, search, cursor)
    return [one.value for one in found.items], found.next


async def test_repositories_are_listed_page_by_page(api: GitHubApi, make_call: MakeCall) -> None:
    way, as_app = by_token(api.url), app(api.url)
    as_app = as_app.with_tokens(await as_app.obtain(make_call().http, time.time()))

    first = await choices(make_call, way, "create_issue.repository")
    second = await choices(make_call, way, "put_file.repository", "SHOP", "2")

    assert first == (["acme/shop", "acme/site"], "2")
    assert second == (["acme/old-shop"], None)
    assert await choices(make_call, as_app, "comment.repository") == (["acme/shop"], None)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("put_file.branch", ["main", "next"]),
        ("create_issue.labels", ["bug"]),
        ("update_issue.assignees", ["ada"]),
        ("dispatch_workflow.workflow", ["deploy.yml"]),
    ],
)
async def test_what_a_repository_has_can_be_chosen(
    api: GitHubApi, make_call: MakeCall, name: str, values: list[str]
) -> None:
    way = by_token(api.url)

    assert await choices(make_call, way, name) == (values, None)
    with pytest.raises(Rejected, match="choose a repository"):
        await github.choosers[name](make_call(way), way, {}, "", None)


def test_every_list_belongs_to_an_input() -> None:
    for name in github.choosers:
        action, _, field = name.partition(".")
        assert field in github.actions[action].input.model_fields

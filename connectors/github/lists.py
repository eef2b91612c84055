"""What GitHub can list for the inputs of its actions: repositories, branches, labels, people, workflows."""

from __future__ import annotations

from typing import Any

from connectors.github.access import GitHub, GitHubApp, ask, github
from connectors.github.models import repository_name
from runner.connector import Call, Choice, Choices, Json, Rejected


@github.choices(*(f"{name}.repository" for name in github.actions))
async def repositories(
    call: Call, connection: GitHub, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The repositories that the token or App may see, those pushed to last first."""
    del given
    path, query = "/user/repos", {"sort": "pushed"}
    if isinstance(connection, GitHubApp):
        path, query = "/installation/repositories", {}
    found, following = await _page(call, connection, path, cursor, query, key="repositories")
    items = [Choice(value=one["full_name"], label=one["full_name"], note=one.get("description") or "")
             for one in found]  # fmt: skip
    return Choices(items=_matching(items, search), next=following)


@github.choices("dispatch_workflow.ref", "get_file.ref", "put_file.branch")
async def branches(
    call: Call, connection: GitHub, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The branches of the repository that is chosen."""
    found, following = await _page(call, connection, f"{_chosen(given)}/branches", cursor)
    items = [Choice(value=one["name"], label=one["name"]) for one in found]
    return Choices(items=_matching(items, search), next=following)


@github.choices("create_issue.labels", "update_issue.labels", "add_labels.labels")
async def labels(
    call: Call, connection: GitHub, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The labels of the repository that is chosen."""
    found, following = await _page(call, connection, f"{_chosen(given)}/labels", cursor)
    items = [Choice(value=one["name"], label=one["name"], note=one.get("description") or "") for one in found]
    return Choices(items=_matching(items, search), next=following)


@github.choices("create_issue.assignees", "update_issue.assignees")
async def assignees(
    call: Call, connection: GitHub, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """Who can be given an issue of the repository that is chosen."""
    found, following = await _page(call, connection, f"{_chosen(given)}/assignees", cursor)
    items = [Choice(value=one["login"], label=one["login"]) for one in found]
    return Choices(items=_matching(items, search), next=following)


@github.choices("dispatch_workflow.workflow")
async def workflows(
    call: Call, connection: GitHub, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The workflows of the repository that is chosen."""
    path = f"{_chosen(given)}/actions/workflows"
    found, following = await _page(call, connection, path, cursor, key="workflows")
    items = [Choice(value=one["path"].rsplit("/", 1)[-1], label=one["name"], note=one["path"])
             for one in found]  # fmt: skip
    return Choices(items=_matching(items, search), next=following)


async def _page(
    call: Call,
    connection: GitHub,
    path: str,
    cursor: str | None,
    query: dict[str, str] | None = None,
    *,
    key: str | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a list (under *key* where it is in an object), and the number of the next."""
    page = int(cursor) if cursor and cursor.isdigit() else 1
    asked = {**(query or {}), "per_page": 100, "page": page}
    reply = await ask(call, connection, "GET", path, query=asked)
    answer: Any = reply.json()
    found = answer.get(key, []) if isinstance(answer, dict) else answer
    following = str(page + 1) if 'rel="next"' in reply.headers.get("link", "") else None
    return found, following


def _chosen(given: dict[str, Json]) -> str:
    try:
        return f"/repos/{repository_name(str(given.get('repository') or ''))}"
    except ValueError:
        raise Rejected("choose a repository first") from None


def _matching(items: list[Choice], search: str) -> list[Choice]:
    wanted = search.strip().lower()
    return [one for one in items if wanted in one.label.lower()]

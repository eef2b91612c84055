"""What GitLab can list for the inputs of its actions: projects, branches, labels, people."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from connectors.gitlab.access import GitLabConnection, ask, gitlab
from connectors.gitlab.models import project_name
from runner.connector import Call, Choice, Choices, Json, Rejected


@gitlab.choices(*(f"{name}.project" for name in gitlab.actions))
async def projects(
    call: Call, connection: GitLabConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The projects that the token is a member of, the ones used last first."""
    del given
    query = {"membership": True, "simple": True, "order_by": "last_activity_at"}
    found, following = await _page(call, connection, "/projects", search, cursor, query)
    items = [
        Choice(value=one["path_with_namespace"], label=one["path_with_namespace"], note=one["name"])
        for one in found
    ]
    return Choices(items=items, next=following)


@gitlab.choices("trigger_pipeline.ref", "get_file.ref", "put_file.branch", "commit_status.ref")
async def branches(
    call: Call, connection: GitLabConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The branches of the project that is chosen."""
    path = f"{_chosen(given)}/repository/branches"
    found, following = await _page(call, connection, path, search, cursor)
    return Choices(items=[Choice(value=one["name"], label=one["name"]) for one in found], next=following)


@gitlab.choices("create_issue.labels", "update_issue.add_labels", "update_issue.remove_labels")
async def labels(
    call: Call, connection: GitLabConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The labels of the project that is chosen, and of its groups."""
    found, following = await _page(call, connection, f"{_chosen(given)}/labels", search, cursor)
    items = [Choice(value=one["name"], label=one["name"], note=one.get("description") or "") for one in found]
    return Choices(items=items, next=following)


@gitlab.choices("create_issue.assignee_ids", "update_issue.assignee_ids")
async def members(
    call: Call, connection: GitLabConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The members of the project that is chosen, and of its groups."""
    query = {"query": search or None}
    found, following = await _page(call, connection, f"{_chosen(given)}/members/all", "", cursor, query)
    items = [Choice(value=one["id"], label=one["name"], note=f"@{one['username']}") for one in found]
    return Choices(items=items, next=following)


async def _page(
    call: Call,
    connection: GitLabConnection,
    path: str,
    search: str,
    cursor: str | None,
    query: dict[str, Any] | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a list, and the number of the next."""
    asked = {**(query or {}), "search": search or None, "per_page": 100, "page": cursor or "1"}
    reply = await ask(call, connection, "GET", path, query=asked)
    found: Any = reply.json()
    return found, reply.headers.get("x-next-page") or None


def _chosen(given: dict[str, Json]) -> str:
    try:
        return f"/projects/{quote(project_name(str(given.get('project') or '')), safe='')}"
    except ValueError:
        raise Rejected("choose a project first") from None

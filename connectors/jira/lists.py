"""What Jira can list for the inputs of its actions: projects, types, people, statuses."""

from __future__ import annotations

import re
from typing import Any

from connectors.jira.access import JiraConnection, ask, jira, send
from runner.connector import Call, Choice, Choices, Json, Rejected

PAGE = 50
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]+-[0-9]+")


@jira.choices("create_issue.project")
async def projects(
    call: Call, connection: JiraConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The projects that the token's account may see."""
    del given
    if not connection.is_cloud:
        everything: Any = (await ask(call, connection, "GET", "/project")).json()
        return Choices(items=_matching([_project(one) for one in everything], search))
    start = _start(cursor)
    query = {"query": search or None, "startAt": start, "maxResults": PAGE}
    answer = await send(call, connection, "GET", "/project/search", query=query)
    found = answer["values"]
    following = None if answer.get("isLast", True) else str(start + len(found))
    return Choices(items=[_project(one) for one in found], next=following)


@jira.choices("create_issue.issue_type")
async def issue_types(
    call: Call, connection: JiraConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The types of issues of the project that is chosen."""
    start = _start(cursor)
    path = f"/issue/createmeta/{_chosen(given)}/issuetypes"
    answer = await send(call, connection, "GET", path, query={"startAt": start, "maxResults": PAGE})
    found = answer.get("issueTypes") or answer.get("values") or []  # Cloud's word, Data Center's word
    items = [Choice(value=one["name"], label=one["name"], note=one.get("description") or "") for one in found]
    reached = start + len(found)
    following = str(reached) if found and reached < answer.get("total", 0) else None
    return Choices(items=_matching(items, search), next=following)


@jira.choices("create_issue.assignee")
async def people(
    call: Call, connection: JiraConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """Who can be given an issue of the project that is chosen."""
    start = _start(cursor)
    word, person = ("query", "accountId") if connection.is_cloud else ("username", "name")
    query = {"project": _chosen(given), word: search or None, "startAt": start, "maxResults": PAGE}
    found: Any = (await ask(call, connection, "GET", "/user/assignable/search", query=query)).json()
    items = [
        Choice(value=one[person], label=one["displayName"], note=one.get("emailAddress") or "")
        for one in found
    ]
    return Choices(items=items, next=str(start + PAGE) if len(found) == PAGE else None)


@jira.choices("transition.to")
async def statuses(
    call: Call, connection: JiraConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """Where the issue can go, if it is named; else all statuses there are."""
    del cursor
    issue = str(given.get("issue") or "")
    if KEY.fullmatch(issue):
        answer = await send(call, connection, "GET", f"/issue/{issue}/transitions")
        names = {one["to"]["name"]: one["name"] for one in answer["transitions"]}
    else:
        everything: Any = (await ask(call, connection, "GET", "/status")).json()
        names = {one["name"]: one.get("description") or "" for one in everything}
    items = [Choice(value=name, label=name, note=note) for name, note in names.items()]
    return Choices(items=_matching(items, search))


def _project(one: dict[str, Any]) -> Choice:
    return Choice(value=one["key"], label=one["name"], note=one["key"])


def _chosen(given: dict[str, Json]) -> str:
    project = str(given.get("project") or "")
    if not re.fullmatch(r"[A-Za-z0-9_]+", project):
        raise Rejected("choose a project first")
    return project


def _start(cursor: str | None) -> int:
    return int(cursor) if cursor and cursor.isdecimal() else 0


def _matching(items: list[Choice], search: str) -> list[Choice]:
    wanted = search.strip().lower()
    return [one for one in items if wanted in f"{one.label} {one.note}".lower()]

"""What Linear can list for the inputs of its actions: teams, statuses, labels, people."""

from __future__ import annotations

from typing import Any

from connectors.linear.access import LinearConnection, ask, linear
from runner.connector import Call, Choice, Choices, Json

PAGE = 50


@linear.choices("create_issue.team")
async def teams(
    call: Call, connection: LinearConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The teams that the key may see."""
    del given
    found, following = await _page(call, connection, "teams", "TeamFilter", "key name", _name(search), cursor)
    return Choices(
        items=[Choice(value=one["key"], label=one["name"], note=one["key"]) for one in found], next=following
    )


@linear.choices("create_issue.state", "update_issue.state")
async def states(
    call: Call, connection: LinearConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The statuses of the team that is chosen, or of all, with their team."""
    wanted = _name(search)
    if team := str(given.get("team") or ""):
        wanted["team"] = {"key": {"eqIgnoreCase": team}}
    found, following = await _page(
        call, connection, "workflowStates", "WorkflowStateFilter", "name team { key }", wanted, cursor
    )
    items = [Choice(value=one["name"], label=one["name"], note=one["team"]["key"]) for one in found]
    return Choices(items=items, next=following)


@linear.choices("create_issue.labels", "update_issue.add_labels", "update_issue.remove_labels")
async def labels(
    call: Call, connection: LinearConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The labels of the workspace and its teams."""
    del given
    wanted = {**_name(search), "isGroup": {"eq": False}}
    found, following = await _page(
        call, connection, "issueLabels", "IssueLabelFilter", "name team { key }", wanted, cursor
    )
    items = [
        Choice(value=one["name"], label=one["name"], note=(one["team"] or {}).get("key") or "")
        for one in found
    ]
    return Choices(items=items, next=following)


@linear.choices("create_issue.assignee", "update_issue.assignee")
async def people(
    call: Call, connection: LinearConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """Who is in the workspace."""
    del given
    wanted = {**_name(search), "active": {"eq": True}}
    found, following = await _page(call, connection, "users", "UserFilter", "name email", wanted, cursor)
    return Choices(
        items=[Choice(value=one["email"], label=one["name"], note=one["email"]) for one in found],
        next=following,
    )


def _name(search: str) -> dict[str, Json]:
    return {"name": {"containsIgnoreCase": search}} if search else {}


async def _page(
    call: Call,
    connection: LinearConnection,
    what: str,
    kind: str,
    fields: str,
    wanted: dict[str, Json],
    cursor: str | None,
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a list, and the cursor of the next."""
    query = (
        f"query($filter: {kind}, $first: Int, $after: String) {{ {what}(filter: $filter, first: $first, "
        f"after: $after) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )
    answer = (await ask(call, connection, query, {"filter": wanted, "first": PAGE, "after": cursor}))[what]
    info = answer["pageInfo"]
    return answer["nodes"], info["endCursor"] if info["hasNextPage"] else None

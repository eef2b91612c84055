"""Linear's actions."""

from __future__ import annotations

import hashlib
import uuid
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from connectors.linear.access import LinearConnection, ask, linear
from runner.connector import Call, Input, Json, Output, Rejected

PRIORITIES = {"none": 0, "urgent": 1, "high": 2, "medium": 3, "low": 4}
PAGE, MOST_FOUND = 50, 250
ISSUE = "id identifier title url state { name }"

CREATE = f"mutation($input: IssueCreateInput!) {{ issueCreate(input: $input) {{ issue {{ {ISSUE} }} }} }}"
UPDATE = (
    "mutation($id: String!, $input: IssueUpdateInput!) "
    f"{{ issueUpdate(id: $id, input: $input) {{ issue {{ {ISSUE} }} }} }}"
)
COMMENT = "mutation($input: CommentCreateInput!) { commentCreate(input: $input) { comment { id url } } }"
READ = f"query($id: String!) {{ issue(id: $id) {{ {ISSUE} team {{ id }} }} }}"
READ_COMMENT = "query($id: String!) { comment(id: $id) { id url } }"
SEARCH = (
    "query($term: String!, $first: Int!, $after: String) { searchIssues(term: $term, first: $first, "
    f"after: $after) {{ nodes {{ {ISSUE} }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
TEAMS = "query($filter: TeamFilter!) { teams(filter: $filter, first: 10) { nodes { id key } } }"
STATES = (
    "query($filter: WorkflowStateFilter!) { workflowStates(filter: $filter, first: 10) { nodes { id } } }"
)
LABELS = (
    "query($filter: IssueLabelFilter!) { issueLabels(filter: $filter, first: 100) "
    "{ nodes { id name team { id } } } }"
)
USERS = "query($filter: UserFilter!) { users(filter: $filter, first: 2) { nodes { id } } }"

IssueKey = Annotated[str, Field(pattern=r"^([A-Za-z0-9]+-[0-9]+|[0-9a-fA-F-]{36})$")]
Name = Annotated[str, Field(min_length=1)]
Priority = Literal["none", "urgent", "high", "medium", "low"]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class CreateIssue(Input):
    """The inputs of `linear.create_issue`."""

    team: Name = Field(description="The team's key, name or id.", examples=["ENG"])
    title: str = Field(description="The title.", min_length=1)
    description: str | None = Field(None, description="The text, in Markdown.")
    state: Name | None = Field(None, description="The name or id of a status of the team.", examples=["Todo"])
    priority: Priority | None = Field(None, description="How urgent it is.")
    labels: list[Name] | None = Field(None, description="Names or ids of labels that there are.")
    assignee: Name | None = Field(None, description="An e-mail address, display name or id.")
    parent: IssueKey | None = Field(None, description="The issue that it is a part of.", examples=["ENG-7"])
    project_id: str | None = Field(None, description="The id of a project.")
    estimate: int | None = Field(None, description="The estimated size.", ge=0)
    due_date: Date | None = Field(None, description="A date as 2026-01-31.")


class UpdateIssue(Input):
    """The inputs of `linear.update_issue`: what is left out stays."""

    issue: IssueKey = Field(description="The issue's identifier or id.", examples=["ENG-42"])
    title: str | None = Field(None, description="The new title.", min_length=1)
    description: str | None = Field(None, description="The new text, in Markdown.")
    state: Name | None = Field(None, description="The name or id of a status of its team.", examples=["Done"])
    priority: Priority | None = Field(None, description="How urgent it is.")
    add_labels: list[Name] | None = Field(None, description="Labels added to those it has.")
    remove_labels: list[Name] | None = Field(None, description="Labels taken away.")
    assignee: Name | None = Field(None, description="An e-mail address, display name or id.")
    due_date: Date | None = Field(None, description="A date as 2026-01-31.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"issue"}:
            raise ValueError("nothing to change; give a title, description, state, priority or labels")
        return self


class Comment(Input):
    """The inputs of `linear.comment`."""

    issue: IssueKey = Field(description="The issue's identifier or id.", examples=["ENG-42"])
    body: str = Field(description="The text, in Markdown.", min_length=1)


class SearchIssues(Input):
    """The inputs of `linear.search_issues`."""

    term: str = Field(description="Words to look for.", min_length=1)
    limit: int = Field(20, description="How many issues at most.", ge=1, le=MOST_FOUND)


class Issue(Output):
    """An issue."""

    id: str
    identifier: str = Field(description="Such as ENG-42.")
    title: str
    state: str = Field(description="The name of its status.")
    url: str = Field(description="Its page.")


class Found(Output):
    """What a search found."""

    issues: list[Issue]
    more: bool = Field(description="Whether there are more than `limit`.")


class Commented(Output):
    """A comment."""

    id: str
    url: str = Field(description="Its place on the issue's page.")


@linear.action(
    after_crash="repeat",  # the id is ours: the same call finds what it made before
    example="""\
action: linear.create_issue
connection: linear
with:
  team: ENG
  title: "Checkout fails: {{ payload.error }}"
  description: "Seen at {{ event.received_at }}, see {{ run.url }}"
  priority: urgent
  labels: [Bug]
""",
)
async def create_issue(call: Call, connection: LinearConnection, input: CreateIssue) -> Issue:  # noqa: A002 - the contract of an action
    """Create an issue, once: one that is made again after a crash is found."""
    team = await _team(call, connection, input.team)
    made = id_of(call.idempotency_key)
    fields: dict[str, Json] = {
        "id": made,
        "teamId": team,
        "parentId": input.parent,
        "projectId": input.project_id,
        "estimate": input.estimate,
        "labelIds": await _labels(call, connection, input.labels, team),
        **await _fields(call, connection, input, team),
    }
    try:
        data = await ask(call, connection, CREATE, {"input": _given(fields)})
    except Rejected:
        if (found := await _there(call, connection, READ, made)) is None:
            raise
        return _issue(found["issue"])
    return _issue(data["issueCreate"]["issue"])


@linear.action(
    after_crash="repeat",
    example="""\
action: linear.update_issue
connection: linear
with:
  issue: "{{ payload.data.identifier }}"
  state: Done
""",
)
async def update_issue(call: Call, connection: LinearConnection, input: UpdateIssue) -> Issue:  # noqa: A002 - the contract of an action
    """Change an issue: its title, text, status, labels, priority, assignee."""
    team = (await ask(call, connection, READ, {"id": input.issue}))["issue"]["team"]["id"]
    fields = {
        "addedLabelIds": await _labels(call, connection, input.add_labels, team),
        "removedLabelIds": await _labels(call, connection, input.remove_labels, team),
        **await _fields(call, connection, input, team),
    }
    data = await ask(call, connection, UPDATE, {"id": input.issue, "input": _given(fields)})
    return _issue(data["issueUpdate"]["issue"])


@linear.action(
    after_crash="repeat",  # as create_issue
    example="""\
action: linear.comment
connection: linear
with:
  issue: "{{ payload.data.identifier }}"
  body: "Deployed: {{ run.url }}"
""",
)
async def comment(call: Call, connection: LinearConnection, input: Comment) -> Commented:  # noqa: A002 - the contract of an action
    """Comment on an issue, once: one that is made again after a crash is found."""
    made = id_of(call.idempotency_key)
    fields: dict[str, Json] = {"id": made, "issueId": input.issue, "body": input.body}
    try:
        answer = (await ask(call, connection, COMMENT, {"input": fields}))["commentCreate"]["comment"]
    except Rejected:
        if (found := await _there(call, connection, READ_COMMENT, made)) is None:
            raise
        answer = found["comment"]
    return Commented(id=answer["id"], url=answer["url"])


@linear.action(
    after_crash="repeat",
    example="""\
action: linear.search_issues
connection: linear
with:
  term: "{{ payload.error }}"
  limit: 5
""",
)
async def search_issues(call: Call, connection: LinearConnection, input: SearchIssues) -> Found:  # noqa: A002 - the contract of an action
    """Find issues by words in their title, text and comments."""
    found: list[Issue] = []
    after: Json = None
    while True:
        first = min(PAGE, input.limit - len(found))
        asked: dict[str, Json] = {"term": input.term, "first": first, "after": after}
        answer = (await ask(call, connection, SEARCH, asked))["searchIssues"]
        found += [_issue(one) for one in answer["nodes"]]
        more, after = answer["pageInfo"]["hasNextPage"], answer["pageInfo"]["endCursor"]
        if not more or not answer["nodes"] or len(found) >= input.limit:
            return Found(issues=found, more=more)


def id_of(key: str) -> str:
    """The id (UUID, version 4 by its form) of what the call with this idempotency key makes."""
    return str(uuid.UUID(bytes=hashlib.sha256(key.encode()).digest()[:16], version=4))


async def _there(
    call: Call, connection: LinearConnection, query: str, identifier: str
) -> dict[str, Any] | None:
    """What there is of that id, or None: then what was refused was another thing."""
    try:
        return await ask(call, connection, query, {"id": identifier})
    except Rejected:
        return None


async def _fields(
    call: Call,
    connection: LinearConnection,
    input: CreateIssue | UpdateIssue,  # noqa: A002 - as in the actions
    team: str,
) -> dict[str, Json]:
    """What creating and changing have in common."""
    return {
        "title": input.title,
        "description": input.description,
        "stateId": await _state(call, connection, input.state, team),
        "priority": None if input.priority is None else PRIORITIES[input.priority],
        "assigneeId": await _user(call, connection, input.assignee),
        "dueDate": input.due_date,
    }


async def _team(call: Call, connection: LinearConnection, name: str) -> str:
    if _is_id(name):
        return name
    wanted: Json = {"or": [{"key": {"eqIgnoreCase": name}}, {"name": {"eqIgnoreCase": name}}]}
    found = (await ask(call, connection, TEAMS, {"filter": wanted}))["teams"]["nodes"]
    by_key = [one for one in found if one["key"].casefold() == name.casefold()]
    return _one(by_key or found, f'no team "{name}"; give its key, such as ENG')


async def _state(call: Call, connection: LinearConnection, name: str | None, team: str) -> str | None:
    if name is None or _is_id(name):
        return name
    wanted: Json = {"team": {"id": {"eq": team}}, "name": {"eqIgnoreCase": name}}
    found = (await ask(call, connection, STATES, {"filter": wanted}))["workflowStates"]["nodes"]
    return _one(found, f'the team has no status "{name}"')


async def _user(call: Call, connection: LinearConnection, name: str | None) -> str | None:
    if name is None or _is_id(name):
        return name
    field = "email" if "@" in name else "displayName"
    found = (await ask(call, connection, USERS, {"filter": {field: {"eqIgnoreCase": name}}}))["users"][
        "nodes"
    ]
    return _one(found, f'no user "{name}"')


async def _labels(
    call: Call, connection: LinearConnection, names: list[str] | None, team: str
) -> list[Json] | None:
    """The ids of labels, the team's own before the workspace's."""
    if names is None:
        return None
    unknown: list[Json] = [{"name": {"eqIgnoreCase": one}} for one in names if not _is_id(one)]
    ids: dict[str, str] = {}
    if unknown:
        data = await ask(call, connection, LABELS, {"filter": {"or": unknown}})
        for one in data["issueLabels"]["nodes"]:
            owner = (one.get("team") or {}).get("id")
            if owner == team or (owner is None and one["name"].casefold() not in ids):
                ids[one["name"].casefold()] = one["id"]
    missing = [one for one in names if not _is_id(one) and one.casefold() not in ids]
    if missing:
        raise Rejected(f'Linear: no label "{missing[0]}" in this team')
    return [one if _is_id(one) else ids[one.casefold()] for one in names]


def _one(found: list[dict[str, Any]], otherwise: str) -> str:
    if not found:
        raise Rejected(f"Linear: {otherwise}")
    return str(found[0]["id"])


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _issue(answer: dict[str, Any]) -> Issue:
    return Issue(
        id=answer["id"],
        identifier=answer["identifier"],
        title=answer["title"],
        state=answer["state"]["name"],
        url=answer["url"],
    )


def _given(fields: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}

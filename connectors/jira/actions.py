"""Jira's actions."""

from __future__ import annotations

from typing import Any

from connectors.jira.access import JiraConnection, ask, jira, send
from connectors.jira.adf import from_markdown, from_text
from connectors.jira.models import (
    Changed,
    Comment,
    Commented,
    Created,
    CreateIssue,
    Format,
    Found,
    GetIssue,
    Issue,
    Moved,
    Search,
    Transition,
    UpdateIssue,
)
from runner.connector import Call, Json, Rejected

PAGE = 100


@jira.action(
    # No idempotency key: an issue that stands twice is closed with a click, one that was never made
    # is missed by nobody until it hurts.
    after_crash="repeat",
    example="""\
action: jira.create_issue
connection: jira
with:
  project: SHOP
  issue_type: Bug
  summary: "Checkout fails: {{ payload.error | truncate(200) }}"
  description: "Seen at **{{ event.received_at }}**, see {{ run.url }}"
  labels: [checkout]
""",
)
async def create_issue(call: Call, connection: JiraConnection, input: CreateIssue) -> Created:  # noqa: A002 - the contract of an action
    """Create an issue. After a crash it may stand twice: Jira has no idempotency key."""
    fields = {
        "project": {"id" if input.project.isdecimal() else "key": input.project},
        "issuetype": {"id" if input.issue_type.isdecimal() else "name": input.issue_type},
        "parent": None if input.parent is None else _reference(input.parent),
        "components": None if input.components is None else [{"name": one} for one in input.components],
        "labels": input.labels,
        **_fields(connection, input),
    }
    body = {"fields": _given(fields) | (input.fields or {})}
    answer = await send(call, connection, "POST", "/issue", json=body)
    return Created(id=answer["id"], key=answer["key"], url=connection.browse(answer["key"]))


@jira.action(
    after_crash="repeat",
    example="""\
action: jira.update_issue
connection: jira
with:
  issue: "{{ payload.issue.key }}"
  priority: High
  add_labels: [escalated]
""",
)
async def update_issue(call: Call, connection: JiraConnection, input: UpdateIssue) -> Changed:  # noqa: A002 - the contract of an action
    """Change fields of an issue."""
    fields = _given(_fields(connection, input)) | (input.fields or {})
    labels = [{"add": one} for one in input.add_labels or []]
    labels += [{"remove": one} for one in input.remove_labels or []]
    body = {**({"fields": fields} if fields else {}), **({"update": {"labels": labels}} if labels else {})}
    await ask(call, connection, "PUT", f"/issue/{input.issue}", json=body)
    return Changed(issue=input.issue)


@jira.action(
    after_crash="repeat",  # as create_issue
    example="""\
action: jira.comment
connection: jira
with:
  issue: "{{ payload.issue.key }}"
  body: "Deployed to *staging*: {{ run.url }}"
""",
)
async def comment(call: Call, connection: JiraConnection, input: Comment) -> Commented:  # noqa: A002 - the contract of an action
    """Comment on an issue. After a crash it may stand twice."""
    body = {"body": _document(connection, input.body, input.format)}
    answer = await send(call, connection, "POST", f"/issue/{input.issue}/comment", json=body)
    return Commented(id=answer["id"])


@jira.action(
    after_crash="repeat",  # it looks first where the issue stands
    example="""\
action: jira.transition
connection: jira
with:
  issue: "{{ payload.issue.key }}"
  to: Done
""",
)
async def transition(call: Call, connection: JiraConnection, input: Transition) -> Moved:  # noqa: A002 - the contract of an action
    """Move an issue to another status; one that has it already stays."""
    query = {"fields": "status", "expand": "transitions"}
    found = await send(call, connection, "GET", f"/issue/{input.issue}", query=query)
    status, wanted = str(found["fields"]["status"]["name"]), input.to.strip().casefold()
    if status.casefold() == wanted:
        return Moved(issue=input.issue, status=status, changed=False)
    ways: list[Any] = found.get("transitions") or []
    fitting = [one for one in ways if one["to"]["name"].casefold() == wanted]
    fitting += [one for one in ways if one["name"].casefold() == wanted]
    if not fitting:
        names = ", ".join(dict.fromkeys(one["to"]["name"] for one in ways)) or "nowhere"
        raise Rejected(
            f'Jira: {input.issue} is "{status}" and cannot become "{input.to}"; it can go to: {names}'
        )
    chosen = fitting[0]
    body = {"transition": {"id": chosen["id"]}, **({"fields": input.fields} if input.fields else {})}
    await ask(call, connection, "POST", f"/issue/{input.issue}/transitions", json=body)
    return Moved(issue=input.issue, status=chosen["to"]["name"], changed=True)


@jira.action(
    after_crash="repeat",
    example="""\
action: jira.get_issue
connection: jira
with:
  issue: "{{ payload.issue.key }}"
  fields: [summary, status]
""",
)
async def get_issue(call: Call, connection: JiraConnection, input: GetIssue) -> Issue:  # noqa: A002 - the contract of an action
    """Read an issue."""
    query = {"fields": None if input.fields is None else ",".join(input.fields)}
    return _issue(connection, await send(call, connection, "GET", f"/issue/{input.issue}", query=query))


@jira.action(
    after_crash="repeat",
    example="""\
action: jira.search
connection: jira
with:
  jql: project = SHOP AND statusCategory != Done AND summary ~ {{ payload.error | tojson }}
  limit: 10
""",
)
async def search(call: Call, connection: JiraConnection, input: Search) -> Found:  # noqa: A002 - the contract of an action
    """Find issues by JQL, at most `limit`."""
    path = "/search/jql" if connection.is_cloud else "/search"
    found: list[Issue] = []
    at: dict[str, Json] = {}
    while True:
        body = {
            "jql": input.jql,
            "fields": input.fields,
            "maxResults": min(PAGE, input.limit - len(found)),
            **at,
        }
        answer = await send(call, connection, "POST", path, json=body)
        page = answer.get("issues") or []
        found += [_issue(connection, one) for one in page]
        if connection.is_cloud:
            more = page and answer.get("nextPageToken")
            at = {"nextPageToken": more}
        else:
            more = page and len(found) < answer.get("total", 0)
            at = {"startAt": len(found)}
        if not more or len(found) >= input.limit:
            return Found(issues=found[: input.limit], more=bool(more) or len(found) > input.limit)


def _fields(connection: JiraConnection, input: CreateIssue | UpdateIssue) -> dict[str, Any]:  # noqa: A002 - as in the actions
    """What creating and changing have in common."""
    person = "accountId" if connection.is_cloud else "name"
    text = input.description
    return {
        "summary": input.summary,
        "description": None if text is None else _document(connection, text, input.format),
        "priority": None if input.priority is None else {"name": input.priority},
        "assignee": None if input.assignee is None else {person: input.assignee},
        "duedate": input.due_date,
    }


def _document(connection: JiraConnection, text: str, form: Format) -> Json:
    if not connection.is_cloud:
        return text
    return from_markdown(text) if form == "markdown" else from_text(text)


def _issue(connection: JiraConnection, answer: dict[str, Any]) -> Issue:
    key = str(answer["key"])
    fields = answer.get("fields") or {}
    return Issue(id=answer["id"], key=key, url=connection.browse(key), fields=fields)


def _reference(issue: str) -> dict[str, str]:
    return {"id" if issue.isdecimal() else "key": issue}


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}

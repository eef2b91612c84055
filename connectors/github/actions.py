"""GitHub's actions; the page of each endpoint is named beside its action."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any
from urllib.parse import quote

from connectors.github.access import GitHub, ask, github, send
from connectors.github.models import (
    AddLabels,
    Comment,
    Commented,
    CommitStatus,
    Content,
    CreateIssue,
    Dispatched,
    DispatchWorkflow,
    GetFile,
    Issue,
    Labels,
    Put,
    PutFile,
    RepositoryDispatch,
    Status,
    UpdateIssue,
)
from runner.connector import Call, Json, OutcomeUnknown, Rejected, Reply, Unavailable

MOST_SHOWN_BYTES = 256 * 1024  # of a file that is given as text, too
OBJECT = "application/vnd.github.object+json"
RAW = "application/vnd.github.raw+json"


# docs.github.com/en/rest/issues/issues#create-an-issue
@github.action(
    # No idempotency key: an issue that stands twice is closed with a click, one that was never made
    # is missed by nobody until it hurts.
    after_crash="repeat",
    example="""\
action: github.create_issue
connection: github
with:
  repository: acme/shop
  title: "Checkout fails: {{ payload.error }}"
  body: "Seen at {{ event.received_at }}."
  labels: [bug]
""",
)
async def create_issue(call: Call, connection: GitHub, input: CreateIssue) -> Issue:  # noqa: A002 - the contract of an action
    """Create an issue. After a crash it may stand twice: GitHub has no idempotency key."""
    body = input.model_dump(exclude_none=True, exclude={"repository"})
    return _issue(await send(call, connection, "POST", f"/repos/{input.repository}/issues", json=body))


# docs.github.com/en/rest/issues/issues#update-an-issue
@github.action(
    after_crash="repeat",
    example="""\
action: github.update_issue
connection: github
with:
  repository: acme/shop
  issue: "{{ payload.issue.number }}"
  state: closed
  state_reason: completed
""",
)
async def update_issue(call: Call, connection: GitHub, input: UpdateIssue) -> Issue:  # noqa: A002 - the contract of an action
    """Change an issue: its title, text, labels, assignees; close it or open it again."""
    body = input.model_dump(exclude_none=True, exclude={"repository", "issue"})
    path = f"/repos/{input.repository}/issues/{input.issue}"
    return _issue(await send(call, connection, "PATCH", path, json=body))


# docs.github.com/en/rest/issues/comments#create-an-issue-comment
@github.action(
    after_crash="repeat",  # as create_issue
    example="""\
action: github.comment
connection: github
with:
  repository: acme/shop
  issue: "{{ payload.pull_request.number }}"
  body: "Deployed to {{ vars.staging }}"
""",
)
async def comment(call: Call, connection: GitHub, input: Comment) -> Commented:  # noqa: A002 - the contract of an action
    """Comment on an issue or a pull request. After a crash it may stand twice."""
    path = f"/repos/{input.repository}/issues/{input.issue}/comments"
    answer = await send(call, connection, "POST", path, json={"body": input.body})
    return Commented(id=answer["id"], url=answer["html_url"])


# docs.github.com/en/rest/issues/labels#add-labels-to-an-issue
@github.action(
    after_crash="repeat",
    example="""\
action: github.add_labels
connection: github
with:
  repository: acme/shop
  issue: "{{ payload.issue.number }}"
  labels: [triage]
""",
)
async def add_labels(call: Call, connection: GitHub, input: AddLabels) -> Labels:  # noqa: A002 - the contract of an action
    """Add labels to an issue or a pull request."""
    path = f"/repos/{input.repository}/issues/{input.issue}/labels"
    reply = await ask(call, connection, "POST", path, json={"labels": input.labels})
    return Labels(labels=[str(one["name"]) for one in _list(reply)])


# docs.github.com/en/rest/commits/statuses#create-a-commit-status
@github.action(
    after_crash="repeat",  # the newest status of a context is the one that counts
    example="""\
action: github.create_commit_status
connection: github
with:
  repository: acme/shop
  sha: "{{ payload.head_commit.id }}"
  state: success
  context: smoke-test
  target_url: "{{ run.url }}"
""",
)
async def create_commit_status(call: Call, connection: GitHub, input: CommitStatus) -> Status:  # noqa: A002 - the contract of an action
    """Set a commit's status, which pull requests show; at most 1,000 of a commit and context."""
    body = input.model_dump(exclude_none=True, exclude={"repository", "sha"})
    path = f"/repos/{input.repository}/statuses/{input.sha}"
    answer = await send(call, connection, "POST", path, json=body)
    return Status(id=answer["id"], state=answer["state"], context=answer["context"])


# docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
@github.action(
    after_crash="stop",  # a second call is a second run of the workflow, perhaps a second deployment
    example="""\
action: github.dispatch_workflow
connection: github
with:
  repository: acme/shop
  workflow: deploy.yml
  ref: main
  inputs: {environment: staging}
""",
)
async def dispatch_workflow(call: Call, connection: GitHub, input: DispatchWorkflow) -> Dispatched:  # noqa: A002 - the contract of an action
    """Start a GitHub Actions workflow that has `on: workflow_dispatch`."""
    path = f"/repos/{input.repository}/actions/workflows/{quote(input.workflow, safe='')}/dispatches"
    body = {"ref": input.ref, **({"inputs": input.inputs} if input.inputs else {})}
    await ask(call, connection, "POST", path, json=body)
    return Dispatched()


# docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event
@github.action(
    after_crash="stop",  # as dispatch_workflow
    example="""\
action: github.repository_dispatch
connection: github
with:
  repository: acme/shop
  event_type: prices-changed
  client_payload: {sku: "{{ payload.sku }}"}
""",
)
async def repository_dispatch(
    call: Call,
    connection: GitHub,
    input: RepositoryDispatch,  # noqa: A002 - the contract of an action
) -> Dispatched:
    """Tell a repository's workflows of an event, those with `on: repository_dispatch`."""
    body = input.model_dump(exclude_none=True, exclude={"repository"})
    await ask(call, connection, "POST", f"/repos/{input.repository}/dispatches", json=body)
    return Dispatched()


# docs.github.com/en/rest/repos/contents#get-repository-content
@github.action(
    after_crash="repeat",
    example="""\
action: github.get_file
connection: github
with:
  repository: acme/shop
  path: config/prices.json
""",
)
async def get_file(call: Call, connection: GitHub, input: GetFile) -> Content:  # noqa: A002 - the contract of an action
    """Read a file of a repository."""
    found = await _look(call, connection, input.repository, input.path, input.ref)
    if found is None:
        raise Rejected(f"GitHub: {input.path} is not in {input.repository}, or the token may not see it")
    if found.get("encoding") == "base64":
        content = _decoded(found.get("content"))
    else:  # from 1 MB GitHub leaves the content out
        path = f"/repos/{input.repository}/contents/{quote(input.path)}"
        query = {"ref": input.ref}
        content = (await ask(call, connection, "GET", path, query=query, accept=RAW)).content
    name = input.path.rsplit("/", 1)[-1]
    try:
        text = content.decode() if len(content) <= MOST_SHOWN_BYTES else None
    except UnicodeDecodeError:
        text = None
    kind = "application/octet-stream" if text is None else "text/plain; charset=utf-8"
    file = await call.files.save(content, filename=name, content_type=kind)
    return Content(path=found["path"], sha=found["sha"], size=len(content), text=text, file=file)


# docs.github.com/en/rest/repos/contents#create-or-update-file-contents
@github.action(
    after_crash="repeat",  # it looks first: what is there already is not committed again
    example="""\
action: github.put_file
connection: github
with:
  repository: acme/shop
  path: data/prices.json
  content: "{{ payload.prices | tojson }}"
  message: "Prices of {{ payload.date }}"
""",
)
async def put_file(call: Call, connection: GitHub, input: PutFile) -> Put:  # noqa: A002 - the contract of an action
    """Create a file or replace its content, as a commit. The same content makes no commit."""
    content = await call.files.read(input.content)
    found = await _look(call, connection, input.repository, input.path, input.branch)
    known = None if found is None else str(found["sha"])
    if known == blob_hash(content) and found is not None:
        return Put(path=input.path, sha=known, commit=None, changed=False, url=found.get("html_url"))
    if input.sha is not None and input.sha != known:
        raise Rejected(f"GitHub: {input.path} has changed since: it is {known or 'not there'} now")
    body = {
        "message": input.message,
        "content": base64.b64encode(content).decode(),
        "branch": input.branch,
        "sha": known,
    }
    path = f"/repos/{input.repository}/contents/{quote(input.path)}"
    given = {name: value for name, value in body.items() if value is not None}
    reply = await ask(call, connection, "PUT", path, json=given, also=(409,))
    if reply.status == 409:
        raise Unavailable(f"GitHub: {input.path} was changed by another commit meanwhile", cause="409")
    answer: Any = reply.json()
    kept = answer["content"]
    commit = answer["commit"]["sha"]
    return Put(path=kept["path"], sha=kept["sha"], commit=commit, changed=True, url=kept.get("html_url"))


def blob_hash(content: bytes) -> str:
    """The name that Git gives *content*."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


async def _look(
    call: Call, connection: GitHub, repository: str, path: str, ref: str | None
) -> dict[str, Any] | None:
    """What GitHub says of a file, or None where there is none."""
    address = f"/repos/{repository}/contents/{quote(path)}"
    reply = await ask(call, connection, "GET", address, query={"ref": ref}, accept=OBJECT, also=(404,))
    if reply.status == 404:
        return None
    answer = reply.json()
    if not isinstance(answer, dict) or answer.get("type") != "file":
        raise Rejected(f"GitHub: {path} is no file in {repository}")
    return answer


def _decoded(content: Json) -> bytes:
    try:
        return base64.b64decode(str(content))  # in lines
    except binascii.Error:
        raise OutcomeUnknown("GitHub gave a content that is not base64") from None


def _issue(answer: dict[str, Any]) -> Issue:
    return Issue(
        number=answer["number"], title=answer["title"], state=answer["state"], url=answer["html_url"]
    )


def _list(reply: Reply) -> list[dict[str, Any]]:
    answer = reply.json()
    if not isinstance(answer, list):
        raise OutcomeUnknown(f"GitHub answered {reply.status} with what is not a list")
    return answer

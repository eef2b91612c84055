"""GitLab's actions."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any
from urllib.parse import quote

from connectors.gitlab.access import GitLabConnection, ask, gitlab, reason, send
from connectors.gitlab.models import (
    Comment,
    Commented,
    CommitStatus,
    Content,
    CreateIssue,
    GetFile,
    InProject,
    Issue,
    Pipeline,
    Put,
    PutFile,
    Status,
    TriggerPipeline,
    UpdateIssue,
)
from runner.connector import Call, OutcomeUnknown, Rejected, Unavailable

MOST_SHOWN_BYTES = 256 * 1024  # of a file that is given as text, too


@gitlab.action(
    # No idempotency key: an issue that stands twice is closed with a click, one that was never made
    # is missed by nobody until it hurts.
    after_crash="repeat",
    example="""\
action: gitlab.create_issue
connection: gitlab
with:
  project: acme/web/shop
  title: "Checkout fails: {{ payload.error }}"
  labels: [bug]
""",
)
async def create_issue(call: Call, connection: GitLabConnection, input: CreateIssue) -> Issue:  # noqa: A002 - the contract of an action
    """Create an issue. After a crash it may stand twice: GitLab has no idempotency key."""
    body = input.model_dump(exclude_none=True, exclude={"project", "labels"})
    if input.labels:
        body["labels"] = ",".join(input.labels)
    return _issue(await send(call, connection, "POST", f"{input.path}/issues", json=body))


@gitlab.action(
    after_crash="repeat",
    example="""\
action: gitlab.update_issue
connection: gitlab
with:
  project: acme/web/shop
  issue: "{{ payload.object_attributes.iid }}"
  state: closed
  add_labels: [done]
""",
)
async def update_issue(call: Call, connection: GitLabConnection, input: UpdateIssue) -> Issue:  # noqa: A002 - the contract of an action
    """Change an issue: its title, text, labels, assignees; close it or open it again."""
    body = input.model_dump(
        exclude_none=True, exclude={"project", "issue", "state", "add_labels", "remove_labels"}
    )
    for name, labels in (("add_labels", input.add_labels), ("remove_labels", input.remove_labels)):
        if labels:
            body[name] = ",".join(labels)
    if input.state is not None:
        body["state_event"] = "close" if input.state == "closed" else "reopen"
    return _issue(await send(call, connection, "PUT", f"{input.path}/issues/{input.issue}", json=body))


@gitlab.action(
    after_crash="repeat",  # as create_issue
    example="""\
action: gitlab.comment
connection: gitlab
with:
  project: acme/web/shop
  merge_request: "{{ payload.object_attributes.iid }}"
  body: "Deployed to {{ vars.staging }}"
""",
)
async def comment(call: Call, connection: GitLabConnection, input: Comment) -> Commented:  # noqa: A002 - the contract of an action
    """Comment on an issue or a merge request. After a crash it may stand twice."""
    what = f"issues/{input.issue}" if input.issue else f"merge_requests/{input.merge_request}"
    answer = await send(call, connection, "POST", f"{input.path}/{what}/notes", json={"body": input.body})
    return Commented(id=answer["id"])


@gitlab.action(
    after_crash="repeat",  # the newest status of a name is the one that counts
    example="""\
action: gitlab.commit_status
connection: gitlab
with:
  project: acme/web/shop
  sha: "{{ payload.checkout_sha }}"
  state: success
  name: smoke-test
  target_url: "{{ run.url }}"
""",
)
async def commit_status(call: Call, connection: GitLabConnection, input: CommitStatus) -> Status:  # noqa: A002 - the contract of an action
    """Set a commit's status, which merge requests show."""
    body = input.model_dump(exclude_none=True, exclude={"project", "sha"})
    path = f"{input.path}/statuses/{input.sha}"
    reply = await ask(call, connection, "POST", path, json=body, also=(400,))
    if reply.status == 400:
        said = reason(reply)
        if f"from :{input.state}" in said:  # "Cannot transition status via :run from :running"
            return Status(id=None, state=input.state, name=input.name)
        raise Rejected(f"GitLab: {said}")
    answer: Any = reply.json()
    return Status(id=answer["id"], state=answer["status"], name=answer["name"])


@gitlab.action(
    after_crash="stop",  # a second call is a second pipeline, perhaps a second deployment
    example="""\
action: gitlab.trigger_pipeline
connection: gitlab
with:
  project: acme/web/shop
  ref: main
  variables: {ENVIRONMENT: staging}
""",
)
async def trigger_pipeline(call: Call, connection: GitLabConnection, input: TriggerPipeline) -> Pipeline:  # noqa: A002 - the contract of an action
    """Start a pipeline on a branch or tag."""
    body: dict[str, Any] = {"ref": input.ref}
    if input.variables:
        body["variables"] = [{"key": name, "value": _text(one)} for name, one in input.variables.items()]
    if input.inputs:
        body["inputs"] = input.inputs
    answer = await send(call, connection, "POST", f"{input.path}/pipeline", json=body)
    return Pipeline(id=answer["id"], status=answer["status"], url=answer["web_url"])


@gitlab.action(
    after_crash="repeat",
    example="""\
action: gitlab.get_file
connection: gitlab
with:
  project: acme/web/shop
  file_path: config/prices.json
""",
)
async def get_file(call: Call, connection: GitLabConnection, input: GetFile) -> Content:  # noqa: A002 - the contract of an action
    """Read a file of a repository."""
    found = await _look(call, connection, input, input.file_path, input.ref)
    if found is None:
        raise Rejected(f"GitLab: {input.file_path} is not there, or the token may not see it")
    try:
        content = base64.b64decode(str(found["content"]))
    except binascii.Error:
        raise OutcomeUnknown("GitLab gave a content that is not base64") from None
    try:
        text = content.decode() if len(content) <= MOST_SHOWN_BYTES else None
    except UnicodeDecodeError:
        text = None
    kind = "application/octet-stream" if text is None else "text/plain; charset=utf-8"
    name = input.file_path.rsplit("/", 1)[-1]
    return Content(
        file_path=found["file_path"],
        last_commit_id=found["last_commit_id"],
        size=len(content),
        text=text,
        file=await call.files.save(content, filename=name, content_type=kind),
    )


@gitlab.action(
    after_crash="repeat",  # it looks first: what is there already is not committed again
    example="""\
action: gitlab.put_file
connection: gitlab
with:
  project: acme/web/shop
  file_path: data/prices.json
  content: "{{ payload.prices | tojson }}"
  message: "Prices of {{ payload.date }}"
""",
)
async def put_file(call: Call, connection: GitLabConnection, input: PutFile) -> Put:  # noqa: A002 - the contract of an action
    """Create a file or replace its content, as a commit. The same content makes no commit."""
    content = await call.files.read(input.content)
    found = await _look(call, connection, input, input.file_path, input.branch)
    known = None if found is None else str(found["last_commit_id"])
    if found is not None and found["content_sha256"] == hashlib.sha256(content).hexdigest():
        return Put(file_path=input.file_path, branch=input.branch, changed=False)
    if input.last_commit_id is not None and input.last_commit_id != known:
        raise Rejected(f"GitLab: {input.file_path} has changed since: by {known or 'being taken away'}")
    body = {
        "branch": input.branch,
        "content": base64.b64encode(content).decode(),
        "encoding": "base64",
        "commit_message": input.message,
        **({"last_commit_id": known} if known else {}),
    }
    path = f"{input.path}/repository/files/{quote(input.file_path, safe='')}"
    reply = await ask(call, connection, "PUT" if known else "POST", path, json=body, also=(400,))
    if reply.status == 400:
        now = await _look(call, connection, input, input.file_path, input.branch)
        if known != (None if now is None else now["last_commit_id"]):
            raise Unavailable(f"GitLab: {input.file_path} was changed meanwhile", cause="409")
        raise Rejected(f"GitLab: {reason(reply)}")
    return Put(file_path=input.file_path, branch=input.branch, changed=True)


async def _look(
    call: Call, connection: GitLabConnection, project: InProject, file_path: str, ref: str
) -> dict[str, Any] | None:
    """What GitLab says of a file, or None where there is none."""
    path = f"{project.path}/repository/files/{quote(file_path, safe='')}"
    reply = await ask(call, connection, "GET", path, query={"ref": ref}, also=(404,))
    if reply.status == 404:
        return None
    answer = reply.json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown("GitLab answered with what is not an object")
    return answer


def _issue(answer: dict[str, Any]) -> Issue:
    return Issue(
        id=answer["id"],
        issue=answer["iid"],
        title=answer["title"],
        state=answer["state"],
        url=answer["web_url"],
    )


def _text(value: str | float) -> str:
    """A variable's value, which is always a text; true and false as YAML writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)

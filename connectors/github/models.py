"""What GitHub's actions take and give."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from runner.connector import File, GivenFile, Input, Output

MOST_TEXT = 65_536  # characters of an issue's or comment's body


def repository_name(value: str) -> str:
    """`owner/name` from what people paste. Raises ValueError: it is no repository."""
    parts = value.strip().removeprefix("https://github.com/").removesuffix(".git").split("/")
    if len(parts) != 2 or not all(re.fullmatch(r"[\w.-]+", one, re.ASCII) for one in parts):
        raise ValueError("write it as owner/name, for example acme/shop")
    if {".", ".."} & set(parts):
        raise ValueError("this is no repository's name")
    return "/".join(parts)


def _path(value: str) -> str:
    if any(part in {"", ".", ".."} for part in value.strip("/").split("/")):
        raise ValueError("a path of folders and a file, without . and ..")
    return value.strip("/")


def _segment(value: str) -> str:
    if value in {"", ".", ".."}:
        raise ValueError("must not be empty, . or ..")
    return value


Repository = Annotated[str, AfterValidator(repository_name)]
Segment = Annotated[str, AfterValidator(_segment)]
FilePath = Annotated[str, AfterValidator(_path)]
Texts = list[str]


class InRepository(Input):
    """What all actions have."""

    repository: Repository = Field(description="The repository as owner/name.", examples=["acme/shop"])


class OnIssue(InRepository):
    """What the actions on one issue have."""

    issue: int = Field(description="The number of the issue or pull request.", ge=1)


class CreateIssue(InRepository):
    """The inputs of `github.create_issue`."""

    title: str = Field(description="The title.", min_length=1, max_length=256)
    body: str | None = Field(None, description="The text, in Markdown.", max_length=MOST_TEXT)
    labels: Texts | None = Field(None, description="Names of labels; those that are not there are made.")
    assignees: Texts | None = Field(None, description="User names, at most ten.", max_length=10)
    milestone: int | None = Field(None, description="The number of a milestone.", ge=1)


class UpdateIssue(OnIssue):
    """The inputs of `github.update_issue`: what is left out stays."""

    title: str | None = Field(None, description="The new title.", min_length=1, max_length=256)
    body: str | None = Field(None, description="The new text, in Markdown.", max_length=MOST_TEXT)
    state: Literal["open", "closed"] | None = Field(None, description="Close it, or open it again.")
    state_reason: Literal["completed", "not_planned", "duplicate", "reopened"] | None = Field(
        None, description="Why it is closed or opened."
    )
    labels: Texts | None = Field(None, description="All labels, in place of those it has.")
    assignees: Texts | None = Field(None, description="All assignees, in place of those it has.")
    milestone: int | None = Field(None, description="The number of a milestone.", ge=1)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"repository", "issue"}:
            raise ValueError("nothing to change; give a title, body, state, labels or assignees")
        return self


class Comment(OnIssue):
    """The inputs of `github.comment`."""

    body: str = Field(description="The text, in Markdown.", min_length=1, max_length=MOST_TEXT)


class AddLabels(OnIssue):
    """The inputs of `github.add_labels`."""

    labels: Texts = Field(description="Names of labels, added to those it has.", min_length=1)


class CommitStatus(InRepository):
    """The inputs of `github.create_commit_status`."""

    sha: str = Field(description="The commit's hash.", pattern=r"^[0-9a-fA-F]{7,64}$")
    state: Literal["pending", "success", "failure", "error"] = Field(description="How it stands.")
    context: str = Field("hookline", description="Whose status it is; a later one of it replaces it.")
    description: str | None = Field(None, description="A short sentence.", max_length=140)
    target_url: str | None = Field(None, description="Where the status leads to.")


class DispatchWorkflow(InRepository):
    """The inputs of `github.dispatch_workflow`."""

    workflow: Segment = Field(description="The workflow's file name or id.", examples=["deploy.yml"])
    ref: str = Field("main", description="The branch or tag to run it on.", min_length=1)
    inputs: dict[str, Any] | None = Field(
        None, description="The inputs that the workflow declares.", max_length=25
    )


class RepositoryDispatch(InRepository):
    """The inputs of `github.repository_dispatch`."""

    event_type: str = Field(
        description="The name that workflows wait for under `types`.", min_length=1, max_length=100
    )
    client_payload: dict[str, Any] | None = Field(
        None, description="What workflows get; at most ten keys and 64 KB.", max_length=10
    )


class GetFile(InRepository):
    """The inputs of `github.get_file`."""

    path: FilePath = Field(description="The path in the repository.", examples=["docs/index.md"])
    ref: str | None = Field(None, description="A branch, tag or commit; the default branch if left out.")


class PutFile(InRepository):
    """The inputs of `github.put_file`."""

    path: FilePath = Field(description="The path in the repository.", examples=["data/prices.json"])
    content: GivenFile = Field(description="The file's whole new content: a text, or a file.")
    message: str = Field(description="The commit's message.", min_length=1)
    branch: str | None = Field(None, description="The branch; the default branch if left out.")
    sha: str | None = Field(
        None,
        description="The blob that is replaced, as `github.get_file` gives it: refused if the file has "
        "changed since. Left out: whatever is there is replaced.",
    )


class Issue(Output):
    """An issue or a pull request."""

    number: int
    title: str
    state: str
    url: str = Field(description="Its page.")


class Commented(Output):
    """A comment."""

    id: int
    url: str = Field(description="Its page.")


class Labels(Output):
    """The labels of an issue."""

    labels: list[str]


class Status(Output):
    """A commit's status."""

    id: int
    state: str
    context: str


class Dispatched(Output):
    """GitHub says no more than that it has begun."""

    dispatched: bool = True


class Content(Output):
    """A file of a repository."""

    path: str
    sha: str = Field(description="The blob's hash, for `github.put_file`.")
    size: int
    text: str | None = Field(description="The content where it is UTF-8 and at most 256 KiB.")
    file: File = Field(description="The content as a file of this run.")


class Put(Output):
    """The file after the action."""

    path: str
    sha: str = Field(description="The blob's hash.")
    commit: str | None = Field(description="The new commit; null where nothing had to be changed.")
    changed: bool
    url: str | None = Field(description="The file's page.")

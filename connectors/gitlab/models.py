"""What GitLab's actions take and give."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from runner.connector import File, GivenFile, Input, Output

MOST_TEXT = 1_000_000  # characters of an issue's or comment's text ("GitLab application limits")


def project_name(value: str) -> str:
    """A project's id or path from what people paste. Raises ValueError: it is neither."""
    path = value.strip().strip("/")
    parts = path.split("/")
    if path.isdecimal():
        return path
    if len(parts) < 2 or not all(re.fullmatch(r"[\w.-]+", one) and one not in {".", ".."} for one in parts):
        raise ValueError("write its id, or its path with all groups, for example acme/web/shop")
    return path


def _text(value: object) -> object:
    """An id of a payload is a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _path(value: str) -> str:
    if any(part in {"", ".", ".."} for part in value.strip("/").split("/")):
        raise ValueError("a path of folders and a file, without . and ..")
    return value.strip("/")


def _label(value: str) -> str:
    if "," in value or not value.strip():
        raise ValueError("a label holds no comma")
    return value


Project = Annotated[str, BeforeValidator(_text), AfterValidator(project_name)]
FilePath = Annotated[str, AfterValidator(_path)]
Labels = list[Annotated[str, AfterValidator(_label)]]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class InProject(Input):
    """What all actions have."""

    project: Project = Field(description="The project's path or id.", examples=["acme/web/shop"])

    @property
    def path(self) -> str:
        """The start of the addresses of what is in the project."""
        return f"/projects/{quote(self.project, safe='')}"


class CreateIssue(InProject):
    """The inputs of `gitlab.create_issue`."""

    title: str = Field(description="The title.", min_length=1, max_length=255)
    description: str | None = Field(None, description="The text, in Markdown.", max_length=MOST_TEXT)
    labels: Labels | None = Field(None, description="Names of labels; those that are not there are made.")
    assignee_ids: list[int] | None = Field(None, description="Ids of the people it is given to.")
    milestone_id: int | None = Field(None, description="The id of a milestone.")
    due_date: Date | None = Field(None, description="A date as 2026-01-31.")
    confidential: bool | None = Field(None, description="Shown to members of the project only.")


class UpdateIssue(InProject):
    """The inputs of `gitlab.update_issue`: what is left out stays."""

    issue: int = Field(description="The issue's number in its project (iid).", ge=1)
    title: str | None = Field(None, description="The new title.", min_length=1, max_length=255)
    description: str | None = Field(None, description="The new text, in Markdown.", max_length=MOST_TEXT)
    state: Literal["opened", "closed"] | None = Field(None, description="Close it, or open it again.")
    add_labels: Labels | None = Field(None, description="Labels added to those it has.")
    remove_labels: Labels | None = Field(None, description="Labels taken away.")
    assignee_ids: list[int] | None = Field(None, description="All assignees, in place of those it has.")
    due_date: Date | None = Field(None, description="A date as 2026-01-31.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"project", "issue"}:
            raise ValueError("nothing to change; give a title, description, state, labels or assignees")
        return self


class Comment(InProject):
    """The inputs of `gitlab.comment`."""

    issue: int | None = Field(None, description="The number of an issue (iid).", ge=1)
    merge_request: int | None = Field(None, description="The number of a merge request (iid).", ge=1)
    body: str = Field(description="The text, in Markdown.", min_length=1, max_length=MOST_TEXT)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.issue is None) == (self.merge_request is None):
            raise ValueError("give either issue or merge_request")
        return self


class CommitStatus(InProject):
    """The inputs of `gitlab.commit_status`."""

    sha: str = Field(description="The commit's hash.", pattern=r"^[0-9a-fA-F]{7,64}$")
    state: Literal["pending", "running", "success", "failed", "canceled", "skipped"] = Field(
        description="How it stands."
    )
    name: str = Field("hookline", description="Whose status it is; a later one of it replaces it.")
    ref: str | None = Field(None, description="The branch or tag it is for.")
    description: str | None = Field(None, description="A short sentence.", max_length=255)
    target_url: str | None = Field(None, description="Where the status leads to.", max_length=255)
    coverage: float | None = Field(None, description="The share of code that is tested, in per cent.")
    pipeline_id: int | None = Field(None, description="Which pipeline, where the commit has several.")


class TriggerPipeline(InProject):
    """The inputs of `gitlab.trigger_pipeline`."""

    ref: str = Field("main", description="The branch or tag to run it on.", min_length=1)
    variables: dict[str, str | int | float | bool] | None = Field(
        None, description="CI/CD variables of this pipeline, by name."
    )
    inputs: dict[str, Any] | None = Field(
        None, description="The inputs that the pipeline declares under `spec: inputs` (GitLab 17.10)."
    )


class GetFile(InProject):
    """The inputs of `gitlab.get_file`."""

    file_path: FilePath = Field(description="The path in the repository.", examples=["docs/index.md"])
    ref: str = Field("HEAD", description="A branch, tag or commit; HEAD is the default branch.")


class PutFile(InProject):
    """The inputs of `gitlab.put_file`."""

    file_path: FilePath = Field(description="The path in the repository.", examples=["data/prices.json"])
    content: GivenFile = Field(description="The file's whole new content: a text, or a file.")
    message: str = Field(description="The commit's message.", min_length=1)
    branch: str = Field("main", description="The branch that the commit goes to.", min_length=1)
    last_commit_id: str | None = Field(
        None,
        description="The last commit that you know of the file, as `gitlab.get_file` gives it: refused if "
        "there is a later one. Left out: whatever is there is replaced.",
    )


class Issue(Output):
    """An issue."""

    id: int = Field(description="Its id in all of GitLab.")
    issue: int = Field(description="Its number in the project (iid).")
    title: str
    state: str
    url: str = Field(description="Its page.")


class Commented(Output):
    """A comment."""

    id: int


class Status(Output):
    """A commit's status."""

    id: int | None = Field(description="Null where GitLab had this very state already.")
    state: str
    name: str


class Pipeline(Output):
    """A pipeline as it begins."""

    id: int
    status: str
    url: str = Field(description="Its page.")


class Content(Output):
    """A file of a repository."""

    file_path: str
    last_commit_id: str = Field(description="The last commit that changed it, for `gitlab.put_file`.")
    size: int
    text: str | None = Field(description="The content where it is UTF-8 and at most 256 KiB.")
    file: File = Field(description="The content as a file of this run.")


class Put(Output):
    """The file after the action."""

    file_path: str
    branch: str
    changed: bool = Field(description="False where it had this content already.")

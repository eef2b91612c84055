"""What Jira's actions take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from runner.connector import Input, Json, Output

MOST_TEXT = 32_767  # characters of a description or a comment
MOST_FOUND = 1000


def _text(value: object) -> object:
    """An id of a payload may be a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError("a summary is one line; use `| replace('\\n', ' ')`")
    return value


def _label(value: str) -> str:
    if not value or any(one.isspace() for one in value):
        raise ValueError("a label holds no space; use `| slugify`")
    return value


IssueKey = Annotated[str, BeforeValidator(_text), Field(pattern=r"^([A-Za-z][A-Za-z0-9_]+-[0-9]+|[0-9]+)$")]
Project = Annotated[str, BeforeValidator(_text), Field(pattern=r"^[A-Za-z0-9_]+$")]
Summary = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_one_line)]
Labels = list[Annotated[str, AfterValidator(_label)]]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Format = Literal["markdown", "text"]
FORMAT = "How the text is meant, on Cloud; a Data Center takes it as it is, in Jira's own markup."
FIELDS = "More fields by their id, as the REST API takes them."


class OnIssue(Input):
    """What the actions on one issue have."""

    issue: IssueKey = Field(description="The issue's key or id.", examples=["SHOP-42"])


class CreateIssue(Input):
    """The inputs of `jira.create_issue`."""

    project: Project = Field(description="The project's key or id.", examples=["SHOP"])
    issue_type: str = Field("Task", description="The name of the type, or its id.", min_length=1)
    summary: Summary = Field(description="The title, in one line.")
    description: str | None = Field(None, description="The text.", max_length=MOST_TEXT)
    format: Format = Field("markdown", description=FORMAT)
    priority: str | None = Field(None, description="The name of a priority.", examples=["High"])
    labels: Labels | None = Field(None, description="Labels, without spaces.")
    assignee: str | None = Field(None, description="Cloud: an account id. Data Center: a user name.")
    parent: IssueKey | None = Field(None, description="The issue above it: an epic, or a sub-task's parent.")
    components: list[str] | None = Field(None, description="Names of components.")
    due_date: Date | None = Field(None, description="A date as 2026-01-31.")
    fields: dict[str, Any] | None = Field(None, description=FIELDS, examples=[{"customfield_10010": "EU"}])


class UpdateIssue(OnIssue):
    """The inputs of `jira.update_issue`: what is left out stays."""

    summary: Summary | None = Field(None, description="The new title, in one line.")
    description: str | None = Field(None, description="The new text.", max_length=MOST_TEXT)
    format: Format = Field("markdown", description=FORMAT)
    priority: str | None = Field(None, description="The name of a priority.")
    add_labels: Labels | None = Field(None, description="Labels added to those it has.")
    remove_labels: Labels | None = Field(None, description="Labels taken away.")
    assignee: str | None = Field(None, description="Cloud: an account id. Data Center: a user name.")
    due_date: Date | None = Field(None, description="A date as 2026-01-31.")
    fields: dict[str, Any] | None = Field(None, description=FIELDS)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"issue", "format"}:
            raise ValueError("nothing to change; give a summary, description, priority, labels or fields")
        return self


class Comment(OnIssue):
    """The inputs of `jira.comment`."""

    body: str = Field(description="The text.", min_length=1, max_length=MOST_TEXT)
    format: Format = Field("markdown", description=FORMAT)


class Transition(OnIssue):
    """The inputs of `jira.transition`."""

    to: str = Field(
        description="The name of the status that it shall have, or of the transition.",
        min_length=1,
        examples=["Done"],
    )
    fields: dict[str, Any] | None = Field(
        None,
        description="Fields that the transition asks for, by their id.",
        examples=[{"resolution": {"name": "Fixed"}}],
    )


class GetIssue(OnIssue):
    """The inputs of `jira.get_issue`."""

    fields: list[str] | None = Field(None, description="Which fields, by id; all if left out.")


class Search(Input):
    """The inputs of `jira.search`."""

    jql: str = Field(
        description="What to look for, in JQL. Put a payload's text in by `| tojson`, which quotes it.",
        min_length=1,
        examples=["project = SHOP AND summary ~ {{ payload.error | tojson }}"],
    )
    fields: list[str] = Field(
        ["summary", "status", "assignee", "priority", "labels", "created", "updated"],
        description="Which fields of each issue, by id.",
    )
    limit: int = Field(50, description="How many issues at most.", ge=1, le=MOST_FOUND)


class Created(Output):
    """A new issue."""

    id: str
    key: str
    url: str | None = Field(description="Its page; null where the connection does not name the site.")


class Issue(Output):
    """An issue as Jira gives it."""

    id: str
    key: str
    url: str | None = Field(description="Its page; null where the connection does not name the site.")
    fields: dict[str, Json]


class Found(Output):
    """What a search found."""

    issues: list[Issue]
    more: bool = Field(description="Whether there are more than `limit`.")


class Changed(Output):
    """The issue that was changed."""

    issue: str


class Moved(Output):
    """The issue after the transition."""

    issue: str
    status: str = Field(description="The status that it has now.")
    changed: bool = Field(description="False where it had this status already.")


class Commented(Output):
    """A comment."""

    id: str

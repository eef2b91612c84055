"""What Zendesk's actions take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from runner.connector import Html, Input, Json, Output

MOST_FOUND = 1000  # what a search gives at most


def _tag(value: str) -> str:
    if not value or any(one.isspace() for one in value):
        raise ValueError("a tag holds no space; use `| slugify`")
    return value


FieldId = Annotated[str, Field(pattern=r"^[0-9]+$")]
Tags = list[Annotated[str, AfterValidator(_tag)]]
Status: TypeAlias = Literal["new", "open", "pending", "hold", "solved", "closed"]
Priority: TypeAlias = Literal["urgent", "high", "normal", "low"]
Kind: TypeAlias = Literal["problem", "incident", "question", "task"]


class Said(Input):
    """What a comment is made of."""

    body: str | None = Field(None, description="The text.", min_length=1)
    html: Html | None = Field(None, description="In place of it, the text as HTML.", min_length=1)

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if (self.body is None) == (self.html is None):
            raise ValueError("give either body or html")
        return self

    def comment(self, *, public: bool) -> dict[str, Json]:
        """The comment as Zendesk takes it."""
        text: dict[str, Json] = {"body": self.body} if self.html is None else {"html_body": self.html}
        return {**text, "public": public}


class CreateTicket(Said):
    """The inputs of `zendesk.create_ticket`."""

    subject: str = Field(description="The subject.", min_length=1)
    requester_email: str | None = Field(
        None, description="Who asks; the agent of the connection if left out."
    )
    requester_name: str | None = Field(None, description="The name of one whom Zendesk does not know yet.")
    public: bool = Field(
        True, description="Whether the requester sees the text; else it is an internal note."
    )
    priority: Priority | None = Field(None, description="How urgent it is.")
    type: Kind | None = Field(None, description="What kind of ticket.")
    status: Status | None = Field(None, description="How it stands; new if left out.")
    tags: Tags | None = Field(None, description="Tags, without spaces.")
    group_id: int | None = Field(None, description="The group it goes to.")
    assignee_id: int | None = Field(None, description="The agent it goes to.")
    external_id: str | None = Field(None, description="Its id with you, to find it by.")
    custom_fields: dict[FieldId, Any] | None = Field(
        None, description="Values of custom fields by their id.", examples=[{"360001": "EU"}]
    )

    @model_validator(mode="after")
    def _whole_requester(self) -> Self:
        if self.requester_name is not None and self.requester_email is None:
            raise ValueError("requester_name needs requester_email")
        return self


class OnTicket(Input):
    """What the actions on one ticket have."""

    ticket: int = Field(description="The ticket's number.", ge=1)


class UpdateTicket(OnTicket):
    """The inputs of `zendesk.update_ticket`: what is left out stays."""

    subject: str | None = Field(None, description="The new subject.", min_length=1)
    priority: Priority | None = Field(None, description="How urgent it is.")
    type: Kind | None = Field(None, description="What kind of ticket.")
    status: Status | None = Field(None, description="How it stands.")
    tags: Tags | None = Field(None, description="All tags, in place of those it has.")
    group_id: int | None = Field(None, description="The group it goes to.")
    assignee_id: int | None = Field(None, description="The agent it goes to.")
    external_id: str | None = Field(None, description="Its id with you, to find it by.")
    custom_fields: dict[FieldId, Any] | None = Field(None, description="Values of custom fields by their id.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"ticket"}:
            raise ValueError("nothing to change; give a status, priority, tags or another field")
        return self


class Comment(Said, OnTicket):
    """The inputs of `zendesk.comment`."""

    public: bool = Field(
        False, description="Send it to the requester; else it is a note that only agents see."
    )
    status: Status | None = Field(None, description="How the ticket stands from then on, such as solved.")


class AddTags(OnTicket):
    """The inputs of `zendesk.add_tags`."""

    tags: Tags = Field(description="Tags added to those it has, without spaces.", min_length=1)


class SearchTickets(Input):
    """The inputs of `zendesk.search_tickets`."""

    query: str = Field(
        description="What to look for, in Zendesk's search language; `type:ticket` is added.",
        min_length=1,
        examples=["status<solved requester:{{ payload.email }}"],
    )
    sort_by: Literal["updated_at", "created_at", "priority", "status", "ticket_type"] | None = Field(
        None, description="The order; by relevance if left out."
    )
    sort_order: Literal["asc", "desc"] = Field("desc", description="Upwards or downwards.")
    limit: int = Field(25, description="How many tickets at most.", ge=1, le=MOST_FOUND)


class Ticket(Output):
    """A ticket."""

    id: int
    subject: str | None
    status: str
    priority: str | None
    tags: list[str]
    url: str = Field(description="Its page for agents.")


class Commented(Output):
    """The ticket after the comment."""

    ticket: int
    status: str


class Tagged(Output):
    """The tags of the ticket."""

    tags: list[str]


class Found(Output):
    """What a search found."""

    tickets: list[Ticket]
    count: int = Field(description="How many there are.")

"""
Microsoft Teams: messages and Adaptive Cards to a channel or chat, by the webhook of a workflow.

The webhook is made in Teams: Workflows, "Send webhook alerts to a channel" (or to a chat). The flow
answers before it posts: that it took a card does not say that Teams shows it; its run history in
Power Automate does. Sources: learn.microsoft.com, "Create Incoming Webhooks" and "Create and send
messages" (form, 28 KB, four requests a second, failures told in the text of a 200), "Microsoft Teams"
among the connectors ("When a Teams webhook request is received"), adaptivecards.io (card elements).
"""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar, Literal, NoReturn, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    Connector,
    Input,
    Json,
    OutcomeUnknown,
    Output,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
)

microsoft_teams = Connector(
    "microsoft_teams",
    title="Microsoft Teams",
    summary="Messages and Adaptive Cards to Teams channels and chats, by a workflow's webhook.",
)

MOST_BYTES = 28 * 1024  # of a message, all included
VERSION = "1.4"  # the newest that Teams shows everywhere
DELIVERY = re.compile(r"returned HTTP error ([0-9]{3})")  # how the old webhooks tell it, with a 200
COLORS = {"good": "Good", "warning": "Warning", "attention": "Attention", "accent": "Accent"}


@microsoft_teams.connection("microsoft_teams")
class TeamsWebhook(Connection):
    """The address of a workflow's webhook; who has it can post, so that it is kept as a secret."""

    title: ClassVar[str] = "Microsoft Teams"
    steps: ClassVar[tuple[str, ...]] = (
        "In Teams open ••• beside the channel or chat and choose Workflows.",
        "Choose the template Send webhook alerts to a channel (or to a chat), and add it.",
        "Copy the address that it shows at the end, whole: it holds its own signature.",
    )

    webhook_url: SecretStr = Field(
        description="The address that Teams shows once the workflow is made (its trigger's URL in Power "
        "Automate), whole, with its signature."
    )

    @field_validator("webhook_url")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if not re.fullmatch(r"https?://[^/?#\s@\\]+/\S+", text):
            raise ValueError("must be the whole address of the webhook, from https:// on")
        return SecretStr(text)

    def bound_hosts(self) -> list[str]:
        """The webhook's own host."""
        return [urlsplit(self.webhook_url.get_secret_value()).hostname or ""]

    async def test(self, call: Call) -> str:
        """Raises Rejected: whatever a workflow is sent, it runs."""
        del call
        raise Rejected("a workflow's webhook cannot be tested without posting; post a message with it")


class Fact(BaseModel):
    """A line of a table."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    title: str = Field(description="What it is.")
    value: str = Field(description="Its value.")


class Link(BaseModel):
    """A button that opens an address."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    title: str = Field(min_length=1, description="What stands on it.")
    url: str = Field(pattern=r"^https?://", description="The address that it opens.")


class PostMessage(Input):
    """The inputs of `microsoft_teams.post_message`."""

    text: str | None = Field(
        None, description="The text, with Teams' Markdown: **bold**, _italic_, [links](…)."
    )
    title: str | None = Field(None, description="A heading above it.")
    color: Literal["good", "warning", "attention", "accent"] | None = Field(
        None, description="The heading's colour: green, amber, red or blue."
    )
    facts: list[Fact] | None = Field(None, description="A table below it: [{title, value}].")
    links: list[Link] | None = Field(
        None, max_length=6, description="Buttons that open addresses: [{title, url}], at most 6."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not any(one and one.strip() for one in (self.text, self.title)) and not self.facts:
            raise ValueError("the message is empty; give text, title or facts")
        return self

    def card(self) -> dict[str, Json]:
        """The message as an Adaptive Card."""
        body: list[Json] = []
        if self.title:
            heading = {
                "type": "TextBlock",
                "text": self.title,
                "size": "Large",
                "weight": "Bolder",
                "wrap": True,
            }
            body.append(heading | ({"color": COLORS[self.color]} if self.color else {}))
        if self.text:
            body.append({"type": "TextBlock", "text": self.text, "wrap": True})
        if self.facts:
            body.append({"type": "FactSet", "facts": [one.model_dump() for one in self.facts]})
        card: dict[str, Json] = {"type": "AdaptiveCard", "version": VERSION, "body": body}
        if self.links:
            card["actions"] = [{"type": "Action.OpenUrl", **one.model_dump()} for one in self.links]
        return card | {"msteams": {"width": "Full"}}


class Taken(Output):
    """That the workflow took the message; it does not say where it stands."""

    ok: bool = Field(description="Always true: a refusal is an error.")


@microsoft_teams.action(
    # A webhook knows no idempotency key. An alert that stands twice after a crash is a lesser evil
    # than one that waits for a person; a step that sees it otherwise says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: microsoft_teams.post_message
connection: team-channel
with:
  title: "Order {{ payload.name }}"
  color: good
  text: "{{ payload.customer.email }} has ordered."
  facts: [{title: Total, value: "{{ payload.total_price }}"}]
  links: [{title: Open, url: "{{ payload.order_status_url }}"}]
""",
)
async def post_message(call: Call, connection: TeamsWebhook, input: PostMessage) -> Taken:  # noqa: A002 - the contract of an action
    """
    Post a message with a heading, a text, a table and buttons to the workflow's channel or chat.

    There is no idempotency key: if the server dies while a message is on its way, the message may
    stand twice. `after_crash: stop` on the step asks a person instead.
    """
    return await _post(call, connection, input.card())


class PostCard(Input):
    """The inputs of `microsoft_teams.post_card`."""

    card: dict[str, Any] = Field(
        description="An Adaptive Card (adaptivecards.io), as its designer gives it; `version` is 1.4 "
        "if it is left out. Action.Submit does nothing here: a webhook gets no answer."
    )

    @field_validator("card")
    @classmethod
    def _adaptive(cls, value: dict[str, Any]) -> dict[str, Any]:
        if value.get("type") != "AdaptiveCard":
            raise ValueError('an Adaptive Card has type: AdaptiveCard; a "MessageCard" is not taken')
        if not value.get("body") and not value.get("actions"):
            raise ValueError("the card is empty; give it a body")
        return value


@microsoft_teams.action(
    after_crash="repeat",  # as post_message
    example="""\
action: microsoft_teams.post_card
connection: team-channel
with:
  card:
    type: AdaptiveCard
    body:
      - {type: TextBlock, text: "Build {{ payload.number }}", weight: Bolder}
""",
)
async def post_card(call: Call, connection: TeamsWebhook, input: PostCard) -> Taken:  # noqa: A002 - the contract of an action
    """Post an Adaptive Card of your own making to the workflow's channel or chat."""
    return await _post(call, connection, {"version": VERSION, **input.card})


async def _post(call: Call, connection: TeamsWebhook, card: dict[str, Json]) -> Taken:
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", **card},
    }
    message: dict[str, Json] = {"type": "message", "attachments": [attachment]}
    size = len(json.dumps(message, ensure_ascii=False).encode())
    if size > MOST_BYTES:
        raise Rejected(f"the card has {size:,} bytes; Teams takes {MOST_BYTES:,}: use `| truncate(…)`")
    reply = await call.http.post(connection.webhook_url.get_secret_value(), json=message)
    if reply.status >= 400:
        _fail(reply)
    if failed := DELIVERY.search(reply.text()[:1000]):
        _undelivered(int(failed[1]), reply)
    return Taken(ok=True)


def _fail(reply: Reply) -> NoReturn:
    """Raise what a refusal of the workflow means."""
    said = _said(reply)
    if reply.status in {401, 403, 404, 410}:
        raise ConnectionRejected(
            f"Teams: {reply.status}{said}: the webhook's address is not valid (any more), or its workflow is "
            "gone or switched off; copy the address from the workflow again"
        )
    if reply.status == 413:
        raise Rejected(f"Teams: 413{said}: the card is too large; Teams takes 28 KB")
    if reply.status in {429, 503}:
        wait = reply.retry_after()
        raise Unavailable(f"Teams: {reply.status}{said}", retry_after_seconds=wait, cause=str(reply.status))
    if reply.status == 408 or reply.status >= 500:
        raise OutcomeUnknown(f"Teams: {reply.status}{said}", cause=str(reply.status))
    raise Rejected(f"Teams: {reply.status}{said}")


def _undelivered(status: int, reply: Reply) -> NoReturn:
    """Raise what a failure means that a connector of the old kind tells within a 200."""
    if status == 429:
        raise Unavailable(
            "Teams: 429: too many messages", retry_after_seconds=reply.retry_after(), cause="429"
        )
    if status >= 500:
        raise OutcomeUnknown(f"Teams: {status}", cause=str(status))
    raise Rejected(f"Teams: {status}: the webhook took the card and Teams refused it")


def _said(reply: Reply) -> str:
    """The reason that stands in an answer `{"error": {"code", "message"}}`, for a sentence."""
    try:
        answer = reply.json()
    except OutcomeUnknown:
        return ""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return ""
    # the message may quote the address with its signature: the code is enough where there is one
    code = in_brief(error.get("code") or "", 100)
    return f": {code}" if code else ""

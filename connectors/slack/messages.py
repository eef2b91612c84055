"""Slack's messages: post, update, delete, direct messages, threads, answers to a button or a command."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from connectors.slack.connection import SlackConnection, ask, slack
from connectors.slack.errors import answer, fail
from runner.connector import Call, Input, Json, Output, Rejected

# YAML and templates make a number of 1700000000.000100 and lose its end; Slack then finds nothing
TS = r"^[0-9]{1,12}\.[0-9]{6}$"
Ts = Annotated[str, Field(pattern=TS, examples=["1700000000.000100"])]


Text: TypeAlias = Annotated[
    str | None,
    Field(description="The text, in Slack's mrkdwn; with blocks, what notifications show."),
]
Blocks: TypeAlias = Annotated[list[dict[str, Any]] | None, Field(description="Block Kit blocks.")]


class Message(Input):
    """What a message must hold."""

    text: Text = None
    blocks: Blocks = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.text and self.text.strip()) and not self.blocks:
            raise ValueError("the message is empty; give text or blocks")
        return self


class PostMessage(Message):
    """The inputs of `slack.post_message`."""

    channel: str | None = Field(
        None,
        description="A channel's name (#sales) or id (C…), or a user's id (U…). A webhook has its "
        "own and needs none.",
    )
    thread_ts: str | None = Field(
        None, description="The `ts` of the message to reply to.", examples=["1700000000.000100"]
    )


class Posted(Output):
    """Where the message stands; both are null for a webhook, which does not say."""

    channel: str | None = Field(description="The id of its channel.")
    ts: str | None = Field(description="What tells it apart in its channel: for replies, updates, reactions.")


@slack.action(
    # Slack knows no idempotency key. An alert that stands twice after a crash is a lesser evil
    # than one that waits for a person; a step that sees it otherwise says `after_crash: stop`.
    after_crash="repeat",
    effect="posts {n} messages[ to {channel}]",
    example="""\
action: slack.post_message
connection: team-slack
with:
  channel: "#sales"
  text: "Order {{ payload.name }}: {{ payload.total_price }}"
""",
)
async def post_message(call: Call, connection: SlackConnection, input: PostMessage) -> Posted:  # noqa: A002 - the contract of an action
    """
    Post a message to a channel.

    Slack has no idempotency key: if the server dies while a message is on its way, the message
    may stand twice. `after_crash: stop` on the step asks a person instead.
    """
    if connection.webhook_url is not None:
        reply = await call.http.post(
            connection.webhook_url.get_secret_value(),
            json=input.model_dump(exclude_none=True, exclude={"channel"}),
        )
        if reply.status != 200:
            fail(reply, reply.text().strip())
        return Posted(channel=None, ts=None)
    if input.channel is None:
        raise Rejected("slack.post_message: channel: a connection with a token needs a channel")
    given = answer(await call.http.post(connection.method_url("chat.postMessage"), json=input))
    return Posted(channel=given.get("channel"), ts=given.get("ts"))


class UpdateMessage(Message):
    """The inputs of `slack.update_message`."""

    channel: str = Field(description="The id of the message's channel (C…), as its post gave it.")
    ts: Ts = Field(description="The `ts` of the message, as its post gave it.")


@slack.action(
    after_crash="repeat",  # the second update says what the first said
    example="""\
action: slack.update_message
connection: team-slack
with:
  channel: "{{ payload.channel }}"
  ts: "{{ payload.ts }}"
  text: "Done: {{ payload.result }}"
""",
)
async def update_message(call: Call, connection: SlackConnection, input: UpdateMessage) -> Posted:  # noqa: A002 - the contract of an action
    """Replace the text and blocks of a message that the app has posted."""
    arguments = {"channel": input.channel, "ts": input.ts, "text": input.text, "blocks": _json(input.blocks)}
    given = await ask(call, connection, "chat.update", arguments)
    return Posted(channel=given.get("channel"), ts=given.get("ts"))


class DeleteMessage(Input):
    """The inputs of `slack.delete_message`."""

    channel: str = Field(description="The id of the message's channel (C…), as its post gave it.")
    ts: Ts = Field(description="The `ts` of the message, as its post gave it.")


class Deleted(Output):
    """Whether something was deleted."""

    deleted: bool = Field(description="False where there is no such message (any more).")


@slack.action(
    after_crash="repeat",  # what is gone stays gone
    example="""\
action: slack.delete_message
connection: team-slack
with:
  channel: "{{ payload.channel }}"
  ts: "{{ payload.ts }}"
""",
)
async def delete_message(call: Call, connection: SlackConnection, input: DeleteMessage) -> Deleted:  # noqa: A002 - the contract of an action
    """Delete a message that the app has posted. One that is gone already is no error."""
    given = await ask(call, connection, "chat.delete", input.model_dump(), "message_not_found")
    return Deleted(deleted=given.get("ok") is True)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value  # one user stands for a list of it


class SendDirectMessage(Message):
    """The inputs of `slack.send_direct_message`."""

    users: Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])] = Field(
        min_length=1,
        max_length=8,
        description="A user's id (U…), or a list of up to 8 for a group. For an address take the "
        "`id` that slack.lookup_user gives.",
    )


@slack.action(
    after_crash="repeat",  # as post_message
    example="""\
action: slack.send_direct_message
connection: team-slack
with:
  users: "{{ payload.assignee }}"
  text: "A ticket is yours: {{ payload.url }}"
""",
)
async def send_direct_message(
    call: Call,
    connection: SlackConnection,
    input: SendDirectMessage,  # noqa: A002 - the contract of an action
) -> Posted:
    """
    Write to a user, or to several in one conversation, which is opened first if there is none.

    Needs the scopes im:write (mpim:write for several) and chat:write.
    """
    opened = await ask(call, connection, "conversations.open", {"users": ",".join(input.users)})
    channel = opened.get("channel")
    where = str(channel.get("id", "")) if isinstance(channel, dict) else ""
    arguments = {"channel": where, "text": input.text, "blocks": _json(input.blocks)}
    given = await ask(call, connection, "chat.postMessage", arguments)
    return Posted(channel=given.get("channel"), ts=given.get("ts"))


class GetThread(Input):
    """The inputs of `slack.get_thread`."""

    channel: str = Field(description="The id of the channel (C…).")
    ts: Ts = Field(description="The `ts` of the message that the thread is below.")
    limit: int = Field(100, ge=1, le=1000, description="How many messages at most, the oldest first.")


class ThreadMessage(Output):
    """A message of a thread."""

    ts: str = Field(description="What tells it apart in its channel.")
    user: str | None = Field(None, description="The id of its user; null where an app without one wrote it.")
    bot_id: str | None = Field(None, description="The id of the app that wrote it, if one did.")
    text: str = Field("", description="Its text.")


class Thread(Output):
    """A thread, the first message included."""

    messages: list[ThreadMessage] = Field(description="The messages, the oldest first.")
    more: bool = Field(description="Whether there are more than `limit`.")


@slack.action(
    after_crash="repeat",  # it reads
    example="""\
action: slack.get_thread
connection: team-slack
with:
  channel: "{{ payload.channel }}"
  ts: "{{ payload.thread_ts }}"
""",
)
async def get_thread(call: Call, connection: SlackConnection, input: GetThread) -> Thread:  # noqa: A002 - the contract of an action
    """
    Read the messages of a thread.

    Needs the scope channels:history (groups:history, im:history, mpim:history for the others).
    """
    found: list[ThreadMessage] = []
    cursor = None
    while True:
        arguments = {
            "channel": input.channel, "ts": input.ts, "cursor": cursor,
            "limit": min(200, input.limit - len(found)),
        }  # fmt: skip
        given = await ask(call, connection, "conversations.replies", arguments)
        messages = given.get("messages")
        found += [ThreadMessage.model_validate(one) for one in messages or ()]
        cursor = next_cursor(given)
        if cursor is None or not messages or len(found) >= input.limit:
            return Thread(messages=found[: input.limit], more=cursor is not None or len(found) > input.limit)


class Respond(Input):
    """The inputs of `slack.respond`."""

    response_url: str = Field(
        pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?/",  # nothing that two readers could read differently
        description="The `response_url` of the slash command or interaction: for 30 minutes and 5 uses.",
    )
    text: Text = None
    blocks: Blocks = None
    visible_to: Literal["user", "channel"] = Field(
        "user", description="Who sees a new message: whoever acted, or the whole channel."
    )
    original: Literal["keep", "replace", "delete"] = Field(
        "keep", description="What becomes of the message with the button: `delete` needs no text."
    )
    thread_ts: Ts | None = Field(None, description="The `ts` of the message to reply to.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.original != "delete" and not (self.text and self.text.strip()) and not self.blocks:
            raise ValueError("the message is empty; give text or blocks")
        return self


class Responded(Output):
    """That Slack took the answer."""

    ok: bool = Field(description="Always true: a refusal is an error.")


@slack.action(
    after_crash="repeat",  # as post_message
    example="""\
action: slack.respond
with:
  response_url: "{{ payload.response_url }}"
  text: "On it."
  original: replace
""",
)
async def respond(call: Call, connection: SlackConnection | None, input: Respond) -> Responded:  # noqa: A002 - the contract of an action
    """
    Answer a slash command, a button or a menu by the `response_url` that came with it.

    No connection is needed, and no token is sent: the address is the credential. Only addresses of
    Slack's own hosts are called, because the address comes with the payload.
    """
    host = (urlsplit(input.response_url).hostname or "").lower()
    own = urlsplit(connection.api_url).hostname if connection is not None else None
    if host not in {"hooks.slack.com", "hooks.slack-gov.com", own} - {None}:
        raise Rejected("slack.respond: response_url: it must be one of hooks.slack.com")
    message: dict[str, Json] = {"delete_original": True}
    if input.original != "delete":
        message = {
            "text": input.text,
            "blocks": input.blocks,
            "thread_ts": input.thread_ts,
            "response_type": "in_channel" if input.visible_to == "channel" else "ephemeral",
            "replace_original": input.original == "replace",
        }
    given = {name: value for name, value in message.items() if value is not None}
    reply = await call.http.post(input.response_url, json=given)
    if reply.status in {404, 410}:
        raise Rejected("Slack: the response_url has expired or was used 5 times; post a message instead")
    word = reply.text().strip()
    if word.startswith("{"):
        answer(reply)
    elif reply.status != 200:
        fail(reply, word)
    return Responded(ok=True)


def next_cursor(given: dict[str, Json]) -> str | None:
    """The cursor of the next portion of a list, None at the end."""
    about = given.get("response_metadata")
    return (about.get("next_cursor") or None) if isinstance(about, dict) else None


def _json(value: Json) -> str | None:
    return None if value is None else json.dumps(value)

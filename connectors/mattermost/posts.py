"""Mattermost's posts: to a channel, to a person; changed and deleted."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from connectors.mattermost.connection import (
    ID,
    MattermostConnection,
    accept,
    ask,
    channel_id,
    mattermost,
    my_id,
    segment,
    send,
)
from runner.connector import Call, Input, Output, Rejected

Id: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9]{26}$")]
Attachments: TypeAlias = Annotated[
    list[dict[str, Any]] | None,
    Field(description="Message attachments: [{color, title, title_link, text, fields: [{title, value}]}]."),
]


class Message(Input):
    """What a post may hold."""

    text: str | None = Field(
        None, description="The text, in Markdown; 16,383 characters unless the server is set otherwise."
    )
    attachments: Attachments = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.text and self.text.strip()) and not self.attachments:
            raise ValueError("the message is empty; give text or attachments")
        return self


class PostMessage(Message):
    """The inputs of `mattermost.post_message`."""

    channel: str | None = Field(
        None,
        description="The channel's id, or team/channel by their names in its address. For a webhook: left "
        "out for its own, else the channel's name, or @user.",
        examples=["shop/town-square"],
    )
    root: Id | None = Field(
        None, description="The id of a thread's first post, to reply in it; not for webhooks."
    )
    priority: Literal["important", "urgent"] | None = Field(
        None, description="Mark it; the first of a thread only."
    )
    username: str | None = Field(None, description="For a webhook: the name shown, if the server allows it.")
    icon_url: str | None = Field(
        None, description="For a webhook: the picture shown, if the server allows it."
    )


class Posted(Output):
    """The post; null for a webhook, which does not say."""

    id: str | None = Field(description="The id of the post, for replies, changes and reactions.")
    channel: str | None = Field(description="The id of its channel.")


@mattermost.action(
    # Mattermost documents no idempotency key. An alert that stands twice after a crash is a lesser
    # evil than one that waits for a person; a step that sees it otherwise says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: mattermost.post_message
connection: team-chat
with:
  channel: shop/orders
  text: "**Order {{ payload.name }}**: {{ payload.total_price }}"
""",
)
async def post_message(call: Call, connection: MattermostConnection, input: PostMessage) -> Posted:  # noqa: A002 - the contract of an action
    """
    Post to a channel, by a token or an incoming webhook.

    There is no idempotency key: if the server dies while a post is on its way, it may stand twice.
    `after_crash: stop` on the step asks a person instead.
    """
    priority = None if input.priority is None else {"priority": input.priority}
    if connection.webhook:
        if input.root is not None:
            raise Rejected(
                "mattermost.post_message: root: a webhook cannot reply; use a connection with a token"
            )
        hook = {
            **input.model_dump(include={"text", "attachments", "channel", "username", "icon_url"}),
            "priority": priority,
        }
        given = {name: value for name, value in hook.items() if value is not None}
        accept(await call.http.post(connection.webhook, json=given))
        return Posted(id=None, channel=None)
    if input.channel is None:
        raise Rejected("mattermost.post_message: channel: a connection with a token needs a channel")
    where = await channel_id(call, connection, input.channel)
    metadata = {"metadata": {"priority": priority}} if priority else {}
    return await create(call, connection, where, input, root_id=input.root or "", **metadata)


async def create(
    call: Call, connection: MattermostConnection, channel: str, message: Message, **more: Any
) -> Posted:
    """Make a post."""
    post = {"channel_id": channel, "message": message.text or "", **more}
    if message.attachments is not None:
        post["props"] = {"attachments": message.attachments}
    made = await ask(call, connection, "POST", "/posts", json=post)
    return Posted(id=str(made.get("id", "")), channel=str(made.get("channel_id", channel)))


class SendDirectMessage(Message):
    """The inputs of `mattermost.send_direct_message`."""

    user: str = Field(min_length=1, description="A user's name (@ann), email address or id.")


@mattermost.action(
    after_crash="repeat",  # as post_message
    example="""\
action: mattermost.send_direct_message
connection: team-chat
with:
  user: "{{ payload.assignee.email }}"
  text: "A ticket is yours: {{ payload.url }}"
""",
)
async def send_direct_message(
    call: Call,
    connection: MattermostConnection,
    input: SendDirectMessage,  # noqa: A002 - the contract of an action
) -> Posted:
    """Write to a person, by name, email address or id."""
    user = input.user.strip().removeprefix("@")
    if not ID.fullmatch(user):
        kind = "email" if "@" in user else "username"
        user = str((await ask(call, connection, "GET", f"/users/{kind}/{segment(user)}")).get("id", ""))
    pair = [await my_id(call, connection), user]
    channel = await ask(call, connection, "POST", "/channels/direct", json=pair)
    return await create(call, connection, str(channel.get("id", "")), input)


class UpdateMessage(Message):
    """The inputs of `mattermost.update_message`."""

    post: Id = Field(description="The id of the post.")


@mattermost.action(
    after_crash="repeat",  # the second change says what the first said
    example="""\
action: mattermost.update_message
connection: team-chat
with:
  post: "{{ payload.post_id }}"
  text: "Done: {{ payload.result }}"
""",
)
async def update_message(call: Call, connection: MattermostConnection, input: UpdateMessage) -> Posted:  # noqa: A002 - the contract of an action
    """Change the text or the attachments of a post; what is left out stays."""
    patch: dict[str, Any] = {}
    if input.text is not None:
        patch["message"] = input.text
    if input.attachments is not None:
        patch["props"] = {"attachments": input.attachments}
    changed = await ask(call, connection, "PUT", f"/posts/{input.post}/patch", json=patch)
    return Posted(id=str(changed.get("id", input.post)), channel=str(changed.get("channel_id", "")))


class DeleteMessage(Input):
    """The inputs of `mattermost.delete_message`."""

    post: Id = Field(description="The id of the post.")


class Deleted(Output):
    """Whether something was deleted."""

    deleted: bool = Field(description="False where there is no such post (any more).")


@mattermost.action(
    after_crash="repeat",  # what is gone stays gone
    example="""\
action: mattermost.delete_message
connection: team-chat
with:
  post: "{{ payload.post_id }}"
""",
)
async def delete_message(call: Call, connection: MattermostConnection, input: DeleteMessage) -> Deleted:  # noqa: A002 - the contract of an action
    """Delete a post, with the replies to it. One that is gone already is no error."""
    reply = await send(call, connection, "DELETE", f"/posts/{input.post}")
    if reply.status != 404:
        accept(reply)
    return Deleted(deleted=reply.status != 404)

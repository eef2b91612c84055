"""Discord's messages: send, edit, delete, and reactions to them."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connectors.discord.connection import (
    DiscordConnection,
    Snowflake,
    accept,
    answer,
    body,
    channel_url,
    discord,
)
from runner.connector import Call, FileInput, GivenFile, Input, Output, Part, Rejected, url_path

MOST_BYTES = 25 * 1024 * 1024  # of a request, its files included
EMBED_CHARACTERS = 6000  # of all embeds of a message together
SILENT = 1 << 12  # SUPPRESS_NOTIFICATIONS

Mentions: TypeAlias = list[Literal["users", "roles", "everyone"]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class EmbedField(_Strict):
    """A name and its value."""

    name: str = Field(max_length=256, description="The name, at most 256 characters.")
    value: str = Field(max_length=1024, description="The value, at most 1,024 characters.")
    inline: bool = Field(False, description="Beside the field before it.")


class EmbedText(_Strict):
    """A footer."""

    text: str = Field(max_length=2048, description="The text, at most 2,048 characters.")
    icon_url: str | None = Field(None, description="A small picture before it.")


class EmbedAuthor(_Strict):
    """Whom it is of."""

    name: str = Field(max_length=256, description="The name, at most 256 characters.")
    url: str | None = Field(None, description="The address that it leads to.")
    icon_url: str | None = Field(None, description="A small picture before it.")


class EmbedImage(_Strict):
    """An image by its address."""

    url: str = Field(description="The image's address.")


def _color(value: object) -> object:
    """`#5865F2` as the number that Discord wants."""
    if isinstance(value, str) and len(value) == 7 and value.startswith("#"):
        return int(value[1:], 16)
    return value


class Embed(_Strict):
    """A card below the text."""

    title: str | None = Field(None, max_length=256, description="At most 256 characters.")
    description: str | None = Field(None, max_length=4096, description="At most 4,096 characters.")
    url: str | None = Field(None, description="The address that the title leads to.")
    timestamp: str | None = Field(None, description="A point in time, as ISO 8601.")
    color: Annotated[int, BeforeValidator(_color, json_schema_input_type=int | str)] | None = Field(
        None, ge=0, le=0xFFFFFF, description="The colour of its edge, a number; #RRGGBB is read too."
    )
    footer: EmbedText | None = Field(None, description="A small text at its end.")
    image: EmbedImage | None = Field(None, description="A large image.")
    thumbnail: EmbedImage | None = Field(None, description="A small image.")
    author: EmbedAuthor | None = Field(None, description="Whom it is of.")
    fields: list[EmbedField] | None = Field(None, max_length=25, description="At most 25 names and values.")

    def characters(self) -> int:
        """How many characters count towards the limit of a message."""
        texts = [
            self.title,
            self.description,
            self.footer and self.footer.text,
            self.author and self.author.name,
        ]
        texts += [text for one in self.fields or () for text in (one.name, one.value)]
        return sum(len(one.strip()) for one in texts if one)


class Content(Input):
    """What a message may hold."""

    content: str | None = Field(
        None, max_length=2000, description="The text, in Discord's Markdown, at most 2,000 characters."
    )
    embeds: list[Embed] | None = Field(
        None,
        max_length=10,
        description="Cards: {title, description, url, color, fields: [{name, value, inline}], footer: "
        "{text}, author: {name}, image: {url}, thumbnail: {url}, timestamp}; at most 10, with 6,000 "
        "characters in all; `color` is a number or #RRGGBB.",
    )
    components: list[dict[str, Any]] | None = Field(
        None, description="Buttons and menus, as Discord's message components."
    )
    mentions: Mentions = Field(
        ["users"],
        description="Whose mentions in the text notify: users, roles, everyone. A payload's text "
        "cannot call everyone unless it is listed here.",
    )

    @model_validator(mode="after")
    def _short(self) -> Self:
        characters = sum(one.characters() for one in self.embeds or ())
        if characters > EMBED_CHARACTERS:
            raise ValueError(
                f"embeds have {characters:,} characters; {EMBED_CHARACTERS:,} are allowed in all"
            )
        return self

    def as_json(self) -> dict[str, Any]:
        """The fields as Discord takes them."""
        given = self.model_dump(include={"content", "embeds", "components"}, exclude_none=True)
        return given | {"allowed_mentions": {"parse": list(dict.fromkeys(self.mentions))}}

    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.content and self.content.strip()) and not self.embeds and not self.components


class SendMessage(Content):
    """The inputs of `discord.send_message`."""

    channel: Snowflake | None = Field(
        None,
        description="The id of the channel or thread. A webhook has its own and needs none.",
        examples=["1100000000000000001"],
    )
    files: list[GivenFile] | None = Field(
        None,
        max_length=10,
        description="Files of the run, made on the spot, or texts; at most 10, of 10 MiB each unless "
        "the server is boosted, and 25 MiB in all.",
    )
    reply_to: Snowflake | None = Field(
        None, description="The id of the message to reply to; not for webhooks."
    )
    silent: bool = Field(False, description="Send it without a notification.")
    thread: Snowflake | None = Field(None, description="For a webhook: the id of a thread in its channel.")
    thread_name: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="For a webhook of a forum: begin a thread of this name.",
    )
    username: str | None = Field(None, description="For a webhook: the name shown.")
    avatar_url: str | None = Field(None, description="For a webhook: the picture shown.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.is_empty() and not self.files:
            raise ValueError("the message is empty; give content, embeds, components or files")
        if self.thread and self.thread_name:
            raise ValueError("give either thread or thread_name")
        return self


class Sent(Output):
    """Where the message stands."""

    id: str = Field(description="The id of the message, for edits, reactions and threads.")
    channel: str = Field(description="The id of its channel.")


@discord.action(
    # A bot's message carries a nonce that Discord compares for some minutes. After those, and by a
    # webhook, a message may stand twice: a lesser evil than an alert that waits for a person.
    after_crash="repeat",
    example="""\
action: discord.send_message
connection: team-discord
with:
  channel: "1100000000000000001"
  content: "Order {{ payload.name }}"
  embeds: [{title: "{{ payload.name }}", description: "{{ payload.total_price }}", color: "#5865F2"}]
""",
)
async def send_message(call: Call, connection: DiscordConnection, input: SendMessage) -> Sent:  # noqa: A002 - the contract of an action
    """
    Send a message to a channel or a thread, as a bot or by a webhook.

    A bot's message that is sent again within a few minutes stands once; a webhook's may stand twice
    after a crash. `after_crash: stop` on the step asks a person instead.
    """
    files = [await part(call, one, number) for number, one in enumerate(input.files or (), start=1)]
    size = sum(len(one.content) for one in files)
    if size > MOST_BYTES:
        raise Rejected(f"discord.send_message: files: {size:,} bytes; {MOST_BYTES:,} are allowed in all")
    message = input.as_json() | ({"flags": SILENT} if input.silent else {})
    if connection.webhook:
        own = {"username": input.username, "avatar_url": input.avatar_url, "thread_name": input.thread_name}
        message |= {name: value for name, value in own.items() if value is not None}
        # without `wait` Discord would not say that it has refused the message
        query = {"wait": True, "thread_id": input.thread, "with_components": bool(input.components) or None}
        given = answer(await call.http.post(connection.webhook, query=query, **body(message, files)))
    else:
        if input.channel is None:
            raise Rejected("discord.send_message: channel: a connection with a token needs a channel")
        message |= {"nonce": nonce(call), "enforce_nonce": True}
        if input.reply_to is not None:
            message["message_reference"] = {"message_id": input.reply_to, "fail_if_not_exists": False}
        url = f"{channel_url(connection, input.channel)}/messages"
        given = answer(await call.http.post(url, **body(message, files)))
    return Sent(id=str(given.get("id", "")), channel=str(given.get("channel_id", "")))


class EditMessage(Content):
    """The inputs of `discord.edit_message`."""

    channel: Snowflake | None = Field(
        None, description="The id of its channel, as its post gave it; not for webhooks."
    )
    message: Snowflake = Field(description="The id of the message, as its post gave it.")
    thread: Snowflake | None = Field(
        None, description="For a webhook: the id of the thread that the message is in."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.is_empty() and not self.model_fields_set & {"embeds", "components"}:
            raise ValueError("there is nothing to change; give content, embeds or components")
        return self


@discord.action(
    after_crash="repeat",  # the second edit says what the first said
    example="""\
action: discord.edit_message
connection: team-discord
with:
  channel: "1100000000000000001"
  message: "{{ payload.message_id }}"
  content: "Done: {{ payload.result }}"
""",
)
async def edit_message(call: Call, connection: DiscordConnection, input: EditMessage) -> Sent:  # noqa: A002 - the contract of an action
    """
    Change a message that this bot or webhook has sent.

    What is left out stays as it is; an empty list takes the embeds or components away.
    """
    if connection.webhook:
        url = f"{connection.webhook}/messages/{input.message}"
    elif input.channel is not None:
        url = f"{channel_url(connection, input.channel)}/messages/{input.message}"
    else:
        raise Rejected("discord.edit_message: channel: a connection with a token needs a channel")
    query = {"thread_id": input.thread} if connection.webhook else None
    given = answer(await call.http.request("PATCH", url, query=query, json=input.as_json()))
    return Sent(id=str(given.get("id", "")), channel=str(given.get("channel_id", "")))


class DeleteMessage(Input):
    """The inputs of `discord.delete_message`."""

    channel: Snowflake = Field(description="The id of its channel.")
    message: Snowflake = Field(description="The id of the message.")


class Deleted(Output):
    """Whether something was deleted."""

    deleted: bool = Field(description="False where there is no such message (any more).")


@discord.action(
    after_crash="repeat",  # what is gone stays gone
    example="""\
action: discord.delete_message
connection: team-discord
with:
  channel: "1100000000000000001"
  message: "{{ payload.message_id }}"
""",
)
async def delete_message(call: Call, connection: DiscordConnection, input: DeleteMessage) -> Deleted:  # noqa: A002 - the contract of an action
    """
    Delete a message. One that is gone already is no error.

    The bot needs Manage Messages for those of others.
    """
    url = f"{channel_url(connection, input.channel)}/messages/{input.message}"
    reply = accept(await call.http.request("DELETE", url), 10008)
    return Deleted(deleted=reply.status < 400)


class Reaction(Input):
    """A message and an emoji."""

    channel: Snowflake = Field(description="The id of the message's channel.")
    message: Snowflake = Field(description="The id of the message.")
    emoji: str = Field(
        min_length=1,
        max_length=100,
        description="The emoji itself, or name:id of a custom one.",
        examples=["✅", "party:1100000000000000009"],
    )


class Reacted(Output):
    """That the reaction stands, or is gone."""

    ok: bool = Field(description="Always true: a refusal is an error.")


@discord.action(
    after_crash="repeat",  # a second one changes nothing
    example="""\
action: discord.add_reaction
connection: team-discord
with:
  channel: "1100000000000000001"
  message: "{{ payload.message_id }}"
  emoji: "✅"
""",
)
async def add_reaction(call: Call, connection: DiscordConnection, input: Reaction) -> Reacted:  # noqa: A002 - the contract of an action
    """Put an emoji below a message. The bot needs Read Message History and Add Reactions."""
    accept(await call.http.request("PUT", _reaction_url(connection, input)))
    return Reacted(ok=True)


@discord.action(
    after_crash="repeat",  # what is gone stays gone
    example="""\
action: discord.remove_reaction
connection: team-discord
with:
  channel: "1100000000000000001"
  message: "{{ payload.message_id }}"
  emoji: "✅"
""",
)
async def remove_reaction(call: Call, connection: DiscordConnection, input: Reaction) -> Reacted:  # noqa: A002 - the contract of an action
    """Take the bot's own emoji away from a message."""
    accept(await call.http.request("DELETE", _reaction_url(connection, input)))
    return Reacted(ok=True)


def _reaction_url(connection: DiscordConnection, reaction: Reaction) -> str:
    message = f"{channel_url(connection, reaction.channel)}/messages/{reaction.message}"
    return f"{message}/reactions{url_path(reaction.emoji.strip('<>'))}/@me"


def nonce(call: Call) -> str:
    """The same for each attempt of one effect; Discord takes 25 characters."""
    return hashlib.sha256(call.idempotency_key.encode()).hexdigest()[:25]


async def part(call: Call, file: GivenFile, number: int) -> Part:
    """A file with its bytes."""
    content = await call.files.read(file)
    match file:
        case FileInput():
            return Part(file.filename, file.content_type, content)
        case dict():
            return Part(str(file["filename"]), str(file["content_type"]), content)
    return Part(f"file-{number}.txt", "text/plain; charset=utf-8", content)

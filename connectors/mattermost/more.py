"""Reactions to Mattermost's posts, and files."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from connectors.mattermost.connection import (
    MattermostConnection,
    ask,
    channel_id,
    mattermost,
    my_id,
    segment,
)
from connectors.mattermost.posts import Id
from runner.connector import Call, FileInput, GivenFile, Input, OutcomeUnknown, Output, Part


class Reaction(Input):
    """A post and an emoji."""

    post: Id = Field(description="The id of the post.")
    emoji: Annotated[str, BeforeValidator(lambda one: one.strip(":") if isinstance(one, str) else one)] = (
        Field(min_length=1, description="The emoji's name.", examples=["white_check_mark"])
    )


class Reacted(Output):
    """That the reaction stands, or is gone."""

    ok: bool = Field(description="Always true: a refusal is an error.")


@mattermost.action(
    after_crash="repeat",  # a second one changes nothing
    example="""\
action: mattermost.add_reaction
connection: team-chat
with:
  post: "{{ payload.post_id }}"
  emoji: white_check_mark
""",
)
async def add_reaction(call: Call, connection: MattermostConnection, input: Reaction) -> Reacted:  # noqa: A002 - the contract of an action
    """Put an emoji below a post."""
    me = await my_id(call, connection)
    wanted = {"user_id": me, "post_id": input.post, "emoji_name": input.emoji}
    await ask(call, connection, "POST", "/reactions", json=wanted)
    return Reacted(ok=True)


@mattermost.action(
    after_crash="repeat",  # what is gone stays gone
    example="""\
action: mattermost.remove_reaction
connection: team-chat
with:
  post: "{{ payload.post_id }}"
  emoji: eyes
""",
)
async def remove_reaction(call: Call, connection: MattermostConnection, input: Reaction) -> Reacted:  # noqa: A002 - the contract of an action
    """Take the account's own emoji away from a post."""
    path = f"/users/me/posts/{input.post}/reactions/{segment(input.emoji)}"
    await ask(call, connection, "DELETE", path)
    return Reacted(ok=True)


class UploadFile(Input):
    """The inputs of `mattermost.upload_file`."""

    channel: str = Field(
        description="The channel's id, or team/channel by their names.", examples=["shop/town-square"]
    )
    file: GivenFile = Field(
        description="A file of the run, one made on the spot, or a text; the server says how large it may be."
    )
    filename: str | None = Field(None, min_length=1, description="Its name; left out: its own.")
    text: str | None = Field(None, description="The text of the post that shows it, in Markdown.")
    root: Id | None = Field(None, description="The id of a thread's first post, to reply in it.")


class Uploaded(Output):
    """The file and its post."""

    id: str = Field(description="The id of the file.")
    post: str = Field(description="The id of the post that shows it.")


@mattermost.action(
    after_crash="repeat",  # as post_message: the file may stand twice
    example="""\
action: mattermost.upload_file
connection: team-chat
with:
  channel: shop/reports
  file: "{{ payload.report }}"
  text: "The report of today"
""",
)
async def upload_file(call: Call, connection: MattermostConnection, input: UploadFile) -> Uploaded:  # noqa: A002 - the contract of an action
    """Upload a file and post it to a channel."""
    where = await channel_id(call, connection, input.channel)
    fields = {"channel_id": where, "files": await _part(call, input)}
    kept = await ask(call, connection, "POST", "/files", multipart=fields)
    about = kept.get("file_infos")
    if not isinstance(about, list) or not about or "id" not in about[0]:
        raise OutcomeUnknown("Mattermost did not say which file it has kept")
    file_id = str(about[0]["id"])
    post = {
        "channel_id": where,
        "message": input.text or "",
        "file_ids": [file_id],
        "root_id": input.root or "",
    }
    made = await ask(call, connection, "POST", "/posts", json=post)
    return Uploaded(id=file_id, post=str(made.get("id", "")))


async def _part(call: Call, given: UploadFile) -> Part:
    content = await call.files.read(given.file)
    match given.file:
        case FileInput():
            name, kind = given.file.filename, given.file.content_type
        case dict():
            name, kind = str(given.file["filename"]), str(given.file["content_type"])
        case _:
            name, kind = "file.txt", "text/plain; charset=utf-8"
    return Part(given.filename or name, kind, content)

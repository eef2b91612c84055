"""A Telegram bot's photos and documents."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, model_validator

from connectors.telegram.connection import TelegramBot, ask, telegram
from connectors.telegram.messages import Sendable, Sent, sent
from runner.connector import Call, FileInput, GivenFile, Part, Rejected

MIB = 1024 * 1024
MOST_PHOTO, MOST_DOCUMENT = 10 * MIB, 50 * MIB
PUBLIC = re.compile(r"https?://\S+|[A-Za-z0-9_-]+")  # an address, or a file_id


class Captioned(Sendable):
    """What photos and documents take."""

    caption: str | None = Field(None, description="The text below it, at most 1,024 characters.")

    @model_validator(mode="after")
    def _short(self) -> Self:
        if self.parse_mode is None and len(self.caption or "") > 1024:
            raise ValueError("the caption is longer than 1,024 characters; use `| truncate(…)`")
        return self


class SendPhoto(Captioned):
    """The inputs of `telegram.send_photo`."""

    photo: GivenFile = Field(
        description="A file of the run or one made on the spot, at most 10 MB; or as a text its address "
        "(https://…), at most 5 MB, or the file_id of one that Telegram has."
    )


@telegram.action(
    after_crash="repeat",  # as send_message
    example="""\
action: telegram.send_photo
connection: shop-bot
with:
  chat: "@mychannel"
  photo: "{{ payload.image }}"
  caption: "{{ payload.title }}"
""",
)
async def send_photo(call: Call, connection: TelegramBot, input: SendPhoto) -> Sent:  # noqa: A002 - the contract of an action
    """Send an image to a chat, a group or a channel."""
    photo = await _file(call, input.photo, MOST_PHOTO, "telegram.send_photo: photo")
    fields = {**input.common(), "caption": input.caption, "photo": photo}
    return sent(await ask(call, connection, "sendPhoto", fields))


class SendDocument(Captioned):
    """The inputs of `telegram.send_document`."""

    document: GivenFile = Field(
        description="A file of the run or one made on the spot, at most 50 MB; or as a text its address "
        "(https://…; a PDF, GIF or ZIP of at most 20 MB), or the file_id of one that Telegram has."
    )


@telegram.action(
    after_crash="repeat",  # as send_message
    example="""\
action: telegram.send_document
connection: shop-bot
with:
  chat: -1001234567890
  document: "{{ payload.invoice }}"
  caption: "Invoice {{ payload.number }}"
""",
)
async def send_document(call: Call, connection: TelegramBot, input: SendDocument) -> Sent:  # noqa: A002 - the contract of an action
    """Send a file to a chat, a group or a channel."""
    document = await _file(call, input.document, MOST_DOCUMENT, "telegram.send_document: document")
    fields = {**input.common(), "caption": input.caption, "document": document}
    return sent(await ask(call, connection, "sendDocument", fields))


async def _file(call: Call, given: GivenFile, most: int, what: str) -> Part | str:
    """The file with its bytes; a text is an address or an id, which Telegram reads."""
    match given:
        case FileInput():
            part = Part(given.filename, given.content_type, await call.files.read(given))
        case dict():
            content = await call.files.read(given)
            part = Part(str(given["filename"]), str(given["content_type"]), content)
        case _:
            if not PUBLIC.fullmatch(given.strip()):  # a Bot API server of one's own would read file:// too
                raise Rejected(f"{what}: a text is an address that starts with https://, or a file_id")
            return given.strip()
    if len(part.content) > most:
        raise Rejected(f"{what}: {len(part.content):,} bytes; Telegram takes {most:,}")
    return part

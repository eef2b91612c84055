"""
Messages: `whatsapp.send_text`, `send_template`, `send_media`, `mark_read`, and the list of templates.

Sources: developers.facebook.com/docs/whatsapp/cloud-api: "Messages" (text, template, media, mark as
read), "Media" (upload, types and sizes); .../business-management-api: "Message templates".
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from connectors.whatsapp.access import WhatsAppConnection, answer, whatsapp
from runner.connector import (
    Call,
    Choice,
    Choices,
    FileInput,
    GivenFile,
    Input,
    Json,
    OutcomeUnknown,
    Output,
    Part,
    Rejected,
)

LONGEST_TEXT, LONGEST_CAPTION = 4096, 1024  # characters
MEBIBYTE = 1024 * 1024
MOST_BYTES = {
    "image": 5 * MEBIBYTE,
    "audio": 16 * MEBIBYTE,
    "video": 16 * MEBIBYTE,
    "document": 100 * MEBIBYTE,
    "sticker": 500 * 1024,
}
CAPTIONED = {"image", "video", "document"}


def _receiver(text: str) -> str:
    digits = re.sub(r"[\s().+-]", "", text)
    if not re.fullmatch(r"[1-9][0-9]{5,14}", digits):
        raise ValueError("is no number with its country code, such as +14155550123")
    return digits


def _web(text: str) -> str:
    if not re.match(r"https?://[^/\s]+", text.strip()):
        raise ValueError("must start with https:// or http:// and a host")
    return text.strip()


Receiver = Annotated[str, AfterValidator(_receiver)]
Value = str | int | float


class _Message(Input):
    to: Receiver = Field(
        description="The receiver's number, with its country code.", examples=["+14155550123"]
    )
    reply_to: str | None = Field(
        None,
        description="The id (wamid…) of the message that this one answers.",
        examples=["{{ payload.id }}"],
    )


class SendText(_Message):
    """The inputs of `whatsapp.send_text`."""

    text: str = Field(
        description="The text; *bold*, _italic_ and ~struck~ are WhatsApp's own.",
        min_length=1,
        max_length=LONGEST_TEXT,
    )
    preview: bool = Field(False, description="Show a preview of the first link.")


class SendTemplate(_Message):
    """The inputs of `whatsapp.send_template`."""

    template: str = Field(description="The name of an approved template.", pattern="^[a-z0-9_]{1,512}$")
    language: str = Field(
        description="Its language.", examples=["en_US", "de"], pattern="^[A-Za-z]{2,3}(_[A-Za-z]+)?$"
    )
    body: list[Value] | dict[str, Value] | None = Field(
        None,
        description="The variables of its text: a list for {{1}}, {{2}}, …, or an object for named ones.",
        examples=[["Ada", "12:00"]],
    )
    components: list[dict[str, Any]] | None = Field(
        None,
        description="All of its variables as Meta has them, in place of `body`: headers and buttons too.",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.body is not None and self.components is not None:
            raise ValueError("components hold the body's variables too; give either body or components")
        return self


class SendMedia(_Message):
    """The inputs of `whatsapp.send_media`."""

    type: Literal["image", "audio", "video", "document", "sticker"] = Field(
        "document",
        description="What it is: image and sticker (JPEG, PNG; WebP), audio and video (MP3, MP4, …), or a "
        "document. At most 5 MiB for an image, 500 KiB for a sticker, 16 MiB for sound and film, else 100.",
    )
    file: GivenFile | None = Field(None, description="The file, which is uploaded.")
    link: Annotated[str, AfterValidator(_web)] | None = Field(
        None, description="A public address that WhatsApp gets it from, in place of `file`."
    )
    media_id: str | None = Field(
        None, description="The id of what was uploaded before, in place of `file`.", pattern="^[0-9]+$"
    )
    caption: str | None = Field(
        None, description="What stands below an image, video or document.", max_length=LONGEST_CAPTION
    )
    filename: str | None = Field(
        None, description="What a document is called; left out: the file's own name.", max_length=240
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.file, self.link, self.media_id)) != 1:
            raise ValueError("give one of file, link and media_id")
        if self.caption is not None and self.type not in CAPTIONED:
            raise ValueError(f"a message of type {self.type} has no caption")
        return self


class MarkRead(Input):
    """The inputs of `whatsapp.mark_read`."""

    message_id: str = Field(description="The id (wamid…) of the message that came in.", min_length=1)
    typing: bool = Field(
        False, description="Show as well that an answer is being written, for at most 25 seconds."
    )


class Sent(Output):
    """The message; WhatsApp reports its delivery to the app's webhook."""

    id: str = Field(description="Its id (wamid…).")
    receiver: str | None = Field(description="The receiver's id at WhatsApp: as a rule the number's digits.")
    media_id: str | None = Field(description="The id of the file that was uploaded, good for 30 days.")


class Done(Output):
    """It was done."""

    success: bool = Field(description="Whether WhatsApp says so.")


@whatsapp.action(
    # No idempotency key. A message that comes twice is a lesser evil than one that never comes; who
    # sees it otherwise says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: whatsapp.send_text
connection: whatsapp
with:
  to: "{{ payload.from }}"
  text: "Thank you, we will look at it."
""",
)
async def send_text(call: Call, connection: WhatsAppConnection, input: SendText) -> Sent:  # noqa: A002 - the contract of an action
    """
    Send a text, within 24 hours of the receiver's last message; outside these a template is needed.

    There is no idempotency key: after a crash it may come twice. `after_crash: stop` asks a person.
    """
    text = {"body": input.text, "preview_url": input.preview}
    return await _send(call, connection, input, "text", text)


@whatsapp.action(
    after_crash="repeat",  # as send_text
    example="""\
action: whatsapp.send_template
connection: whatsapp
with:
  to: "{{ payload.phone }}"
  template: order_shipped
  language: en_US
  body: ["{{ payload.name }}", "{{ payload.number }}"]
""",
)
async def send_template(call: Call, connection: WhatsAppConnection, input: SendTemplate) -> Sent:  # noqa: A002 - the contract of an action
    """Send an approved template, which is allowed at any time."""
    template: dict[str, Json] = {"name": input.template, "language": {"code": input.language}}
    if components := input.components or _body(input.body):
        template["components"] = components
    return await _send(call, connection, input, "template", template)


@whatsapp.action(
    after_crash="repeat",  # as send_text
    example="""\
action: whatsapp.send_media
connection: whatsapp
with:
  to: "{{ payload.phone }}"
  type: document
  file: "{{ steps.invoice.body }}"
  caption: Your invoice
""",
)
async def send_media(call: Call, connection: WhatsAppConnection, input: SendMedia) -> Sent:  # noqa: A002 - the contract of an action
    """Send a picture, sound, film, document or sticker: a file, which is uploaded first, or a link."""
    media: dict[str, Json] = {}
    filename, uploaded = input.filename, None
    if input.file is not None:
        part = await _part(call, input.file, input.filename)
        if len(part.content) > MOST_BYTES[input.type]:
            raise Rejected(
                f"whatsapp.send_media: file: {len(part.content):,} bytes; a message of type {input.type} "
                f"has at most {MOST_BYTES[input.type]:,}"
            )
        uploaded, filename = await _upload(call, connection, part), part.filename
        media["id"] = uploaded
    elif input.link is not None:
        media["link"] = input.link
    else:
        media["id"] = input.media_id
    if input.caption is not None:
        media["caption"] = input.caption
    if input.type == "document" and filename is not None:
        media["filename"] = filename
    sent = await _send(call, connection, input, input.type, media)
    return sent.model_copy(update={"media_id": uploaded})


@whatsapp.action(
    after_crash="repeat",  # what is read is read
    example="""\
action: whatsapp.mark_read
connection: whatsapp
with:
  message_id: "{{ payload.entry[0].changes[0].value.messages[0].id }}"
""",
)
async def mark_read(call: Call, connection: WhatsAppConnection, input: MarkRead) -> Done:  # noqa: A002 - the contract of an action
    """Show a message that came in, and those before it, as read."""
    body: dict[str, Json] = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": input.message_id,
    }
    if input.typing:
        body["typing_indicator"] = {"type": "text"}
    found = answer(await call.http.post(connection.number("/messages"), json=body))
    return Done(success=found.get("success") is True)


@whatsapp.choices("send_template.template")
async def templates(
    call: Call, connection: WhatsAppConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The approved templates, each with its language."""
    del given
    found, following = await _templates(call, connection, search, cursor)
    items = [
        Choice(value=one["name"], label=one["name"], note=str(one.get("language") or "")) for one in found
    ]
    return Choices(items=items, next=following)


@whatsapp.choices("send_template.language")
async def languages(
    call: Call, connection: WhatsAppConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The languages of the template that is chosen."""
    name = str(given.get("template") or "")
    if not name:
        raise Rejected("choose a template first")
    found, following = await _templates(call, connection, name, cursor)
    spoken = [str(one.get("language")) for one in found if one["name"] == name and one.get("language")]
    items = [Choice(value=one, label=one) for one in spoken if search.strip().lower() in one.lower()]
    return Choices(items=items, next=following)


async def _send(
    call: Call, connection: WhatsAppConnection, given: _Message, kind: str, content: dict[str, Any]
) -> Sent:
    body: dict[str, Json] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": given.to,
        "type": kind,
        kind: content,
    }
    if given.reply_to:
        body["context"] = {"message_id": given.reply_to}
    found = answer(await call.http.post(connection.number("/messages"), json=body))
    message, contact = _first(found.get("messages")), _first(found.get("contacts"))
    if not isinstance(message.get("id"), str):
        raise OutcomeUnknown("WhatsApp answered without the message's id")
    return Sent(id=message["id"], receiver=contact.get("wa_id"), media_id=None)


def _body(values: list[Value] | dict[str, Value] | None) -> list[dict[str, Any]]:
    """The variables of a template's text as a component; none where it has none."""
    if not values:
        return []
    if isinstance(values, list):
        parameters = [{"type": "text", "text": str(one)} for one in values]
    else:
        parameters = [
            {"type": "text", "parameter_name": name, "text": str(one)} for name, one in values.items()
        ]
    return [{"type": "body", "parameters": parameters}]


async def _part(call: Call, given: GivenFile, filename: str | None) -> Part:
    content = await call.files.read(given)
    match given:
        case FileInput():
            return Part(filename or given.filename, given.content_type, content)
        case dict():
            return Part(filename or str(given["filename"]), str(given["content_type"]), content)
    return Part(filename or "message.txt", "text/plain", content)


async def _upload(call: Call, connection: WhatsAppConnection, part: Part) -> str:
    fields = {"messaging_product": "whatsapp", "type": part.content_type, "file": part}
    found = answer(await call.http.post(connection.number("/media"), multipart=fields))
    if not isinstance(found.get("id"), str):
        raise OutcomeUnknown("WhatsApp answered without the file's id")
    return str(found["id"])


async def _templates(
    call: Call, connection: WhatsAppConnection, search: str, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    if connection.business_account_id is None:
        raise Rejected("give the connection its business_account_id, so that its templates can be listed")
    query = {
        "fields": "name,language,status",
        "status": "APPROVED",
        "limit": 50,
        "name": search.strip() or None,
        "after": cursor,
    }
    url = f"{connection.api_url}/{connection.business_account_id}/message_templates"
    found = answer(await call.http.get(url, query=query))
    data, paging = found.get("data"), found.get("paging")
    items = (
        [one for one in data if isinstance(one, dict) and isinstance(one.get("name"), str)]
        if isinstance(data, list)
        else []
    )
    following = (
        paging.get("cursors", {}).get("after") if isinstance(paging, dict) and paging.get("next") else None
    )
    return items, following


def _first(value: object) -> dict[str, Any]:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}

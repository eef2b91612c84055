"""
A message of Gmail's: its inputs, and how it is written down.

Sources: RFC 5322; Gmail API, "Create and send email messages", "Managing threads" (In-Reply-To, References);
users.messages.send (at most 36,700,160 bytes).
"""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import parseaddr
from typing import Annotated, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from runner.connector import Call, FileInput, GivenFile, Html, Input, Part, Rejected, in_brief

LONGEST = 36_700_160  # bytes of a message, Google's own limit
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SPEC = re.compile(r"[^\s@<>(),;:\"\[\]\\]+@[^\s@<>(),;:\"\[\]\\]+")
CONTENT_TYPE = re.compile(r"(?!multipart/)([\w.+-]+)/([\w.+-]+)")


def _one_address(text: str) -> str:
    address(text)
    return text.strip()


def _one_line(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("holds a line break or another control character; a header has one line")
    return text.strip()


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]  # one address stands for a list of it


OneAddress: TypeAlias = Annotated[str, AfterValidator(_one_address)]
OneLine: TypeAlias = Annotated[str, AfterValidator(_one_line)]
Addresses: TypeAlias = Annotated[
    list[OneAddress],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class Mail(Input):
    """The inputs of `gmail.send` and `gmail.create_draft`."""

    to: Addresses = Field(description="One address or a list; each entry is exactly one address.")
    cc: Addresses = Field([], description="Copies.")
    bcc: Addresses = Field([], description="Copies that the others do not see.")
    sender: OneAddress | None = Field(
        None, alias="from", description="An alias of the account; left out: its own address."
    )
    reply_to: Addresses = Field([], description="Where answers go.")
    subject: OneLine = Field("", description="The subject; in a thread the same as that of the thread.")
    text: str | None = Field(None, description="The message as text.")
    html: Html | None = Field(None, description="The message as HTML.")
    attachments: list[GivenFile] = Field(
        [], description="Files of the run, or {filename, content_type, content} with content in base64."
    )
    thread: OneLine | None = Field(None, description="The id of the thread that it belongs to.")
    in_reply_to: OneLine | None = Field(
        None, description="The Message-ID that it answers, as `gmail.get` gives it."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.text is None and self.html is None and not self.attachments:
            raise ValueError("the message is empty; give text, html or attachments")
        return self


def address(text: str) -> Address:
    """
    Read exactly one address: `ann@example.com` or `Ann <ann@example.com>`.

    Raises:
        ValueError: it is none, or more than one.
    """
    name, spec = parseaddr(text.strip())
    if CONTROL.search(text.strip()) or not SPEC.fullmatch(spec) or text.count("@") != 1 + name.count("@"):
        raise ValueError(f"{in_brief(text, 100)!r} is not one address; write several as a list")
    user, _, domain = spec.partition("@")
    try:
        return Address(name, user, domain.encode("idna").decode())
    except UnicodeError:
        raise ValueError(f"{in_brief(domain, 100)!r} is not a domain") from None


def compose(mail: Mail, attachments: list[Part]) -> bytes:
    """
    The message as it is uploaded. Gmail takes the recipients, blind copies too, from its headers.

    Raises:
        Rejected: it cannot be written down, or is too long.
    """
    message = EmailMessage(policy=WIRE)
    try:
        if mail.sender is not None:
            message["From"] = address(mail.sender)
        for name, given in (("To", mail.to), ("Cc", mail.cc), ("Bcc", mail.bcc), ("Reply-To", mail.reply_to)):
            if given:
                message[name] = [address(one) for one in given]
        message["Subject"] = mail.subject
        if mail.in_reply_to is not None:
            message["In-Reply-To"] = message["References"] = mail.in_reply_to
        if mail.text is not None or mail.html is None:
            message.set_content(mail.text or "")
            if mail.html is not None:
                message.add_alternative(mail.html, subtype="html")
        else:
            message.set_content(mail.html, subtype="html")
        for part in attachments:
            match = CONTENT_TYPE.match(part.content_type)
            kind, subtype = match.groups() if match else ("application", "octet-stream")
            name = _one_line(part.filename)
            message.add_attachment(part.content, maintype=kind, subtype=subtype, filename=name)
        written = message.as_bytes()
    except ValueError as error:  # also half a character (a lone surrogate)
        raise Rejected(f"gmail: the message cannot be written: {in_brief(str(error), 200)}") from None
    if len(written) > LONGEST:
        raise Rejected(f"gmail: the message has {len(written):,} bytes; Gmail takes {LONGEST:,}")
    return written


async def parts_of(call: Call, given: list[GivenFile]) -> list[Part]:
    """The attachments with their bytes."""
    parts = []
    for number, one in enumerate(given, start=1):
        content = await call.files.read(one)
        match one:
            case FileInput():
                parts.append(Part(one.filename, one.content_type, content))
            case dict():
                parts.append(Part(str(one["filename"]), str(one["content_type"]), content))
            case _:
                parts.append(Part(f"attachment-{number}.txt", "text/plain", content))
    return parts

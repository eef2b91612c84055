"""
Gmail: mail sent, drafted, found and read.

Sources: Gmail API v1 reference, users.messages (send, list, get) and users.drafts.create (at most 36,700,160
bytes); "Upload attachments" (multipart upload of message/rfc822); "Managing threads" (threadId,
In-Reply-To, References); "Search for messages".
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from email import message_from_bytes, policy
from email.message import EmailMessage

from pydantic import Field

from connectors.google.account import Google
from connectors.google.api import CREDENTIALS, GMAIL, MENDS, ask, cursor_of, objects, path, related
from connectors.google.message import Mail, compose, parts_of
from runner.connector import Call, ConnectionRejected, Connector, File, Input, Json, OutcomeUnknown, Output

gmail = Connector("gmail", title="Gmail", summary="Mail of a Google account: sent, drafted, found, read.")
gmail.explains(CREDENTIALS, MENDS)


class Sent(Output):
    """Where the message stands."""

    id: str
    thread: str


class Draft(Output):
    """Where the draft stands."""

    id: str = Field(description="The id of the draft.")
    message: str = Field(description="The id of its message.")
    thread: str


class Search(Input):
    """The inputs of `gmail.search`."""

    query: str = Field(
        description="As in Gmail's own search field.",
        examples=["from:shop@example.com is:unread newer_than:2d"],
    )
    limit: int = Field(10, ge=1, le=100, description="The most messages that it gives; each is a request.")
    spam_and_trash: bool = Field(False, description="Whether those are searched too.")


class Summary(Output):
    """A message without its body."""

    id: str
    thread: str
    sender: str = Field(serialization_alias="from")
    to: str
    subject: str
    date: str
    snippet: str = Field(description="How it begins.")
    labels: list[str]


class Found(Output):
    """The messages, the newest first."""

    messages: list[Summary]
    more: bool = Field(description="Whether there are more than the limit.")


class Get(Input):
    """The inputs of `gmail.get`."""

    message: str = Field(description="The message's id.", min_length=1)
    attachments: bool = Field(False, description="Whether its attachments become files of the run.")


class Content(Output):
    """A message whole."""

    id: str
    thread: str
    message_id: str = Field(description="Its Message-ID, for `in_reply_to`.")
    sender: str = Field(serialization_alias="from")
    to: str
    subject: str
    date: str
    text: str | None
    html: str | None
    attachments: list[File]


@gmail.action(
    # Gmail knows no idempotency key, and gives its own Message-ID, so that no receiver can drop a second
    # one. A mail that stands twice after a crash is a lesser evil than one that waits for a person; a step
    # that sees it otherwise says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: gmail.send
connection: shop-google
with:
  to: "{{ payload.email }}"
  subject: "Order {{ payload.name }}"
  text: "Thank you. We have your order and send it today."
""",
)
async def send(call: Call, connection: Google, input: Mail) -> Sent:  # noqa: A002 - the contract of an action
    """
    Send a message from the account's own address.

    It needs the sign-in of a person, or a robot account with a `subject`. Gmail has no idempotency key: if
    the server dies while a message is on its way, it may arrive twice. `after_crash: stop` on the step asks
    a person instead.
    """
    return _sent(await _deliver(call, connection, input, "messages", "send"))


@gmail.action(
    after_crash="repeat",  # at worst there are two drafts, of which a person sends one
    example="""\
action: gmail.create_draft
connection: shop-google
with:
  to: "{{ payload.email }}"
  subject: "Your offer"
  html: "<p>Dear {{ payload.first_name }}</p>"
""",
)
async def create_draft(call: Call, connection: Google, input: Mail) -> Draft:  # noqa: A002
    """Put a message into the drafts, for a person to look at and send. The scope gmail.send is not enough."""
    answer = await _deliver(call, connection, input, "drafts")
    sent = _sent(answer.get("message"))
    return Draft(id=str(answer.get("id", "")), message=sent.id, thread=sent.thread)


@gmail.action(
    after_crash="repeat",
    example="""\
action: gmail.search
connection: shop-google
with:
  query: "from:{{ payload.email }} newer_than:7d"
  limit: 5
""",
)
async def search(call: Call, connection: Google, input: Search) -> Found:  # noqa: A002
    """Find messages, the newest first, each with its headers and beginning."""
    _mailbox(connection)
    ids: list[str] = []
    cursor: str | None = None
    while True:
        query = {
            "q": input.query,
            "maxResults": input.limit - len(ids),
            "includeSpamTrash": input.spam_and_trash,
            "pageToken": cursor,
        }
        answer = await ask(call, connection, "GET", GMAIL, _path("messages"), query=query)
        ids += [str(one["id"]) for one in objects(answer.get("messages")) if "id" in one]
        cursor = cursor_of(answer)
        if cursor is None or len(ids) >= input.limit:
            break
    wanted = {"format": "metadata", "metadataHeaders": ["From", "To", "Subject", "Date"]}
    messages = [
        _summary(await ask(call, connection, "GET", GMAIL, _path("messages", one), query=wanted))
        for one in ids
    ]
    return Found(messages=messages, more=cursor is not None)


@gmail.action(
    after_crash="repeat",
    example="""\
action: gmail.get
connection: shop-google
with:
  message: "{{ steps.search.messages[0].id }}"
  attachments: true
""",
)
async def get(call: Call, connection: Google, input: Get) -> Content:  # noqa: A002
    """Read a message: its text, HTML and, if asked for, attachments as files of the run. At most 10 MiB."""
    _mailbox(connection)
    where = _path("messages", input.message)
    answer = await ask(call, connection, "GET", GMAIL, where, query={"format": "raw"})
    try:
        raw = base64.urlsafe_b64decode(str(answer.get("raw", "")) + "==")
    except binascii.Error:
        raise OutcomeUnknown("Google answered with a message that is not base64") from None
    message = message_from_bytes(raw, policy=policy.default)
    files = []
    if input.attachments:
        for number, part in enumerate(message.iter_attachments(), start=1):
            content = part.get_payload(decode=True)
            name = re.sub(r"[/\\\x00-\x1f\x7f]", "_", part.get_filename() or f"attachment-{number}")
            if isinstance(content, bytes):  # a message within the message has parts of its own
                files.append(
                    await call.files.save(content, filename=name, content_type=part.get_content_type())
                )
    return Content(
        id=str(answer.get("id", "")),
        thread=str(answer.get("threadId", "")),
        message_id=_header(message, "Message-ID"),
        sender=_header(message, "From"),
        to=_header(message, "To"),
        subject=_header(message, "Subject"),
        date=_header(message, "Date"),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        attachments=files,
    )


async def _deliver(call: Call, connection: Google, mail: Mail, *where: str) -> dict[str, Json]:
    """Upload the message to *where*."""
    _mailbox(connection)
    written = compose(mail, await parts_of(call, mail.attachments))
    thread: dict[str, Json] = {} if mail.thread is None else {"threadId": mail.thread}
    metadata = {"message": thread} if where[0] == "drafts" else thread
    body, kind = related(metadata, "message/rfc822", written, boundary=secrets.token_hex(16))
    headers, query = {"Content-Type": kind}, {"uploadType": "multipart"}
    return await ask(
        call, connection, "POST", GMAIL, f"/upload{_path(*where)}", query=query, headers=headers, body=body
    )


def _mailbox(connection: Google) -> None:
    if not connection.may_mail:
        raise ConnectionRejected(
            "a robot account has no mailbox: set the connection's `subject` to a person of your Google "
            "Workspace (domain-wide delegation), or use a connection of kind google_oauth"
        )


def _path(*segments: str) -> str:
    return path("gmail", "v1", "users", "me", *segments)


def _sent(value: Json) -> Sent:
    if not isinstance(value, dict) or not value.get("id"):
        raise OutcomeUnknown("Google answered without the message's id")
    return Sent(id=str(value["id"]), thread=str(value.get("threadId", "")))


def _summary(message: dict[str, Json]) -> Summary:
    payload = message.get("payload")
    headers = objects(payload.get("headers")) if isinstance(payload, dict) else []
    texts = {str(one.get("name", "")).lower(): str(one.get("value", "")) for one in headers}
    return Summary(
        id=str(message.get("id", "")),
        thread=str(message.get("threadId", "")),
        sender=texts.get("from", ""),
        to=texts.get("to", ""),
        subject=texts.get("subject", ""),
        date=texts.get("date", ""),
        snippet=str(message.get("snippet", "")),
        labels=[str(one) for one in message.get("labelIds") or []],
    )


def _header(message: EmailMessage, name: str) -> str:
    return str(message.get(name, "")).strip()


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except LookupError:  # a character set that is none
        content = part.get_payload(decode=True)
        return content.decode("utf-8", "replace") if isinstance(content, bytes) else None

"""
SendGrid: mail by its API, with its dynamic templates.

Sources: twilio.com/docs/sendgrid/api-reference: "Mail Send" (fields, limitations, errors), "Transactional
templates", "Suppressions: unsubscribe groups", "API key permissions" (scopes), "Rate limits"
(X-RateLimit-Reset). SendGrid has no idempotency key.
"""

from __future__ import annotations

import base64
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, NoReturn, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from runner.connector import (
    Call,
    Choice,
    Choices,
    Connection,
    ConnectionRejected,
    Connector,
    FileInput,
    GivenFile,
    Html,
    Input,
    Json,
    OutcomeUnknown,
    OutgoingRequest,
    Output,
    Rejected,
    Reply,
    SecretStr,
    Unavailable,
    in_brief,
)

sendgrid = Connector("sendgrid", title="SendGrid", summary="Mail by SendGrid, with its templates.")

MOST_RECIPIENTS = 1000
MOST_BYTES = 30 * 1024 * 1024  # of a mail, with its files
MOST_CATEGORIES = 10
LATEST_HOURS = 72  # that mail may be put off
ADDRESS = re.compile(r"""(?:"?([^"<>;,\r\n]*?)"? *<([^\s@<>,;]+@[^\s@<>,;]+)>|([^\s@<>,;]+@[^\s@<>,;]+))""")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _address(text: str) -> str:
    if not ADDRESS.fullmatch(text.strip()):
        raise ValueError(
            f"{in_brief(text, 100)!r} is not one address, such as ann@example.com or Ann <ann@example.com>; "
            "a name holds no comma and no semicolon"
        )
    return text.strip()


def _listed(value: object) -> object:
    found = value if isinstance(value, list) else [value]  # one address stands for a list of it
    return [one for one in found if one is not None and one != ""]


def _one_line(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("holds a line break or another control character; a subject has one line")
    return text


def _later(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("is no time in ISO 8601 with a zone, such as 2026-01-31T09:00:00Z")
    return text


Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[
    list[Address],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


@sendgrid.connection("sendgrid")
class SendGridConnection(Connection):
    """A SendGrid API key."""

    title: ClassVar[str] = "SendGrid"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At https://app.sendgrid.com/settings/api_keys choose Create API Key, Restricted "
            "Access, and give "
            "it Mail Send."
        ),
        "Copy it: it is shown once. It begins with SG.",
        "Under Settings, Sender Authentication, verify the address or domain that you send from.",
    )

    api_key: SecretStr = Field(description="The API key (SG.…), with the right Mail Send.", min_length=1)
    sender: Address | None = Field(None, alias="from", description="The sender where a step names none.")
    api_url: str = Field(
        "https://api.sendgrid.com",
        description="The address of the API; https://api.eu.sendgrid.com for a subuser in the EU.",
    )

    @field_validator("api_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not re.match(r"https?://[^/?#@]+(/|$)", value):
            raise ValueError("must start with https:// or http:// and a host")
        return value.rstrip("/")

    def apply(self, request: OutgoingRequest) -> None:
        """Set `Authorization`."""
        request.set_header("Authorization", f"Bearer {self.api_key.get_secret_value()}")

    def bound_hosts(self) -> list[str]:
        """The host of `api_url`."""
        return [urlsplit(self.api_url).hostname or ""]

    async def test(self, call: Call) -> str:
        """Ask what the key may do."""
        found = _accepted(await call.http.get(f"{self.api_url}/v3/scopes")).json()
        scopes = found.get("scopes") if isinstance(found, dict) else None
        if not isinstance(scopes, list):
            raise OutcomeUnknown("SendGrid answered without the key's scopes")
        if "mail.send" not in scopes:
            raise ConnectionRejected("SendGrid: the key may not send mail; give it the right Mail Send")
        return f"the key may send mail, and has {len(scopes)} rights in all"


class Mail(Input):
    """The inputs of `sendgrid.send`."""

    to: Addresses = Field(description="One address or a list.", min_length=1)
    cc: Addresses = Field([], description="Copies.")
    bcc: Addresses = Field([], description="Copies that the others do not see.")
    separate: bool = Field(
        False, description="A mail of its own to each of `to`, who then do not see each other."
    )
    sender: Address | None = Field(
        None, alias="from", description="The sender, whom SendGrid has verified; left out: the connection's."
    )
    reply_to: Address | None = Field(None, description="Where answers go.")
    subject: Annotated[str, AfterValidator(_one_line)] | None = Field(
        None, description="The subject; a template has its own.", max_length=998
    )
    text: str | None = Field(None, description="The message as text.")
    html: Html | None = Field(None, description="The message as HTML.")
    template: str | None = Field(
        None, description="A dynamic template (d-…), in place of text and html.", pattern="^d-[0-9a-f]{32}$"
    )
    data: dict[str, Any] | None = Field(
        None,
        description="What the template's {{names}} stand for.",
        examples=[{"name": "Ada", "total": "9.90"}],
    )
    attachments: list[GivenFile] | None = Field(
        None,
        description="Files of the run, or {filename, content_type, content} with content in base64; the "
        "whole mail has less than 30 MB.",
    )
    categories: list[Annotated[str, Field(min_length=1, max_length=255)]] | None = Field(
        None, description="Names by which SendGrid counts, at most ten.", max_length=MOST_CATEGORIES
    )
    custom_args: dict[str, str] | None = Field(
        None, description="What SendGrid's event webhook gives back with each event of this mail."
    )
    unsubscribe_group: int | None = Field(None, description="The group that receivers can leave.", ge=1)
    send_at: Annotated[str, AfterValidator(_later)] | None = Field(
        None,
        description=f"Send it then (ISO 8601 with a zone), at most {LATEST_HOURS} hours from now.",
        examples=["2026-01-31T09:00:00Z"],
    )
    sandbox: bool = Field(False, description="Have SendGrid check it and send nothing.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        is_written = self.text is not None or self.html is not None
        if is_written == (self.template is not None):
            raise ValueError("give either template, or text or html")
        if is_written and not (self.subject or "").strip():
            raise ValueError("a mail without a template needs a subject")
        if self.data is not None and self.template is None:
            raise ValueError("data is that of a template; give the template too")
        found = len(self.to) + len(self.cc) + len(self.bcc)
        if found > MOST_RECIPIENTS:
            raise ValueError(f"{found} receivers; a mail has at most {MOST_RECIPIENTS}")
        if self.separate and (self.cc or self.bcc):
            raise ValueError("with separate, each of `to` would bring its own copies; leave cc and bcc out")
        return self


class Sent(Output):
    """SendGrid has the mail, and delivers it; its event webhook tells how that went."""

    message_id: str | None = Field(description="SendGrid's id; null in the sandbox.")


@sendgrid.action(
    # No idempotency key. A mail that comes twice is a lesser evil than one that never comes; who
    # sees it otherwise says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: sendgrid.send
connection: sendgrid
with:
  to: "{{ payload.email }}"
  template: d-0123456789abcdef0123456789abcdef
  data: {name: "{{ payload.name }}", order: "{{ payload.number }}"}
""",
)
async def send(call: Call, connection: SendGridConnection, input: Mail) -> Sent:  # noqa: A002 - the contract of an action
    """
    Send a mail, written here or by a dynamic template.

    There is no idempotency key: after a crash it may come twice. `after_crash: stop` asks a person.
    """
    sender = input.sender or connection.sender
    if sender is None:
        raise Rejected("sendgrid.send: from: name a sender here or in the connection")
    body = {
        "personalizations": _personalizations(input),
        "from": _person(sender),
        "reply_to": _person(input.reply_to) if input.reply_to else None,
        "subject": input.subject,
        "content": _content(input) or None,
        "template_id": input.template,
        "attachments": await _attachments(call, input),
        "categories": input.categories,
        "custom_args": input.custom_args,
        "asm": {"group_id": input.unsubscribe_group} if input.unsubscribe_group else None,
        "send_at": _seconds(input.send_at) if input.send_at else None,
        "mail_settings": {"sandbox_mode": {"enable": True}} if input.sandbox else None,
    }
    given = {name: value for name, value in body.items() if value is not None}
    reply = _accepted(await call.http.post(f"{connection.api_url}/v3/mail/send", json=given))
    return Sent(message_id=reply.headers.get("x-message-id"))


@sendgrid.choices("send.template")
async def templates(
    call: Call, connection: SendGridConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The dynamic templates."""
    del given
    query = {"generations": "dynamic", "page_size": 50, "page_token": cursor}
    found = _accepted(await call.http.get(f"{connection.api_url}/v3/templates", query=query)).json()
    listed = found.get("result") if isinstance(found, dict) else None
    meta = found.get("_metadata") if isinstance(found, dict) else None
    following = meta.get("next") if isinstance(meta, dict) else None
    token = (
        dict(parse_qsl(urlsplit(following).query)).get("page_token") if isinstance(following, str) else None
    )
    return Choices(items=_choices(listed, search), next=token)


@sendgrid.choices("send.unsubscribe_group")
async def groups(
    call: Call, connection: SendGridConnection, given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The unsubscribe groups; SendGrid gives all of them at once."""
    del given, cursor
    found = _accepted(await call.http.get(f"{connection.api_url}/v3/asm/groups")).json()
    return Choices(items=_choices(found, search))


def _choices(found: Json, search: str) -> list[Choice]:
    wanted = search.strip().lower()
    rows = (
        [one for one in found if isinstance(one, dict) and one.get("id")] if isinstance(found, list) else []
    )
    items = (
        Choice(
            value=one["id"], label=str(one.get("name") or one["id"]), note=str(one.get("description") or "")
        )
        for one in rows
    )
    return [one for one in items if wanted in one.label.lower()]


def _person(text: str) -> dict[str, str]:
    found = ADDRESS.fullmatch(text)
    assert found is not None  # the input was checked
    name, bracketed, bare = found.groups()
    return {"email": bracketed or bare, **({"name": name.strip()} if name and name.strip() else {})}


def _personalizations(mail: Mail) -> list[dict[str, Any]]:
    """Whom it goes to. SendGrid refuses an address that stands twice, so each stands once, in order."""
    seen: set[str] = set()

    def people(given: list[str]) -> list[dict[str, str]]:
        found = []
        for one in map(_person, given):
            if one["email"].lower() not in seen:
                seen.add(one["email"].lower())
                found.append(one)
        return found

    data = {} if mail.data is None else {"dynamic_template_data": mail.data}
    if mail.separate:
        return [{"to": [one], **data} for one in people(mail.to)]
    groups = {"to": people(mail.to), "cc": people(mail.cc), "bcc": people(mail.bcc)}
    return [{**{name: found for name, found in groups.items() if found}, **data}]


def _content(mail: Mail) -> list[dict[str, str]]:
    """Text before HTML, as SendGrid wants it; an empty one is refused, so it is a space."""
    written = (("text/plain", mail.text), ("text/html", mail.html))
    return [{"type": kind, "value": text or " "} for kind, text in written if text is not None]


async def _attachments(call: Call, mail: Mail) -> list[dict[str, str]] | None:
    if not mail.attachments:
        return None
    found, size = [], len(mail.text or "") + len(mail.html or "")
    for number, given in enumerate(mail.attachments, start=1):
        content = await call.files.read(given)
        encoded = base64.b64encode(content).decode()
        size += len(encoded)
        if size > MOST_BYTES:
            raise Rejected("sendgrid.send: attachments: a mail with its files has less than 30 MB")
        match given:
            case FileInput():
                name, kind = given.filename, given.content_type
            case dict():
                name, kind = str(given["filename"]), str(given["content_type"])
            case _:
                name, kind = f"attachment-{number}.txt", "text/plain"
        if CONTROL.search(name) or re.search(r"[;,\r\n]", kind):
            kind = kind.partition(";")[0].strip()  # SendGrid takes no parameters here
            name = CONTROL.sub("", name)
        found.append({"content": encoded, "filename": name, "type": kind, "disposition": "attachment"})
    return found


def _seconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment > datetime.now(UTC) + timedelta(hours=LATEST_HOURS):
        raise Rejected(f"sendgrid.send: send_at: SendGrid puts mail off for at most {LATEST_HOURS} hours")
    return int(moment.timestamp())


def _accepted(reply: Reply) -> Reply:
    """*reply* if it is a yes. Raises ActionError: what the no means."""
    if reply.status >= 400:
        _fail(reply)
    return reply


def _fail(reply: Reply) -> NoReturn:
    try:
        body = reply.json()
    except OutcomeUnknown:
        body = None
    rows = body.get("errors") if isinstance(body, dict) else None
    errors = [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
    said = "; ".join(
        f"{one['field']}: {one.get('message')}" if one.get("field") else str(one.get("message"))
        for one in errors[:5]
    )
    sentence = f"SendGrid: {in_brief(said, 400) or f'answered {reply.status}'}"
    if reply.status == 429:
        raise Unavailable(f"{sentence}: too many requests", retry_after_seconds=_wait(reply), cause="429")
    if reply.status == 401:
        raise ConnectionRejected(f"{sentence}: the API key is not valid; make a new one")
    if reply.status == 403 and any(one.get("field") == "from" for one in errors):
        raise Rejected(f"{sentence}: verify the sender under Settings, Sender Authentication")
    if reply.status == 403:
        raise ConnectionRejected(f"{sentence}: the API key may not do this; give it the right to")
    if reply.status == 413:
        raise Rejected("SendGrid: the mail is too large; with its files it has less than 30 MB")
    if errors and reply.status < 500 and reply.status != 408:
        raise Rejected(sentence)
    reply.accept()
    raise Rejected(sentence)


def _wait(reply: Reply) -> float | None:
    """Retry-After, or the moment that SendGrid names in X-RateLimit-Reset."""
    if (seconds := reply.retry_after()) is not None:
        return seconds
    reset = reply.headers.get("x-ratelimit-reset", "")
    return max(1.0, float(reset) - time.time()) if re.fullmatch("[0-9]{1,12}", reset) else None

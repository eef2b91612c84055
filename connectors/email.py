"""
Email over SMTP: `email.send`.

Sources: RFC 6409 (submission, port 587 with STARTTLS), RFC 8314 (port 465, implicit TLS), RFC 5321
(replies: 4xx passes, 5xx stays).
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import formatdate
from functools import lru_cache
from typing import Annotated, ClassVar, Literal, NoReturn, Self, TypeAlias

import aiosmtplib
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema, model_validator

from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    Connector,
    FileInput,
    GivenFile,
    Html,
    Input,
    OutcomeUnknown,
    Output,
    Part,
    Rejected,
    SecretStr,
    TimedOut,
    Unavailable,
    in_brief,
)

email = Connector("email", title="Email", summary="Mail over any SMTP server.")

PORTS = {"starttls": 587, "implicit": 465, "none": 25}
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Stricter than RFC 5322: no quoted local parts, no groups, no comments. What is refused here
# could be read as a second recipient by someone on the way.
PLAIN = r"[^\s@<>(),;:\"\[\]\\]+@[^\s@<>(),;:\"\[\]\\]+"
ADDRESS = re.compile(rf'(?:(?:"([^"\\<>]*)"|([^"<>,;:@\\]*?))\s*<({PLAIN})>|({PLAIN}))')
CONTENT_TYPE = re.compile(r"(?!multipart/)([\w.+-]+)/([\w.+-]+)")


def address(text: str) -> Address:
    """
    Read exactly one address: `ann@example.com` or `Ann <ann@example.com>`.

    Raises:
        ValueError: it is none, or more than one.
    """
    match = ADDRESS.fullmatch(text.strip())
    if match is None or CONTROL.search(text.strip()):
        raise ValueError(f"{in_brief(text, 100)!r} is not one address; write several as a list")
    quoted, plain, bracketed, bare = match.groups()
    user, _, domain = (bracketed or bare).rpartition("@")
    if not user.isascii():
        raise ValueError(f"{in_brief(user, 100)!r}: letters before the @ must be ASCII")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f"{in_brief(domain, 100)!r} is not a domain") from None
    return Address((quoted or plain or "").strip(), user, domain)


def _one_address(text: str) -> str:
    if text.strip():
        address(text)
    return text.strip()


def _one_line(text: str) -> str:
    if CONTROL.search(text.strip()):
        raise ValueError("holds a line break or another control character; a header has one line")
    return text.strip()


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]  # one address stands for a list of it


OneAddress: TypeAlias = Annotated[str, AfterValidator(_one_address)]
Addresses: TypeAlias = Annotated[
    list[OneAddress | None],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


@email.connection("smtp")
class SmtpConnection(Connection):
    """A mail server that takes messages for us."""

    title: ClassVar[str] = "Email (SMTP)"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "Your mail provider's page on SMTP says the server, and whether it wants STARTTLS (port 587) or "
            "TLS from the start (port 465)."
        ),
        (
            "Where the account has a second factor, make an app password; for Gmail at "
            "https://myaccount.google.com/apppasswords."
        ),
    )

    host: str = Field(description="The server.", examples=["smtp.example.com"])
    port: int | None = Field(
        None,
        gt=0,
        lt=65536,
        description="The port; left out: 587 for starttls, 465 for implicit, 25 for none.",
    )
    tls: Literal["starttls", "implicit", "none"] = Field(
        "starttls", description="How the connection is encrypted; none sends all in the clear."
    )
    user: str | None = Field(None, description="The user; left out, there is no sign-in.")
    password: SecretStr | None = Field(None, description="The password, or an app password.")
    sender: OneAddress | None = Field(None, alias="from", description="The sender where a step names none.")
    ca_certificate: str | None = Field(
        None,
        description="The certificate (PEM) of a private authority that the server's is from.",
        json_schema_extra={"contentMediaType": "application/x-pem-file"},
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        return self

    @property
    def where(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port or PORTS[self.tls]}"

    async def test(self, call: Call) -> str:
        """Connect, sign in, and say NOOP."""
        progress = Progress(f"the mail server {self.where}")
        async with errors(progress, call.timeout_seconds), _session(call, self) as smtp:
            await smtp.noop()
        return f"{self.where} lets {self.user or 'us'} in"


class Mail(Input):
    """The inputs of `email.send`."""

    to: Addresses = Field(description="One address or a list; each entry is exactly one address.")
    cc: Addresses = Field([], description="Copies.")
    bcc: Addresses = Field([], description="Copies that the others do not see.")
    sender: OneAddress | None = Field(
        None, alias="from", description="The sender; left out: the connection's."
    )
    reply_to: Addresses = Field([], description="Where answers go.")
    subject: Annotated[str, AfterValidator(_one_line)] = Field("", description="The subject.")
    text: str | None = Field(None, description="The message as text.")
    html: Html | None = Field(None, description="The message as HTML.")
    attachments: list[GivenFile] | None = Field(
        None,
        description="Files of the run, or {filename, content_type, content} with content in base64.",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.recipients():
            raise ValueError("to, cc and bcc name nobody")
        return self

    def recipients(self) -> list[str]:
        """Whom the server is told to deliver to: every address once, in order."""
        given = [*addresses(self.to), *addresses(self.cc), *addresses(self.bcc)]
        return list(dict.fromkeys(one.addr_spec for one in given))


class Refusal(BaseModel):
    """A recipient that the server did not take."""

    address: str
    reason: str


class Sent(Output):
    """What the server took; `refused` lists the recipients that it did not take."""

    message_id: str
    refused: list[Refusal]


@email.action(
    # SMTP knows no idempotency key. The Message-ID is the same for every attempt, and many
    # receivers drop a second one; a step that cannot live with two says `after_crash: stop`.
    after_crash="repeat",
    effect="sends {n} emails to {to}",
    example="""\
action: email.send
connection: mail
with:
  to: warehouse@example.com
  subject: "Pack order {{ payload.name }}"
  text: "{{ steps.order.skus | join('\\n') }}"
""",
)
async def send(call: Call, connection: SmtpConnection, input: Mail) -> Sent:  # noqa: A002 - the contract of an action
    """
    Send one message.

    SMTP has no idempotency key: if the connection breaks while the message is on its way, it may
    arrive twice, both times with the same Message-ID. `after_crash: stop` asks a person instead.
    """
    sender = input.sender or connection.sender
    if not sender:
        raise Rejected("email.send: from: name a sender here or in the connection")
    origin = address(sender)
    message_id = f"<{call.idempotency_key}@{origin.domain}>"
    message = compose(input, origin, await _attachments(call, input), message_id=message_id, now=time.time())
    progress = Progress(f"the mail server {connection.where}")
    failures = []
    async with errors(progress, call.timeout_seconds), _session(call, connection) as smtp:
        await smtp.mail(origin.addr_spec)
        for recipient in input.recipients():
            try:
                await smtp.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused as error:
                failures.append(error)
        if len(failures) == len(input.recipients()):
            # One that may pass is enough to try again: nobody has got the message.
            raise min(failures, key=lambda error: error.code)
        progress.sent = True  # from here on a broken connection leaves the outcome open
        await smtp.data(message)
    refused = [Refusal(address=one.recipient, reason=_reason(one)) for one in failures]
    return Sent(message_id=message_id, refused=refused)


def addresses(entries: list[str | None]) -> list[Address]:
    """Addresses of an input; blank and null entries are left out."""
    return [address(one) for one in entries if one is not None and one.strip()]


def compose(mail: Mail, sender: Address, attachments: list[Part], *, message_id: str, now: float) -> bytes:
    """
    The message as it goes over the wire. Blind copies are not in it; *now* is UTC seconds.

    Raises:
        Rejected: it cannot be written down.
    """
    message = EmailMessage(policy=WIRE)
    try:
        message["From"] = sender
        for name, given in (("To", mail.to), ("Cc", mail.cc), ("Reply-To", mail.reply_to)):
            if found := addresses(given):  # an empty header would be an empty recipient
                message[name] = found
        message["Subject"] = mail.subject
        message["Date"] = formatdate(now)
        message["Message-ID"] = message_id
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
        return message.as_bytes()
    except ValueError as error:  # also half a character (a lone surrogate)
        raise Rejected(f"email.send: the message cannot be written: {in_brief(str(error), 200)}") from None


async def _attachments(call: Call, mail: Mail) -> list[Part]:
    parts = []
    for number, given in enumerate(mail.attachments or (), start=1):
        content = await call.files.read(given)
        match given:
            case FileInput():
                parts.append(Part(given.filename, given.content_type, content))
            case dict():
                parts.append(Part(str(given["filename"]), str(given["content_type"]), content))
            case _:
                parts.append(Part(f"attachment-{number}.txt", "text/plain", content))
    return parts


@dataclass(slots=True)
class Progress:
    """How far a conversation got, for the meaning of an error."""

    where: str
    sent: bool = False


@asynccontextmanager
async def _session(call: Call, connection: SmtpConnection) -> AsyncIterator[aiosmtplib.SMTP]:
    """A conversation that is encrypted and signed in, over a guarded socket."""
    context = None if connection.tls == "none" else _tls(connection.ca_certificate)
    sock = await call.connect(connection.host, connection.port or PORTS[connection.tls])
    own = sock.getsockname()[0]
    smtp = aiosmtplib.SMTP(
        hostname=connection.host,  # whom the certificate must be for; the socket is connected
        sock=sock,
        # an address literal (RFC 5321, 4.1.3): asking for our own name could take seconds
        local_hostname=f"[IPv6:{own}]" if ":" in own else f"[{own}]",
        timeout=call.timeout_seconds,
        use_tls=connection.tls == "implicit",
        start_tls=False,
        tls_context=context,
    )
    try:
        await smtp.connect()
        await smtp.ehlo()
        if connection.tls == "starttls":
            if not smtp.supports_extension("starttls"):
                raise ConnectionRejected(
                    f"the mail server {connection.where} offers no STARTTLS; set tls to implicit "
                    "(port 465), or to none where the network can be trusted"
                )
            await smtp.starttls()
            await smtp.ehlo()
        if connection.user is not None and connection.password is not None:
            await _sign_in(smtp, connection, connection.user, connection.password)
        yield smtp
        with suppress(aiosmtplib.SMTPException):  # the message is theirs; a lost goodbye is nothing
            await smtp.quit()
    finally:
        smtp.close()


async def _sign_in(smtp: aiosmtplib.SMTP, connection: SmtpConnection, user: str, password: SecretStr) -> None:
    """Sign in by one method: a server that hangs up after a wrong password hears no second one."""
    methods = {"plain": smtp.auth_plain, "login": smtp.auth_login, "cram-md5": smtp.auth_crammd5}
    order = ["cram-md5", "plain", "login"] if connection.tls == "none" else list(methods)
    offered = [name for name in order if name in smtp.supported_auth_methods]
    if not offered:
        raise ConnectionRejected(
            f"the mail server {connection.where} takes no password"
            + ("; it may after encryption: set tls" if connection.tls == "none" else "")
        )
    try:
        await methods[offered[0]](user, password.get_secret_value())
    except aiosmtplib.SMTPAuthenticationError as error:
        if error.code >= 500:
            raise ConnectionRejected(
                f"the mail server {connection.where} refused user and password "
                f"({error.code}); some services want an app password"
            ) from None
        raise


@asynccontextmanager
async def errors(progress: Progress, seconds: float) -> AsyncIterator[None]:
    """
    Tell apart what happened, what may have, and what did not. The order of the cases matters:
    aiosmtplib's errors are also ConnectionError and TimeoutError, and those are OSError.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except (aiosmtplib.SMTPTimeoutError, TimeoutError):
        if progress.sent:
            raise TimedOut(f"{progress.where} did not answer in time") from None
        raise Unavailable(f"{progress.where} did not answer in time") from None
    except aiosmtplib.SMTPResponseException as error:
        _refused(progress, error)
    except ssl.SSLError as error:
        _not_trusted(progress, error)
    except (aiosmtplib.SMTPException, OSError) as error:
        if isinstance(error.__cause__, ssl.SSLError):
            _not_trusted(progress, error.__cause__)
        if progress.sent:
            raise OutcomeUnknown(f"{progress.where}: the connection broke after sending") from error
        raise Unavailable(f"{progress.where}: the connection broke") from error


def _refused(progress: Progress, error: aiosmtplib.SMTPResponseException) -> NoReturn:
    sentence = f"{progress.where} said {_reason(error)}"
    if error.code in {530, 534, 535, 538}:  # RFC 4954: sign in first, or otherwise
        raise ConnectionRejected(sentence) from None
    if error.code >= 500:
        raise Rejected(sentence) from None
    if error.code >= 400 or not progress.sent:
        raise Unavailable(sentence) from None
    raise OutcomeUnknown(sentence) from None  # not a reply of SMTP


def _not_trusted(progress: Progress, error: ssl.SSLError) -> NoReturn:
    reason = getattr(error, "verify_message", "") or (error.reason or "TLS failed").lower()
    raise ConnectionRejected(
        f"{progress.where} cannot be trusted: {reason}; mend the host, the port, tls or "
        "ca_certificate of the connection"
    ) from None


def _reason(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {in_brief(error.message, 200)}".strip()


@lru_cache(maxsize=32)
def _tls(ca_certificate: str | None) -> ssl.SSLContext:
    """A verifying context; kept, because reading the authorities takes milliseconds."""
    try:
        return ssl.create_default_context(cadata=ca_certificate)
    except ssl.SSLError:
        raise ConnectionRejected("ca_certificate is not a certificate in PEM") from None

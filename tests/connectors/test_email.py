"""`email.send`, against real servers in all three ways of encryption."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from pydantic import ValidationError

import connectors
from connectors.email import Progress, SmtpConnection, address, errors
from runner.connector import Call
from runner.errors import (
    ActionError,
    ConnectionRejected,
    OutcomeUnknown,
    Rejected,
    TimedOut,
    Unavailable,
)
from runner.outbound import Outbound
from tests.servers.certificates import server_tls
from tests.servers.raw_peer import RawPeer, hang, unused_port
from tests.servers.smtp import SmtpServer

MakeCall = Callable[..., Call]
PASSWORD = "p4ssw0rd-of-ann"
MAIL: dict[str, Any] = {"to": "ann@example.com", "subject": "Hi", "text": "Hello"}


def to(port: int, **fields: Any) -> SmtpConnection:
    base = {"host": "127.0.0.1", "port": port, "tls": "none", "from": "Shop <shop@example.org>"}
    return SmtpConnection.model_validate(base | fields)


async def send(make_call: MakeCall, connection: SmtpConnection, **inputs: Any) -> Any:
    action = connectors.action("email.send")
    assert action is not None
    call = make_call(connection)
    answer = await action.function(call, connection, action.read_input(MAIL | inputs))
    return answer.model_dump()


@pytest.mark.parametrize("mode", ["starttls", "implicit", "none"])
async def test_a_message_is_sent_in_every_way_of_encryption_after_signing_in(
    make_call: MakeCall, tmp_path: Path, mode: Any
) -> None:
    tls, pem = server_tls(tmp_path)
    async with SmtpServer(tls=tls, mode=mode, user="ann", password=PASSWORD) as server:
        connection = to(server.port, tls=mode, user="ann", password=PASSWORD, ca_certificate=pem)

        answer = await send(make_call, connection)

        assert answer == {"message_id": "<evt1.shop.step@example.org>", "refused": []}
        assert await connection.test(make_call(connection)) == (f"127.0.0.1:{server.port} lets ann in")
    (mail,) = server.delivered
    assert (mail.sender, mail.recipients) == ("shop@example.org", ["ann@example.com"])
    assert mail.encrypted == (mode != "none")
    assert server.sign_ins == ["PLAIN", "PLAIN"]
    assert mail.message["From"] == "Shop <shop@example.org>"
    assert mail.message["Message-ID"] == "<evt1.shop.step@example.org>"
    assert mail.message["Subject"] == "Hi"
    assert mail.message["Date"]
    assert mail.message.get_content() == "Hello\r\n"


async def test_each_recipient_is_told_once_and_blind_copies_stand_in_no_header(
    make_call: MakeCall,
) -> None:
    async with SmtpServer() as server:
        await send(
            make_call,
            to(server.port),
            to=["Ann Ä <ann@example.com>", '"B, b" <bob@example.com>', None, " "],
            cc="ann@example.com",
            bcc=["boss@example.com", "eve@müller.example"],
            reply_to="help@example.org",
            **{"from": "other@example.org"},
        )

    (mail,) = server.delivered
    assert mail.recipients == [
        "ann@example.com",
        "bob@example.com",
        "boss@example.com",
        "eve@xn--mller-kva.example",
    ]
    assert mail.sender == "other@example.org"
    assert mail.message["To"] == 'Ann Ä <ann@example.com>, "B, b" <bob@example.com>'
    assert mail.message["Cc"] == "ann@example.com"
    assert mail.message["Reply-To"] == "help@example.org"
    assert b"boss" not in mail.content
    assert b"eve" not in mail.content


@pytest.mark.parametrize("nothing", ["", " ", None, [], [""], [None]])
async def test_an_empty_copy_is_no_recipient(make_call: MakeCall, nothing: Any) -> None:
    async with SmtpServer() as server:
        await send(make_call, to(server.port), cc=nothing, bcc=nothing, reply_to=nothing)

    assert server.delivered[0].recipients == ["ann@example.com"]
    for name in ("Cc", "Bcc", "Reply-To"):
        assert name not in server.delivered[0].message


async def test_text_html_and_attachments_go_together(make_call: MakeCall, files: Any) -> None:
    kept = await files.save(b"\x00\xff", filename="ü.pdf", content_type="application/pdf")
    made = {"filename": "a.csv", "content_type": "text/csv", "content": "YTti"}
    odd = {"filename": "b", "content_type": "multipart/mixed", "content": "YTti"}
    long = "x" * 3000 + "\n.\n.dot ü"
    async with SmtpServer() as server:
        await send(
            make_call,
            to(server.port),
            text=long,
            html="<p>Hällo</p>",
            attachments=[kept, made, odd, "just text"],
        )

    message = server.delivered[0].message
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == long + "\n"
    assert html is not None
    assert html.get_content().strip() == "<p>Hällo</p>"
    assert [
        (one.get_filename(), one.get_content_type(), one.get_payload(decode=True))
        for one in message.iter_attachments()
    ] == [
        ("ü.pdf", "application/pdf", b"\x00\xff"),
        ("a.csv", "text/csv", b"a;b"),
        ("b", "application/octet-stream", b"a;b"),
        ("attachment-4.txt", "text/plain", b"just text"),
    ]


async def test_html_alone_is_html(make_call: MakeCall) -> None:
    async with SmtpServer() as server:
        await send(make_call, to(server.port), text=None, html="<b>hi</b>")

    assert server.delivered[0].message.get_content_type() == "text/html"


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"to": "ann@example.com, eve@example.com"}, "not one address; write several as a list"),
        ({"to": ["ann@example.com,eve@example.com"]}, "not one address"),
        ({"to": "ann@example.com; eve@example.com"}, "not one address"),
        ({"to": "ann@example.com\r\nBcc: eve@example.com"}, "not one address"),
        ({"to": "eve@example.com, Ann <ann@example.com>"}, "not one address"),
        ({"to": '"a\r\nBcc: eve@example.com" <ann@example.com>'}, "not one address"),
        ({"to": "friends: ann@example.com, eve@example.com;"}, "not one address"),
        ({"to": "<ann@example.com> eve@example.com"}, "not one address"),
        ({"to": "ann"}, "not one address"),
        ({"to": "ann@"}, "not one address"),
        ({"to": "@example.com"}, "not one address"),
        ({"to": "jörg@example.com"}, "must be ASCII"),
        ({"to": "a@" + "x" * 70 + ".example"}, "not a domain"),
        ({"cc": ["a@x.example", "b@x.example, c@x.example"]}, "cc.1: .* is not one address"),
        ({"bcc": "a\n@x.example"}, "bcc.0: .* is not one address"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"from": "a@x.example, b@x.example"}, "from: .* is not one address"),
        ({"to": ""}, "name nobody"),
        ({"to": []}, "name nobody"),
        ({"subject": "Hi\r\nBcc: eve@example.com"}, "subject: holds a line break"),
        ({"subject": "Hi\x00"}, "subject: holds a line break or another control"),
        ({"text": "half \ud800"}, "cannot be written"),
        (
            {"attachments": [{"filename": "a\r\nX: y", "content": "YQ=="}]},
            "cannot be written: holds a line break",
        ),
        ({"attachments": [{"name": "a"}]}, "attachments"),
        ({"sender": "a@x.example"}, "sender: Extra inputs"),
    ],
)
async def test_what_could_become_another_message_is_refused(
    make_call: MakeCall, inputs: dict[str, Any], says: str
) -> None:
    async with SmtpServer() as server:
        with pytest.raises(Rejected, match=says):
            await send(make_call, to(server.port), **inputs)

    assert server.delivered == []


async def test_a_subject_loses_its_outer_white_space(make_call: MakeCall) -> None:
    async with SmtpServer() as server:
        await send(make_call, to(server.port), subject=" Hi ü\n")

    assert server.delivered[0].message["Subject"] == "Hi ü"


async def test_a_sender_is_needed(make_call: MakeCall) -> None:
    connection = SmtpConnection.model_validate({"host": "127.0.0.1", "tls": "none"})

    with pytest.raises(Rejected, match="from: name a sender"):
        await send(make_call, connection)


@pytest.mark.parametrize(
    ("refuse", "meaning", "says"),
    [
        ({"MAIL": "550 not you"}, Rejected, "550 not you"),
        ({"MAIL": "451 later"}, Unavailable, "451 later"),
        ({"MAIL": "530 5.7.0 sign in first"}, ConnectionRejected, "sign in first"),
        ({"MAIL": None}, Unavailable, "the connection broke"),
        ({"ann@example.com": "550 no such user"}, Rejected, "550 no such user"),
        ({"ann@example.com": "450 greylisted"}, Unavailable, "450 greylisted"),
        ({"ann@example.com": None}, Unavailable, "the connection broke"),
        ({"DATA": "552 too big"}, Rejected, "552 too big"),
        ({"DATA": "421 busy"}, Unavailable, "421 busy"),
        ({"DATA": None}, OutcomeUnknown, "broke after sending"),
    ],
)
async def test_each_refusal_has_its_meaning(
    make_call: MakeCall, refuse: dict[str, str | None], meaning: type[ActionError], says: str
) -> None:
    async with SmtpServer(refuse=refuse) as server:
        with pytest.raises(meaning, match=says) as caught:
            await send(make_call, to(server.port))

    assert type(caught.value) is meaning
    assert server.delivered == []


async def test_who_is_refused_is_listed_when_others_are_not(make_call: MakeCall) -> None:
    async with SmtpServer(refuse={"gone@example.com": "550 no\x1b[31m such user"}) as server:
        answer = await send(make_call, to(server.port), to=["ann@example.com", "gone@example.com"])

    assert answer["refused"] == [{"address": "gone@example.com", "reason": "550 no [31m such user"}]
    assert server.delivered[0].recipients == ["ann@example.com"]


async def test_if_all_are_refused_and_one_may_pass_it_is_tried_again(make_call: MakeCall) -> None:
    refuse: dict[str, str | None] = {"a@x.example": "550 no", "b@x.example": "450 later"}
    async with SmtpServer(refuse=refuse) as server:
        with pytest.raises(Unavailable, match="450 later"):
            await send(make_call, to(server.port), to=["a@x.example", "b@x.example"])


@pytest.mark.parametrize("mode", ["starttls", "none"])
async def test_a_wrong_password_is_the_connections_fault(
    make_call: MakeCall, tmp_path: Path, mode: Any
) -> None:
    tls, pem = server_tls(tmp_path)
    async with SmtpServer(tls=tls, mode=mode, user="ann", password="another") as server:
        connection = to(server.port, tls=mode, user="ann", password=PASSWORD, ca_certificate=pem)
        for attempt in (send(make_call, connection), connection.test(make_call(connection))):
            with pytest.raises(ConnectionRejected, match="refused user and password") as caught:
                await attempt
            assert PASSWORD not in str(caught.value)
            assert base64.b64encode(PASSWORD.encode()).decode()[:-4] not in str(caught.value)

    assert len(server.sign_ins) == 2


async def test_a_server_without_starttls_gets_nothing(make_call: MakeCall) -> None:
    async with SmtpServer(user="ann", password=PASSWORD) as server:
        connection = to(server.port, tls="starttls", user="ann", password=PASSWORD)
        with pytest.raises(ConnectionRejected, match="offers no STARTTLS; set tls"):
            await send(make_call, connection)

    assert server.sign_ins == []


async def test_a_server_that_takes_no_password_is_said(make_call: MakeCall) -> None:
    async with SmtpServer() as server:
        connection = to(server.port, user="ann", password=PASSWORD)
        with pytest.raises(ConnectionRejected, match="takes no password"):
            await send(make_call, connection)


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
async def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    make_call: MakeCall, tmp_path: Path, mode: Any
) -> None:
    tls, _ = server_tls(tmp_path)
    async with SmtpServer(tls=tls, mode=mode, user="ann", password=PASSWORD) as server:
        connection = to(server.port, tls=mode, user="ann", password=PASSWORD)
        with pytest.raises(ConnectionRejected, match="cannot be trusted: self-signed certificate"):
            await send(make_call, connection)

    assert server.sign_ins == []


async def test_implicit_tls_to_a_plain_server_is_the_connections_fault(
    make_call: MakeCall,
) -> None:
    async with SmtpServer() as server:
        with pytest.raises(ConnectionRejected, match="mend the host, the port, tls"):
            await send(make_call, to(server.port, tls="implicit"))


async def test_nobody_there_is_unavailable(make_call: MakeCall) -> None:
    with pytest.raises(Unavailable, match="no connection to 127"):
        await send(make_call, to(unused_port()))


async def test_a_server_that_says_nothing_is_unavailable(make_call: MakeCall) -> None:
    async with RawPeer(hang) as peer:
        with pytest.raises(Unavailable, match="did not answer in time"):
            await send(partial(make_call, timeout_seconds=0.2), to(peer.port))


async def test_a_greeting_that_refuses_is_told_by_its_code(make_call: MakeCall) -> None:
    for greeting, meaning in ((b"554 no\r\n", Rejected), (b"421 busy\r\n", Unavailable)):

        async def talk(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes = greeting
        ) -> None:
            writer.write(said)
            await reader.read()

        async with RawPeer(talk) as peer:
            with pytest.raises(meaning, match=greeting.decode().strip()):
                await send(make_call, to(peer.port))


async def test_what_is_not_smtp_is_unavailable(make_call: MakeCall) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with RawPeer(talk) as peer:
        with pytest.raises(Unavailable):
            await send(make_call, to(peer.port))


@pytest.mark.parametrize(("after_data", "meaning"), [(b"", TimedOut), (b"what?\r\n", OutcomeUnknown)])
async def test_no_clear_answer_to_the_message_leaves_the_outcome_open(
    make_call: MakeCall, after_data: bytes, meaning: type[ActionError]
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := await reader.readline():
            writer.write(b"354 go on\r\n" if line == b"DATA\r\n" else b"250 OK\r\n")
            if line == b"DATA\r\n":
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(after_data)
                break
        await reader.read()

    async with RawPeer(talk) as peer:
        with pytest.raises(meaning) as caught:
            await send(partial(make_call, timeout_seconds=0.5), to(peer.port))

    assert type(caught.value) is meaning


async def test_a_forbidden_address_is_refused(files: Any) -> None:
    outbound = Outbound()
    connection = to(25)
    call = Call(
        http=outbound.for_call(connection=None, idempotency_key=None, timeout_seconds=1),
        files=files,
        connect=partial(outbound.connect, timeout_seconds=1),
        idempotency_key="a.b",
        timeout_seconds=1,
    )
    try:
        with pytest.raises(Rejected, match="HOOKLINE_NETWORK_ALLOW"):
            await connection.test(call)
    finally:
        await outbound.close()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"user": "ann"}, "user and password belong together"),
        ({"tls": "ssl"}, "starttls"),
        ({"port": 0}, "port"),
        ({"from": "a, b"}, "not one address"),
        ({"password": PASSWORD}, "belong together"),
    ],
)
def test_a_connection_that_cannot_be_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        SmtpConnection.model_validate({"host": "mail.example.com", **fields})

    assert PASSWORD not in str(caught.value)


async def test_a_certificate_to_trust_that_is_none_is_said(make_call: MakeCall) -> None:
    with pytest.raises(ConnectionRejected, match="not a certificate in PEM"):
        await send(make_call, to(1, tls="implicit", ca_certificate="hello"))


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("implicit", 465), ("none", 25)])
def test_the_port_follows_from_the_encryption(tls: str, port: int) -> None:
    connection = SmtpConnection.model_validate({"host": "mail.example.com", "tls": tls})

    assert connection.where == f"mail.example.com:{port}"


def test_an_address_keeps_its_name() -> None:
    assert str(address(" Ann <ann@example.com> ")) == "Ann <ann@example.com>"
    assert str(address('"Doe, Ann" <ann@example.com>')) == '"Doe, Ann" <ann@example.com>'
    assert str(address("ann@example.com")) == "ann@example.com"


@pytest.mark.parametrize(
    "kind",
    [
        one
        for one in vars(aiosmtplib).values()
        if isinstance(one, type) and issubclass(one, aiosmtplib.SMTPException)
    ],
    ids=lambda kind: kind.__name__,
)
@pytest.mark.parametrize("sent", [False, True])
async def test_each_exception_of_aiosmtplib_has_its_meaning(
    kind: type[aiosmtplib.SMTPException], sent: bool
) -> None:
    arguments: dict[type, tuple[Any, ...]] = {
        aiosmtplib.SMTPSenderRefused: (550, "no", "a@x"),
        aiosmtplib.SMTPRecipientRefused: (550, "no", "a@x"),
        aiosmtplib.SMTPRecipientsRefused: ([],),
    }
    plain = (550, "no") if issubclass(kind, aiosmtplib.SMTPResponseException) else ("no",)
    error = kind(*arguments.get(kind, plain))
    expected: type[ActionError]
    if issubclass(kind, aiosmtplib.SMTPTimeoutError):
        expected = TimedOut if sent else Unavailable
    elif issubclass(kind, aiosmtplib.SMTPResponseException):
        expected = Rejected
    else:
        expected = OutcomeUnknown if sent else Unavailable

    with pytest.raises(ActionError) as caught:
        async with errors(Progress("the mail server", sent=sent), 5):
            raise error

    assert type(caught.value) is expected

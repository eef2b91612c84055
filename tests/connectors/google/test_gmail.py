"""Mail by a person's sign-in or a robot account's subject."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Any

import pytest

import connectors
from connectors.google.account import GoogleRobot, GoogleUser
from runner.errors import ConnectionRejected, Rejected
from tests.servers.google_service import PERSON, GoogleService

Act = Callable[..., Awaitable[Any]]


async def test_a_message_is_sent_with_its_attachments(
    google: GoogleService, act: Act, person: GoogleUser
) -> None:
    pdf = {
        "filename": "räch.pdf",
        "content_type": "application/pdf",
        "content": base64.b64encode(b"%P").decode(),
    }

    answer = await act(
        "gmail.send", by=person, to="Ann Ä <ann@x.example>", cc=["b@x.example", "c@x.example"],
        bcc="d@x.example", subject="Grüße", text="Hällo", html="<p>Hällo</p>", attachments=[pdf, "plain"],
        thread="t7", in_reply_to="<1@x.example>",
    )  # fmt: skip

    assert answer == {"id": "m1", "thread": "t7"}
    ((where, metadata, mail),) = google.mails
    assert (where, metadata) == ("messages/send", {"threadId": "t7"})
    assert (mail["Cc"], mail["Bcc"]) == ("b@x.example, c@x.example", "d@x.example")
    assert mail["In-Reply-To"] == mail["References"] == "<1@x.example>"
    assert mail["From"] is None
    parts = [one for one in mail.walk() if not one.is_multipart()]
    kinds = [one.get_content_type() for one in parts]
    assert kinds == ["text/plain", "text/html", "application/pdf", "text/plain"]
    assert parts[0].get_payload(decode=True) == "Hällo\r\n".encode()
    assert (parts[2].get_filename(), parts[2].get_payload(decode=True)) == ("räch.pdf", b"%P")


async def test_a_draft_waits_for_a_person(google: GoogleService, act: Act, person: GoogleUser) -> None:
    answer = await act(
        "gmail.create_draft", by=person, to="a@x.example", subject="Offer", text="x", thread="t2"
    )

    assert answer == {"id": "d1", "message": "m1", "thread": "t2"}
    assert google.mails[0][:2] == ("drafts", {"message": {"threadId": "t2"}})


@pytest.mark.parametrize(("action", "inputs"), [
    ("send", {"to": "a@x.example", "text": "x"}), ("create_draft", {"to": "a@x.example", "text": "x"}),
    ("search", {"query": "x"}), ("get", {"message": "m1"}),
])  # fmt: skip
async def test_a_robot_account_has_no_mailbox_without_a_subject(
    google: GoogleService, act: Act, robot: GoogleRobot, action: str, inputs: dict[str, Any]
) -> None:
    with pytest.raises(ConnectionRejected, match="set the connection's `subject`"):
        await act(f"gmail.{action}", **inputs)

    assert google.calls == []
    delegated = robot.model_copy(update={"subject": PERSON})
    if action == "send":
        assert (await act("gmail.send", by=delegated, **inputs))["id"] == "m1"


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"to": "a@x.example, b@x.example"}, "not one address"), ({"to": "a"}, "not one address"),
        ({"subject": "a\nBcc: e@x.example"}, "holds a line break"), ({"text": None}, "the message is empty"),
        ({"to": "a@x.example\r\nBcc: e@x.example"}, "not one address"),
        ({"in_reply_to": "<a>\nBcc: e@x.example"}, "holds a line break"),
        ({"text": "\ud800"}, "cannot be written"),
        ({"attachments": ["x" * 28_000_000]}, "Gmail takes 36,700,160"),
    ],
)  # fmt: skip
async def test_a_message_that_cannot_be_is_refused_before_it_is_sent(
    google: GoogleService, act: Act, person: GoogleUser, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await act("gmail.send", by=person, **{"to": "a@x.example", "text": "x", **inputs})

    assert google.mails == []


def keep(google: GoogleService, number: int) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@x.example", PERSON, f"Order {number}"
    mail["Message-ID"] = f"<{number}@x.example>"
    mail.set_content("Hällo")
    mail.add_alternative("<p>Hällo</p>", subtype="html")
    mail.add_attachment(b"\x00\x01", maintype="image", subtype="png", filename="../a.png")
    raw = base64.urlsafe_b64encode(mail.as_bytes()).decode().rstrip("=")
    headers = [{"name": name, "value": mail[name]} for name in ("From", "To", "Subject")]
    google.mailbox[f"m{number}"] = {
        "id": f"m{number}", "threadId": f"t{number}", "snippet": f"order {number}", "labelIds": ["INBOX"],
        "payload": {"headers": headers}, "raw": raw,
    }  # fmt: skip


async def test_messages_are_found(google: GoogleService, act: Act, person: GoogleUser) -> None:
    for number in range(4):
        keep(google, number)

    answer = await act("gmail.search", by=person, query="order", limit=3)

    assert [one["id"] for one in answer["messages"]] == ["m0", "m1", "m2"]
    assert answer["more"] is True
    assert answer["messages"][0] == {
        "id": "m0", "thread": "t0", "from": "a@x.example", "to": PERSON, "subject": "Order 0", "date": "",
        "snippet": "order 0", "labels": ["INBOX"],
    }  # fmt: skip
    assert (await act("gmail.search", by=person, query="nothing")) == {"messages": [], "more": False}


async def test_a_message_is_read_whole(
    google: GoogleService, act: Act, person: GoogleUser, files: Any
) -> None:
    keep(google, 1)

    answer = await act("gmail.get", by=person, message="m1", attachments=True)

    assert (answer["text"], answer["html"]) == ("Hällo\n", "<p>Hällo</p>\n")
    assert (answer["message_id"], answer["from"]) == ("<1@x.example>", "a@x.example")
    (file,) = answer["attachments"]
    assert (file["filename"], file["content_type"]) == (".._a.png", "image/png")
    assert files.kept[file["file"]] == b"\x00\x01"
    assert (await act("gmail.get", by=person, message="m1"))["attachments"] == []


def test_html_is_marked_so_that_expressions_in_it_are_escaped() -> None:
    assert connectors.catalogue_actions()["gmail.send"].html == {"html"}

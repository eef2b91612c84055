"""SendGrid's v3 API on loopback, in the shapes of its documentation."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.servers.http_sink import Received
from tests.servers.routed import NUMBER, TEXT, TEXTS, Routed, object_of

KEY = "SG.s3cr3t_sendgrid_key"
VERIFIED = "shop@example.com"
PERSON = object_of("email", email={"type": "string", "format": "email"}, name=TEXT)
PEOPLE = {"type": "array", "items": PERSON, "minItems": 1, "maxItems": 1000}
BASE64 = {"type": "string", "contentEncoding": "base64"}
FILE = object_of(
    "content", "filename", content=BASE64, filename=TEXT, content_id=TEXT,
    type={"type": "string", "pattern": "^[^;,]+$"}, disposition={"enum": ["inline", "attachment"]},
)  # fmt: skip
MAIL = object_of(  # "Mail Send": request body
    "personalizations", "from",
    **{"from": PERSON},
    personalizations={
        "type": "array", "minItems": 1, "maxItems": 1000,
        "items": object_of("to", to=PEOPLE, cc=PEOPLE, bcc=PEOPLE, dynamic_template_data={"type": "object"}),
    },
    reply_to=PERSON, subject={"type": "string", "minLength": 1},
    content={"type": "array", "minItems": 1,
             "items": object_of("type", "value", type=TEXT, value={"type": "string", "minLength": 1})},
    template_id=TEXT, attachments={"type": "array", "items": FILE, "minItems": 1},
    categories={**TEXTS, "maxItems": 10}, custom_args={"type": "object"},
    asm=object_of("group_id", group_id=NUMBER), send_at=NUMBER,
    mail_settings=object_of(sandbox_mode=object_of("enable", enable={"type": "boolean"})),
)  # fmt: skip


class SendGridApi(Routed):
    """`sent` are the mails that were taken; `scopes` what the key may do."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []
        self.scopes = ["mail.send", "templates.read"]
        self.route("POST", "/v3/mail/send", self._mail, body=MAIL)
        self.route("GET", "/v3/scopes", lambda _: web.json_response({"scopes": self.scopes}))
        self.route("GET", "/v3/templates", self._templates)
        groups = [{"id": 100, "name": "News", "description": "Monthly", "is_default": False}]
        self.route("GET", "/v3/asm/groups", lambda _: web.json_response(groups))

    def refuse(self, status: int, message: str = "no", field: str | None = None, **headers: str) -> None:
        """Answer the next request so."""
        errors = [{"message": message, "field": field, "help": None}]
        told = {name.replace("_", "-"): text for name, text in headers.items()}
        self.reply(status, json={"errors": errors}, headers=told)

    def refusal(self, received: Received) -> web.Response | None:
        if received.headers.get("authorization") == f"Bearer {KEY}":
            return None
        return _no(401, "The provided authorization grant is invalid, expired, or revoked")

    def misshapen(self, received: Received, why: str) -> web.Response:
        return _no(400, why)

    def _mail(self, received: Received) -> web.Response:
        mail = received.json()
        if mail["from"]["email"] != VERIFIED:
            why = "The from address does not match a verified Sender Identity."
            return _no(403, why, "from")
        kinds = [one["type"] for one in mail.get("content", [])]
        if kinds != sorted(kinds, reverse=True) or not (kinds or "template_id" in mail):
            return _no(400, "text/plain comes first", "content")
        for group in mail["personalizations"]:
            emails = [one["email"].lower() for kind in ("to", "cc", "bcc") for one in group.get(kind, [])]
            if len(emails) != len(set(emails)):
                return _no(400, "Each email address in the personalization block should be unique", "to")
        if mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            return web.Response(status=200)
        self.sent.append(mail)
        return web.Response(status=202, headers={"X-Message-Id": f"msg-{len(self.sent)}"})

    def _templates(self, received: Received) -> web.Response:
        assert (received.query["generations"], received.query["page_size"]) == ("dynamic", "50")
        last = "page_token" in received.query
        assert received.query.get("page_token", "a=b") == "a=b"
        result = [{"id": "d-" + ("2" if last else "1") * 32, "name": "Bill" if last else "Welcome"}]
        link = None if last else f"{self.url}/v3/templates?page_size=50&page_token=a%3Db"
        return web.json_response({"result": result, "_metadata": {"count": 2, "next": link}})


def _no(status: int, message: str, field: str | None = None) -> web.Response:
    errors = [{"message": message, "field": field, "help": None}]
    return web.json_response({"errors": errors}, status=status)

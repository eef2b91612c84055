"""WhatsApp's Cloud API on loopback, in the shapes of Meta's documentation: one phone number."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.servers.http_sink import Part, Received
from tests.servers.routed import TEXT, Routed, object_of

TOKEN = "EAAG_whatsapp_s3cr3t"
NUMBER, ACCOUNT = "106540352242922", "102290129340398"
V = "/v23.0"
MEDIA = {"id": TEXT, "link": TEXT, "caption": {"type": "string", "maxLength": 1024}}
PARAMETER = object_of("type", "text", type={"const": "text"}, text=TEXT, parameter_name=TEXT)
COMPONENT = object_of(
    "type", "parameters", type={"enum": ["header", "body", "button"]}, sub_type=TEXT, index=TEXT,
    parameters={"type": "array", "items": PARAMETER},
)  # fmt: skip
MESSAGE = {  # "Messages": a message of a kind, or a mark
    "oneOf": [
        object_of(
            "messaging_product", "to", "type",
            messaging_product={"const": "whatsapp"}, recipient_type={"const": "individual"},
            to={"type": "string", "pattern": "^[0-9]+$"}, context=object_of("message_id", message_id=TEXT),
            type={"enum": ["text", "template", "image", "audio", "video", "document", "sticker"]},
            text=object_of("body", body={"type": "string", "maxLength": 4096},
                           preview_url={"type": "boolean"}),
            template=object_of("name", "language", name=TEXT, language=object_of("code", code=TEXT),
                               components={"type": "array", "items": COMPONENT}),
            image=object_of(**MEDIA), video=object_of(**MEDIA),
            audio=object_of(id=TEXT, link=TEXT), sticker=object_of(id=TEXT, link=TEXT),
            document=object_of(**MEDIA, filename=TEXT),
        ),
        object_of(
            "messaging_product", "status", "message_id",
            messaging_product={"const": "whatsapp"}, status={"const": "read"}, message_id=TEXT,
            typing_indicator=object_of("type", type={"const": "text"}),
        ),
    ]
}  # fmt: skip


class WhatsAppApi(Routed):
    """`sent` are the messages that were taken, `files` the uploads by id."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []
        self.files: dict[str, Part] = {}
        self.route("GET", f"{V}/{NUMBER}", self._number)
        self.route("POST", f"{V}/{NUMBER}/messages", self._message, body=MESSAGE)
        self.route("GET", f"{V}/{ACCOUNT}/message_templates", self._templates)

    @property
    def api_url(self) -> str:
        """What a connection's `api_url` is set to."""
        return f"{self.url}{V}"

    def refuse(self, status: int, code: int, details: str | None = None) -> None:
        """Answer the next request so."""
        self.reply(status, json=_error(code, "(#1) no", details), headers={"Retry-After": "5"})

    def refusal(self, received: Received) -> web.Response | None:
        if received.headers.get("authorization") != f"Bearer {TOKEN}":
            return web.json_response(_error(190, "Invalid OAuth access token"), status=401)
        if received.path == f"{V}/{NUMBER}/media" and received.method == "POST":
            return self._upload(received)  # the one request that is no JSON
        return None

    def misshapen(self, received: Received, why: str) -> web.Response:
        return web.json_response(_error(100, "(#100) Invalid parameter", why), status=400)

    def lost(self, received: Received) -> web.Response:
        return web.json_response(_error(33, f"Unsupported request at {received.path}"), status=400)

    def _number(self, received: Received) -> web.Response:
        assert received.query["fields"] == "display_phone_number,verified_name"
        found = {"display_phone_number": "+1 555 0100", "verified_name": "Acme", "id": NUMBER}
        return web.json_response(found)

    def _message(self, received: Received) -> web.Response:
        body = received.json()
        if "status" in body:
            self.sent.append(body)
            return web.json_response({"success": True})
        if set(body) & {"text", "template", *MEDIA, "image", "audio", "video", "document", "sticker"} != {
            body["type"]
        }:
            return web.json_response(_error(131009, "Parameter value is not valid"), status=400)
        media = body[body["type"]]
        if "id" in media and media["id"] not in self.files:
            return web.json_response(_error(131053, "Media upload error"), status=400)
        self.sent.append(body)
        answer = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": body["to"], "wa_id": body["to"]}],
            "messages": [{"id": f"wamid.{len(self.sent)}"}],
        }
        return web.json_response(answer)

    def _upload(self, received: Received) -> web.Response:
        parts = {one.name: one for one in received.parts()}
        assert parts["messaging_product"].content == b"whatsapp"
        assert parts["type"].content.decode() == parts["file"].headers["content-type"]
        name = str(1000 + len(self.files))
        self.files[name] = parts["file"]
        return web.json_response({"id": name})

    def _templates(self, received: Received) -> web.Response:
        known = [
            {"name": "order_shipped", "language": "en_US", "status": "APPROVED"},
            {"name": "order_shipped", "language": "de", "status": "APPROVED"},
            {"name": "hello", "language": "en_US", "status": "APPROVED"},
        ]
        assert (received.query["status"], received.query["limit"]) == ("APPROVED", "50")
        found = [one for one in known if received.query.get("name", "") in one["name"]]
        start = int(received.query.get("after", "0"))
        paging: dict[str, Any] = {"cursors": {"before": "0", "after": str(start + 2)}}
        if len(found) > start + 2:
            paging["next"] = f"{self.api_url}/next"
        return web.json_response({"data": found[start : start + 2], "paging": paging})


def _error(code: int, message: str, details: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    if details is not None:
        error["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return {"error": error}

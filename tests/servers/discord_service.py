"""
Discord's API and webhooks on loopback, in the shapes of its documentation: JSON codes, trees of faults,
429 with `retry_after`, 204 for what gives nothing, nonces that are compared.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

TOKEN = "MTE.b0t.t0k3n"
HOOK = "/api/webhooks/220000000000000001/h00k-s3cr3t"
CHANNEL = "110000000000000001"
PLACES = {"110000000000000001": "general", "110000000000000002": "news"}
SERVERS = [{"id": f"50000000000000000{number}", "name": f"Server {number}"} for number in range(7)]
SNOWFLAKE = re.compile(r"[0-9]{15,20}")


class DiscordService(HttpSink):
    """
    Knows the bot TOKEN, the channels PLACES, the webhook HOOK, and the interaction 77…7 with the token
    `1nt`. `messages` (id → body), `files`, `reactions` and `threads` are what it holds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.queries: list[dict[str, str]] = []
        self.reactions: set[tuple[str, str]] = set()
        self.threads: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.nonces: dict[str, str] = {}
        self.handler = self._answer

    @property
    def api_url(self) -> str:
        """What a connection's `api_url` is set to."""
        return f"{self.url}/api/v10"

    async def _answer(self, received: Received) -> web.Response:
        if not received.headers.get("user-agent", "").startswith("DiscordBot ("):
            return web.Response(status=403, text="error code: 1010")  # what the network in front says
        if received.path.startswith("/api/webhooks/"):
            return self._webhook(received)
        raw = received.request.raw_path.partition("?")[0].removeprefix("/api/v10/")
        path = [unquote(one) for one in raw.split("/")]  # split first: a segment may hold a slash
        if path[0] in {"interactions", "webhooks"}:
            assert "authorization" not in received.headers
            return self._interaction(received, path)
        if received.headers.get("authorization") != f"Bot {TOKEN}":
            return _no(401, 0, "401: Unauthorized")
        match received.method, path:
            case "GET", ["users", "@me"]:
                return web.json_response({"id": "900", "username": "hookline"})
            case "GET", ["users", "@me", "guilds"]:
                rows = [one for one in SERVERS if one["id"] > received.query.get("after", "")]
                return web.json_response(rows[: int(received.query["limit"])])
            case "GET", ["guilds", server, "channels"]:
                return web.json_response([
                    {"id": f"{server[:-2]}12", "name": "news", "type": 5, "position": 2},
                    {"id": f"{server[:-2]}11", "name": "general", "type": 0, "position": 1},
                    {"id": f"{server[:-2]}13", "name": "Voice", "type": 2, "position": 0},
                ])  # fmt: skip
            case method, ["channels", channel, *rest]:
                if channel not in PLACES:
                    return _no(404, 10003, "Unknown Channel")
                return self._channel(method, channel, rest, received)
        return _no(404, 0, "404: Not Found")

    def _channel(self, method: str, channel: str, rest: list[str], received: Received) -> web.Response:
        match method, rest:
            case "POST", ["messages"]:
                return self._create(channel, received)
            case "POST", ["threads"]:
                self.threads.append(received.json())
                return web.json_response({"id": "660000000000000001"}, status=201)
            case _, ["messages", message, *_] if message not in self.messages:
                return _no(404, 10008, "Unknown Message")
            case "PATCH", ["messages", message]:
                self.messages[message].update(received.json())
                return web.json_response({"id": message, "channel_id": channel})
            case "DELETE", ["messages", message]:
                del self.messages[message]
                return web.Response(status=204)
            case "POST", ["messages", message, "threads"]:
                if any(one.get("of") == message for one in self.threads):
                    return _no(400, 160004, "A thread has already been created for this message")
                self.threads.append(received.json() | {"of": message})
                return web.json_response({"id": message}, status=201)
            case "PUT" | "DELETE", ["messages", message, "reactions", emoji, "@me"]:
                if method == "PUT":
                    self.reactions.add((message, emoji))
                else:
                    self.reactions.discard((message, emoji))
                return web.Response(status=204)
        return _no(404, 0, "404: Not Found")

    def _create(self, channel: str, received: Received) -> web.Response:
        message = self._message(received)
        if fault := _fault(message):
            return fault
        nonce = message.get("nonce")
        if nonce is not None:
            assert len(nonce) <= 25
        if message.get("enforce_nonce") and nonce in self.nonces:
            return web.json_response({"id": self.nonces[nonce], "channel_id": channel})
        number = f"33000000000000000{len(self.messages)}"
        self.messages[number] = message
        if nonce is not None:
            self.nonces[nonce] = number
        return web.json_response({"id": number, "channel_id": channel})

    def _message(self, received: Received) -> dict[str, Any]:
        if received.headers["content-type"] == "application/json":
            return dict(received.json())
        parts = received.parts()
        assert parts[0].name == "payload_json"
        for number, one in enumerate(parts[1:]):
            assert one.name == f"files[{number}]"
            assert one.filename
            self.files[one.filename] = one.content
        return dict(json.loads(parts[0].content)) | {"files": len(parts) - 1}

    def _webhook(self, received: Received) -> web.Response:
        assert "authorization" not in received.headers
        if not received.path.startswith(HOOK):
            wrong = received.path.split("/")[3] == HOOK.split("/")[3]
            return _no(401, 50027, "Invalid Webhook Token") if wrong else _no(404, 10015, "Unknown Webhook")
        match received.method, received.path.removeprefix(HOOK).split("/")[1:]:
            case "GET", []:
                return web.json_response({"id": "22", "name": "Alerts", "channel_id": CHANNEL})
            case "POST", []:
                self.queries.append(dict(received.query))
                message = self._message(received)
                assert not message.keys() & {"nonce", "enforce_nonce", "message_reference"}
                return _fault(message) or self._keep(message)
            case "PATCH", ["messages", message] if message in self.messages:
                self.messages[message].update(received.json())
                return web.json_response({"id": message, "channel_id": CHANNEL})
        return _no(404, 10008, "Unknown Message")

    def _keep(self, message: dict[str, Any]) -> web.Response:
        number = f"33000000000000000{len(self.messages)}"
        self.messages[number] = message
        return web.json_response({"id": number, "channel_id": CHANNEL})

    def _interaction(self, received: Received, path: list[str]) -> web.Response:
        match received.method, path:
            case "POST", ["interactions", "770000000000000001", "1nt", "callback"]:
                if self.answers:
                    return _no(400, 40060, "Interaction has already been acknowledged.")
                self.answers.append(self._message(received))
                return web.Response(status=204)
            case "PATCH", ["webhooks", "880000000000000001", "1nt", "messages", "@original"]:
                self.answers.append(self._message(received) | {"edit": True})
                return web.json_response({"id": "1"})
            case "POST", ["webhooks", "880000000000000001", "1nt"]:
                self.answers.append(self._message(received) | {"follow_up": True})
                return web.json_response({"id": "2"})
        return _no(404, 10062, "Unknown interaction")


def _fault(message: dict[str, Any]) -> web.Response | None:
    assert message["allowed_mentions"].keys() == {"parse"}
    if not any(message.get(name) for name in ("content", "embeds", "components", "files")):
        return _no(400, 50006, "Cannot send an empty message")
    for number, embed in enumerate(message.get("embeds", ())):
        if str(embed.get("url", "https://")).startswith("ftp:"):
            said = [{"code": "URL_TYPE_INVALID_SCHEME", "message": "Scheme must be one of http, https."}]
            errors = {"embeds": {str(number): {"url": {"_errors": said}}}}
            return _no(400, 50035, "Invalid Form Body", errors=errors)
    return None


def _no(status: int, code: int, message: str, **more: Any) -> web.Response:
    return web.json_response({"message": message, "code": code, **more}, status=status)

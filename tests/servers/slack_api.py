"""
Slack's API and incoming webhooks on loopback, in the shapes of its documentation: HTTP 200 with
`ok: false`, 429 with Retry-After, and webhooks that answer with a word.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

TOKEN = "xoxb-1234567890-abcdefghij"
WEBHOOK = "/services/T00000000/B00000000/s3cr3tw3bh00k"
RESPONSE = "/actions/T00000000/1234567890/r3sp0ns3"
ADA: dict[str, Any] = {
    "id": "U0ADA", "name": "ada", "real_name": "Ada Lovelace", "tz": "Europe/London",
    "profile": {"email": "ada@example.com", "title": "Analyst"},
}  # fmt: skip
MEMBERS: list[dict[str, Any]] = [
    ADA,
    {"id": "U0BOT", "name": "robot", "is_bot": True},
    {"id": "U0GONE", "name": "gone", "deleted": True},
    {"id": "U0BOB", "name": "bob", "real_name": "Bob Babbage"},
]


class SlackApi(HttpSink):
    """
    Knows the bot token TOKEN, the channels of `channels` (name → id), and the webhook WEBHOOK.
    `errors` (words) are given, in order, before anything else is looked at. Lists come in portions
    of two. `messages` (channel and ts → message), `reactions`, `uploads` (id → bytes) and `shared`
    are what it holds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.channels = {"#sales": "C0SALES", "#ops": "C0OPS"}
        self.errors: list[str] = []
        self.posted: list[dict[str, Any]] = []
        self.responses: list[dict[str, Any]] = []
        self.messages: dict[tuple[str, str], dict[str, Any]] = {}
        self.reactions: set[tuple[str, str, str]] = set()
        self.uploads: dict[str, bytes] = {}
        self.shared: list[dict[str, Any]] = []
        self.thread: list[dict[str, Any]] = []
        self.handler = self._answer

    @property
    def api_url(self) -> str:
        """What a connection's `api_url` is set to."""
        return f"{self.url}/api"

    @property
    def webhook_url(self) -> str:
        """The incoming webhook, in place of hooks.slack.com."""
        return f"{self.url}{WEBHOOK}"

    async def _answer(self, received: Received) -> web.Response:
        if received.path.startswith("/services/"):
            return self._webhook(received)
        if received.path.startswith("/actions/"):
            return self._respond(received)
        if received.path.startswith("/upload/"):
            return self._upload(received)
        if received.headers.get("authorization") != f"Bearer {TOKEN}":
            return _no("not_authed" if "authorization" not in received.headers else "invalid_auth")
        if self.errors:
            return _no(self.errors.pop(0))
        if received.path == "/api/auth.test":
            return web.json_response({"ok": True, "team": "Acme", "user": "hookline"})
        given = _arguments(received)
        match received.path.removeprefix("/api/"):
            case "chat.postMessage":
                return self._post(given)
            case "chat.update":
                return self._update(given)
            case "chat.delete":
                key = (given["channel"], given["ts"])
                return _no("message_not_found") if self.messages.pop(key, None) is None else _yes()
            case "conversations.open":
                users = given["users"].split(",")
                known = {one["id"] for one in MEMBERS}
                return _no("user_not_found") if set(users) - known else _yes(channel={"id": "D0" + users[0]})
            case "conversations.replies":
                return _portion("messages", self.thread, given)
            case "conversations.list":
                assert given["types"] == "public_channel,private_channel"
                assert given["exclude_archived"] == "true"
                rows: list[dict[str, Any]] = [
                    {"id": one, "name": name[1:]} for name, one in self.channels.items()
                ]
                return _portion("channels", [*rows, {"id": "C0HQ", "name": "hq", "is_private": True}], given)
            case "users.list":
                return _portion("members", MEMBERS, given)
            case "users.lookupByEmail":
                return _yes(user=ADA) if given["email"] == "ada@example.com" else _no("users_not_found")
            case "reactions.add" | "reactions.remove":
                return self._react(received.path.rpartition(".")[2], given)
            case "files.getUploadURLExternal":
                return self._place(given)
            case "files.completeUploadExternal":
                return self._share(given)
        return _no("unknown_method")

    def _update(self, given: dict[str, Any]) -> web.Response:
        message = self.messages.get((given["channel"], given["ts"]))
        if message is None:
            return _no("message_not_found")
        message.clear()
        message.update({name: given[name] for name in ("text", "blocks") if name in given})
        return _yes(channel=given["channel"], ts=given["ts"])

    def _react(self, verb: str, given: dict[str, Any]) -> web.Response:
        if (given["channel"], given["timestamp"]) not in self.messages:
            return _no("message_not_found")
        one = (given["channel"], given["timestamp"], given["name"])
        if (verb == "add") == (one in self.reactions):
            return _no("already_reacted" if verb == "add" else "no_reaction")
        self.reactions ^= {one}
        return _yes()

    def _place(self, given: dict[str, Any]) -> web.Response:
        if not given.get("filename") or not int(given["length"]):
            return _no("invalid_arguments")
        file_id = f"F{len(self.uploads)}"
        self.uploads[file_id] = b"?" * int(given["length"])
        return _yes(file_id=file_id, upload_url=f"{self.url}/upload/v1/{file_id}")

    def _upload(self, received: Received) -> web.Response:
        file_id = received.path.rpartition("/")[2]
        assert received.method == "POST"
        if len(received.body) != len(self.uploads[file_id]):
            return web.Response(status=400, text="wrong length")
        self.uploads[file_id] = received.body
        return web.Response(text=f"OK - {len(received.body)}")

    def _share(self, given: dict[str, Any]) -> web.Response:
        (one,) = json.loads(given["files"])
        if one["id"] not in self.uploads:
            return _no("file_not_found")
        if given["channel_id"] not in self.channels.values():
            return _no("channel_not_found")
        self.shared.append({**given, "files": [one]})
        return _yes(files=[{**one, "permalink": f"https://acme.slack.com/files/{one['id']}"}])

    def _respond(self, received: Received) -> web.Response:
        if received.path != RESPONSE:
            return web.Response(status=404, text="expired_url")
        self.responses.append(received.json())
        return web.Response(text="ok")

    def _post(self, message: dict[str, Any]) -> web.Response:
        given = message.get("channel", "")
        is_id = given.startswith("D0") or given in self.channels.values()
        channel = given if is_id else self.channels.get(given)
        if channel is None:
            return _no("channel_not_found")
        if not message.get("text") and not message.get("blocks"):
            return _no("no_text")
        self.posted.append(message)
        ts = f"1700000000.{len(self.posted):06d}"
        self.messages[channel, ts] = dict(message)
        return web.json_response({"ok": True, "channel": channel, "ts": ts, "message": message})

    def _webhook(self, received: Received) -> web.Response:
        if received.path != WEBHOOK:
            return web.Response(status=404, text="no_service")
        message = received.json()
        if not message.get("text") and not message.get("blocks"):
            return web.Response(status=400, text="no_text")
        self.posted.append(message)
        return web.Response(text="ok")


def _arguments(received: Received) -> dict[str, Any]:
    """The arguments of a method, as a form or as JSON; those that read take no JSON."""
    kind = received.headers.get("content-type", "").partition(";")[0]
    assert received.method == "POST"
    if kind == "application/json":
        assert received.path.startswith("/api/chat."), "only methods that write take JSON"
        return dict(received.json())
    assert kind == "application/x-www-form-urlencoded"
    return dict(parse_qsl(received.body.decode(), strict_parsing=bool(received.body)))


def _portion(name: str, rows: list[dict[str, Any]], given: dict[str, Any]) -> web.Response:
    start = int(given.get("cursor", "0"))
    end = start + min(2, int(given["limit"]))
    following = str(end) if end < len(rows) else ""
    return _yes(**{name: rows[start:end], "response_metadata": {"next_cursor": following}})


def _yes(**answer: Any) -> web.Response:
    return web.json_response({"ok": True, **answer})


def _no(error: str) -> web.Response:
    if error == "ratelimited":
        body = {"ok": False, "error": error}
        return web.json_response(body, status=429, headers={"Retry-After": "30"})
    answer = {"ok": False, "error": error}
    if error == "missing_scope":
        answer |= {"needed": "chat:write", "provided": "channels:read"}
    return web.json_response(answer)

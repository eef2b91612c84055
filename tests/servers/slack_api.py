"""
Slack's API and incoming webhooks on loopback, in the shapes of its documentation: HTTP 200 with
`ok: false`, 429 with Retry-After, and webhooks that answer with a word.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

TOKEN = "xoxb-1234567890-abcdefghij"
WEBHOOK = "/services/T00000000/B00000000/s3cr3tw3bh00k"


class SlackApi(HttpSink):
    """
    Knows the bot token TOKEN, the channels of `channels` (name → id), and the webhook WEBHOOK.
    `errors` (words) are given, in order, before anything else is looked at.
    """

    def __init__(self) -> None:
        super().__init__()
        self.channels = {"#sales": "C0SALES", "#ops": "C0OPS"}
        self.errors: list[str] = []
        self.posted: list[dict[str, Any]] = []
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
        if received.headers.get("authorization") != f"Bearer {TOKEN}":
            return _no("not_authed" if "authorization" not in received.headers else "invalid_auth")
        if self.errors:
            return _no(self.errors.pop(0))
        if received.path == "/api/auth.test":
            return web.json_response({"ok": True, "team": "Acme", "user": "hookline"})
        if received.path == "/api/chat.postMessage":
            return self._post(received.json())
        return _no("unknown_method")

    def _post(self, message: dict[str, Any]) -> web.Response:
        channel = self.channels.get(message.get("channel", ""))
        if channel is None:
            return _no("channel_not_found")
        if not message.get("text") and not message.get("blocks"):
            return _no("no_text")
        self.posted.append(message)
        ts = f"1700000000.{len(self.posted):06d}"
        return web.json_response({"ok": True, "channel": channel, "ts": ts, "message": message})

    def _webhook(self, received: Received) -> web.Response:
        if received.path != WEBHOOK:
            return web.Response(status=404, text="no_service")
        message = received.json()
        if not message.get("text") and not message.get("blocks"):
            return web.Response(status=400, text="no_text")
        self.posted.append(message)
        return web.Response(text="ok")


def _no(error: str) -> web.Response:
    if error == "ratelimited":
        body = {"ok": False, "error": error}
        return web.json_response(body, status=429, headers={"Retry-After": "30"})
    answer = {"ok": False, "error": error}
    if error == "missing_scope":
        answer |= {"needed": "chat:write", "provided": "channels:read"}
    return web.json_response(answer)

"""
The webhook of a Teams workflow on loopback: 202 and no text for a card in the documented envelope, and
refusals as Power Automate and the older webhooks word them.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

PATH = "/workflows/abc123/triggers/manual/paths/invoke"
QUERY = "api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=s3cr3t-s1gnatur3"


class TeamsService(HttpSink):
    """Takes cards at PATH with the signature of QUERY; `cards` are those that it took."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[dict[str, Any]] = []
        self.handler = self._answer

    @property
    def webhook_url(self) -> str:
        """The address that Teams would show."""
        return f"{self.url}{PATH}?{QUERY}"

    async def _answer(self, received: Received) -> web.Response:
        if received.path != PATH:
            return _no(404, "WorkflowNotFound")
        if (
            received.query.get("sig") != "s3cr3t-s1gnatur3"
            or received.query.get("sp") != "/triggers/manual/run"
        ):
            said = f"The request {received.query_string} is not signed rightly"
            return _no(401, "DirectApiAuthorizationRequired", said)
        assert received.method == "POST"
        assert received.headers["content-type"] == "application/json"
        message = received.json()
        assert message.keys() == {"type", "attachments"}
        assert message["type"] == "message"
        (attachment,) = message["attachments"]
        assert attachment.keys() == {"contentType", "contentUrl", "content"}
        assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        card = attachment["content"]
        assert card["type"] == "AdaptiveCard"
        assert card["version"]
        self.cards.append(card)
        return web.Response(status=202)


def _no(status: int, code: str, message: str = "no") -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)

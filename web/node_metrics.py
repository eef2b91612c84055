"""`/metrics` of a process that serves nothing else: what it sees of itself, and `/healthz`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST

from runner.engine.answer import Answer
from runner.errors import StoreUnavailable
from web.exchange import Receive, Scope, Send, headers_of
from web.metrics import PATH, process_text

if TYPE_CHECKING:
    from runner.engine.people import People
    from runner.engine.vitals import Vitals

PLAIN = {"content-type": "text/plain; charset=utf-8"}


class NodeMetrics:
    """The ASGI application; `/metrics` asks for an API token, as everywhere."""

    def __init__(self, vitals: Vitals, people: People) -> None:
        self._vitals = vitals
        self._people = people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or the server's questions about its start and its end."""
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "http":
            answer = await self._answer(scope)
            headers = [(name.encode(), text.encode()) for name, text in answer.headers.items()]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            body = b"" if scope["method"] == "HEAD" else answer.body
            await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope) -> Answer:
        if scope["method"] not in ("GET", "HEAD"):
            return Answer(405, b"Only GET is answered here.\n", {**PLAIN, "allow": "GET, HEAD"})
        if scope["path"] == "/healthz":
            return Answer(200, b"alive\n", PLAIN)
        if scope["path"] != PATH:
            return Answer(404, b"This process has /metrics and /healthz.\n", PLAIN)
        scheme, _space, token = headers_of(scope).get("authorization", "").partition(" ")
        try:
            found = await self._people.known("api", token.strip()) if scheme.lower() == "bearer" else None
        except StoreUnavailable:
            return Answer(503, b"The store is away.\n", PLAIN)
        if found is None:
            said = b"This needs an API token: `hookline user token` makes one.\n"
            return Answer(401, said, {**PLAIN, "www-authenticate": 'Bearer realm="Hookline"'})
        return Answer(200, process_text(self._vitals), {"content-type": CONTENT_TYPE_LATEST})

"""
A service on loopback as a table of routes, each with the schema of the body that it takes: what a
vendor's documentation says of method, path and body, checked at the door.

    class Shop(Routed):
        def __init__(self) -> None:
            super().__init__()
            self.route("POST", "/orders/{id}/notes", self.note, body={"type": "object", …})

        def note(self, received: Received, order: str) -> web.Response: ...
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote

import jsonschema_rs
from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

Answering: TypeAlias = Callable[..., web.Response]
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
TEXTS = {"type": "array", "items": TEXT}


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint."""

    method: str
    path: re.Pattern[str]
    answering: Answering
    body: jsonschema_rs.Validator | None


def object_of(*required: str, **properties: Any) -> dict[str, Any]:
    """The schema of an object that has no other properties than these."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


class Routed(HttpSink):
    """
    A part of a path in braces is one segment, given on decoded; what no route takes is `lost`, and a
    body that its schema refuses is `misshapen`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.handler = self._answer
        self.routes: list[Route] = []

    def route(self, method: str, path: str, answering: Answering, *, body: Any = None) -> None:
        """Add an endpoint; without a schema it takes no body."""
        pattern = re.sub(r"\\\{.*?\\\}", "([^/]+)", re.escape(path))
        validator = None if body is None else jsonschema_rs.validator_for(body)
        self.routes.append(Route(method, re.compile(pattern), answering, validator))

    def refusal(self, received: Received) -> web.Response | None:
        """The answer to a request without the right credentials; None: it may come in."""
        return None

    def lost(self, received: Received) -> web.Response:
        """The answer to what no route takes."""
        return web.json_response({"message": "Not Found"}, status=404)

    def misshapen(self, received: Received, why: str) -> web.Response:
        """The answer to a body that its schema refuses."""
        return web.json_response({"message": why}, status=400)

    async def _answer(self, received: Received) -> web.Response:
        if (refused := self.refusal(received)) is not None:
            return refused
        raw = received.request.raw_path.partition("?")[0]  # as it was sent: %2F is no slash
        for route in self.routes:
            found = route.path.fullmatch(raw)
            if found is None or route.method != received.method:
                continue
            if (why := _fault(route, received)) is not None:
                return self.misshapen(received, why)
            return route.answering(received, *(unquote(one) for one in found.groups()))
        return self.lost(received)


def _fault(route: Route, received: Received) -> str | None:
    if route.body is None:
        return "this takes no body" if received.body else None
    if "application/json" not in received.headers.get("content-type", ""):
        return "the body is not application/json"
    try:
        route.body.validate(received.json())
    except jsonschema_rs.ValidationError as error:
        return error.message
    return None

"""A GraphQL service on loopback: runs what it knows by the operation's field, and checks the request."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
from aiohttp import web

from tests.servers.http_sink import HttpSink, Received

TOKEN = "gql_s3cr3t_t0k3n"
REQUEST = jsonschema_rs.validator_for({  # "GraphQL over HTTP", section 5.1: request parameters
    "type": "object",
    "properties": {
        "query": {"type": "string", "minLength": 1},
        "operationName": {"type": ["string", "null"]},
        "variables": {"type": ["object", "null"]},
        "extensions": {"type": ["object", "null"]},
    },
    "required": ["query"],
    "additionalProperties": False,
})  # fmt: skip


class GraphQlService(HttpSink):
    """Knows the order 1 and its notes; `errors` are answered, in order, before anything is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = self._answer
        self.notes: list[str] = []
        self.errors: list[dict[str, Any]] = []

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"{self.url}/graphql"

    async def _answer(self, received: Received) -> web.Response:
        if received.path != "/graphql":
            return web.Response(status=404, text="not here")
        if received.method == "GET":
            return web.Response(status=405)
        if received.headers.get("authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "who are you"}, status=401)
        if "application/json" not in received.headers.get("content-type", ""):
            return web.Response(status=415)
        assert "application/graphql-response+json" in received.headers["accept"]
        body = received.json()
        REQUEST.validate(body)
        if self.errors:
            return _response({"data": None, "errors": [self.errors.pop(0)]})
        return _response(self._run(body["query"], body.get("variables") or {}))

    def _run(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "addNote" in document:
            self.notes.append(variables["note"])
            return {"data": {"addNote": {"id": len(self.notes)}}, "extensions": {"cost": 10}}
        if "reviews" in document:  # data and an error at once
            away = {"message": "reviews are away", "path": ["order", "reviews"]}
            return {"data": {"order": {"name": "#1", "reviews": None}}, "errors": [away]}
        if "order" in document:
            found = {"name": "#1", "total": "9.90"} if variables.get("id") == "1" else None
            return {"data": {"order": found}}
        error: dict[str, Any] = {
            "message": 'Cannot query field "x" on type "Query".',
            "locations": [{"line": 1, "column": 3}],
            "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
        }
        return {"errors": [error]}


def _response(body: dict[str, Any]) -> web.Response:
    """With its own media type a request that was refused has 400 ("GraphQL over HTTP", 6.4.2)."""
    status = 200 if "data" in body else 400
    return web.json_response(body, status=status, content_type="application/graphql-response+json")

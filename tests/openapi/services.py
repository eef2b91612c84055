"""The services of the documents beside this file, on loopback: they check what they receive."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from runner.connector import Call, Connection
from runner.openapi import FileConnector, Wanted, convert, read_document
from tests.servers.http_sink import HttpSink, Received
from tests.servers.routed import TEXT, Routed, object_of

DOCUMENTS = Path(__file__).parent / "documents"
KEY = "key-that-is-secret"


class Shop(Routed):
    """shop.yaml: bodies are judged by its schemas."""

    def __init__(self) -> None:
        super().__init__()
        note = object_of("text", text={**TEXT, "maxLength": 20}, pinned={"type": "boolean"}, secret=TEXT)
        count = {"type": "integer"}
        line = {"type": "object", "required": ["sku"], "properties": {"sku": TEXT, "count": count}}
        order = object_of(
            "currency", "lines",
            currency=TEXT, gift=TEXT, total={"type": "number"}, status={"type": ["string", "null"]},
            lines={"type": "array", "minItems": 1, "items": line},
        )  # fmt: skip
        self.route("PUT", "/v1/orders/{id}/notes/{note}", self.put_note, body=note)
        self.route(
            "DELETE", "/v1/orders/{id}/notes/{note}", lambda _received, *_ids: web.Response(status=204)
        )
        self.route("GET", "/v1/orders", lambda received: web.json_response([{"id": 1}]))
        self.route(
            "POST", "/v1/orders", lambda received: web.json_response({"id": 7}, status=201), body=order
        )

    @property
    def api_url(self) -> str:
        """What a connection gives."""
        return f"{self.url}/v1"

    def refusal(self, received: Received) -> web.Response | None:
        """Every call but a deletion needs the key."""
        if received.method == "DELETE" or received.headers.get("x-shop-key") == KEY:
            return None
        return web.json_response({"error": {"message": "no such key"}}, status=401)

    def put_note(self, received: Received, order: str, note: str) -> web.Response:
        """The note as it is then."""
        return web.json_response({"id": note, "order": order, **received.json()})


def fields(received: Received) -> list[tuple[str, str]]:
    """The fields of a form as they were sent."""
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    return parse_qsl(received.body.decode(), keep_blank_values=True, strict_parsing=bool(received.body))


def user_of(received: Received) -> str:
    """Who comes by HTTP Basic."""
    scheme, _, value = received.headers["authorization"].partition(" ")
    assert scheme == "Basic"
    return base64.b64decode(value).decode()


def laid(folder: Path, document: str, name: str, **wanted: Any) -> FileConnector:
    """The connector *name* of a document, kept as a file in *folder*."""
    path = folder / "connectors" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    given = Wanted(name=name, address=document, **wanted)
    path.write_text(convert(read_document((DOCUMENTS / document).read_bytes()), given).text, encoding="utf-8")
    return FileConnector(path)


class Acting:
    """The actions of *connector* at *service*: `await act("verb", input=…)` gives the output as JSON."""

    def __init__(self, connector: FileConnector, make_call: Any, connection: Connection | None) -> None:
        self.connector = connector
        self.make_call = make_call
        self.connection = connection

    async def __call__(self, verb: str, inputs: dict[str, Any] | None = None, **more: Any) -> Any:
        action = self.connector.action(verb)
        assert action is not None
        given = action.read_input({**(inputs or {}), **more})
        call: Call = self.make_call(self.connection)
        output = await action.function(call, self.connection, given)
        return output.model_dump(mode="json", by_alias=True)


def connected(connector: FileConnector, kind: str, service: HttpSink, **given: Any) -> Connection:
    """A connection of *kind* to *service*."""
    fields = {"api_url": getattr(service, "api_url", service.url), **given}
    return connector.connections[kind].model_validate(fields)

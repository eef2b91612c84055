"""
Notion's API on loopback, version 2026-03-11, in the shapes of its documentation: a database with a data
source of each type of property, pages, blocks, search, and errors {object, status, code, message}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from aiohttp import web

from tests.servers.http_sink import Received
from tests.servers.routed import Routed

TOKEN = "ntn_1234567890abcdefghijklmnopqrstuv"
VERSION = "2026-03-11"
DATABASE = "1f0c2d3e-4b5a-6978-8796-a5b4c3d2e1f0"
SOURCE = "2f26ee68-df30-4251-aad4-8ddc420cba3d"
ADA = "c2f20311-9e54-4d11-8c79-7398424ae41e"
WRITABLE = {
    "Name": "title",
    "Notes": "rich_text",
    "Total": "number",
    "Status": "status",
    "Channel": "select",
    "Tags": "multi_select",
    "Due": "date",
    "Done": "checkbox",
    "Site": "url",
    "Email": "email",
    "Phone": "phone_number",
    "Owner": "people",
    "Parent": "relation",
    "Files": "files",
}
SCHEMA = {**WRITABLE, "Sum": "formula", "Number": "unique_id", "Made": "created_time", "All": "rollup"}

ID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
IDS = {
    "type": "array",
    "maxItems": 100,
    "items": {"type": "object", "required": ["id"], "properties": {"id": ID}},
}
TEXTS = {
    "type": "array",
    "maxItems": 100,
    "items": {
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": {
                "type": "object",
                "required": ["content"],
                "properties": {"content": {"type": "string", "maxLength": 2000}},
            }
        },
    },
}
OPTION = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "pattern": "^[^,]+$"}},
}
VALUES: dict[str, Any] = {
    "title": TEXTS,
    "rich_text": TEXTS,
    "number": {"type": ["number", "null"]},
    "status": {"anyOf": [OPTION, {"type": "null"}]},
    "select": {"anyOf": [OPTION, {"type": "null"}]},
    "multi_select": {"type": "array", "maxItems": 100, "items": OPTION},
    "date": {
        "type": ["object", "null"],
        "required": ["start"],
        "properties": {"start": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d"}},
    },
    "checkbox": {"type": "boolean"},
    "url": {"type": ["string", "null"], "maxLength": 2000},
    "email": {"type": ["string", "null"], "maxLength": 200},
    "phone_number": {"type": ["string", "null"], "maxLength": 200},
    "people": IDS,
    "relation": IDS,
    "files": {"type": "array", "items": {"type": "object", "required": ["name", "external"]}},
}
PROPERTIES = {
    "type": "object",
    "properties": {
        name: {
            "type": "object",
            "required": [kind],
            "properties": {kind: VALUES[kind]},
            "additionalProperties": False,
        }
        for name, kind in {**WRITABLE, "title": "title"}.items()
    },
    "additionalProperties": False,
}
BLOCKS = {"type": "array", "maxItems": 100, "items": {"type": "object"}}
PAGED = {"start_cursor": {"type": "string"}, "page_size": {"type": "integer", "minimum": 1, "maximum": 100}}


def shape(required: list[str], **properties: Any) -> dict[str, Any]:
    """The schema of a body."""
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


class NotionService(Routed):
    """Knows the secret TOKEN; keeps `pages` (id → page) and `blocks` (page's id → blocks)."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, dict[str, Any]] = {}
        self.blocks: dict[str, list[Any]] = {}
        self.sources = [{"id": SOURCE, "name": "Orders"}]
        parent = {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {"page_id": ID, "data_source_id": ID},
        }
        self.route("GET", "/v1/users/me", self.me)
        self.route("GET", "/v1/databases/{id}", self.database)
        self.route("GET", "/v1/data_sources/{id}", self.data_source)
        self.route(
            "POST",
            "/v1/data_sources/{id}/query",
            self.query,
            body=shape(
                [], filter={"type": "object"}, sorts={"type": "array"}, result_type={"const": "page"}, **PAGED
            ),
        )
        self.route(
            "POST",
            "/v1/pages",
            self.create,
            body=shape(
                ["parent", "properties"],
                parent=parent,
                properties=PROPERTIES,
                markdown={"type": "string"},
                children=BLOCKS,
                icon={"type": "object"},
            ),
        )
        self.route("GET", "/v1/pages/{id}", self.page)
        self.route(
            "PATCH",
            "/v1/pages/{id}",
            self.change,
            body=shape([], properties=PROPERTIES, icon={"type": "object"}, in_trash={"type": "boolean"}),
        )
        self.route(
            "PATCH", "/v1/blocks/{id}/children", self.append, body=shape(["children"], children=BLOCKS)
        )
        self.route(
            "POST",
            "/v1/search",
            self.search,
            body=shape([], query={"type": "string"}, filter={"type": "object"}, **PAGED),
        )

    @property
    def api_url(self) -> str:
        """What a connection's `api_url` is set to."""
        return f"{self.url}/v1"

    def refusal(self, received: Received) -> web.Response | None:
        """The secret, and the version that every request has to name."""
        if received.headers.get("authorization") != f"Bearer {TOKEN}":
            return no(401, "unauthorized", "API token is invalid.")
        if received.headers.get("notion-version") != VERSION:
            return no(400, "missing_version", "Notion-Version header failed validation")
        return None

    def lost(self, received: Received) -> web.Response:
        """No such route."""
        return no(400, "invalid_request_url", "Invalid request URL.")

    def misshapen(self, received: Received, why: str) -> web.Response:
        """A body of another shape."""
        return no(400, "validation_error", f"body failed validation: {why}")

    def me(self, _received: Received) -> web.Response:
        """The integration."""
        bot = {"owner": {"type": "workspace", "workspace": True}, "workspace_name": "Acme"}
        return web.json_response({"object": "user", "id": ADA, "type": "bot", "name": "Hookline", "bot": bot})

    def database(self, _received: Received, one: str) -> web.Response:
        """The container of data sources."""
        if one != DATABASE:
            return lost_object(one)
        return web.json_response({"object": "database", "id": one, "data_sources": self.sources})

    def data_source(self, _received: Received, one: str) -> web.Response:
        """The schema."""
        if one not in {each["id"] for each in self.sources}:
            return lost_object(one)
        properties = {
            name: {"id": name.lower(), "name": name, "type": kind, kind: {}} for name, kind in SCHEMA.items()
        }
        return web.json_response({"object": "data_source", "id": one, "properties": properties})

    def query(self, received: Received, one: str) -> web.Response:
        """All pages of the data source, in portions; what the filter holds is for the test to look at."""
        return self.portion(list(self.pages.values()), received.json())

    def search(self, received: Received) -> web.Response:
        """Pages and data sources whose title has the query in it."""
        body = received.json()
        title = [{"plain_text": "Orders"}]
        source = {
            "object": "data_source",
            "id": SOURCE,
            "title": title,
            "url": "https://www.notion.so/orders",
            "parent": {"type": "database_id", "database_id": DATABASE},
        }
        every = [source, source | {"id": ADA, "title": [{"plain_text": "Orders, old"}]}, *self.pages.values()]
        wanted = (body.get("filter") or {}).get("value")
        found = [one for one in every if wanted in {None, one["object"]}]
        return self.portion([one for one in found if body.get("query", "") in str(one)], body)

    def portion(self, every: list[Any], body: dict[str, Any]) -> web.Response:
        """A part of a list."""
        start = int(body.get("start_cursor", "0"))
        end = start + body.get("page_size", 100)
        more = end < len(every)
        after = str(end) if more else None
        return web.json_response(
            {"object": "list", "results": every[start:end], "has_more": more, "next_cursor": after}
        )

    def create(self, received: Received) -> web.Response:
        """A new page."""
        body = received.json()
        one = str(UUID(int=len(self.pages) + 1))
        known = SCHEMA if "data_source_id" in body["parent"] else {"title": "title"}
        self.pages[one] = {
            "object": "page",
            "id": one,
            "url": f"https://www.notion.so/{one}",
            "created_time": "2026-01-02T03:04:00.000Z",
            "last_edited_time": "2026-01-02T03:04:00.000Z",
            "in_trash": False,
            "parent": body["parent"],
            "properties": {name: shown(kind, None) for name, kind in known.items()},
        }
        self.blocks[one] = body.get("children", [])
        return self.changed(one, body)

    def page(self, _received: Received, one: str) -> web.Response:
        """A page."""
        return web.json_response(self.pages[one]) if one in self.pages else lost_object(one)

    def change(self, received: Received, one: str) -> web.Response:
        """Changes to a page."""
        return self.changed(one, received.json()) if one in self.pages else lost_object(one)

    def changed(self, one: str, body: dict[str, Any]) -> web.Response:
        """The page with what *body* says."""
        page = self.pages[one]
        for name, value in body.get("properties", {}).items():
            [(kind, given)] = value.items()
            page["properties"][name] = shown(kind, given)
        page["in_trash"] = body.get("in_trash", page["in_trash"])
        return web.json_response(page)

    def append(self, received: Received, one: str) -> web.Response:
        """Blocks at the end of a page."""
        if one not in self.pages:
            return lost_object(one)
        new = received.json()["children"]
        self.blocks[one] += new
        made = [{"object": "block", "id": str(UUID(int=1000 + number))} for number in range(len(new))]
        return web.json_response({"object": "list", "results": made, "has_more": False, "next_cursor": None})


def shown(kind: str, given: Any) -> dict[str, Any]:
    """A property as a page shows it."""
    empty: dict[str, Any] = {
        **{one: [] for one in ("title", "rich_text", "multi_select", "people", "relation", "files")},
        "checkbox": False,
        "formula": {"type": "number", "number": 42},
        "unique_id": {"prefix": "ORD", "number": 7},
        "created_time": "2026-01-02T03:04:00.000Z",
        "rollup": {
            "type": "array",
            "array": [{"type": "number", "number": 1}, {"type": "select", "select": None}],
        },
    }
    value = empty.get(kind) if given is None else given
    adds: dict[str, Callable[[Any], Any]] = {
        "title": text,
        "rich_text": text,
        "people": lambda each: each | {"object": "user", "name": "Ada"},
        "files": lambda each: each | {"type": "external"},
        "multi_select": lambda each: each | {"id": "x", "color": "red"},
    }
    if kind in adds:
        value = [adds[kind](each) for each in value or []]
    if kind == "date" and value:
        value = {"end": None, "time_zone": None} | value
    return {"id": kind, "type": kind, kind: value}


def text(each: dict[str, Any]) -> dict[str, Any]:
    """A rich text as a page shows it."""
    return each | {"type": "text", "plain_text": each["text"]["content"]}


def lost_object(one: str) -> web.Response:
    """Not there, or not shared."""
    return no(404, "object_not_found", f"Could not find object with ID: {one}.")


def no(status: int, code: str, message: str) -> web.Response:
    """A refusal."""
    body = {"object": "error", "status": status, "code": code, "message": message}
    headers = {"Retry-After": "3"} if status == 429 else None
    return web.json_response(body, status=status, headers=headers)

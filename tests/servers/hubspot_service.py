"""
HubSpot's CRM on loopback, version 2026-09, in the shapes of its documentation: objects whose properties
are texts, upserts of contacts by email, associations, search in pages, pipelines and owners.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.servers.http_sink import Received
from tests.servers.routed import TEXT, TEXTS, Routed, object_of

TOKEN = "pat-eu1-12345678-abcd-1234-abcd-123456789012"
PROPERTIES = {"type": "object", "additionalProperties": TEXT}
ASSOCIATIONS = {
    "type": "array",
    "items": object_of(
        "to",
        "types",
        to=object_of("id", id=TEXT),
        types={
            "type": "array",
            "minItems": 1,
            "items": object_of(
                "associationCategory",
                "associationTypeId",
                associationCategory={"const": "HUBSPOT_DEFINED"},
                associationTypeId={"enum": [3, 341, 202, 190, 214, 228]},
            ),
        },
    ),
}
FILTER = object_of(
    "operator",
    "propertyName",
    operator={"enum": ["EQ", "GT", "IN", "NOT_HAS_PROPERTY"]},
    propertyName=TEXT,
    value=TEXT,
    values=TEXTS,
)
UPSERT = object_of("id", "properties", id=TEXT, idProperty={"const": "email"}, properties=PROPERTIES)
SEARCH = object_of(
    "filterGroups",
    filterGroups={
        "type": "array",
        "maxItems": 5,
        "items": object_of("filters", filters={"type": "array", "maxItems": 6, "items": FILTER}),
    },
    query={"type": "string", "maxLength": 3000},
    properties=TEXTS,
    sorts={"type": "array", "maxItems": 1},
    limit={"type": "integer", "minimum": 1, "maximum": 200},
    after=TEXT,
)


class HubSpotService(Routed):
    """Knows the token TOKEN; keeps `objects` (kind → id → properties) and `associations`."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, dict[str, dict[str, str]]] = {"contacts": {}, "deals": {}, "notes": {}}
        self.associations: list[tuple[str, ...]] = []
        here = "/crm/objects/2026-09/{kind}"
        new = object_of("properties", "associations", properties=PROPERTIES, associations=ASSOCIATIONS)
        upserts = object_of(
            "inputs", inputs={"type": "array", "minItems": 1, "maxItems": 100, "items": UPSERT}
        )
        change = object_of("properties", properties=PROPERTIES)
        self.route("GET", "/account-info/2026-09/details", self.account)
        self.route("POST", f"{here}/batch/upsert", self.upsert, body=upserts)
        self.route("POST", f"{here}/search", self.search, body=SEARCH)
        self.route("POST", here, self.create, body=new)
        self.route("GET", f"{here}/{{id}}", self.get)
        self.route("PATCH", f"{here}/{{id}}", self.change, body=change)
        self.route("PUT", f"{here}/{{id}}/associations/default/{{kind}}/{{id}}", self.associate)
        self.route("GET", "/crm/pipelines/2026-09/deals", self.pipelines)
        self.route("GET", "/crm/owners/2026-09", self.owners)

    def refusal(self, received: Received) -> web.Response | None:
        """The token."""
        if received.headers.get("authorization") == f"Bearer {TOKEN}":
            return None
        return no(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")

    def lost(self, received: Received) -> web.Response:
        """No such route."""
        return no(404, "OBJECT_NOT_FOUND", "no route")

    def misshapen(self, received: Received, why: str) -> web.Response:
        """A body of another shape."""
        return no(400, "VALIDATION_ERROR", f"Invalid input JSON: {why}")

    def account(self, _received: Received) -> web.Response:
        """Whose it is."""
        return web.json_response({"portalId": 123456, "accountType": "STANDARD", "timeZone": "US/Eastern"})

    def create(self, received: Received, kind: str) -> web.Response:
        """A new object."""
        body = received.json()
        one = str(sum(len(each) for each in self.objects.values()) + 101)
        self.objects[kind][one] = body["properties"]
        for each in body["associations"]:
            self.associations.append(
                (kind, one, str(each["types"][0]["associationTypeId"]), each["to"]["id"])
            )
        return web.json_response(self.shown(kind, one), status=201)

    def upsert(self, received: Received, kind: str) -> web.Response:
        """Objects found by their email, or new."""
        [given] = received.json()["inputs"]
        properties = given["properties"]
        if "no_such" in properties:
            error = {"status": "error", "category": "VALIDATION_ERROR", "message": "no_such does not exist"}
            body = {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [error]}
            return web.json_response(body, status=207)
        known = [one for one, has in self.objects[kind].items() if has.get("email") == given["id"]]
        one = known[0] if known else str(len(self.objects[kind]) + 1)
        self.objects[kind][one] = self.objects[kind].get(one, {}) | properties
        result = self.shown(kind, one) | {"new": not known}
        return web.json_response({"status": "COMPLETE", "results": [result]})

    def get(self, received: Received, kind: str, one: str) -> web.Response:
        """An object, by its id or another property."""
        if (by := received.query.get("idProperty")) is not None:
            one = next((each for each, has in self.objects[kind].items() if has.get(by) == one), "")
        if one not in self.objects[kind]:
            return no(404, "OBJECT_NOT_FOUND", "resource not found")
        return web.json_response(self.shown(kind, one, received.query.get("properties")))

    def change(self, received: Received, kind: str, one: str) -> web.Response:
        """Properties of an object."""
        if one not in self.objects[kind]:
            return no(404, "OBJECT_NOT_FOUND", "resource not found")
        self.objects[kind][one] |= received.json()["properties"]
        return web.json_response(self.shown(kind, one))

    def search(self, received: Received, kind: str) -> web.Response:
        """All objects of the kind, in portions; what the filters say is for the test to look at."""
        body = received.json()
        start = int(body.get("after", "0"))
        ids = list(self.objects[kind])
        page = [self.shown(kind, one) for one in ids[start : start + body["limit"]]]
        end = start + len(page)
        more = {"paging": {"next": {"after": str(end)}}} if end < len(ids) else {}
        return web.json_response({"total": len(ids), "results": page, **more})

    def associate(self, _received: Received, *pair: str) -> web.Response:
        """Two objects."""
        self.associations.append(pair)
        return web.json_response({"status": "COMPLETE", "results": []})

    def pipelines(self, _received: Received) -> web.Response:
        """The pipelines of deals."""
        stages = [{"id": "appointmentscheduled", "label": "Appointment"}, {"id": "closedwon", "label": "Won"}]
        return web.json_response({"results": [{"id": "default", "label": "Sales", "stages": stages}]})

    def owners(self, received: Received) -> web.Response:
        """The owners, one a portion."""
        if "after" in received.query:
            return web.json_response({"results": [{"id": "2", "email": "bob@example.org"}]})
        ada = {"id": "1", "firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.org"}
        return web.json_response({"results": [ada], "paging": {"next": {"after": "1"}}})

    def shown(self, kind: str, one: str, only: str | None = None) -> dict[str, Any]:
        """An object as HubSpot shows it."""
        properties = dict(self.objects[kind][one])
        if only is not None:
            properties = {name: properties.get(name) for name in only.split(",")}  # type: ignore[misc]
        times = {"createdAt": "2026-01-02T03:04:05.000Z", "updatedAt": "2026-01-02T03:04:05.000Z"}
        return {"id": one, "properties": properties, "archived": False, **times}


def no(status: int, category: str, message: str, **more: Any) -> web.Response:
    """A refusal."""
    body = {"status": "error", "message": message, "correlationId": "aeb5f871", "category": category, **more}
    return web.json_response(body, status=status)

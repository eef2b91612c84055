"""
Shopify's GraphQL Admin API on loopback, in the shapes of its documentation: operations known by their
fields, variables checked against schemas made from its input types, `@idempotent`, `userErrors`, errors
with HTTP 200 and the cost, and the client credentials grant.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

import jsonschema_rs
from aiohttp import web

from tests.servers.http_sink import HttpSink, Received
from tests.servers.routed import TEXT, TEXTS, object_of

TOKEN = "shpat_0123456789abcdef0123456789abcdef"
APP_TOKEN = "shpat_fedcba9876543210"
SECRET = "shpss_secret"
PATH = "/admin/api/2026-10/graphql.json"
NULLABLE = {"type": ["string", "null"]}


def ids(kind: str) -> dict[str, Any]:
    """The schema of a global id."""
    return {"type": "string", "pattern": f"^gid://shopify/({kind})/[0-9]+$"}


TAGS = object_of("id", "tags", id=ids("Order|Customer|Product"), tags=TEXTS)
TRACKING = object_of(number=TEXT, company=TEXT, url=TEXT)
VARIABLES = {
    "shop": object_of(),
    "order": object_of("id", id=ids("Order")),
    "orders": object_of(
        query=NULLABLE, first={"type": "integer", "minimum": 1, "maximum": 250}, after=NULLABLE
    ),
    "orderUpdate": object_of(
        "input", input=object_of("id", id=ids("Order"), note=TEXT, email=TEXT, phone=TEXT, poNumber=TEXT)
    ),
    "tagsAdd": TAGS,
    "tagsRemove": TAGS,
    "customerSet": object_of(
        "identifier",
        "input",
        identifier=object_of("email", email=TEXT),
        input=object_of(
            "email", email=TEXT, firstName=TEXT, lastName=TEXT, phone=TEXT, note=TEXT, tags=TEXTS
        ),
    ),
    "inventoryItems": object_of("query", query=TEXT),
    "inventoryAdjustQuantities": object_of(
        "input",
        "key",
        key={"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        input=object_of(
            "name",
            "reason",
            "changes",
            name={"const": "available"},
            reason=TEXT,
            referenceDocumentUri=TEXT,
            changes={
                "type": "array",
                "minItems": 1,
                "items": object_of(
                    "delta",
                    "inventoryItemId",
                    "locationId",
                    "changeFromQuantity",
                    delta={"type": "integer"},
                    inventoryItemId=ids("InventoryItem"),
                    locationId=ids("Location"),
                    changeFromQuantity={"type": ["integer", "null"]},
                ),
            },
        ),
    ),
    "fulfillmentCreate": object_of(
        "fulfillment",
        fulfillment=object_of(
            "lineItemsByFulfillmentOrder",
            lineItemsByFulfillmentOrder={
                "type": "array",
                "items": object_of("fulfillmentOrderId", fulfillmentOrderId=ids("FulfillmentOrder")),
            },
            notifyCustomer={"type": "boolean"},
            trackingInfo=TRACKING,
        ),
    ),
    "locations": object_of(query=NULLABLE, after=NULLABLE),
}


class ShopifyService(HttpSink):
    """Keeps `orders`, `tags`, `customers`, `stock`; `errors` are given in place of the next data."""

    def __init__(self) -> None:
        super().__init__()
        self.orders = [order(number) for number in range(1001, 1004)]
        self.tags: dict[str, set[str]] = {}
        self.updates: list[dict[str, Any]] = []
        self.customers: dict[str, dict[str, Any]] = {}
        self.stock = 10
        self.adjusted: dict[str, dict[str, Any]] = {}  # by idempotency key
        self.fulfillments: list[dict[str, Any]] = []
        self.to_fulfill = {
            "gid://shopify/FulfillmentOrder/1": ("OPEN", "1"),
            "gid://shopify/FulfillmentOrder/2": ("CLOSED", "1"),
        }
        self.user_errors: list[dict[str, Any]] = []
        self.errors: dict[str, Any] = {}
        self.tokens_given = 0
        self.handler = self._answer

    async def _answer(self, received: Received) -> web.Response:
        if received.path == "/admin/oauth/access_token":
            return self._token(received)
        if received.path != PATH:
            return web.json_response({"errors": "Not Found"}, status=404)
        if received.headers.get("x-shopify-access-token") not in {TOKEN, APP_TOKEN}:
            body = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
            return web.json_response(body, status=401)
        if self.errors:
            answer, self.errors = self.errors, {}
            return web.json_response(answer)
        body = received.json()
        assert set(body) == {"query", "variables"}
        found = re.search(r"^(query|mutation) \w+.*?\{\s*(\w+)", body["query"], re.DOTALL)
        assert found is not None
        field = found[2]
        try:
            jsonschema_rs.validate(VARIABLES[field], body["variables"])
        except jsonschema_rs.ValidationError as error:
            return web.json_response(
                {"errors": [{"message": error.message, "extensions": {"code": "INVALID_VARIABLE"}}]}
            )
        if found[1] == "mutation":
            assert "userErrors" in body["query"]
        if self.user_errors:
            return web.json_response({"data": {field: {"userErrors": self.user_errors}}})
        cost = {"requestedQueryCost": 10, "actualQueryCost": 5}
        result = getattr(self, f"_{field}")(body["query"], body["variables"])
        return web.json_response({"data": {field: result}, "extensions": {"cost": cost}})

    def _token(self, received: Received) -> web.Response:
        form = {name: texts[0] for name, texts in parse_qs(received.body.decode()).items()}
        if form != {"grant_type": "client_credentials", "client_id": "app1", "client_secret": SECRET}:
            return web.json_response({"error": "invalid_client"}, status=400)
        self.tokens_given += 1
        return web.json_response({"access_token": APP_TOKEN, "scope": "write_orders", "expires_in": 86399})

    def _shop(self, _query: str, _given: dict[str, Any]) -> Any:
        return {"name": "Acme", "myshopifyDomain": "acme.myshopify.com"}

    def _order(self, query: str, given: dict[str, Any]) -> Any:
        known = next((one for one in self.orders if one["id"] == given["id"]), None)
        if known is None or "fulfillmentOrders" not in query:
            return known
        nodes = [
            {
                "id": one,
                "status": status,
                "assignedLocation": {"name": f"L{at}", "location": {"id": f"gid://shopify/Location/{at}"}},
            }
            for one, (status, at) in self.to_fulfill.items()
        ]
        return {"fulfillments": self.fulfillments, "fulfillmentOrders": {"nodes": nodes}}

    def _orders(self, _query: str, given: dict[str, Any]) -> Any:
        every = self.orders
        if (name := re.fullmatch(r'name:"#?(.*)"', given.get("query") or "")) is not None:
            return {
                "nodes": [{"id": one["id"], "name": one["name"]} for one in every if name[1] in one["name"]]
            }
        start = int(given.get("after") or 0)
        end = start + given["first"]
        return {
            "nodes": every[start:end],
            "pageInfo": {"hasNextPage": end < len(every), "endCursor": str(end)},
        }

    def _orderUpdate(self, _query: str, given: dict[str, Any]) -> Any:  # noqa: N802 - the field's name
        self.updates.append(given["input"])
        return {"order": {"id": given["input"]["id"]}, "userErrors": []}

    def _tagsAdd(self, _query: str, given: dict[str, Any]) -> Any:  # noqa: N802
        self.tags.setdefault(given["id"], set()).update(given["tags"])
        return {"node": {"id": given["id"]}, "userErrors": []}

    def _tagsRemove(self, _query: str, given: dict[str, Any]) -> Any:  # noqa: N802
        self.tags.setdefault(given["id"], set()).difference_update(given["tags"])
        return {"node": {"id": given["id"]}, "userErrors": []}

    def _customerSet(self, _query: str, given: dict[str, Any]) -> Any:  # noqa: N802
        email = given["identifier"]["email"]
        assert given["input"]["email"] == email
        known = self.customers.setdefault(email, {"id": f"gid://shopify/Customer/{len(self.customers) + 1}"})
        known |= given["input"]
        name = f"{known.get('firstName', '')} {known.get('lastName', '')}".strip()
        customer = {"id": known["id"], "displayName": name, "defaultEmailAddress": {"emailAddress": email}}
        return {"customer": customer, "userErrors": []}

    def _inventoryItems(self, _query: str, given: dict[str, Any]) -> Any:  # noqa: N802
        known = [("1", "SHIRT"), ("2", "SHIRT-L"), ("3", "TWICE"), ("4", "TWICE")]
        wanted = given["query"].removeprefix('sku:"').removesuffix('"')
        return {
            "nodes": [
                {"id": f"gid://shopify/InventoryItem/{i}", "sku": sku} for i, sku in known if wanted in sku
            ]
        }

    def _inventoryAdjustQuantities(self, query: str, given: dict[str, Any]) -> Any:  # noqa: N802
        assert "@idempotent(key: $key)" in query
        if given["key"] not in self.adjusted:
            [change] = given["input"]["changes"]
            self.stock += change["delta"]
            changes = [
                {"name": "on_hand", "delta": change["delta"], "quantityAfterChange": None},
                {"name": "available", "delta": change["delta"], "quantityAfterChange": self.stock},
            ]
            self.adjusted[given["key"]] = {"inventoryAdjustmentGroup": {"changes": changes}, "userErrors": []}
        return self.adjusted[given["key"]]

    def _fulfillmentCreate(self, _query: str, given: dict[str, Any]) -> Any:  # noqa: N802
        fulfillment = given["fulfillment"]
        for each in fulfillment["lineItemsByFulfillmentOrder"]:
            _, at = self.to_fulfill[each["fulfillmentOrderId"]]
            self.to_fulfill[each["fulfillmentOrderId"]] = ("CLOSED", at)
        made = {"id": f"gid://shopify/Fulfillment/{len(self.fulfillments) + 1}", "status": "SUCCESS"}
        self.fulfillments.append(made)
        return {"fulfillment": made, "userErrors": []}

    def _locations(self, _query: str, given: dict[str, Any]) -> Any:
        if given["after"]:
            nodes = [{"id": "gid://shopify/Location/2", "name": "Store", "address": {"city": None}}]
            return {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": "2"}}
        nodes = [{"id": "gid://shopify/Location/1", "name": "Warehouse", "address": {"city": "Berlin"}}]
        return {"nodes": nodes, "pageInfo": {"hasNextPage": True, "endCursor": "1"}}


def order(number: int) -> dict[str, Any]:
    """An order as Shopify gives it."""
    money = {"shopMoney": {"amount": "12.50", "currencyCode": "EUR"}}
    line = {"id": "gid://shopify/LineItem/1", "title": "Shirt", "sku": "SHIRT", "quantity": 2}
    line |= {
        "variant": {"id": "gid://shopify/ProductVariant/1"},
        "originalUnitPriceSet": {"shopMoney": {"amount": "6.25"}},
    }
    return {
        "id": f"gid://shopify/Order/{number}000",
        "name": f"#{number}",
        "createdAt": "2026-01-02T03:04:05Z",
        "cancelledAt": None,
        "email": "ada@example.org",
        "note": None,
        "tags": ["vip"],
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "totalPriceSet": money,
        "customer": {"id": "gid://shopify/Customer/1", "displayName": "Ada Lovelace"},
        "phone": None,
        "shippingAddress": {"name": "Ada Lovelace", "city": "London"},
        "lineItems": {"nodes": [line], "pageInfo": {"hasNextPage": False}},
    }

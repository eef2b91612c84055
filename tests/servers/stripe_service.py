"""
Stripe's API on loopback, in the shapes of its documentation: nested forms checked against a schema,
Idempotency-Key that replays the first answer, errors {error: {type, code, message, param}}.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import jsonschema_rs
from aiohttp import web

from tests.servers.http_sink import HttpSink, Received
from tests.servers.routed import object_of

KEY = "sk_test_51Abcdefghijklmnop"
VERSION = "2026-10-28.endive"
TEXT = {"type": "string"}
NUMBER = {"type": "string", "pattern": "^-?[0-9]+$"}  # in a form all is text
AMOUNT = {"type": "string", "pattern": "^[0-9]+$"}
CURRENCY = {"type": "string", "pattern": "^[a-z]{3}$"}
METADATA = {
    "type": "object",
    "maxProperties": 50,
    "additionalProperties": {"type": "string", "maxLength": 500},
}
PRICE_DATA = object_of(
    "currency",
    "unit_amount",
    "product_data",
    currency=CURRENCY,
    unit_amount=AMOUNT,
    product_data=object_of("name", name=TEXT),
)
ITEMS = {
    "type": "array",
    "minItems": 1,
    "items": {
        **object_of("quantity", price=TEXT, quantity=AMOUNT, price_data=PRICE_DATA),
        "oneOf": [{"required": ["price"]}, {"required": ["price_data"]}],
    },
}
LINE = object_of(pricing=object_of("price", price=TEXT), quantity=AMOUNT, description=TEXT, amount=NUMBER)
CUSTOMER = object_of(email=TEXT, name=TEXT, phone=TEXT, description=TEXT, metadata=METADATA)
BODIES = {
    r"/customers": CUSTOMER,
    r"/customers/(cus_\w+)": CUSTOMER,
    r"/checkout/sessions": object_of(
        "mode",
        "line_items",
        "success_url",
        mode={"enum": ["payment", "subscription"]},
        line_items=ITEMS,
        success_url=TEXT,
        cancel_url=TEXT,
        customer=TEXT,
        customer_email=TEXT,
        client_reference_id=TEXT,
        metadata=METADATA,
    ),
    r"/payment_links": object_of(
        "line_items",
        line_items=ITEMS,
        metadata=METADATA,
        after_completion=object_of("type", type={"const": "redirect"}, redirect=object_of("url", url=TEXT)),
    ),
    r"/invoices": object_of(
        "customer",
        customer=TEXT,
        collection_method={"const": "send_invoice"},
        days_until_due=AMOUNT,
        currency=CURRENCY,
        description=TEXT,
        auto_advance={"const": "false"},
        pending_invoice_items_behavior={"const": "exclude"},
        metadata=METADATA,
    ),
    r"/invoices/(in_\w+)/add_lines": object_of(
        "lines", lines={"type": "array", "minItems": 1, "items": LINE}
    ),
    r"/invoices/(in_\w+)/finalize": object_of(auto_advance={"const": "false"}),
    r"/invoices/(in_\w+)/send": object_of(),
    r"/refunds": object_of(
        payment_intent=TEXT,
        charge=TEXT,
        amount=AMOUNT,
        reason={"enum": ["duplicate", "fraudulent", "requested_by_customer"]},
        metadata=METADATA,
    ),
}
Answer: TypeAlias = tuple[int, dict[str, Any]]


class StripeService(HttpSink):
    """Knows the secret key KEY; keeps `objects` (id → object) and the first answer by Idempotency-Key."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, dict[str, Any]] = {}
        self.first: dict[str, tuple[str, bytes, Answer]] = {}
        self.done: list[str] = []  # the paths of what was really done
        self.handler = self._answer

    @property
    def api_url(self) -> str:
        """What a connection's `api_url` is set to."""
        return f"{self.url}/v1"

    async def _answer(self, received: Received) -> web.Response:
        key = received.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in {KEY, "rk_test_reader"}:
            return no(401, "invalid_request_error", None, f"Invalid API Key provided: {key[:8]}****")
        assert received.headers.get("stripe-version") == VERSION
        path = received.request.rel_url.raw_path.removeprefix("/v1")
        if received.method == "GET":
            return self._read(path, nested(received.query_string), key)
        return self._write(path, received)

    def _write(self, path: str, received: Received) -> web.Response:
        key = received.headers["idempotency-key"]
        assert received.headers["content-type"] == "application/x-www-form-urlencoded"
        if key in self.first:
            known, body, (status, answer) = self.first[key]
            if (known, body) != (path, received.body):
                return no(
                    400,
                    "idempotency_error",
                    None,
                    "Keys for idempotent requests can only be used with the same parameters",
                )
            return web.json_response(answer, status=status, headers={"Idempotent-Replayed": "true"})
        status, answer = self._do(path, nested(received.body.decode()))
        self.first[key] = (path, received.body, (status, answer))
        return web.json_response(answer, status=status)

    def _do(self, path: str, body: dict[str, Any]) -> Answer:
        for pattern, schema in BODIES.items():
            if (found := re.fullmatch(pattern, path)) is None:
                continue
            try:
                jsonschema_rs.validate(schema, body)
            except jsonschema_rs.ValidationError as error:
                return 400, problem("invalid_request_error", "parameter_unknown", error.message)
            self.done.append(path)
            return self._changed(path, body, *found.groups())
        return 404, problem("invalid_request_error", None, f"Unrecognized request URL (POST: {path}).")

    def _changed(self, path: str, body: dict[str, Any], one: str = "") -> Answer:
        if one and one not in self.objects:
            return 404, problem("invalid_request_error", "resource_missing", f"No such object: '{one}'", "id")
        if body.get("payment_intent") == "pi_declined":
            return 402, problem("card_error", "charge_already_refunded", "has already been refunded")
        match path.split("/"):
            case [_, "customers"]:
                return 200, self.make("cus", "customer", body)
            case [_, "customers", _]:
                self.objects[one] |= body
            case [_, "checkout", "sessions"]:
                return 200, self.make(
                    "cs_test",
                    "checkout.session",
                    {"url": "https://checkout.stripe.com/c/1", "expires_at": 1_800_000_000},
                )
            case [_, "payment_links"]:
                return 200, self.make("plink", "payment_link", {"url": "https://buy.stripe.com/test_1"})
            case [_, "refunds"]:
                return 200, self.make(
                    "re",
                    "refund",
                    {"status": "succeeded", "amount": int(body.get("amount", 999)), "currency": "eur"},
                )
            case [_, "invoices"]:
                return 200, self.make(
                    "in", "invoice", {"status": "draft", "currency": body["currency"], "lines": []}
                )
            case [_, "invoices", _, verb]:
                self._invoice(self.objects[one], verb, body)
        return 200, self.objects[one]

    def _invoice(self, invoice: dict[str, Any], verb: str, body: dict[str, Any]) -> None:
        match verb:
            case "add_lines":
                invoice["lines"] += body["lines"]
                invoice["amount_due"] = sum(int(one.get("amount", 1000)) for one in invoice["lines"])
            case "finalize":
                assert invoice["status"] == "draft"
                invoice |= {
                    "status": "open",
                    "number": "A-0001",
                    "hosted_invoice_url": "https://invoice.stripe.com/i/1",
                }
                invoice["invoice_pdf"] = "https://pay.stripe.com/invoice/1/pdf"
            case "send":
                assert invoice["status"] == "open"
                invoice["sent"] = True

    def make(self, prefix: str, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        """A new object."""
        one = f"{prefix}_{len(self.objects) + 1}"
        self.objects[one] = {"id": one, "object": kind, **fields}
        return self.objects[one]

    def _read(self, path: str, query: dict[str, Any], key: str) -> web.Response:
        match path.split("/")[1:]:
            case ["account"]:
                if key.startswith("rk_"):
                    return no(
                        403,
                        "invalid_request_error",
                        None,
                        "The provided key does not have the required permissions",
                    )
                return web.json_response(
                    {"id": "acct_1", "settings": {"dashboard": {"display_name": "Acme"}}}
                )
            case ["prices"]:
                assert query.get("active") == "true"
                assert query.get("expand") == ["data.product"]
                return web.json_response(portion(PRICES, query, cursor="starting_after"))
            case [_, "search"]:
                return web.json_response(portion(list(self.objects.values()), query, cursor="page"))
            case ["customers"]:
                every = [one for one in self.objects.values() if one["object"] == "customer"]
                return web.json_response(portion(every, query, cursor="starting_after"))
            case [*_, one] if one in self.objects:
                return web.json_response(self.objects[one] | {"expanded": query.get("expand")})
        return no(404, "invalid_request_error", "resource_missing", f"No such thing: {path}")


PRICES = [
    {"id": "price_1", "currency": "eur", "unit_amount": 1250, "nickname": None, "product": {"name": "Shirt"}},
    {
        "id": "price_2",
        "currency": "jpy",
        "unit_amount": 500,
        "nickname": "Monthly",
        "product": {"name": "Tea"},
        "recurring": {"interval": "month"},
    },
]


def portion(every: list[dict[str, Any]], query: dict[str, Any], *, cursor: str) -> dict[str, Any]:
    """A part of a list; each element of PRICES is one."""
    size = min(int(query["limit"]), 1 if every is PRICES else 100)
    ids = [one["id"] for one in every]
    start = 0
    if cursor in query:
        start = int(query["page"]) if cursor == "page" else ids.index(query[cursor]) + 1
    end = start + size
    return {
        "data": every[start:end],
        "has_more": end < len(every),
        "next_page": str(end) if end < len(every) else None,
    }


def nested(text: str) -> dict[str, Any]:
    """`a[0][b]=1` as objects and lists."""
    root: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        steps = re.findall(r"[^\[\]]+", name)
        at = root
        for step in steps[:-1]:
            at = at.setdefault(step, {})
        at[steps[-1]] = value
    return {name: listed(value) for name, value in root.items()}


def listed(value: Any) -> Any:
    """Objects whose keys are 0, 1, 2 … are lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: listed(each) for name, each in value.items()}
    if inner and list(inner) == [str(number) for number in range(len(inner))]:
        return list(inner.values())
    return inner


def problem(kind: str, code: str | None, message: str, param: str | None = None) -> dict[str, Any]:
    """An error's body."""
    error = {"type": kind, "code": code, "message": message, "param": param}
    return {"error": {name: value for name, value in error.items() if value is not None}}


def no(status: int, kind: str, code: str | None, message: str) -> web.Response:
    """A refusal."""
    return web.json_response(problem(kind, code, message), status=status)

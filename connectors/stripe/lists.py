"""What the forms offer to choose from: prices and customers."""

from __future__ import annotations

from typing import Any

from connectors.stripe.access import PAGE, StripeConnection, get, stripe
from runner.connector import Call, Choice, Choices, Json

WHOLE = {
    "bif",
    "clp",
    "djf",
    "gnf",
    "jpy",
    "kmf",
    "krw",
    "mga",
    "pyg",
    "rwf",
    "ugx",
    "vnd",
    "vuv",
    "xaf",
    "xof",
    "xpf",
}
"""Currencies without a smaller unit (docs.stripe.com, "Supported currencies")."""


@stripe.choices("create_payment_link.price", "create_checkout_session.price")
async def prices(
    call: Call,
    connection: StripeConnection,
    given: dict[str, Json],  # noqa: ARG001 - each list is asked alike
    search: str,
    cursor: str | None,
) -> Choices:
    """The prices that are in use, by their product's name."""
    asked = {"active": True, "limit": PAGE, "expand": ["data.product"], "starting_after": cursor}
    answer = await get(call, connection, "/prices", asked)
    items = [
        Choice(value=one["id"], label=_product(one), note=_cost(one))
        for one in answer.get("data") or []
        if search.casefold() in _product(one).casefold()
    ]
    return Choices(items=items, next=_after(answer))


@stripe.choices("create_invoice.customer", "create_checkout_session.customer", "update_customer.customer")
async def customers(
    call: Call,
    connection: StripeConnection,
    given: dict[str, Json],  # noqa: ARG001
    search: str,
    cursor: str | None,
) -> Choices:
    """The customers, the newest first."""
    answer = await get(call, connection, "/customers", {"limit": PAGE, "starting_after": cursor})
    items = [
        Choice(
            value=one["id"],
            label=one.get("name") or one.get("email") or one["id"],
            note=one.get("email") or "",
        )
        for one in answer.get("data") or []
        if search.casefold() in f"{one.get('name')} {one.get('email')}".casefold()
    ]
    return Choices(items=items, next=_after(answer))


def _after(answer: dict[str, Any]) -> str | None:
    data = answer.get("data") or []
    return str(data[-1]["id"]) if answer.get("has_more") and data else None


def _product(price: dict[str, Any]) -> str:
    product = price.get("product")
    name = product.get("name") if isinstance(product, dict) else None
    return " · ".join(filter(None, (name or price["id"], price.get("nickname"))))


def _cost(price: dict[str, Any]) -> str:
    amount, currency = price.get("unit_amount"), str(price.get("currency", ""))
    if amount is None:
        return currency.upper()
    shown = f"{amount}" if currency in WHOLE else f"{amount / 100:.2f}"
    every = (price.get("recurring") or {}).get("interval")
    return f"{shown} {currency.upper()}" + (f" a {every}" if every else "")

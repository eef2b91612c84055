"""
What can be done in Stripe. Sources: docs.stripe.com, API reference: "Customers", "Checkout Sessions",
"Payment Links", "Invoices", "Refunds", "Search"; "Search query language".
"""

from __future__ import annotations

from typing import Any

from connectors.stripe.access import PAGE, StripeConnection, get, post, stripe
from connectors.stripe.models import (
    CheckoutSession,
    Customer,
    CustomerFields,
    GetObject,
    Invoice,
    InvoiceItem,
    InvoiceMade,
    Link,
    Object,
    Objects,
    PaymentLink,
    Refund,
    Refunded,
    Search,
    Session,
    UpdateCustomer,
)
from runner.connector import Call, OutcomeUnknown, url_path

PATHS = {"checkout_session": ("checkout", "sessions")}  # the others are in the plural


@stripe.action(
    after_crash="repeat",  # Stripe knows the key
    example="""\
action: stripe.create_customer
connection: stripe
with:
  email: "{{ payload.email }}"
  name: "{{ payload.name }}"
  metadata: {shop_id: "{{ payload.id }}"}
""",
)
async def create_customer(call: Call, connection: StripeConnection, input: CustomerFields) -> Customer:  # noqa: A002 - the contract of an action
    """Create a customer. Stripe does not look whether the address is there already; `stripe.search` does."""
    return _customer(await post(call, connection, "/customers", input.model_dump()))


@stripe.action(
    after_crash="repeat",
    example="""\
action: stripe.update_customer
connection: stripe
with:
  customer: "{{ payload.customer }}"
  metadata: {plan: gold}
""",
)
async def update_customer(call: Call, connection: StripeConnection, input: UpdateCustomer) -> Customer:  # noqa: A002
    """Change a customer; what is not named stays as it is."""
    path = url_path("customers", input.customer)
    return _customer(await post(call, connection, path, input.model_dump(exclude={"customer"})))


@stripe.action(
    after_crash="repeat",
    example="""\
action: stripe.create_checkout_session
connection: stripe
with:
  items: [{name: "Order {{ payload.name }}", amount: "{{ payload.total_cents }}"}]
  currency: eur
  customer_email: "{{ payload.email }}"
  reference: "{{ payload.name }}"
  success_url: https://shop.example.com/thanks
""",
)
async def create_checkout_session(
    call: Call,
    connection: StripeConnection,
    input: CheckoutSession,  # noqa: A002
) -> Session:
    """Make a page on which one customer pays; it is open for a day."""
    values = {
        "mode": input.mode,
        "line_items": input.lines(),
        "success_url": input.success_url,
        "cancel_url": input.cancel_url,
        "customer": input.customer,
        "customer_email": input.customer_email,
        "client_reference_id": input.reference,
        "metadata": input.metadata,
    }
    made = await post(call, connection, "/checkout/sessions", values)
    return Session(id=_id(made), url=made.get("url"), expires_at=made.get("expires_at"))


@stripe.action(
    after_crash="repeat",
    example="""\
action: stripe.create_payment_link
connection: stripe
with:
  price: price_1MoBy5LkdIwHu7ixZhnattbh
  metadata: {campaign: "{{ payload.campaign }}"}
""",
)
async def create_payment_link(call: Call, connection: StripeConnection, input: PaymentLink) -> Link:  # noqa: A002
    """Make a page on which anyone can pay, as often as it is opened."""
    values: dict[str, Any] = {"line_items": input.lines(), "metadata": input.metadata}
    if input.redirect_url is not None:
        values["after_completion"] = {"type": "redirect", "redirect": {"url": input.redirect_url}}
    made = await post(call, connection, "/payment_links", values)
    return Link(id=_id(made), url=str(made.get("url")))


@stripe.action(
    after_crash="repeat",  # each of its requests has a key of its own
    example="""\
action: stripe.create_invoice
connection: stripe
with:
  customer: "{{ steps.customer.id }}"
  currency: eur
  days_until_due: 14
  items: [{description: "Order {{ payload.name }}", amount: "{{ payload.total_cents }}"}]
""",
)
async def create_invoice(call: Call, connection: StripeConnection, input: Invoice) -> InvoiceMade:  # noqa: A002
    """
    Make an invoice and have Stripe email it to the customer.

    In test mode Stripe sends no email. When a line is refused, the draft without lines stays in
    Stripe, where it can be deleted.
    """
    draft = {
        "customer": input.customer,
        "collection_method": "send_invoice",
        "days_until_due": input.days_until_due,
        "currency": input.currency,
        "description": input.description,
        "auto_advance": False,  # nothing happens to it by itself; the steps below say what does
        "pending_invoice_items_behavior": "exclude",
        "metadata": input.metadata,
    }
    made = await post(call, connection, "/invoices", draft, part="invoice")
    path = url_path("invoices", _id(made))
    lines = {"lines": [_line(one) for one in input.items]}
    made = await post(call, connection, f"{path}/add_lines", lines, part="lines")
    if input.send:
        await post(call, connection, f"{path}/finalize", {"auto_advance": False}, part="finalize")
        made = await post(call, connection, f"{path}/send", {}, part="send")
    return InvoiceMade(
        id=_id(made),
        number=made.get("number"),
        status=made.get("status"),
        amount_due=made.get("amount_due"),
        currency=made.get("currency"),
        url=made.get("hosted_invoice_url"),
        pdf=made.get("invoice_pdf"),
    )


@stripe.action(
    after_crash="repeat",
    example="""\
action: stripe.create_refund
connection: stripe
with:
  payment: "{{ payload.payment_intent }}"
  amount: 500
  reason: requested_by_customer
""",
)
async def create_refund(call: Call, connection: StripeConnection, input: Refund) -> Refunded:  # noqa: A002
    """Give money back, all that is left of a payment or a part of it."""
    of = "payment_intent" if input.payment.startswith("pi_") else "charge"
    values = {of: input.payment, **input.model_dump(exclude={"payment"})}
    made = await post(call, connection, "/refunds", values)
    return Refunded(
        id=_id(made),
        status=made.get("status"),
        amount=made.get("amount", 0),
        currency=made.get("currency", ""),
    )


@stripe.action(
    example="""\
action: stripe.get_object
connection: stripe
with:
  object: payment_intent
  id: "{{ payload.data.object.payment_intent }}"
  expand: [customer]
"""
)
async def get_object(call: Call, connection: StripeConnection, input: GetObject) -> Object:  # noqa: A002
    """Get a customer, a payment, an invoice or another object by its id."""
    path = url_path(*PATHS.get(input.object, (f"{input.object}s",)), input.id)
    return Object(object=await get(call, connection, path, {"expand": input.expand}))


@stripe.action(
    example="""\
action: stripe.search
connection: stripe
with:
  object: customer
  where: {email: "{{ payload.email }}"}
  limit: 1
"""
)
async def search(call: Call, connection: StripeConnection, input: Search) -> Objects:  # noqa: A002
    """
    Find customers, payments, invoices and others.

    What was made a moment ago is not found yet: Stripe's search is up to a minute behind. Accounts in
    India have no search.
    """
    query = _query(input.where) if input.where else input.query
    path = url_path(f"{input.object}s", "search")
    found: list[dict[str, Any]] = []
    page: str | None = None
    while len(found) < input.limit:
        asked = {"query": query, "limit": min(PAGE, input.limit - len(found)), "page": page}
        answer = await get(call, connection, path, asked)
        found += answer.get("data") or []
        page = answer.get("next_page") if answer.get("has_more") else None
        if page is None:
            break
    return Objects(results=found[: input.limit], more=page is not None)


def _query(where: dict[str, str | int | bool | None]) -> str:
    """A query for objects that have all these values, whatever the values hold."""
    return " AND ".join(_clause(name, value) for name, value in where.items())


def _clause(name: str, value: str | int | bool | None) -> str:
    head, _, own = name.partition(".")
    field = f"metadata[{_quoted(own)}]" if head == "metadata" and own else name
    if value is None:
        return f"{field}:null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{field}:{_quoted(text)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _line(one: InvoiceItem) -> dict[str, Any]:
    if one.price is not None:
        return {"pricing": {"price": one.price}, "quantity": one.quantity, "description": one.description}
    return {"amount": one.amount, "description": one.description}


def _customer(made: dict[str, Any]) -> Customer:
    return Customer(id=_id(made), email=made.get("email"), name=made.get("name"))


def _id(made: dict[str, Any]) -> str:
    if not isinstance(made.get("id"), str):
        raise OutcomeUnknown("Stripe answered without an id")
    return str(made["id"])

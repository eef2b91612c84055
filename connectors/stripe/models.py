"""What the actions take and give. Amounts are in the smallest unit of their currency, such as cents."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from runner.connector import Input, Json, Output

MOST_KEYS, LONGEST_KEY, LONGEST_VALUE = 50, 40, 500  # of metadata
MOST_ITEMS = 100

Thing = Literal[
    "charge", "checkout_session", "customer", "invoice", "payment_intent", "payment_link", "price",
    "product", "refund", "subscription",
]  # fmt: skip
Searchable = Literal["charge", "customer", "invoice", "payment_intent", "price", "product", "subscription"]


def _small(metadata: dict[str, Any]) -> dict[str, Any]:
    if len(metadata) > MOST_KEYS:
        raise ValueError(f"Stripe keeps at most {MOST_KEYS} values with an object")
    for name, value in metadata.items():
        if len(name) > LONGEST_KEY or "[" in name or "]" in name:
            raise ValueError(f"{name}: a name has at most {LONGEST_KEY} characters and no square brackets")
        if len(str(value)) > LONGEST_VALUE:
            raise ValueError(f"{name}: a value has at most {LONGEST_VALUE} characters")
    return {name: "" if value is None else value for name, value in metadata.items()}  # "" takes it away


Metadata = Annotated[dict[str, str | int | float | bool | None], AfterValidator(_small)]
Currency = Annotated[str, Field(pattern="^[A-Za-z]{3}$"), AfterValidator(str.lower)]
OWN = "Values of your own that Stripe keeps with the object, such as an order's number."
CURRENCY = "The currency, such as eur."


class CustomerFields(Input):
    """What Stripe keeps of a customer."""

    email: str | None = Field(None, max_length=512, description="The email address; invoices go there.")
    name: str | None = Field(None, max_length=256, description="The full name, or the company's.")
    phone: str | None = Field(None, description="The phone number.")
    description: str | None = Field(None, description="A note that only you see.")
    metadata: Metadata | None = Field(None, description=OWN)


class UpdateCustomer(CustomerFields):
    """What is changed of a customer."""

    customer: str = Field(min_length=1, description="The customer's id (cus_…).")


class Item(Input):
    """One thing to pay for: a price of Stripe's, or a name and an amount."""

    price: str | None = Field(None, description="A price's id (price_…).")
    name: str | None = Field(None, min_length=1, description="What it is, where there is no price.")
    amount: int | None = Field(
        None, ge=0, description="What one costs, in the currency's smallest unit: 1250 is 12.50 EUR."
    )
    quantity: int = Field(1, ge=1, description="How many.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        own = self.name is not None and self.amount is not None
        if (self.price is None) != own or (self.price is not None and (self.name or self.amount is not None)):
            raise ValueError("give price, or name and amount")
        return self


class Selling(Input):
    """What is sold: one price, or several items."""

    price: str | None = Field(None, description="A price's id (price_…), in place of `items`.")
    quantity: int = Field(1, ge=1, description="How many.")
    items: list[Item] | None = Field(
        None,
        min_length=1,
        max_length=MOST_ITEMS,
        description="What is paid for: {price, quantity}, or {name, amount, quantity} for something that "
        "has no price in Stripe.",
    )
    currency: Currency | None = Field(None, description=f"{CURRENCY} Needed where an item has an amount.")
    metadata: Metadata | None = Field(None, description=OWN)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if (self.price is None) == (self.items is None):
            raise ValueError("give price, or items")
        if any(one.amount is not None for one in self.items or []) and self.currency is None:
            raise ValueError("currency: needed where an item has an amount")
        return self

    def lines(self) -> list[dict[str, Any]]:
        """Stripe's line items."""
        if self.items is None:
            return [{"price": self.price, "quantity": self.quantity}]
        return [self._line(one) for one in self.items]

    def _line(self, one: Item) -> dict[str, Any]:
        if one.price is not None:
            return {"price": one.price, "quantity": one.quantity}
        own = {"currency": self.currency, "unit_amount": one.amount, "product_data": {"name": one.name}}
        return {"price_data": own, "quantity": one.quantity}


class CheckoutSession(Selling):
    """A page on which one customer pays."""

    mode: Literal["payment", "subscription"] = Field(
        "payment", description="Once, or again and again (then the prices are recurring ones)."
    )
    success_url: str = Field(min_length=1, description="Where the customer goes after paying.")
    cancel_url: str | None = Field(None, description="Where the customer goes who turns back.")
    customer: str | None = Field(None, description="The customer's id (cus_…).")
    customer_email: str | None = Field(None, description="The email address, where there is no customer.")
    reference: str | None = Field(
        None, max_length=200, description="Your own reference, such as an order's number."
    )

    @model_validator(mode="after")
    def _one_customer(self) -> Self:
        if self.customer is not None and self.customer_email is not None:
            raise ValueError("give customer or customer_email, not both")
        return self


class PaymentLink(Selling):
    """A page on which anyone pays, as often as it is opened."""

    redirect_url: str | None = Field(
        None, description="Where a customer goes after paying; Stripe's own page if left out."
    )


class InvoiceItem(Input):
    """A line of an invoice: a price of Stripe's, or a description and an amount."""

    price: str | None = Field(None, description="A price's id (price_…).")
    quantity: int = Field(1, ge=1, description="How many.")
    description: str | None = Field(None, min_length=1, description="What the line says.")
    amount: int | None = Field(
        None, description="The line's amount, in the currency's smallest unit; below 0 for a discount."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.price is None) == (self.amount is None):
            raise ValueError("give price, or description and amount")
        if self.amount is not None and (self.description is None or self.quantity != 1):
            raise ValueError("an amount is that of the whole line, and needs a description")
        return self


class Invoice(Input):
    """An invoice to make."""

    customer: str = Field(min_length=1, description="The customer's id (cus_…); it needs an email address.")
    items: list[InvoiceItem] = Field(
        min_length=1,
        max_length=MOST_ITEMS,
        description="The lines: {description, amount}, or {price, quantity}.",
    )
    currency: Currency = Field(description=CURRENCY)
    days_until_due: int = Field(30, ge=0, le=3650, description="How many days there are to pay it.")
    description: str | None = Field(None, max_length=1500, description="A text at the top of the invoice.")
    send: bool = Field(
        True, description="Finalize it and have Stripe email it; false leaves a draft that can be changed."
    )
    metadata: Metadata | None = Field(None, description=OWN)


class Refund(Input):
    """What is given back."""

    payment: str = Field(
        pattern="^(pi|ch|py)_", description="The payment's id (pi_…) or the charge's (ch_…, py_…)."
    )
    amount: int | None = Field(
        None, ge=1, description="How much, in the currency's smallest unit; all that is left if left out."
    )
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = Field(
        None, description="Why; `fraudulent` puts the card and the address on Stripe's block lists."
    )
    metadata: Metadata | None = Field(None, description=OWN)


class GetObject(Input):
    """What is asked for."""

    object: Thing = Field(description="What it is.")
    id: str = Field(min_length=1, description="Its id.")
    expand: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="Ids inside it that are given as whole objects, such as customer.",
    )


class Search(Input):
    """What to look for."""

    object: Searchable = Field(description="What is looked for.")
    where: dict[str, str | int | bool | None] | None = Field(
        None,
        min_length=1,
        max_length=10,
        description="Values that fields must have, all of them; metadata.NAME for one of your own; "
        "null: empty.",
        examples=[{"email": "ada@example.org", "metadata.order": "1001"}],
    )
    query: str | None = Field(
        None,
        description="A query in Stripe's own language in place of `where`. A value of the payload belongs "
        "into `where`, where it is quoted.",
        examples=["amount>1000 AND created>1735689600"],
    )
    limit: int = Field(100, ge=1, le=1000, description="How many at most.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.where is None) == (self.query is None):
            raise ValueError("give where or query")
        return self


class Customer(Output):
    """A customer."""

    id: str
    email: str | None
    name: str | None


class Session(Output):
    """The page to send the customer to; it is open until `expires_at` (UTC seconds)."""

    id: str
    url: str | None
    expires_at: int | None


class Link(Output):
    """The page's address."""

    id: str
    url: str


class InvoiceMade(Output):
    """The invoice; a draft has no number and no addresses yet."""

    id: str
    number: str | None
    status: str | None
    amount_due: int | None
    currency: str | None
    url: str | None
    pdf: str | None


class Refunded(Output):
    """The refund; its status may still be pending."""

    id: str
    status: str | None
    amount: int
    currency: str


class Object(Output):
    """An object as Stripe gives it."""

    object: dict[str, Json]


class Objects(Output):
    """The objects as Stripe gives them; `more` says whether there are others beyond the limit."""

    results: list[dict[str, Json]]
    more: bool

"""What the actions take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from runner.connector import Input, Output

MOST_TAGS, LONGEST_TAG = 250, 40
LONGEST_NOTE = 5000


def _text(value: object) -> object:
    """An id of a payload may be a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _list(value: object) -> object:
    """Tags may be one text with commas between, as Shopify's webhooks have them."""
    return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value


Id = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Tags = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]],
    BeforeValidator(_list),
    Field(max_length=MOST_TAGS),
]
ORDER = "The order: its id (a number or gid://shopify/Order/…), or its name such as #1001."
LOCATION = "The location's id."


class OneOrder(Input):
    """An order."""

    order: Id = Field(description=ORDER)


class FindOrders(Input):
    """Which orders."""

    where: dict[str, str | int] | None = Field(
        None,
        min_length=1,
        description="Values by Shopify's search fields, all of which must fit: name, email, status, "
        "financial_status, fulfillment_status, tag, sku, customer_id and others.",
        examples=[{"email": "ada@example.org", "status": "open"}],
    )
    query: str | None = Field(
        None,
        description="A query in Shopify's search syntax in place of `where`. A value of the payload belongs "
        "into `where`, where it is quoted.",
        examples=["created_at:>2026-01-01 AND tag:vip"],
    )
    limit: int = Field(50, ge=1, le=1000, description="How many at most; the newest come first.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.where is not None and self.query is not None:
            raise ValueError("give where or query, not both")
        return self


class UpdateOrder(OneOrder):
    """What is changed of it."""

    note: str | None = Field(
        None,
        max_length=LONGEST_NOTE,
        description="The note, in place of the one it has; an empty text takes it away.",
    )
    email: str | None = Field(None, description="The customer's email address on the order.")
    phone: str | None = Field(None, description="The customer's phone number on the order, +49….")
    po_number: str | None = Field(None, description="The purchase order's number.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude={"order"}, exclude_none=True):
            raise ValueError("give note, email, phone or po_number")
        return self


class Tagging(Input):
    """What gets or loses tags."""

    object: Literal["Order", "Customer", "Product"] = Field("Order", description="What it is.")
    id: Id = Field(
        description="Its id (a number or gid://shopify/…); of an order also its name such as #1001."
    )
    tags: Tags = Field(
        min_length=1,
        description="The tags: a list, or a text with commas between; 40 characters each at most.",
    )


class CustomerData(Input):
    """A customer."""

    email: str = Field(
        min_length=3, pattern="@", description="The address by which the customer is found, or gets."
    )
    first_name: str | None = Field(None, description="The first name.")
    last_name: str | None = Field(None, description="The last name.")
    phone: str | None = Field(None, description="The phone number, +49….")
    note: str | None = Field(None, max_length=LONGEST_NOTE, description="A note that only the shop sees.")
    tags: Tags | None = Field(
        None, description="All tags of the customer, in place of those there are; `add_tags` adds some."
    )


class AdjustInventory(Input):
    """What stock changes, and by how much."""

    sku: str | None = Field(None, min_length=1, description="The SKU of the variant.")
    inventory_item: Id | None = Field(None, description="The inventory item's id, in place of `sku`.")
    location: Id = Field(description=LOCATION)
    delta: int = Field(description="How many come in; less than 0 where they go out.")
    reason: Literal[
        "correction", "cycle_count_available", "damaged", "movement_created", "movement_updated",
        "movement_received", "movement_canceled", "other", "promotion", "quality_control", "received",
        "reservation_created", "reservation_deleted", "reservation_updated", "restock", "safety_stock",
        "shrinkage",
    ] = Field("correction", description="Why, as it stands in the stock's history.")  # fmt: skip
    reference: str | None = Field(
        None, description="An address of your own for what caused it, such as logistics://erp/receipt/7."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.sku is None) == (self.inventory_item is None):
            raise ValueError("give sku or inventory_item")
        if self.delta == 0:
            raise ValueError("delta: 0 changes nothing")
        return self


class CreateFulfillment(OneOrder):
    """What is sent off."""

    location: Id | None = Field(None, description=f"{LOCATION} Needed where the order is sent from several.")
    tracking_number: str | None = Field(None, description="The parcel's number.")
    tracking_company: str | None = Field(
        None, description="The carrier, by the name that Shopify knows, such as DHL Express."
    )
    tracking_url: str | None = Field(None, description="Where the parcel can be followed.")
    notify_customer: bool = Field(True, description="Whether Shopify emails the customer.")


class Line(Output):
    """A line of an order; `unit_price` is before discounts."""

    id: str
    title: str
    sku: str | None
    quantity: int
    unit_price: str
    variant_id: str | None


class Summary(Output):
    """An order, without its lines."""

    id: str
    name: str
    created_at: str
    cancelled_at: str | None
    email: str | None
    note: str | None
    tags: list[str]
    financial_status: str | None
    fulfillment_status: str
    total: str
    currency: str
    customer_id: str | None
    customer_name: str | None


class Order(Summary):
    """An order; `more_items` says whether it has more lines than the 100 that are given."""

    phone: str | None
    shipping_address: dict[str, Any] | None
    items: list[Line]
    more_items: bool


class Orders(Output):
    """The orders; `more` says whether there are others beyond the limit."""

    orders: list[Summary]
    more: bool


class Changed(Output):
    """The id of what was changed."""

    id: str


class Customer(Output):
    """The customer."""

    id: str
    email: str | None
    name: str


class Adjusted(Output):
    """The change, and what is available after it where Shopify says it."""

    inventory_item: str
    delta: int
    quantity: int | None


class Fulfilled(Output):
    """The fulfillment; `created` is false where there was nothing left to send off."""

    id: str | None
    status: str | None
    created: bool

"""
What can be done in a shop. Sources: shopify.dev, GraphQL Admin API 2026-10: order, orders, tagsAdd,
tagsRemove, orderUpdate, customerSet, inventoryAdjustQuantities, fulfillmentCreate.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connectors.shopify.access import Shopify, change, gid, query, quoted, shopify
from connectors.shopify.models import (
    Adjusted,
    AdjustInventory,
    Changed,
    CreateFulfillment,
    Customer,
    CustomerData,
    FindOrders,
    Fulfilled,
    Line,
    OneOrder,
    Order,
    Orders,
    Summary,
    Tagging,
    UpdateOrder,
)
from runner.connector import Call, Json, Rejected, in_brief

PAGE = 50  # orders in one answer: what they cost stays far below the most that a query may

SUMMARY = """
  id name createdAt cancelledAt email note tags displayFinancialStatus displayFulfillmentStatus
  totalPriceSet { shopMoney { amount currencyCode } }
  customer { id displayName }
"""
GET_ORDER = f"""query Order($id: ID!) {{ order(id: $id) {{ {SUMMARY}
  phone
  shippingAddress {{ name company address1 address2 zip city provinceCode countryCodeV2 phone }}
  lineItems(first: 100) {{
    nodes {{ id title sku quantity variant {{ id }} originalUnitPriceSet {{ shopMoney {{ amount }} }} }}
    pageInfo {{ hasNextPage }}
  }}
}} }}"""
FIND_ORDERS = f"""query Orders($query: String, $first: Int!, $after: String) {{
  orders(query: $query, first: $first, after: $after, sortKey: CREATED_AT, reverse: true) {{
    nodes {{ {SUMMARY} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
NAMED_ORDERS = "query Named($query: String!) { orders(query: $query, first: 10) { nodes { id name } } }"
UPDATE_ORDER = """mutation Update($input: OrderInput!) {
  orderUpdate(input: $input) { order { id } userErrors { field message } }
}"""
ADD_TAGS = """mutation Add($id: ID!, $tags: [String!]!) {
  tagsAdd(id: $id, tags: $tags) { node { id } userErrors { field message } }
}"""
REMOVE_TAGS = """mutation Remove($id: ID!, $tags: [String!]!) {
  tagsRemove(id: $id, tags: $tags) { node { id } userErrors { field message } }
}"""
SET_CUSTOMER = """mutation Customer($identifier: CustomerSetIdentifiers!, $input: CustomerSetInput!) {
  customerSet(identifier: $identifier, input: $input) {
    customer { id displayName defaultEmailAddress { emailAddress } }
    userErrors { code field message }
  }
}"""
ITEMS_OF_SKU = """query Items($query: String!) {
  inventoryItems(query: $query, first: 10) { nodes { id sku } }
}"""
ADJUST = """mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes { name delta quantityAfterChange } }
    userErrors { code field message }
  }
}"""
TO_FULFILL = """query ToFulfill($id: ID!) { order(id: $id) {
  fulfillments(first: 20) { id status }
  fulfillmentOrders(first: 50) { nodes { id status assignedLocation { name location { id } } } }
} }"""
FULFILL = """mutation Fulfill($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id status } userErrors { field message } }
}"""


@shopify.action(example='action: shopify.get_order\nconnection: shop\nwith:\n  order: "#1001"\n')
async def get_order(call: Call, connection: Shopify, input: OneOrder) -> Order:  # noqa: A002 - the contract of an action
    """Get an order with its customer, address and lines."""
    one = (await query(call, connection, GET_ORDER, id=await _order(call, connection, input.order)))["order"]
    if one is None:
        raise Rejected(f"the shop has no order {input.order}")
    lines = one["lineItems"]
    return Order(
        **_summary(one).model_dump(),
        phone=one["phone"],
        shipping_address=one["shippingAddress"],
        items=[_line(each) for each in lines["nodes"]],
        more_items=lines["pageInfo"]["hasNextPage"],
    )


@shopify.action(
    example="""\
action: shopify.find_orders
connection: shop
with:
  where: {email: "{{ payload.email }}", status: open}
  limit: 10
"""
)
async def find_orders(call: Call, connection: Shopify, input: FindOrders) -> Orders:  # noqa: A002
    """
    Find orders, the newest first.

    Without the scope read_all_orders Shopify gives only those of the last 60 days.
    """
    asked = input.query
    if input.where:
        asked = " AND ".join(f"{name}:{quoted(str(value))}" for name, value in input.where.items())
    found: list[Summary] = []
    after: Json = None
    while len(found) < input.limit:
        first = min(PAGE, input.limit - len(found))
        page = (await query(call, connection, FIND_ORDERS, query=asked, first=first, after=after))["orders"]
        found += [_summary(one) for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
        if after is None:
            break
    return Orders(orders=found, more=after is not None)


@shopify.action(
    after_crash="repeat",  # the same values once more are no second effect
    example="""\
action: shopify.update_order
connection: shop
with:
  order: "{{ payload.id }}"
  note: "Paid by invoice {{ steps.invoice.number }}"
""",
)
async def update_order(call: Call, connection: Shopify, input: UpdateOrder) -> Changed:  # noqa: A002
    """Change an order's note, email address, phone number or purchase order number."""
    names = {"note": "note", "email": "email", "phone": "phone", "po_number": "poNumber"}
    given = input.model_dump(exclude={"order"}, exclude_none=True)
    one = await _order(call, connection, input.order)
    await change(call, connection, UPDATE_ORDER, input={"id": one, **{names[k]: v for k, v in given.items()}})
    return Changed(id=one)


@shopify.action(
    after_crash="repeat",  # a tag is there or not, however often it is added
    example="""\
action: shopify.add_tags
connection: shop
with:
  id: "{{ payload.id }}"
  tags: [exported]
""",
)
async def add_tags(call: Call, connection: Shopify, input: Tagging) -> Changed:  # noqa: A002
    """Add tags to an order, a customer or a product; those there are stay."""
    one = await _tagged(call, connection, input)
    await change(call, connection, ADD_TAGS, id=one, tags=list(input.tags))
    return Changed(id=one)


@shopify.action(
    after_crash="repeat",
    example="""\
action: shopify.remove_tags
connection: shop
with:
  id: "#1001"
  tags: [to-check]
""",
)
async def remove_tags(call: Call, connection: Shopify, input: Tagging) -> Changed:  # noqa: A002
    """Take tags away from an order, a customer or a product."""
    one = await _tagged(call, connection, input)
    await change(call, connection, REMOVE_TAGS, id=one, tags=list(input.tags))
    return Changed(id=one)


@shopify.action(
    after_crash="repeat",  # found by the same address, the customer gets the same values
    example="""\
action: shopify.create_or_update_customer
connection: shop
with:
  email: "{{ payload.email }}"
  first_name: "{{ payload.first_name }}"
""",
)
async def create_or_update_customer(call: Call, connection: Shopify, input: CustomerData) -> Customer:  # noqa: A002
    """Update the customer with this email address, or create one if there is none."""
    names = {"first_name": "firstName", "last_name": "lastName"}
    values = {names.get(name, name): value for name, value in input.model_dump(exclude_none=True).items()}
    email = input.email.strip()
    made = await change(
        call, connection, SET_CUSTOMER, identifier={"email": email}, input=values | {"email": email}
    )
    one = made["customer"]
    address = one.get("defaultEmailAddress") or {}
    return Customer(id=one["id"], email=address.get("emailAddress"), name=one["displayName"])


@shopify.action(
    after_crash="repeat",  # Shopify knows the key
    example="""\
action: shopify.adjust_inventory
connection: shop
with:
  sku: "{{ payload.sku }}"
  location: "655441491"
  delta: -1
  reason: damaged
""",
)
async def adjust_inventory(call: Call, connection: Shopify, input: AdjustInventory) -> Adjusted:  # noqa: A002
    """Change how many of a variant are available at a location; once, however often it is tried."""
    item = await _item(call, connection, input)
    what: dict[str, Json] = {
        "delta": input.delta,
        "inventoryItemId": item,
        "locationId": _id("Location", input.location),
        "changeFromQuantity": None,  # whatever it is now; Shopify wants this said
    }
    given: dict[str, Json] = {"name": "available", "reason": input.reason, "changes": [what]}
    if input.reference is not None:
        given["referenceDocumentUri"] = input.reference
    made = await change(call, connection, ADJUST, input=given, key=_key(call))
    group = made.get("inventoryAdjustmentGroup") or {}
    after = [one["quantityAfterChange"] for one in group.get("changes") or [] if one["name"] == "available"]
    return Adjusted(inventory_item=item, delta=input.delta, quantity=after[0] if after else None)


@shopify.action(
    after_crash="repeat",  # what is sent off already is not there to be sent off again
    example="""\
action: shopify.create_fulfillment
connection: shop
with:
  order: "{{ payload.order }}"
  tracking_number: "{{ payload.parcel }}"
  tracking_company: DHL Express
""",
)
async def create_fulfillment(call: Call, connection: Shopify, input: CreateFulfillment) -> Fulfilled:  # noqa: A002
    """
    Mark all that an order has still open as sent off, and tell the customer.

    Where there is nothing left, the last fulfillment is given with `created: false`.
    """
    one = (await query(call, connection, TO_FULFILL, id=await _order(call, connection, input.order)))["order"]
    if one is None:
        raise Rejected(f"the shop has no order {input.order}")
    orders = _open(one["fulfillmentOrders"]["nodes"], input.location)
    if not orders:
        last = one["fulfillments"][-1] if one["fulfillments"] else {}
        return Fulfilled(id=last.get("id"), status=last.get("status"), created=False)
    tracking = {"number": input.tracking_number, "company": input.tracking_company, "url": input.tracking_url}
    fulfillment: dict[str, Json] = {
        "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": each} for each in orders],
        "notifyCustomer": input.notify_customer,
    }
    if known := {name: value for name, value in tracking.items() if value is not None}:
        fulfillment["trackingInfo"] = known
    made = (await change(call, connection, FULFILL, fulfillment=fulfillment))["fulfillment"]
    return Fulfilled(id=made["id"], status=made["status"], created=True)


def _open(nodes: list[dict[str, Any]], location: str | None) -> list[str]:
    """The ids of the fulfillment orders that can be sent off, all from one location."""
    at = None if location is None else _id("Location", location)
    found: dict[str, list[str]] = {}
    for one in nodes:
        place = one["assignedLocation"]
        own = (place.get("location") or {}).get("id") or place["name"]
        if one["status"] in {"OPEN", "IN_PROGRESS"} and at in {None, own}:
            found.setdefault(own, []).append(one["id"])
    if len(found) > 1:
        raise Rejected(
            f"the order is sent from {len(found)} locations: {', '.join(found)}; say which with location"
        )
    return next(iter(found.values()), [])


async def _order(call: Call, connection: Shopify, given: str) -> str:
    """The id of the order that is meant. Raises Rejected: there is none of that name, or several."""
    if (known := gid("Order", given.strip())) is not None:
        return known
    name = given.strip()
    nodes = (await query(call, connection, NAMED_ORDERS, query=f"name:{quoted(name)}"))["orders"]["nodes"]
    fits = [one["id"] for one in nodes if one["name"] == name]
    if len(fits) != 1:
        raise Rejected(f"the shop has {len(fits) or 'no'} orders of the name {in_brief(name, 100)}")
    return str(fits[0])


async def _tagged(call: Call, connection: Shopify, input: Tagging) -> str:  # noqa: A002
    if input.object == "Order":
        return await _order(call, connection, input.id)
    return _id(input.object, input.id)


async def _item(call: Call, connection: Shopify, input: AdjustInventory) -> str:  # noqa: A002
    if input.inventory_item is not None:
        return _id("InventoryItem", input.inventory_item)
    sku = input.sku or ""
    nodes = (await query(call, connection, ITEMS_OF_SKU, query=f"sku:{quoted(sku)}"))["inventoryItems"][
        "nodes"
    ]
    fits = [one["id"] for one in nodes if one["sku"] == sku]
    if len(fits) != 1:
        raise Rejected(f"the shop has {len(fits) or 'no'} inventory items with the SKU {in_brief(sku, 100)}")
    return str(fits[0])


def _id(kind: str, given: str) -> str:
    if (known := gid(kind, given.strip())) is None:
        shown = in_brief(given, 100)
        raise Rejected(f"{shown!r} is no id of a {kind}; a number or gid://shopify/{kind}/… is one")
    return known


def _key(call: Call) -> str:
    """The step's key as the UUID that Shopify recommends."""
    return str(uuid5(NAMESPACE_URL, call.idempotency_key))


def _summary(one: dict[str, Any]) -> Summary:
    money = one["totalPriceSet"]["shopMoney"]
    customer = one["customer"] or {}
    return Summary(
        id=one["id"],
        name=one["name"],
        created_at=one["createdAt"],
        cancelled_at=one["cancelledAt"],
        email=one["email"],
        note=one["note"],
        tags=one["tags"],
        financial_status=one["displayFinancialStatus"],
        fulfillment_status=one["displayFulfillmentStatus"],
        total=money["amount"],
        currency=money["currencyCode"],
        customer_id=customer.get("id"),
        customer_name=customer.get("displayName"),
    )


def _line(one: dict[str, Any]) -> Line:
    return Line(
        id=one["id"],
        title=one["title"],
        sku=one["sku"],
        quantity=one["quantity"],
        unit_price=one["originalUnitPriceSet"]["shopMoney"]["amount"],
        variant_id=(one["variant"] or {}).get("id"),
    )

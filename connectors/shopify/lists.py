"""What the forms offer to choose from: locations."""

from __future__ import annotations

from connectors.shopify.access import Shopify, query, quoted, shopify
from runner.connector import Call, Choice, Choices, Json

LOCATIONS = """query Locations($query: String, $after: String) {
  locations(first: 50, query: $query, after: $after) {
    nodes { id name address { city } }
    pageInfo { hasNextPage endCursor }
  }
}"""


@shopify.choices("adjust_inventory.location", "create_fulfillment.location")
async def locations(
    call: Call,
    connection: Shopify,
    given: dict[str, Json],  # noqa: ARG001 - each list is asked alike
    search: str,
    cursor: str | None,
) -> Choices:
    """The shop's locations."""
    asked = f"name:{quoted(search)}" if search else None
    page = (await query(call, connection, LOCATIONS, query=asked, after=cursor))["locations"]
    items = [
        Choice(value=one["id"], label=one["name"], note=(one["address"] or {}).get("city") or "")
        for one in page["nodes"]
    ]
    return Choices(
        items=items, next=page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
    )

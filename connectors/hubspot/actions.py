"""
What can be done in the CRM. Sources: developers.hubspot.com, API reference 2026-09, "Contacts", "Deals",
"Notes", "Associations" (default type ids), "Search the CRM".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectors.hubspot.access import HubSpotConnection, after_of, ask, hubspot
from connectors.hubspot.models import (
    Associate,
    Associated,
    Contact,
    Deal,
    GetObject,
    Note,
    Object,
    Objects,
    Search,
    UpdateObject,
    UpsertedObject,
)
from runner.connector import Call, Json, OutcomeUnknown, Rejected, url_path

PAGE = 200  # the most that one answer of a search holds
TYPES = {
    ("deals", "contacts"): 3,
    ("deals", "companies"): 341,
    ("notes", "contacts"): 202,
    ("notes", "companies"): 190,
    ("notes", "deals"): 214,
    ("notes", "tickets"): 228,
}
"""HubSpot's ids of the unlabelled associations."""


@hubspot.action(
    after_crash="repeat",  # found by the same address, the contact is updated with the same values
    example="""\
action: hubspot.create_or_update_contact
connection: hubspot
with:
  email: "{{ payload.email }}"
  properties: {firstname: "{{ payload.first_name }}", lifecyclestage: lead}
""",
)
async def create_or_update_contact(
    call: Call,
    connection: HubSpotConnection,
    input: Contact,  # noqa: A002 - the contract of an action
) -> UpsertedObject:
    """Update the contact with this email address, or create it if there is none."""
    properties = _properties(input.properties) | {"email": input.email.strip()}
    one = {"id": input.email.strip(), "idProperty": "email", "properties": properties}
    path = url_path("crm", "objects", connection.api_version, "contacts", "batch", "upsert")
    answer = await ask(call, connection, "POST", path, json={"inputs": [one]})
    results = answer.get("results")
    if not isinstance(results, list) or not results:
        errors = answer.get("errors") or [{}]
        raise Rejected(f"HubSpot took no contact: {errors[0].get('message', 'it does not say why')}")
    return UpsertedObject(**_object(results[0]).model_dump(), created=bool(results[0].get("new")))


@hubspot.action(
    # HubSpot knows no idempotency key: after a crash a deal may stand twice. A step that cannot live
    # with two says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: hubspot.create_deal
connection: hubspot
with:
  name: "Order {{ payload.name }}"
  stage: closedwon
  amount: "{{ payload.total_price }}"
  contacts: ["{{ steps.contact.id }}"]
""",
)
async def create_deal(call: Call, connection: HubSpotConnection, input: Deal) -> Object:  # noqa: A002
    """
    Create a deal, with the contacts and companies it belongs to.

    If the server dies while the deal is on its way, it may stand twice; `after_crash: stop` asks a
    person instead.
    """
    own = {
        "dealname": input.name,
        "dealstage": input.stage,
        "pipeline": input.pipeline,
        "amount": input.amount,
        "closedate": input.close_date,
        "hubspot_owner_id": input.owner,
    }
    properties = input.properties | {name: value for name, value in own.items() if value is not None}
    belongs = {"contacts": input.contacts, "companies": input.companies}
    return await _create(call, connection, "deals", properties, belongs)


@hubspot.action(
    after_crash="repeat",  # as a deal: a note that stands twice is a lesser evil than one that waits
    example="""\
action: hubspot.create_note
connection: hubspot
with:
  body: "Ordered <b>{{ payload.name }}</b>"
  contacts: ["{{ steps.contact.id }}"]
""",
)
async def create_note(call: Call, connection: HubSpotConnection, input: Note) -> Object:  # noqa: A002
    """Put a note on the timeline of contacts, companies, deals or tickets."""
    at = input.at or datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    properties = {"hs_note_body": input.body, "hs_timestamp": at}
    if input.owner is not None:
        properties["hubspot_owner_id"] = input.owner
    kinds = ("contacts", "companies", "deals", "tickets")
    return await _create(
        call, connection, "notes", properties, {kind: getattr(input, kind) for kind in kinds}
    )


@hubspot.action(
    example="""\
action: hubspot.get_object
connection: hubspot
with:
  object: contacts
  id: "{{ payload.email }}"
  id_property: email
"""
)
async def get_object(call: Call, connection: HubSpotConnection, input: GetObject) -> Object:  # noqa: A002
    """Get a contact, a deal or any other object, by its id or a property with unique values."""
    query = {"properties": ",".join(input.properties or []) or None, "idProperty": input.id_property}
    path = url_path("crm", "objects", connection.api_version, input.object, input.id)
    return _object(await ask(call, connection, "GET", path, query=query))


@hubspot.action(
    after_crash="repeat",  # the same values once more are no second effect
    example="""\
action: hubspot.update_object
connection: hubspot
with:
  object: deals
  id: "{{ steps.deal.id }}"
  properties: {dealstage: closedwon}
""",
)
async def update_object(call: Call, connection: HubSpotConnection, input: UpdateObject) -> Object:  # noqa: A002
    """Change properties of a contact, a deal or any other object."""
    path = url_path("crm", "objects", connection.api_version, input.object, input.id)
    body = {"properties": _properties(input.properties)}
    query = {"idProperty": input.id_property}
    return _object(await ask(call, connection, "PATCH", path, query=query, json=body))


@hubspot.action(
    example="""\
action: hubspot.search
connection: hubspot
with:
  object: deals
  where: {dealname: "Order {{ payload.name }}"}
  properties: [dealname, dealstage, amount]
"""
)
async def search(call: Call, connection: HubSpotConnection, input: Search) -> Objects:  # noqa: A002
    """
    Find objects by their properties.

    What was written a moment ago may not be found yet: HubSpot's index is some seconds behind.
    """
    filters = [*(input.filters or []), *(_filter(name, value) for name, value in (input.where or {}).items())]
    body: dict[str, Any] = {"filterGroups": [{"filters": filters}] if filters else []}
    if input.query:
        body["query"] = input.query
    if input.properties:
        body["properties"] = input.properties
    if input.sort:
        body["sorts"] = [{"propertyName": input.sort.property, "direction": input.sort.direction}]
    path = url_path("crm", "objects", connection.api_version, input.object, "search")
    found: list[Object] = []
    total = 0
    after: Json = None
    while len(found) < input.limit:
        page = {"limit": min(PAGE, input.limit - len(found)), **({"after": after} if after else {})}
        answer = await ask(call, connection, "POST", path, json=body | page)
        found += [_object(one) for one in answer.get("results") or []]
        total = int(answer.get("total") or 0)
        after = after_of(answer)
        if after is None:
            break
    return Objects(results=found[: input.limit], total=total)


@hubspot.action(
    after_crash="repeat",  # what is associated already stays so
    example="""\
action: hubspot.associate
connection: hubspot
with:
  from_object: contacts
  from_id: "{{ steps.contact.id }}"
  to_object: companies
  to_id: "{{ payload.company_id }}"
""",
)
async def associate(call: Call, connection: HubSpotConnection, input: Associate) -> Associated:  # noqa: A002
    """Associate two records, without a label."""
    one, other = (input.from_object, input.from_id), (input.to_object, input.to_id)
    version = connection.api_version
    path = url_path("crm", "objects", version, *one, "associations", "default", *other)
    await ask(call, connection, "PUT", path)
    return Associated(from_id=input.from_id, to_id=input.to_id)


async def _create(
    call: Call,
    connection: HubSpotConnection,
    kind: str,
    properties: dict[str, Any],
    belongs: dict[str, list[str]],
) -> Object:
    """A new object with its associations, in one request: it stands with all of them, or not at all."""
    associations = [
        {
            "to": {"id": one},
            "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TYPES[kind, other]}],
        }
        for other, ids in belongs.items()
        for one in ids
    ]
    body = {"properties": _properties(properties), "associations": associations}
    path = url_path("crm", "objects", connection.api_version, kind)
    return _object(await ask(call, connection, "POST", path, json=body))


def _properties(values: dict[str, Any]) -> dict[str, str]:
    return {name: _written(name, value) for name, value in values.items()}


def _written(name: str, value: Any) -> str:
    """A value as HubSpot takes it: a text, several choices with semicolons between."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case list():
            return ";".join(_written(name, one) for one in value)
    raise Rejected(f"{name} takes a text, a number, true, false or a list, not an object")


def _filter(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {"propertyName": name, "operator": "NOT_HAS_PROPERTY"}
    if isinstance(value, list):
        return {"propertyName": name, "operator": "IN", "values": [_written(name, one) for one in value]}
    return {"propertyName": name, "operator": "EQ", "value": _written(name, value)}


def _object(one: Json) -> Object:
    if not isinstance(one, dict) or "id" not in one:
        raise OutcomeUnknown("HubSpot answered with what is not an object of the CRM")
    return Object(
        id=str(one["id"]),
        properties=one.get("properties") or {},
        created_at=one.get("createdAt"),
        updated_at=one.get("updatedAt"),
    )

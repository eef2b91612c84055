"""
What can be done with records. Sources: airtable.com/developers/web/api, "List records", "Create records",
"Update record", "Update multiple records" (upserts), "Get record", "Delete record".
"""

from __future__ import annotations

from typing import Any

from connectors.airtable.access import AirtableConnection, accepted, airtable, ask, objects, send, words
from connectors.airtable.models import (
    PAGE,
    Deleted,
    FindRecords,
    OneRecord,
    Record,
    Records,
    UpdateRecord,
    Upserted,
    UpsertRecord,
    Writing,
)
from runner.connector import Call, Json, OutcomeUnknown, url_path


@airtable.action(
    # Airtable knows no idempotency key: after a crash a record may stand twice. `upsert_record`
    # is the way that cannot; a step that wants neither says `after_crash: stop`.
    after_crash="repeat",
    example="""\
action: airtable.create_record
connection: airtable
with:
  base: appLkNDICXNqxSDhG
  table: Orders
  fields: {Number: "{{ payload.name }}", Total: "{{ payload.total_price | float }}"}
""",
)
async def create_record(call: Call, connection: AirtableConnection, input: Writing) -> Record:  # noqa: A002 - the contract of an action
    """
    Add a record to a table.

    If the server dies while the record is on its way, it may stand twice: `airtable.upsert_record`
    with a field that tells records apart cannot do that.
    """
    body = {"fields": input.fields, "typecast": input.typecast}
    return _record(await ask(call, connection, "POST", url_path(input.base, input.table), json=body))


@airtable.action(
    after_crash="repeat",  # the same values once more are no second effect
    example="""\
action: airtable.update_record
connection: airtable
with:
  base: appLkNDICXNqxSDhG
  table: Orders
  record: "{{ steps.order.records[0].id }}"
  fields: {Status: Shipped}
""",
)
async def update_record(call: Call, connection: AirtableConnection, input: UpdateRecord) -> Record:  # noqa: A002
    """Change fields of a record; those not named stay as they are."""
    body = {"fields": input.fields, "typecast": input.typecast}
    path = url_path(input.base, input.table, input.record)
    return _record(await ask(call, connection, "PATCH", path, json=body))


@airtable.action(
    after_crash="repeat",  # found by the same fields, the record is updated with the same values
    example="""\
action: airtable.upsert_record
connection: airtable
with:
  base: appLkNDICXNqxSDhG
  table: Customers
  merge_on: [Email]
  fields: {Email: "{{ payload.email }}", Name: "{{ payload.name }}"}
""",
)
async def upsert_record(call: Call, connection: AirtableConnection, input: UpsertRecord) -> Upserted:  # noqa: A002
    """
    Update the record that has the same values in `merge_on`, or add one if there is none.

    Airtable refuses it where several records have them.
    """
    body = {
        "performUpsert": {"fieldsToMergeOn": input.merge_on},
        "records": [{"fields": input.fields}],
        "typecast": input.typecast,
    }
    answer = await ask(call, connection, "PATCH", url_path(input.base, input.table), json=body)
    record = _record(objects(answer, "records")[0])
    created = record.id in (answer.get("createdRecords") or [])
    return Upserted(**record.model_dump(), created=created)


@airtable.action(
    example="""\
action: airtable.find_records
connection: airtable
with:
  base: appLkNDICXNqxSDhG
  table: Orders
  where: {Number: "{{ payload.name }}"}
  limit: 1
""",
)
async def find_records(call: Call, connection: AirtableConnection, input: FindRecords) -> Records:  # noqa: A002
    """Find the records of a table, by values, by a formula, or in a view."""
    path = url_path(input.base, input.table, "listRecords")  # in a body: a formula may outgrow an address
    body: dict[str, Any] = {
        "filterByFormula": _formula(input.where) if input.where else input.formula,
        "view": input.view,
        "fields": input.fields,
        "sort": [one.model_dump() for one in input.sort or []] or None,
    }
    body = {name: value for name, value in body.items() if value is not None}
    found: list[Record] = []
    offset: Json = None
    while len(found) < input.limit:
        page = {"pageSize": min(PAGE, input.limit - len(found)), **({"offset": offset} if offset else {})}
        answer = await ask(call, connection, "POST", path, json=body | page)
        found += [_record(one) for one in objects(answer, "records", at_least=0)]
        offset = answer.get("offset")
        if not offset:
            break
    return Records(records=found[: input.limit], more=bool(offset))


@airtable.action(
    example="""\
action: airtable.get_record
connection: airtable
with:
  base: appLkNDICXNqxSDhG
  table: Orders
  record: "{{ payload.record_id }}"
""",
)
async def get_record(call: Call, connection: AirtableConnection, input: OneRecord) -> Record:  # noqa: A002
    """Get a record by its id."""
    return _record(await ask(call, connection, "GET", url_path(input.base, input.table, input.record)))


@airtable.action(
    after_crash="repeat",  # what is gone is gone
    example="""\
action: airtable.delete_record
connection: airtable
with:
  base: appLkNDICXNqxSDhG
  table: Orders
  record: "{{ payload.record_id }}"
""",
)
async def delete_record(call: Call, connection: AirtableConnection, input: OneRecord) -> Deleted:  # noqa: A002
    """Delete a record; one that is gone already is no error."""
    reply = await send(call, connection, "DELETE", url_path(input.base, input.table, input.record))
    if reply.status == 404 and words(reply)[0] != "TABLE_NOT_FOUND":
        return Deleted(id=input.record, deleted=False)
    accepted(reply)
    return Deleted(id=input.record, deleted=True)


def _record(one: Json) -> Record:
    if not isinstance(one, dict) or "id" not in one:
        raise OutcomeUnknown("Airtable answered with what is not a record")
    return Record(id=one["id"], created_at=one.get("createdTime", ""), fields=one.get("fields", {}))


def _formula(where: dict[str, str | int | float | bool | None]) -> str:
    """A formula that is true where all fields have these values, whatever the values hold."""
    tests = [f"{{{_escaped(name, '}')}}} = {_literal(value)}" for name, value in where.items()]
    return tests[0] if len(tests) == 1 else f"AND({', '.join(tests)})"


def _literal(value: str | float | bool | None) -> str:
    match value:
        case None:
            return "BLANK()"
        case bool():
            return "TRUE()" if value else "FALSE()"
        case str():
            return f'"{_escaped(value, chr(34))}"'
    return str(value)


def _escaped(text: str, end: str) -> str:
    text = text.replace("\\", "\\\\").replace(end, f"\\{end}")
    return text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")

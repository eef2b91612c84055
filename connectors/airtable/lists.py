"""
What the forms offer to choose from: bases, tables, fields, views. Sources: airtable.com/developers/web/api,
"List bases", "Get base schema".
"""

from __future__ import annotations

from typing import Any

from connectors.airtable.access import AirtableConnection, airtable, ask, objects
from runner.connector import Call, Choice, Choices, Json, url_path

ACTIONS = (
    "create_record", "update_record", "upsert_record", "find_records", "get_record", "delete_record",
)  # fmt: skip


@airtable.choices(*(f"{name}.base" for name in ACTIONS))
async def bases(
    call: Call,
    connection: AirtableConnection,
    given: Json,  # noqa: ARG001 - each list is asked alike
    search: str,
    cursor: str | None,
) -> Choices:
    """The bases that the token may see."""
    answer = await ask(call, connection, "GET", "/meta/bases", query={"offset": cursor})
    return _choices(objects(answer, "bases", at_least=0), search, after=answer.get("offset"))


@airtable.choices(*(f"{name}.table" for name in ACTIONS))
async def tables(
    call: Call,
    connection: AirtableConnection,
    given: dict[str, Json],
    search: str,
    cursor: str | None,  # noqa: ARG001
) -> Choices:
    """The tables of the base."""
    return _choices(await _schema(call, connection, given), search)


@airtable.choices("upsert_record.merge_on", "find_records.fields")
async def fields(
    call: Call,
    connection: AirtableConnection,
    given: dict[str, Json],
    search: str,
    cursor: str | None,  # noqa: ARG001
) -> Choices:
    """The fields of the table, by name."""
    return _choices(await _parts(call, connection, given, "fields"), search, by="name")


@airtable.choices("find_records.view")
async def views(
    call: Call,
    connection: AirtableConnection,
    given: dict[str, Json],
    search: str,
    cursor: str | None,  # noqa: ARG001
) -> Choices:
    """The views of the table."""
    return _choices(await _parts(call, connection, given, "views"), search)


async def _schema(call: Call, connection: AirtableConnection, given: dict[str, Json]) -> list[dict[str, Any]]:
    if not isinstance(base := given.get("base"), str) or not base:
        return []
    answer = await ask(call, connection, "GET", url_path("meta", "bases", base, "tables"))
    return objects(answer, "tables", at_least=0)


async def _parts(
    call: Call, connection: AirtableConnection, given: dict[str, Json], what: str
) -> list[dict[str, Any]]:
    known = await _schema(call, connection, given)
    table = given.get("table")
    return [part for one in known if table in {one["id"], one["name"]} for part in one.get(what, [])]


def _choices(items: list[dict[str, Any]], search: str, *, by: str = "id", after: Json = None) -> Choices:
    wanted = search.casefold()
    return Choices(
        items=[
            Choice(value=one[by], label=one["name"], note=one.get("type") or one["id"])
            for one in items
            if wanted in one["name"].casefold()
        ],
        next=after if isinstance(after, str) and after else None,
    )

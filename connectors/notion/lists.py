"""What the forms offer to choose from: databases, their data sources, pages."""

from __future__ import annotations

from typing import Any

from connectors.notion.access import PAGE, NotionConnection, ask, notion, results
from connectors.notion.actions import found_of, sources_of
from runner.connector import Call, Choice, Choices, Json


@notion.choices("create_page.database", "query_database.database")
async def databases(
    call: Call,
    connection: NotionConnection,
    given: dict[str, Json],  # noqa: ARG001 - each list is asked alike
    search: str,
    cursor: str | None,
) -> Choices:
    """The databases that are shared with the integration."""
    found, after = await _search(call, connection, "data_source", search, cursor)
    once = {one.id: one for one in reversed(found)}  # a database of several sources is found several times
    items = [Choice(value=one.id, label=one.title or "Untitled") for one in reversed(once.values())]
    return Choices(items=items, next=after)


@notion.choices("create_page.data_source", "query_database.data_source")
async def data_sources(
    call: Call,
    connection: NotionConnection,
    given: dict[str, Json],
    search: str,
    cursor: str | None,  # noqa: ARG001
) -> Choices:
    """The data sources of the database."""
    if not isinstance(database := given.get("database"), str) or not database:
        return Choices(items=[])
    known = await sources_of(call, connection, database)
    wanted = search.casefold()
    items = [Choice(value=one["id"], label=one["name"]) for one in known if wanted in one["name"].casefold()]
    return Choices(items=items)


@notion.choices("create_page.parent", "update_page.page", "get_page.page", "append_blocks.page")
async def pages(
    call: Call,
    connection: NotionConnection,
    given: dict[str, Json],  # noqa: ARG001
    search: str,
    cursor: str | None,
) -> Choices:
    """The pages that are shared with the integration."""
    found, after = await _search(call, connection, "page", search, cursor)
    return Choices(items=[Choice(value=one.id, label=one.title or "Untitled") for one in found], next=after)


async def _search(
    call: Call, connection: NotionConnection, kind: str, search: str, cursor: str | None
) -> tuple[list[Any], str | None]:
    body: dict[str, Any] = {"filter": {"property": "object", "value": kind}, "page_size": PAGE}
    body |= {"query": search} if search else {}
    body |= {"start_cursor": cursor} if cursor else {}
    answer = await ask(call, connection, "POST", "/search", json=body)
    after = answer.get("next_cursor") if answer.get("has_more") else None
    return [found_of(one) for one in results(answer)], after

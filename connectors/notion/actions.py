"""
What can be done with pages. Sources: developers.notion.com, "Create a page", "Update page", "Retrieve a
page", "Query a data source", "Retrieve a database", "Retrieve a data source", "Append block children",
"Search by title".
"""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from connectors.notion.access import NotionConnection, ask, gather, notion, notion_id, results, text_of
from connectors.notion.properties import plain, rich_text, to_notion, where
from runner.connector import Call, Input, Json, Output, Rejected, url_path

MOST_BLOCKS = 100  # "a limit of 100 block children that can be appended by a single API request"

BLOCKS = "Blocks in Notion's own form, at most 100; see Notion's page “Block”."
SOURCE = (
    "The data source of a database that has several, by its name or id. Given by its id, one request less "
    "is made."
)


class InDatabase(Input):
    """The database that is meant."""

    database: str = Field(min_length=1, description="The database's link or id.")
    data_source: str | None = Field(None, description=SOURCE)


class CreatePage(Input):
    """A page to make."""

    database: str | None = Field(None, description="The database's link or id.")
    data_source: str | None = Field(None, description=SOURCE)
    parent: str | None = Field(
        None, description="The link or id of a page under which it goes, in place of a database."
    )
    properties: dict[str, Any] = Field(
        description="The values by the properties' names: texts, numbers, true and false, dates "
        "(2026-01-31 or {start, end}), lists for multi-selects, ids of people and pages. "
        "Under a page: its title alone.",
        examples=[{"Name": "Order 1001", "Status": "Open", "Total": 12.5}],
    )
    markdown: str | None = Field(None, description="The content, as Markdown.")
    blocks: list[dict[str, Any]] | None = Field(
        None, max_length=MOST_BLOCKS, description=f"The content in place of Markdown. {BLOCKS}"
    )
    icon: str | None = Field(None, description="An emoji.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.parent is None) == (self.database is None and self.data_source is None):
            raise ValueError("give database, or the parent page")
        if self.markdown is not None and self.blocks is not None:
            raise ValueError("give markdown or blocks, not both")
        return self


class OnePage(Input):
    """The page that is meant."""

    page: str = Field(min_length=1, description="The page's link or id.")


class UpdatePage(OnePage):
    """What is changed of it."""

    properties: dict[str, Any] = Field(
        default_factory=dict,
        description="The values by the properties' names, as when a page is made; null empties one. Those "
        "not named stay as they are.",
    )
    icon: str | None = Field(None, description="An emoji.")
    in_trash: bool | None = Field(
        None, description="true puts the page into the trash, false takes it out again."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.properties and self.icon is None and self.in_trash is None:
            raise ValueError("give properties, icon or in_trash")
        return self


class Sort(Input):
    """One thing to sort by."""

    property: str = Field(description="A property's name, or created_time or last_edited_time.")
    direction: Literal["ascending", "descending"] = Field("ascending", description="Rising or falling.")


class QueryDatabase(InDatabase):
    """Which pages."""

    where: dict[str, Any] | None = Field(
        None,
        description="Values that properties must have, all of them; a multi-select, people and relations "
        "must contain it; null: empty.",
        examples=[{"Email": "ada@example.org", "Done": False}],
    )
    filter: dict[str, Any] | None = Field(
        None, description="A filter in Notion's own form; together with `where` both must hold."
    )
    sorts: list[Sort] | None = Field(None, description="How to sort, the first first.")
    limit: int = Field(100, ge=1, le=1000, description="How many pages at most.")


class AppendBlocks(OnePage):
    """What is put at its end."""

    text: str | None = Field(None, description="Text; an empty line begins a new paragraph.")
    blocks: list[dict[str, Any]] | None = Field(
        None, max_length=MOST_BLOCKS, description=f"In place of text. {BLOCKS}"
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if bool(self.text and self.text.strip()) == bool(self.blocks):
            raise ValueError("give either text or blocks")
        return self


class Search(Input):
    """What to look for."""

    query: str = Field("", description="A part of the title; all that the integration may see if left out.")
    kind: Literal["page", "database"] | None = Field(None, description="Only pages, or only databases.")
    limit: int = Field(20, ge=1, le=1000, description="How many at most.")


class Page(Output):
    """A page, its properties as plain values."""

    id: str
    url: str | None
    created_at: str | None = Field(description="ISO 8601.")
    edited_at: str | None = Field(description="ISO 8601.")
    in_trash: bool
    properties: dict[str, Json]


class Pages(Output):
    """The pages; `more` says whether there are others beyond the limit."""

    pages: list[Page]
    more: bool


class Appended(Output):
    """The ids of the new blocks."""

    blocks: list[str]


class Found(Output):
    """A page or a database; of a database, `data_source` is the source that was found."""

    kind: Literal["page", "database"]
    id: str
    title: str
    url: str | None
    data_source: str | None


class AllFound(Output):
    """What was found; `more` says whether there is more beyond the limit."""

    results: list[Found]
    more: bool


@notion.action(
    after_crash="repeat",  # see the package: a page twice is a lesser evil than an event that waits
    example="""\
action: notion.create_page
connection: notion
with:
  database: https://www.notion.so/acme/Orders-1f0c2d3e4b5a69788796a5b4c3d2e1f0
  properties:
    Name: "Order {{ payload.name }}"
    Total: "{{ payload.total_price }}"
    Tags: [shop, new]
  markdown: "Ordered by **{{ payload.customer }}**"
""",
)
async def create_page(call: Call, connection: NotionConnection, input: CreatePage) -> Page:  # noqa: A002 - the contract of an action
    """
    Create a page in a database, or under a page.

    The database's own types say how a plain value is written; a name that it does not have is an error
    that shows the nearest.
    """
    if input.parent is not None:
        if input.properties.keys() - {"title"}:
            raise Rejected("a page under a page has one property, title")
        parent: dict[str, Json] = {"page_id": notion_id(input.parent)}
        schema: dict[str, Any] = {"title": {"type": "title"}}
    else:
        source = await source_of(call, connection, input.database, input.data_source)
        schema, parent = await schema_of(call, connection, source), {"data_source_id": source}
    body: dict[str, Json] = {"parent": parent, "properties": to_notion(schema, input.properties)}
    if input.markdown is not None:
        body["markdown"] = input.markdown
    if input.blocks:
        body["children"] = list(input.blocks)
    return _page(await ask(call, connection, "POST", "/pages", json=body | _icon(input.icon)))


@notion.action(
    after_crash="repeat",  # the same values once more are no second effect
    example="""\
action: notion.update_page
connection: notion
with:
  page: "{{ steps.order.pages[0].id }}"
  properties: {Status: Shipped, Shipped on: "{{ now() }}"}
""",
)
async def update_page(call: Call, connection: NotionConnection, input: UpdatePage) -> Page:  # noqa: A002
    """Change properties of a page, or put it into the trash."""
    path = url_path("pages", notion_id(input.page))
    body: dict[str, Json] = _icon(input.icon)
    if input.properties:
        known = await ask(call, connection, "GET", path)
        body["properties"] = to_notion(known.get("properties", {}), input.properties)
    if input.in_trash is not None:
        body["in_trash"] = input.in_trash
    return _page(await ask(call, connection, "PATCH", path, json=body))


@notion.action(
    example="action: notion.get_page\nconnection: notion\nwith:\n  page: '{{ payload.page_id }}'\n"
)
async def get_page(call: Call, connection: NotionConnection, input: OnePage) -> Page:  # noqa: A002
    """
    Get a page with its properties as plain values.

    Notion gives at most 25 people or relations of a property.
    """
    return _page(await ask(call, connection, "GET", url_path("pages", notion_id(input.page))))


@notion.action(
    example="""\
action: notion.query_database
connection: notion
with:
  database: 1f0c2d3e4b5a69788796a5b4c3d2e1f0
  where: {Email: "{{ payload.email }}"}
  sorts: [{property: created_time, direction: descending}]
  limit: 1
""",
)
async def query_database(call: Call, connection: NotionConnection, input: QueryDatabase) -> Pages:  # noqa: A002
    """Find the pages of a database by their properties."""
    source = await source_of(call, connection, input.database, input.data_source)
    filters = [] if input.filter is None else [input.filter]
    if input.where and (made := where(await schema_of(call, connection, source), input.where)):
        filters.append(made)
    body: dict[str, Any] = {"result_type": "page"}
    if filters:
        body["filter"] = filters[0] if len(filters) == 1 else {"and": filters}
    if input.sorts:
        times = {"created_time", "last_edited_time"}
        body["sorts"] = [
            {"timestamp" if one.property in times else "property": one.property, "direction": one.direction}
            for one in input.sorts
        ]
    path = url_path("data_sources", source, "query")
    found, more = await gather(call, connection, path, body, limit=input.limit)
    return Pages(pages=[_page(one) for one in found], more=more)


@notion.action(
    after_crash="repeat",
    example="""\
action: notion.append_blocks
connection: notion
with:
  page: "{{ steps.order.pages[0].id }}"
  text: "Paid at {{ now() }}"
""",
)
async def append_blocks(call: Call, connection: NotionConnection, input: AppendBlocks) -> Appended:  # noqa: A002
    """Put text or blocks at the end of a page."""
    blocks: list[Any] = list(input.blocks or [])
    if input.text is not None and not blocks:
        parts = [part.strip("\n") for part in re.split(r"\n\s*\n", input.text) if part.strip()]
        if len(parts) > MOST_BLOCKS:
            raise Rejected(f"text has {len(parts)} paragraphs; Notion takes {MOST_BLOCKS} at a time")
        blocks = [{"type": "paragraph", "paragraph": {"rich_text": rich_text(part)}} for part in parts]
    path = url_path("blocks", notion_id(input.page), "children")
    answer = await ask(call, connection, "PATCH", path, json={"children": blocks})
    return Appended(blocks=[one["id"] for one in results(answer)])


@notion.action(
    example="action: notion.search\nconnection: notion\nwith:\n  query: Orders\n  kind: database\n"
)
async def search(call: Call, connection: NotionConnection, input: Search) -> AllFound:  # noqa: A002
    """Find pages and databases by their title, among those shared with the integration."""
    body: dict[str, Any] = {"query": input.query} if input.query else {}
    if input.kind is not None:
        value = "data_source" if input.kind == "database" else "page"
        body["filter"] = {"property": "object", "value": value}
    found, more = await gather(call, connection, "/search", body, limit=input.limit)
    return AllFound(results=[found_of(one) for one in found], more=more)


async def source_of(
    call: Call, connection: NotionConnection, database: str | None, data_source: str | None
) -> str:
    """
    The id of the data source that is meant.

    Raises:
        Rejected: the database has several, or none of that name.
    """
    if data_source is not None:
        try:
            return notion_id(data_source)
        except Rejected:
            if database is None:
                raise
    known = await sources_of(call, connection, database or "")
    fits = [one for one in known if data_source in {None, one["name"]}]
    if len(fits) != 1:
        names = ", ".join(f'"{one["name"]}"' for one in known)
        raise Rejected(f"the database has the data sources {names}; say which with data_source")
    return str(fits[0]["id"])


async def sources_of(call: Call, connection: NotionConnection, database: str) -> list[dict[str, Any]]:
    """The data sources of a database, each {id, name}."""
    answer = await ask(call, connection, "GET", url_path("databases", notion_id(database)))
    return list(answer.get("data_sources") or [])


async def schema_of(call: Call, connection: NotionConnection, source: str) -> dict[str, Any]:
    """The properties of a data source: name → {id, type, …}."""
    answer = await ask(call, connection, "GET", url_path("data_sources", source))
    return dict(answer.get("properties") or {})


def found_of(one: dict[str, Any]) -> Found:
    """A result of a search."""
    if one.get("object") == "page":
        titles = [each for each in one.get("properties", {}).values() if each.get("type") == "title"]
        title = text_of(titles[0]["title"]) if titles else ""
        return Found(kind="page", id=one["id"], title=title, url=one.get("url"), data_source=None)
    database = (one.get("parent") or {}).get("database_id") or one["id"]
    title = text_of(one.get("title"))
    return Found(kind="database", id=database, title=title, url=one.get("url"), data_source=one["id"])


def _page(one: dict[str, Any]) -> Page:
    return Page(
        id=str(one.get("id")),
        url=one.get("url"),
        created_at=one.get("created_time"),
        edited_at=one.get("last_edited_time"),
        in_trash=bool(one.get("in_trash")),
        properties=plain(one.get("properties") or {}),
    )


def _icon(emoji: str | None) -> dict[str, Json]:
    return {} if emoji is None else {"icon": {"type": "emoji", "emoji": emoji}}

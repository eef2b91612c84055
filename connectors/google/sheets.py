"""
Google Sheets: rows by the headings of a sheet, and cells by their range.

Sources: Sheets API v4 reference, spreadsheets.get and spreadsheets.values (append, get, batchUpdate,
clear), ValueInputOption, ValueRenderOption, DateTimeRenderOption; guide "Read & write cell values" (how a
table is found); "Usage limits"; Drive API, "Search for files and folders".
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from connectors.google.account import Google, GoogleRobot, GoogleUser
from connectors.google.api import CREDENTIALS, DRIVE, MENDS, SHEETS, ask, cursor_of, objects, path, quoted
from connectors.google.table import (
    OfSheet,
    OfTable,
    Row,
    Table,
    Writing,
    cells,
    letters,
    row_number,
    shown,
    spreadsheet_id,
    values,
)
from runner.connector import Call, Choice, Choices, Connector, Json, Output, Rejected

google_sheets = Connector("google_sheets", title="Google Sheets", summary="Rows and cells of spreadsheets.")
google_sheets.connection("google")(GoogleRobot)
google_sheets.connection("google_oauth")(GoogleUser)
google_sheets.explains(CREDENTIALS, MENDS)

SPREADSHEET = "application/vnd.google-apps.spreadsheet"


class Append(Writing):
    """The inputs of `google_sheets.append`."""

    row: Row | None = Field(
        None, description="A row, by heading: {Order: 1001, Total: 12.5}. Headings left out stay empty."
    )
    rows: list[Row] | None = Field(None, description="Several rows, in place of `row`.", max_length=1000)
    once_by: str | None = Field(
        None,
        description="A heading, such as Order: a row is left out whose value stands in that column already. "
        "It makes the row stand exactly once, also after a crash or a replay.",
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if (self.row is None) == (self.rows is None):
            raise ValueError("give either row or rows")
        return self

    def given(self) -> list[Row]:
        """The rows."""
        return self.rows if self.rows is not None else [self.row or {}]


class Appended(Output):
    """Where the rows stand; `range` is null when all were there already."""

    appended: int = Field(description="How many rows were added.")
    skipped: int = Field(description="How many were there already, by `once_by`.")
    range: str | None = Field(description="The cells that were written, such as Orders!A7:D7.")


class Update(Writing):
    """The inputs of `google_sheets.update`."""

    key_column: str = Field(description="The heading of the column by which the row is found.")
    key: str | int | float | bool = Field(description="The value in that column.")
    row: Row = Field(description="What is written, by heading; other cells of the row stay.", min_length=1)
    if_missing: Literal["fail", "append", "ignore"] = Field(
        "fail", description="What happens when no row has the key."
    )
    if_several: Literal["first", "all", "fail"] = Field(
        "first", description="What happens when several rows have it."
    )


class Updated(Output):
    """What was written."""

    rows: list[int] = Field(description="The numbers of the rows that were changed or added; empty: none.")
    appended: bool = Field(description="Whether the row was not there and was added.")


class Find(OfTable):
    """The inputs of `google_sheets.find`."""

    where: Row = Field(
        default_factory=dict,
        description="What a row must hold, by heading; null: an empty cell. Left out: all rows.",
    )
    limit: int = Field(100, ge=1, le=10_000, description="The most rows that it gives.")
    last_first: bool = Field(False, description="From the last row up, for the newest.")


class FoundRow(Output):
    """A row of a sheet."""

    row: int = Field(description="Its number.")
    values: dict[str, Json] = Field(description="Its cells by heading; empty ones are null.")


class Found(Output):
    """The rows that were found."""

    rows: list[FoundRow]
    count: int = Field(description="How many rows are in `rows`.")
    more: bool = Field(description="Whether there are more than the limit.")


class Read(OfSheet):
    """The inputs of `google_sheets.read_range`."""

    range: str = Field(
        description="In A1 notation: Orders!A2:D, Orders, A1:B2 of the first sheet, or a named range.",
        min_length=1,
    )
    values: Literal["plain", "as_shown", "formulas"] = Field(
        "plain", description="Numbers as numbers; texts as the sheet shows them; or the formulas."
    )


class Cells(Output):
    """The cells, row by row; Google leaves out empty ones at the end of a row and of the range."""

    range: str
    values: list[list[Json]]


class Clear(OfSheet):
    """The inputs of `google_sheets.clear`."""

    range: str = Field(
        description="In A1 notation: Orders!A2:D. Formats and notes stay.",
        examples=["Orders!A2:Z"],
        min_length=1,
    )


class Cleared(Output):
    """What is empty now."""

    range: str


def _append_rule(given: Append) -> Literal["repeat", "stop"]:
    """Google knows no idempotency key: with `once_by` a second call adds nothing; else a person decides."""
    return "repeat" if given.once_by else "stop"


def _headings(given: Append, _method: str, _address: str) -> Json:
    """What the sheet is taken to hold when nothing is asked of it: the headings of the given rows."""
    names = dict.fromkeys(name for row in given.given() for name in row)
    return {"values": [list(names)]}


@google_sheets.action(
    after_crash=_append_rule,
    effect="adds {n} rows[ to {sheet}]",
    reading=_headings,
    example="""\
action: google_sheets.append
connection: shop-sheet
with:
  spreadsheet: 1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefgh
  sheet: Orders
  once_by: Order
  row:
    Order: "{{ payload.name }}"
    Total: "{{ payload.total_price }}"
""",
)
async def append(call: Call, connection: Google, input: Append) -> Appended:  # noqa: A002 - the contract of an action
    """
    Add rows below a sheet's table, each value under its heading.

    Google has no idempotency key. With `once_by` the row stands exactly once, also after a crash or a
    replay; two events that arrive at the same moment with the same value can still both be added.
    Without it, a crash during the call stops the run for a person to decide.
    """
    rows = input.given()
    table = await Table.open(call, connection, input)
    table.check(*(name for row in rows for name in row))
    fresh = rows
    if (key := input.once_by) is not None:
        table.check(key)
        if any(shown(row.get(key)) == "" for row in rows):
            raise Rejected(f'google_sheets.append: a row has no value for once_by: "{key}"')
        there = {text for text, _ in await table.keys(key)}
        by_key: dict[str, Row] = {}
        for row in rows:
            by_key.setdefault(shown(row[key]), row)
        fresh = [row for text, row in by_key.items() if text not in there]
    if not fresh:
        return Appended(appended=0, skipped=len(rows), range=None)
    written = await table.add(input, fresh, key=key)
    return Appended(appended=len(fresh), skipped=len(rows) - len(fresh), range=written)


@google_sheets.action(
    after_crash="repeat",  # the same cells get the same values; a row that was added is found by its key
    example="""\
action: google_sheets.update
connection: shop-sheet
with:
  spreadsheet: 1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefgh
  sheet: Orders
  key_column: Order
  key: "{{ payload.name }}"
  row: {Status: shipped}
  if_missing: append
""",
)
async def update(call: Call, connection: Google, input: Update) -> Updated:  # noqa: A002
    """
    Write cells of the row whose key column holds a value; or add the row.

    The row is looked up first: where somebody inserts or sorts rows between the two requests, another
    row is written.
    """
    table = await Table.open(call, connection, input)
    table.check(input.key_column, *input.row)
    key = shown(input.key)
    numbers = [number for text, number in await table.keys(input.key_column) if text == key]
    if not numbers:
        if input.if_missing == "ignore":
            return Updated(rows=[], appended=False)
        if input.if_missing == "fail":
            raise Rejected(f'google_sheets.update: no row has "{key}" under {input.key_column}')
        row = {**input.row, input.key_column: input.key}
        written = await table.add(input, [row], key=input.key_column)
        return Updated(rows=[row_number(written)], appended=True)
    if len(numbers) > 1 and input.if_several == "fail":
        raise Rejected(f'google_sheets.update: {len(numbers)} rows have "{key}" under {input.key_column}')
    chosen = numbers if input.if_several == "all" else numbers[:1]
    await table.write(input, chosen, input.row)
    return Updated(rows=chosen, appended=False)


@google_sheets.action(
    after_crash="repeat",  # it only reads
    example="""\
action: google_sheets.find
connection: shop-sheet
with:
  spreadsheet: 1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefgh
  sheet: Customers
  where: {Email: "{{ payload.email }}"}
  limit: 1
""",
)
async def find(call: Call, connection: Google, input: Find) -> Found:  # noqa: A002
    """
    Give the rows whose cells hold what is asked for, as objects by heading.

    5, 5.0 and "5" are the same; dates are compared as the sheet shows them. The sheet is read whole: at
    most 10 MiB of it.
    """
    table = await Table.open(call, connection, input)
    table.check(*input.where)
    wanted = {name: shown(value) for name, value in input.where.items()}
    matches = [
        FoundRow(row=number, values=row)
        for number, row in await table.rows()
        if all(shown(row[name]) == text for name, text in wanted.items())
    ]
    if input.last_first:
        matches.reverse()
    rows = matches[: input.limit]
    return Found(rows=rows, count=len(rows), more=len(matches) > input.limit)


@google_sheets.action(
    after_crash="repeat",
    example="""\
action: google_sheets.read_range
connection: shop-sheet
with:
  spreadsheet: 1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefgh
  range: Prices!A2:B
""",
)
async def read_range(call: Call, connection: Google, input: Read) -> Cells:  # noqa: A002
    """Give the cells of a range, row by row."""
    answer = await values(call, connection, input.spreadsheet, input.range, input.values)
    return Cells(range=str(answer.get("range", input.range)), values=cells(answer))


@google_sheets.action(
    after_crash="repeat",  # what is empty stays so
    example="""\
action: google_sheets.clear
connection: shop-sheet
with:
  spreadsheet: 1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefgh
  range: Today!A2:Z
""",
)
async def clear(call: Call, connection: Google, input: Clear) -> Cleared:  # noqa: A002
    """Empty the cells of a range; their formats stay."""
    where = path("v4", "spreadsheets", input.spreadsheet, "values", input.range) + ":clear"
    answer = await ask(call, connection, "POST", SHEETS, where, json={})
    return Cleared(range=str(answer.get("clearedRange", input.range)))


ACTIONS = ("append", "update", "find", "read_range", "clear")


@google_sheets.choices(*(f"{name}.spreadsheet" for name in ACTIONS))
async def spreadsheets(
    call: Call, connection: Google, _given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """The spreadsheets that the connection sees; it needs a scope of Drive."""
    query = f"mimeType = '{SPREADSHEET}' and trashed = false"
    if search.strip():
        query += f" and name contains {quoted(search.strip())}"
    answer = await ask(
        call,
        connection,
        "GET",
        DRIVE,
        path("drive", "v3", "files"),
        query={
            "q": query,
            "fields": "nextPageToken,files(id,name,owners(emailAddress))",
            "orderBy": "recency desc",
            "pageSize": 50,
            "supportsAllDrives": True,
            "includeItemsFromAllDrives": True,
            "pageToken": cursor,
        },
    )
    items = []
    for one in objects(answer.get("files")):
        owners = objects(one.get("owners"))
        note = str(owners[0].get("emailAddress", "")) if owners else ""
        items.append(Choice(value=one.get("id"), label=str(one.get("name", "")), note=note))
    return Choices(items=items, next=cursor_of(answer))


@google_sheets.choices("append.sheet", "update.sheet", "find.sheet")
async def sheets(
    call: Call, connection: Google, given: dict[str, Json], search: str, _cursor: str | None
) -> Choices:
    """The sheets of the chosen spreadsheet."""
    where = path("v4", "spreadsheets", _chosen(given))
    answer = await ask(
        call, connection, "GET", SHEETS, where, query={"fields": "sheets.properties(title,hidden)"}
    )
    found = [one.get("properties") for one in objects(answer.get("sheets"))]
    titles = [(str(one["title"]), one.get("hidden")) for one in objects(found) if "title" in one]
    return Choices(
        items=[
            Choice(value=title, label=title, note="hidden" if hidden else "")
            for title, hidden in titles
            if search.strip().lower() in title.lower()
        ]
    )


@google_sheets.choices("append.row", "append.once_by", "update.row", "update.key_column", "find.where")
async def columns(
    call: Call, connection: Google, given: dict[str, Json], search: str, _cursor: str | None
) -> Choices:
    """The headings of the chosen sheet."""
    chosen = {name: given[name] for name in ("sheet", "heading_row") if given.get(name)}
    where = OfTable.model_validate({"spreadsheet": _chosen(given), **chosen})
    headings = (await Table.open(call, connection, where)).headings
    return Choices(
        items=[
            Choice(value=one, label=one, note=f"column {letters(place)}")
            for place, one in enumerate(headings)
            if one and search.strip().lower() in one.lower()
        ]
    )


def _chosen(given: dict[str, Json]) -> str:
    try:
        return spreadsheet_id(str(given.get("spreadsheet") or ""))
    except ValueError as error:
        raise Rejected(f"choose a spreadsheet first: spreadsheet {error}") from None

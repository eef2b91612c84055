"""
A sheet as a table: what stands under which heading, and how rows are added and found.

Sources: as of `connectors.google.sheets`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field

from connectors.google.account import Google
from connectors.google.api import SHEETS, ask, path
from runner.connector import Call, Input, Json, Rejected

LONGEST_CELL = 50_000  # characters, Google's own limit
RISKY = ("=", "+", "-", "@", "\t", "\r")  # what begins a formula here, or in a CSV made of it
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*%?")
RENDER = {
    # dates as texts: their serial numbers mean nothing outside of a sheet
    "plain": {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "FORMATTED_STRING"},
    "as_shown": {"valueRenderOption": "FORMATTED_VALUE"},
    "formulas": {"valueRenderOption": "FORMULA", "dateTimeRenderOption": "FORMATTED_STRING"},
}

Cell: TypeAlias = str | int | float | bool | None
Row: TypeAlias = dict[str, Cell]


def spreadsheet_id(text: str) -> str:
    """
    The id in the address of a spreadsheet's page, or the id itself.

    Raises:
        ValueError: it is neither.
    """
    match = re.search(r"/spreadsheets/d/([\w-]+)", text)
    found = match[1] if match else text.strip()
    if not re.fullmatch(r"[\w-]+", found):
        raise ValueError("is no id of a spreadsheet; paste the address of its page, or the part after /d/")
    return found


class OfSheet(Input):
    """What all actions have."""

    spreadsheet: Annotated[str, AfterValidator(spreadsheet_id)] = Field(
        description="The address of its page, or its id (the part after /d/)."
    )


class OfTable(OfSheet):
    """What the actions have that go by headings."""

    sheet: str | None = Field(None, description="The sheet's (tab's) name; left out: the first one.")
    heading_row: int = Field(1, ge=1, description="The row that holds the headings.")

    def area(self, first: str, last: str) -> str:
        """Cells of the sheet in A1 notation; without a sheet it is the first one."""
        name = "" if self.sheet is None else "'" + self.sheet.replace("'", "''") + "'!"
        return f"{name}{first}:{last}"


class Writing(OfTable):
    """What the actions have that write by headings."""

    values_are: Literal["RAW", "USER_ENTERED"] = Field(
        "RAW",
        description="RAW: texts stay texts. USER_ENTERED: as if typed, so that 2024-05-01 is a date and "
        "12% a number.",
    )
    formulas: Literal["text", "allow"] = Field(
        "text",
        description="With USER_ENTERED, what a text becomes that begins with = + - @: a text (an apostrophe "
        "is put before it), or a formula. Payloads come from strangers: allow only what is yours.",
    )

    def cell(self, value: Cell, *, is_key: bool = False) -> Json:
        """
        A value as it is sent; a null is an empty cell. A key stays the text that it is: typed, 0012
        would be 12, and not be found again.
        """
        if not isinstance(value, str):
            return "" if value is None else value
        if len(value) > LONGEST_CELL:
            raise Rejected(f"google_sheets: a cell takes {LONGEST_CELL:,} characters, not {len(value):,}")
        risky = self.formulas == "text" and value.startswith(RISKY) and not NUMBER.fullmatch(value)
        return f"'{value}" if self.values_are == "USER_ENTERED" and (is_key or risky) else value


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet whose headings are known, from column A on; an empty one is an empty text."""

    call: Call
    connection: Google
    where: OfTable
    headings: list[str]

    @classmethod
    async def open(cls, call: Call, connection: Google, where: OfTable) -> Self:
        """Read the headings. Raises Rejected: there are none."""
        row = where.heading_row
        answer = await values(call, connection, where.spreadsheet, where.area(f"A{row}", f"{row}"))
        found = cells(answer)
        headings = [shown(one) for one in found[0]] if found else []
        if not any(headings):
            raise Rejected(
                f"google_sheets: row {row} of {where.sheet or 'the first sheet'} holds no headings; write "
                "one above each column, or set heading_row"
            )
        return cls(call, connection, where, headings)

    def check(self, *names: str) -> None:
        """Raises Rejected: one of the columns *names* is missing, or stands twice."""
        if missing := [name for name in dict.fromkeys(names) if name not in self.headings or not name]:
            there = ", ".join(one for one in self.headings if one)
            raise Rejected(
                f"google_sheets: there is no column {', '.join(missing)}; the headings in row "
                f"{self.where.heading_row} are {there}"
            )
        if double := [name for name in dict.fromkeys(names) if self.headings.count(name) > 1]:
            raise Rejected(f"google_sheets: the heading {double[0]} stands above two columns; rename one")

    def column_of(self, name: str) -> str:
        """The letters of the column under *name*."""
        return letters(self.headings.index(name))

    async def keys(self, name: str) -> list[tuple[str, int]]:
        """The texts of a column below its heading, each with the number of its row."""
        # from the heading on: below it there may be no row yet, and Google refuses what is not there
        first, column = self.where.heading_row, self.column_of(name)
        area = self.where.area(f"{column}{first}", column)
        found = cells(await values(self.call, self.connection, self.where.spreadsheet, area))
        texts = ((shown(row[0]) if row else "", number) for number, row in enumerate(found, start=first))
        return [(text, number) for text, number in texts if text and number > first]

    async def rows(self) -> list[tuple[int, dict[str, Json]]]:
        """All rows below the headings that are not empty, by heading; an empty cell is null."""
        first = self.where.heading_row
        area = self.where.area(f"A{first}", letters(len(self.headings) - 1))
        found = cells(await values(self.call, self.connection, self.where.spreadsheet, area))
        return [
            (number, {name: _at(row, place) for place, name in enumerate(self.headings) if name})
            for number, row in enumerate(found, start=first)
            if number > first and any(one not in {"", None} for one in row)
        ]

    async def add(self, writing: Writing, rows: list[Row], *, key: str | None) -> str:
        """
        Add rows below the table; the cells that were written. Google finds the table around a range and
        writes from its first column on, so that a gap among the headings could move all values aside.
        """
        if "" in self.headings:
            raise Rejected(
                f"google_sheets: column {letters(self.headings.index(''))} has no heading, so that Google "
                f"could write into the wrong columns; give it one in row {writing.heading_row}"
            )
        names, number = self.headings, writing.heading_row
        around = writing.area(f"A{number}", f"{letters(len(names) - 1)}{number}")
        answer = await ask(
            self.call,
            self.connection,
            "POST",
            SHEETS,
            path("v4", "spreadsheets", writing.spreadsheet, "values", around) + ":append",
            # INSERT_ROWS: two calls at once do not write over each other
            query={"valueInputOption": writing.values_are, "insertDataOption": "INSERT_ROWS"},
            json={
                "majorDimension": "ROWS",
                "values": [
                    # a null lets a cell be, so that a formula that fills its column goes on
                    [writing.cell(row[name], is_key=name == key) if name in row else None for name in names]
                    for row in rows
                ],
            },
        )
        updates = answer.get("updates")
        return str(updates.get("updatedRange", "")) if isinstance(updates, dict) else ""

    async def write(self, writing: Writing, numbers: list[int], row: Row) -> None:
        """Write cells of the rows *numbers*; the others stay."""
        where = path("v4", "spreadsheets", writing.spreadsheet) + "/values:batchUpdate"
        data = [
            {
                "range": writing.area(f"{self.column_of(name)}{number}", f"{self.column_of(name)}{number}"),
                "values": [[writing.cell(value)]],
            }
            for number in numbers
            for name, value in row.items()
        ]
        body = {"valueInputOption": writing.values_are, "data": data}
        await ask(self.call, self.connection, "POST", SHEETS, where, json=body)


async def values(
    call: Call, connection: Google, spreadsheet: str, area: str, render: str = "plain"
) -> dict[str, Json]:
    """Google's answer with the cells of *area*, rendered as RENDER says."""
    where = path("v4", "spreadsheets", spreadsheet, "values", area)
    return await ask(
        call, connection, "GET", SHEETS, where, query={"majorDimension": "ROWS", **RENDER[render]}
    )


def cells(answer: dict[str, Json]) -> list[list[Json]]:
    """The rows of an answer."""
    found = answer.get("values")
    return [one if isinstance(one, list) else [] for one in found] if isinstance(found, list) else []


def letters(place: int) -> str:
    """The letters of the column at *place*, from 0."""
    text, number = "", place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def shown(value: Any) -> str:
    """A value as text, for comparing: true as Sheets shows it, 5.0 as 5."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def row_number(area: str) -> int:
    """The row of the first cell of a range that Google wrote; 0 where it does not say."""
    match = re.search(r"!?\$?[A-Z]+\$?(\d+)(:|$)", area)
    return int(match[1]) if match else 0


def _at(row: list[Json], place: int) -> Json:
    return (None if row[place] == "" else row[place]) if place < len(row) else None

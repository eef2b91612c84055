"""
PostgreSQL: `postgres.query`, `postgres.execute` and `postgres.insert`.

Values are parameters, never text in SQL. Source: PostgreSQL's manual, "SQL Commands".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from connectors.postgres.access import MENDS, PostgresConnection, session
from connectors.postgres.sql import insert_statement, numbered
from connectors.postgres.values import parameter, to_json
from runner.connector import (
    AfterCrash,
    Call,
    Choice,
    Choices,
    Connector,
    Constant,
    Input,
    Json,
    Output,
    Rejected,
    in_brief,
)

postgres = Connector("postgres", title="PostgreSQL", summary="Rows of a PostgreSQL database.")
postgres.connection("postgres")(PostgresConnection)
postgres.explains(MENDS)

MOST_ROWS = 10_000
MOST_CHOICES = 200
# a command's tag, such as "INSERT 0 1" and "UPDATE 3"; others have no number or another's
COUNTED = re.compile(r"(?:INSERT \d+|UPDATE|DELETE|MERGE) (\d+)")
Params = list[Json] | dict[str, Json]
PARAMS: Any = Field(
    [],
    description="The values: a list for $1, $2 …, or a mapping for :name. JSON fits the types of the "
    "columns: times in ISO 8601 (UTC where no offset is given), bytes in base64 or a file.",
)


class Query(Input):
    """The inputs of `postgres.query`."""

    sql: Constant = Field(
        description="One statement that reads, without expressions: values go into `params`.",
        min_length=1,
    )
    params: Params = PARAMS
    limit: int = Field(100, ge=1, le=MOST_ROWS, description="At most so many rows.")


class Rows(Output):
    """What was read."""

    rows: list[dict[str, Json]] = Field(description="The rows, each by column.")
    count: int = Field(description="How many rows these are.")
    more: bool = Field(description="Whether there are rows beyond `limit`.")


class Execute(Input):
    """The inputs of `postgres.execute`."""

    sql: Constant = Field(
        description="One statement that changes something, without expressions: values go into `params`. "
        "RETURNING gives rows.",
        min_length=1,
    )
    params: Params = PARAMS
    repeatable: bool = Field(
        False,
        description="Whether doing it twice is the same as once (SET paid = true is, SET n = n + 1 is not): "
        "then it is repeated after a crash, where else a person is asked.",
    )


class Executed(Output):
    """What was changed."""

    rows_affected: int = Field(description="How many rows were inserted, updated or deleted.")
    rows: list[dict[str, Json]] = Field(description="What RETURNING gave.")


class Insert(Input):
    """The inputs of `postgres.insert`."""

    table: str = Field(
        description="The table, as it is written in the database: orders, or shop.orders.", min_length=1
    )
    values: dict[str, Json] = Field(description="The row, by column.", min_length=1)
    on_conflict: Literal["fail", "ignore", "update"] = Field(
        "fail", description="What to do where such a row is there: fail, leave it, or give it these values."
    )
    keys: list[str] = Field(
        [],
        description="The columns of the unique constraint by which rows are the same; needed for update.",
    )

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.on_conflict == "update" and not self.keys:
            raise ValueError("keys: name the columns by which rows are the same, for on_conflict: update")
        if self.keys and self.on_conflict == "fail":
            raise ValueError("keys: only for on_conflict: ignore or update")
        return self


class Inserted(Output):
    """The row as it is now."""

    rows_affected: int = Field(description="1, or 0 where a row was left as it was.")
    row: dict[str, Json] | None = Field(description="The row; null where one was left as it was.")


@postgres.action(
    after_crash="repeat",  # the transaction can only read
    example="""\
action: postgres.query
connection: shop_db
with:
  sql: SELECT id, total FROM orders WHERE email = :email ORDER BY created DESC
  params: {email: "{{ payload.email }}"}
  limit: 10
""",
)
async def query(call: Call, connection: PostgresConnection, input: Query) -> Rows:  # noqa: A002 - the contract of an action
    """Read rows, in a transaction that can change nothing."""
    text, values = numbered(input.sql, input.params)
    async with session(call, connection, readonly=True) as database:
        statement = await database.prepare(text, name="")
        given = await _arguments(call, statement, values)
        kinds = _columns(statement)
        if kinds:
            cursor = await _read(statement.cursor(*given))
            found = await _read(cursor.fetch(input.limit + 1))
        else:
            found = await statement.fetch(*given)
    rows = _rows(found[: input.limit], kinds)
    return Rows(rows=rows, count=len(rows), more=len(found) > input.limit)


def _execute_rule(given: Execute) -> AfterCrash:
    return "repeat" if given.repeatable else "stop"


@postgres.action(
    after_crash=_execute_rule,
    example="""\
action: postgres.execute
connection: shop_db
with:
  sql: UPDATE orders SET paid = true WHERE id = $1
  params: ["{{ payload.order_id }}"]
  repeatable: true
""",
)
async def execute(call: Call, connection: PostgresConnection, input: Execute) -> Executed:  # noqa: A002 - the contract of an action
    """
    Insert, update or delete, in a transaction of its own.

    What fails before the commit has changed nothing and is tried again; only a connection that breaks
    during the commit leaves the outcome open.
    """
    text, values = numbered(input.sql, input.params)
    rows, affected = await _changed(call, connection, text, values)
    return Executed(rows_affected=affected, rows=rows)


def _insert_rule(given: Insert) -> AfterCrash:
    return "stop" if given.on_conflict == "fail" else "repeat"  # a second row, or the same once more


@postgres.action(
    after_crash=_insert_rule,
    example="""\
action: postgres.insert
connection: shop_db
with:
  table: orders
  values: {id: "{{ payload.id }}", total: "{{ payload.total }}"}
  on_conflict: update
  keys: [id]
""",
)
async def insert(call: Call, connection: PostgresConnection, input: Insert) -> Inserted:  # noqa: A002 - the contract of an action
    """
    Insert a row, or update the one that is there.

    With `on_conflict` the row is there once however often the step is made.
    """
    text = insert_statement(input.table, list(input.values), input.keys, input.on_conflict)
    rows, affected = await _changed(call, connection, text, list(input.values.values()))
    return Inserted(rows_affected=affected, row=rows[0] if rows else None)


@postgres.choices("insert.table")
async def tables(
    call: Call,
    connection: PostgresConnection,
    _given: Mapping[str, Json],
    search: str | None,
    cursor: str | None,
) -> Choices:
    """The tables that the user may insert into."""
    async with session(call, connection, readonly=True) as database:
        found = await database.fetch(
            "SELECT CASE table_schema WHEN 'public' THEN '' ELSE table_schema || '.' END || table_name"
            " AS name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
            " AND has_table_privilege(quote_ident(table_schema) || '.' || quote_ident(table_name), 'INSERT')"
            " AND strpos(lower(table_name), lower($1)) > 0 ORDER BY 1 LIMIT $2 OFFSET $3",
            search or "", MOST_CHOICES + 1, start := _offset(cursor),
        )  # fmt: skip
    items = [Choice(value=one["name"], label=one["name"]) for one in found[:MOST_CHOICES]]
    return Choices(items=items, next=str(start + MOST_CHOICES) if len(found) > MOST_CHOICES else None)


def _offset(cursor: str | None) -> int:
    return int(cursor) if cursor and cursor.isascii() and cursor.isdigit() and len(cursor) < 10 else 0


async def _changed(
    call: Call, connection: PostgresConnection, text: str, values: Sequence[Json]
) -> tuple[list[dict[str, Json]], int]:
    """The rows that a statement gave, and how many it changed."""
    async with session(call, connection, readonly=False) as database:
        statement = await database.prepare(text, name="")
        kinds = _columns(statement)
        found = await _read(statement.fetch(*await _arguments(call, statement, values)))
        rows = _rows(found, kinds)
        changed = COUNTED.fullmatch(statement.get_statusmsg() or "")
    return rows, int(changed[1]) if changed else 0


async def _read(reading: Awaitable[Any]) -> Any:
    try:
        return await reading
    except (ValueError, OverflowError) as error:  # of asyncpg: such as a day before our era
        raise Rejected(
            f"a value does not fit, or has no form here: {in_brief(str(error))}; cast it in the SQL, "
            "such as $1::text or made::text"
        ) from None


async def _arguments(call: Call, statement: Any, values: Sequence[Json]) -> list[Any]:
    kinds = [one.name for one in statement.get_parameters()]
    if len(kinds) != len(values):
        raise Rejected(f"the SQL has {len(kinds)} parameters, and params has {len(values)}")
    return [
        await parameter(value, kind, number, call.files)
        for number, (value, kind) in enumerate(zip(values, kinds, strict=True), start=1)
    ]


def _columns(statement: Any) -> list[tuple[str, str]]:
    """Name and type of each column of the result. Raises Rejected: two have one name."""
    columns = [(one.name, one.type.name) for one in statement.get_attributes()]
    twice = [name for name, times in Counter(name for name, _ in columns).items() if times > 1]
    if twice:
        raise Rejected(f'two columns are called "{twice[0]}"; give one another name: … AS other')
    return columns


def _rows(found: Sequence[Any], columns: Sequence[tuple[str, str]]) -> list[dict[str, Json]]:
    return [
        {name: to_json(value, kind) for (name, kind), value in zip(columns, one.values(), strict=True)}
        for one in found
    ]

"""The inputs and outputs of `mysql.*`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from runner.connector import Constant, Input, Json, Output

MOST_ROWS = 10_000
MOST_INSERTED = 1_000

Row = Annotated[dict[str, Json], Field(min_length=1)]
RowOrRows = Row | Annotated[list[Row], Field(min_length=1, max_length=MOST_INSERTED)]
Params = list[Json] | dict[str, Json]
PARAMS: Any = Field(
    [],
    description="The values: a list for each ?, or a mapping for :name. A file is its bytes, a mapping or "
    "list is JSON; a time is written as 2024-03-01 12:00:00, in UTC.",
)
VALUES: Any = Field(
    description="The row, by column, or a list of rows with the same columns. Times in ISO 8601 (UTC where "
    "no offset is given), bytes in base64 or a file; mappings and lists are kept as JSON."
)
TABLE: Any = Field(description="The table: orders, or shop.orders of another database.", min_length=1)
WHERE = "equals its value, or is one of a list; null is null."


class Query(Input):
    """The inputs of `mysql.query`."""

    sql: Constant = Field(
        description="One statement that reads, without expressions: values go into `params`.", min_length=1
    )
    params: Params = PARAMS
    limit: int = Field(100, ge=1, le=MOST_ROWS, description="At most so many rows.")


class Find(Input):
    """The inputs of `mysql.find`."""

    table: str = TABLE
    where: dict[str, Json] = Field({}, description=f"Rows of which each of these columns {WHERE}")
    columns: list[str] = Field([], description="The columns to read; none: all.")
    order_by: list[str] = Field([], description="Columns to order by; -made begins with the last.")
    limit: int = Field(100, ge=1, le=MOST_ROWS, description="At most so many rows.")


class Rows(Output):
    """What was read."""

    rows: list[dict[str, Json]] = Field(description="The rows, each by column.")
    count: int = Field(description="How many rows these are.")
    more: bool = Field(description="Whether there are rows beyond `limit`.")


class Execute(Input):
    """The inputs of `mysql.execute`."""

    sql: Constant = Field(
        description="One statement that changes something, without expressions: values go into `params`.",
        min_length=1,
    )
    params: Params = PARAMS
    repeatable: bool = Field(
        False,
        description="Whether doing it twice is the same as once (SET paid = 1 is, SET n = n + 1 is not): "
        "then it is repeated after a crash, where else a person is asked.",
    )


class Executed(Output):
    """What was changed."""

    rows_affected: int = Field(description="How many rows were inserted, changed, deleted or given.")
    last_id: int | None = Field(description="The first AUTO_INCREMENT value that was given, if one was.")
    rows: list[dict[str, Json]] = Field(
        description="What the statement gave: RETURNING of MariaDB, or the first result of a CALL."
    )


class Insert(Input):
    """The inputs of `mysql.insert`."""

    table: str = TABLE
    values: RowOrRows = VALUES
    leave_existing: bool = Field(
        False,
        description="Whether a row whose unique key is there already is left as it is; else the step fails, "
        "and nothing is inserted.",
    )


class Upsert(Input):
    """The inputs of `mysql.upsert`."""

    table: str = TABLE
    values: RowOrRows = VALUES
    keys: list[str] = Field(
        description="The columns of the primary or unique key by which rows are the same.", min_length=1
    )


class Update(Input):
    """The inputs of `mysql.update`."""

    table: str = TABLE
    where: Row = Field(description=f"Which rows: each of these columns {WHERE}")
    values: Row = Field(description="The new values, by column; in the same forms as in `mysql.insert`.")


class Changed(Output):
    """How much was changed."""

    rows_affected: int = Field(
        description="As the server counts: 1 for each new or changed row, 0 for one that was the same, 2 for "
        "one that `mysql.upsert` changed."
    )
    last_id: int | None = Field(description="The first AUTO_INCREMENT value that was given, if one was.")

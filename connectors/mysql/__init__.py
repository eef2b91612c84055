"""
MySQL and MariaDB: `mysql.query`, `mysql.execute`, and without SQL `mysql.insert`, `mysql.upsert`,
`mysql.update` and `mysql.find`.

Values are parameters, never text in SQL. Sources: MySQL's manual, "SQL Statements" and "INFORMATION_SCHEMA
Tables"; MariaDB's, where the two differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.mysql.access import MENDS, Database, MysqlConnection, session
from connectors.mysql.models import Changed, Execute, Executed, Find, Insert, Query, Rows, Update, Upsert
from connectors.mysql.sql import (
    bounded,
    find_statement,
    insert_statement,
    marked,
    table_parts,
    update_statement,
    where_values,
)
from connectors.mysql.values import fitted, parameter, to_json
from runner.connector import (
    AfterCrash,
    Call,
    Choice,
    Choices,
    Connector,
    Files,
    Json,
    Rejected,
    in_brief,
)

mysql = Connector("mysql", title="MySQL", summary="Rows of a MySQL or MariaDB database.")
mysql.connection("mysql")(MysqlConnection)
mysql.explains(MENDS)

MOST_CHOICES = 200


@mysql.action(
    after_crash="repeat",  # the transaction can only read
    example="""\
action: mysql.query
connection: shop_db
with:
  sql: SELECT id, total FROM orders WHERE email = :email ORDER BY created DESC
  params: {email: "{{ payload.email }}"}
  limit: 10
""",
)
async def query(call: Call, connection: MysqlConnection, input: Query) -> Rows:  # noqa: A002 - the contract of an action
    """Read rows, in a transaction that can change nothing."""
    text, values = marked(input.sql, input.params)
    async with session(call, connection, readonly=True) as database:
        # of a SELECT without a LIMIT of its own the server sends no more than these
        await database.settings(f"SET SESSION sql_select_limit = {input.limit + 1}")
        found = _rows(await database.run(text, [await parameter(one, call.files) for one in values]))
    return _portion(found, input.limit)


@mysql.action(
    after_crash="repeat",
    example="""\
action: mysql.find
connection: shop_db
with:
  table: orders
  where: {email: "{{ payload.email }}", status: [open, paid]}
  columns: [id, total]
  order_by: [-created]
  limit: 10
""",
)
async def find(call: Call, connection: MysqlConnection, input: Find) -> Rows:  # noqa: A002 - the contract of an action
    """Read the rows of a table whose columns have certain values, without SQL."""
    text = find_statement(input.table, input.columns, input.where, input.order_by, input.limit + 1)
    async with session(call, connection, readonly=True) as database:
        kinds = await _kinds(database, connection, input.table)
        values = await _fitted(where_values(input.where), kinds, input.table, call.files)
        found = _rows(await database.run(text, values))
    return _portion(found, input.limit)


def _execute_rule(given: Execute) -> AfterCrash:
    return "repeat" if given.repeatable else "stop"


@mysql.action(
    after_crash=_execute_rule,
    example="""\
action: mysql.execute
connection: shop_db
with:
  sql: UPDATE orders SET paid = 1 WHERE id = ?
  params: ["{{ payload.order_id }}"]
  repeatable: true
""",
)
async def execute(call: Call, connection: MysqlConnection, input: Execute) -> Executed:  # noqa: A002 - the contract of an action
    """
    Insert, update or delete, in a transaction of its own.

    What the server refuses has changed nothing and a lock or deadlock is tried again; where the connection
    breaks while the statement runs, the outcome is open. CREATE, ALTER and DROP, and changes of tables whose
    engine has no transactions (MyISAM), hold at once, whatever comes after.
    """
    text, values = marked(input.sql, input.params)
    async with session(call, connection, readonly=False) as database:
        result = await database.run(text, [await parameter(one, call.files) for one in values])
        rows = _rows(result)
    return Executed(rows_affected=result.affected_rows, last_id=result.insert_id or None, rows=rows)


def _insert_rule(given: Insert) -> AfterCrash:
    return "repeat" if given.leave_existing else "stop"


@mysql.action(
    after_crash=_insert_rule,
    example="""\
action: mysql.insert
connection: shop_db
with:
  table: orders
  values: {id: "{{ payload.id }}", total: "{{ payload.total }}", made: "{{ payload.created_at }}"}
""",
)
async def insert(call: Call, connection: MysqlConnection, input: Insert) -> Changed:  # noqa: A002 - the contract of an action
    """Insert a row, or up to 1,000 at once: all or none."""
    columns, rows = _same_columns(input.values)
    text = insert_statement(input.table, columns, len(rows), [] if input.leave_existing else None)
    return await _inserted(call, connection, input.table, text, rows)


@mysql.action(
    after_crash="repeat",  # the same row once more
    example="""\
action: mysql.upsert
connection: shop_db
with:
  table: customers
  values: {email: "{{ payload.email }}", name: "{{ payload.name }}"}
  keys: [email]
""",
)
async def upsert(call: Call, connection: MysqlConnection, input: Upsert) -> Changed:  # noqa: A002 - the contract of an action
    """
    Insert rows, or give those that are there these values.

    The row is there once however often the step is made.
    """
    columns, rows = _same_columns(input.values)
    names = {one.casefold() for one in input.keys}
    if missing := names - {one.casefold() for one in columns}:
        raise Rejected(f"values: the key column {in_brief(min(missing))} is missing")
    updated = [one for one in columns if one.casefold() not in names]
    text = insert_statement(input.table, columns, len(rows), updated)
    return await _inserted(call, connection, input.table, text, rows, keys=names)


@mysql.action(
    after_crash="repeat",  # the same values once more
    example="""\
action: mysql.update
connection: shop_db
with:
  table: orders
  where: {id: "{{ payload.order_id }}"}
  values: {paid: true, paid_at: "{{ payload.time }}"}
""",
)
async def update(call: Call, connection: MysqlConnection, input: Update) -> Changed:  # noqa: A002 - the contract of an action
    """Give rows new values."""
    text = update_statement(input.table, list(input.values), input.where)
    async with session(call, connection, readonly=False) as database:
        kinds = await _kinds(database, connection, input.table)
        given = [*input.values.items(), *where_values(input.where)]
        result = await database.run(text, await _fitted(given, kinds, input.table, call.files))
    return Changed(rows_affected=result.affected_rows, last_id=None)


@mysql.choices("find.table", "insert.table", "upsert.table", "update.table")
async def tables(
    call: Call,
    connection: MysqlConnection,
    _given: Mapping[str, Json],
    search: str | None,
    cursor: str | None,
) -> Choices:
    """The tables of the connection's database that its user sees."""
    async with session(call, connection, readonly=True) as database:
        found = await database.run(
            "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
            " AND LOCATE(LOWER(?), LOWER(TABLE_NAME)) > 0 ORDER BY 1 LIMIT ? OFFSET ?",
            [search or "", MOST_CHOICES + 1, start := _offset(cursor)],
        )
    items = [
        Choice(value=name, label=name, note="view" if kind == "VIEW" else "")
        for name, kind in found.rows[:MOST_CHOICES]
    ]
    return Choices(items=items, next=str(start + MOST_CHOICES) if len(found.rows) > MOST_CHOICES else None)


@mysql.choices("find.columns", "upsert.keys")
async def columns_of(
    call: Call,
    connection: MysqlConnection,
    given: Mapping[str, Json],
    search: str | None,
    _cursor: str | None,
) -> Choices:
    """The columns of the table that was chosen."""
    if not isinstance(table := given.get("table"), str):
        return Choices(items=[])
    async with session(call, connection, readonly=True) as database:
        kinds = await _kinds(database, connection, table)
    wanted = (search or "").casefold()
    return Choices(
        items=[
            Choice(value=name, label=name, note=kind)
            for name, kind in kinds.values()
            if wanted in name.casefold()
        ]
    )


def _offset(cursor: str | None) -> int:
    return int(cursor) if cursor and cursor.isascii() and cursor.isdigit() and len(cursor) < 10 else 0


def _same_columns(values: Json) -> tuple[list[str], list[dict[str, Json]]]:
    """The columns of rows, and the rows. Raises Rejected: they have different ones."""
    rows: list[dict[str, Json]] = values if isinstance(values, list) else [values]
    columns = list(rows[0])
    for number, row in enumerate(rows):
        if row.keys() != rows[0].keys():
            names = in_brief(", ".join(columns))
            raise Rejected(f"values[{number}] has other columns than values[0], which has {names}")
    return columns, [{name: row[name] for name in columns} for row in rows]


async def _inserted(
    call: Call,
    connection: MysqlConnection,
    table: str,
    text: str,
    rows: Sequence[Mapping[str, Json]],
    *,
    keys: set[str] | None = None,
) -> Changed:
    given = bounded([one for row in rows for one in row.items()])
    async with session(call, connection, readonly=False) as database:
        kinds = await _kinds(database, connection, table)
        if keys is not None:
            await _unique(database, table, keys)
        result = await database.run(text, await _fitted(given, kinds, table, call.files))
    return Changed(rows_affected=result.affected_rows, last_id=result.insert_id or None)


async def _kinds(database: Database, connection: MysqlConnection, table: str) -> dict[str, tuple[str, str]]:
    """Name and type (`datetime`) of each column that the user sees, by the name in small letters."""
    found = await database.run(
        "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION",
        table_parts(table),
        reads=True,
    )
    if not found.rows:
        raise Rejected(f"{connection.where} has no table {in_brief(table)} that {connection.user} may use")
    return {name.casefold(): (name, kind.lower()) for name, kind in found.rows}


async def _unique(database: Database, table: str, keys: set[str]) -> None:
    """See to it that no two rows can have the same *keys*: else each call would insert one more."""
    found = await database.run(
        "SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS"
        " WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? AND NON_UNIQUE = 0",
        table_parts(table),
        reads=True,
    )
    indexes: dict[str, set[str]] = {}
    for index, column in found.rows:
        indexes.setdefault(index, set()).add((column or "").casefold())
    if keys not in indexes.values():
        there = "; ".join(", ".join(sorted(one)) for one in indexes.values()) or "none"
        raise Rejected(
            f"keys: {in_brief(table)} has no primary or unique key of exactly "
            f"{in_brief(', '.join(sorted(keys)))}; there are: {in_brief(there)}"
        )


async def _fitted(
    given: Sequence[tuple[str, Json]], kinds: Mapping[str, tuple[str, str]], table: str, files: Files
) -> list[Any]:
    """Values in the forms that their columns take. Raises Rejected: there is no such column."""
    values = []
    for name, value in given:
        if name.casefold() not in kinds:
            there = ", ".join(one for one, _ in kinds.values())
            raise Rejected(f"{in_brief(table)} has no column {in_brief(name)}; there are {in_brief(there)}")
        values.append(await fitted(value, name, kinds[name.casefold()][1], files))
    return values


def _portion(found: list[dict[str, Json]], limit: int) -> Rows:
    return Rows(rows=found[:limit], count=min(len(found), limit), more=len(found) > limit)


def _rows(result: Any) -> list[dict[str, Json]]:
    """The rows of a result, as JSON by column. Raises Rejected: two columns have one name."""
    if result.rows is None:
        return []
    columns = [(one.name, one.type_code) for one in result.fields]
    twice = [name for name, times in Counter(name for name, _ in columns).items() if times > 1]
    if twice:
        raise Rejected(f'two columns are called "{in_brief(twice[0])}"; give one another name: … AS other')
    return [
        {name: to_json(value, kind) for (name, kind), value in zip(columns, row, strict=True)}
        for row in result.rows
    ]

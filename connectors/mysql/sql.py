"""Names and parameters in SQL: no value ever becomes part of its text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from runner.connector import Json, Rejected, in_brief

LONGEST_NAME = 64  # characters: MySQL's manual, "Identifier Length Limits"
MOST_PARAMETERS = 65_535  # the protocol counts them in 16 bits

# What cannot hold a parameter (MySQL's manual, "Lexical Structure"), then a parameter.
TOKEN = re.compile(
    r"""
      '(?:[^'\\]|\\.|'')*'
    | "(?:[^"\\]|\\.|"")*"
    | `(?:[^`]|``)*`
    | --(?:\s[^\n]*|$)
    | \#[^\n]*
    | /\*.*?\*/
    | (?<![\w:]):(?P<name>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


def marked(sql: str, params: Mapping[str, Json] | Sequence[Json]) -> tuple[str, list[Json]]:
    """
    SQL with a `?` for each value, and the values in that order; a mapping's names stand in it as `:name`.

    Raises:
        Rejected: the SQL names a parameter that is not given, or there are too many.
    """
    if not isinstance(params, Mapping):
        return sql, bounded(list(params))
    values: list[Json] = []

    def mark(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        if name not in params:
            given = ", ".join(sorted(params)[:20]) or "none"
            raise Rejected(f"the SQL has :{name}, but params has no {name}; given are: {given}")
        values.append(params[name])
        return "?"

    text = TOKEN.sub(mark, sql)
    return text, bounded(values)


def bounded(values: list[Json]) -> list[Json]:
    """*values*. Raises Rejected: a statement does not take so many."""
    if len(values) > MOST_PARAMETERS:
        raise Rejected(f"{len(values):,} parameters; a statement takes {MOST_PARAMETERS:,}")
    return values


def identifier(name: str) -> str:
    """
    The name of a column, quoted.

    Raises:
        Rejected: it cannot be one.
    """
    if not name or "\0" in name or name != name.rstrip() or len(name) > LONGEST_NAME:
        raise Rejected(
            f"{in_brief(name, 100)!r} cannot be the name of a table or column: 1 to {LONGEST_NAME} characters"
        )
    escaped = name.replace("`", "``")
    return f"`{escaped}`"


def table_parts(name: str) -> tuple[str | None, str]:
    """The database, if one is named, and the table of `orders` or `shop.orders`."""
    before, dot, after = name.partition(".")
    return (before, after) if dot else (None, before)


def table_name(name: str) -> str:
    """The name of a table, `orders` or `shop.orders`, quoted. Raises Rejected: it cannot be one."""
    return ".".join(identifier(part) for part in table_parts(name) if part is not None)


def insert_statement(table: str, columns: Sequence[str], rows: int, updated: Sequence[str] | None) -> str:
    """
    `INSERT` of so many rows, their values as parameters in the order of *columns*. Where a row is there, the
    columns *updated* get the new values; none of them: it stays as it is; None: the statement fails.
    """
    names = ", ".join(identifier(one) for one in columns)
    values = ", ".join([f"({', '.join('?' * len(columns))})"] * rows)
    clause = ""
    if updated is not None:
        # IGNORE would also ignore values that do not fit; VALUES(), not a row alias, is known to both servers
        first = identifier(columns[0])
        sets = [f"{identifier(one)} = VALUES({identifier(one)})" for one in updated] or [f"{first} = {first}"]
        clause = f" ON DUPLICATE KEY UPDATE {', '.join(sets)}"
    return f"INSERT INTO {table_name(table)} ({names}) VALUES {values}{clause}"  # noqa: S608 - all names are quoted


def update_statement(table: str, columns: Sequence[str], where: Mapping[str, Json]) -> str:
    """`UPDATE` of *columns*, their values as parameters, then those of *where*."""
    sets = ", ".join(f"{identifier(one)} = ?" for one in columns)
    return f"UPDATE {table_name(table)} SET {sets}{_where(where)}"  # noqa: S608 - all names are quoted


def find_statement(
    table: str, columns: Sequence[str], where: Mapping[str, Json], order_by: Sequence[str], limit: int
) -> str:
    """`SELECT` of *columns* (none: all), the values of *where* as parameters; `-name` orders downwards."""
    names = ", ".join(identifier(one) for one in columns) or "*"
    orders = [f"{identifier(one.removeprefix('-'))}{' DESC' if one[:1] == '-' else ''}" for one in order_by]
    order = f" ORDER BY {', '.join(orders)}" if orders else ""
    return f"SELECT {names} FROM {table_name(table)}{_where(where)}{order} LIMIT {limit:d}"  # noqa: S608 - all names are quoted


def where_values(where: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """The parameters of a condition, each with its column."""
    return [
        (name, one)
        for name, value in where.items()
        for one in (value if isinstance(value, list) else [value])
    ]


def _where(where: Mapping[str, Json]) -> str:
    """A condition: each column equals its value, null too, or is one of a list."""
    parts = []
    for name, value in where.items():
        if isinstance(value, list):
            if not value:
                raise Rejected(f"where.{name}: the list is empty, and nothing is one of it")
            parts.append(f"{identifier(name)} IN ({', '.join('?' * len(value))})")
        else:
            parts.append(f"{identifier(name)} <=> ?")
    return f" WHERE {' AND '.join(parts)}" if parts else ""

"""Names and parameters in SQL: no value ever becomes part of its text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from runner.connector import Json, Rejected, in_brief

LONGEST_NAME_BYTES = 63  # NAMEDATALEN - 1: PostgreSQL cuts longer names without a word
MOST_PARAMETERS = 32_767  # asyncpg writes their count as a signed 16-bit number

COPY = re.compile(r"[\s;]*copy\b", re.IGNORECASE)
# What cannot hold a parameter (lexical structure of SQL, chapter 4.1 of the manual), then a parameter:
# not `::type`, not the `:n` of a slice `a[1:n]`.
TOKEN = re.compile(
    r"""
      [eE]'(?:[^'\\]|\\.|'')*'            # E'a\'b'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | --[^\n]*
    | /\*.*?\*/
    | (\$(?:[A-Za-z_]\w*)?\$).*?\1         # $tag$ … $tag$
    | ::
    | (?<![\w\]]):(?P<name>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


def numbered(sql: str, params: Mapping[str, Json] | Sequence[Json]) -> tuple[str, list[Json]]:
    """
    SQL with `$1`, `$2` and the values in that order; a mapping's names stand in it as `:name`.

    Raises:
        Rejected: the SQL names a parameter that is not given, or there are too many; it is a COPY.
    """
    if COPY.match(sql):
        raise Rejected("COPY would wait for a stream of data, which there is none of; use INSERT or SELECT")
    if not isinstance(params, Mapping):
        return sql, _bounded(list(params))
    order: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        if name not in params:
            given = ", ".join(sorted(params)[:20]) or "none"
            raise Rejected(f"the SQL has :{name}, but params has no {name}; given are: {given}")
        return f"${order.setdefault(name, len(order) + 1)}"

    text = TOKEN.sub(number, sql)
    return text, _bounded([params[name] for name in order])


def identifier(name: str) -> str:
    """
    The name of a column, quoted.

    Raises:
        Rejected: it cannot be one.
    """
    if not name or "\0" in name or len(name.encode(errors="replace")) > LONGEST_NAME_BYTES:
        raise Rejected(
            f"{in_brief(name, 100)!r} cannot be the name of a table or column: "
            f"1 to {LONGEST_NAME_BYTES} bytes"
        )
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def table_name(name: str) -> str:
    """The name of a table, `orders` or `shop.orders`, quoted. Raises Rejected: it cannot be one."""
    return ".".join(identifier(part) for part in name.split(".", 1))


def insert_statement(table: str, columns: Sequence[str], keys: Sequence[str], on_conflict: str) -> str:
    """`INSERT` of one row, its values as parameters in the order of *columns*, that gives the row back."""
    names = ", ".join(identifier(one) for one in columns)
    values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    target = f" ({', '.join(identifier(one) for one in keys)})" if keys else ""
    changed = [one for one in columns if one not in keys] or list(keys)
    sets = ", ".join(f"{identifier(one)} = EXCLUDED.{identifier(one)}" for one in changed)
    clause = {
        "fail": "",
        "ignore": f" ON CONFLICT{target} DO NOTHING",
        "update": f" ON CONFLICT{target} DO UPDATE SET {sets}",
    }[on_conflict]
    return f"INSERT INTO {table_name(table)} ({names}) VALUES ({values}){clause} RETURNING *"  # noqa: S608 - all names are quoted


def _bounded(values: list[Json]) -> list[Json]:
    if len(values) > MOST_PARAMETERS:
        raise Rejected(f"{len(values):,} parameters; a statement takes {MOST_PARAMETERS:,}")
    return values

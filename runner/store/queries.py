"""
Named SQL statements, read from files: Python never builds SQL on the engine's way.

A statement is written once, in what SQLite and PostgreSQL have in common (the first migration of
PostgreSQL adds the few functions of SQLite's that are used), with parameters that are `:named`.
Where the two differ, a second form stands below the first, headed `-- name (postgresql)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
HEAD = re.compile(r"^-- (\w+)( \(postgresql\))?$\n", re.MULTILINE)
NAMED = re.compile(r"(?<![:\w]):([a-z_]+)")
COMMENT = re.compile(r"--.*$", re.MULTILINE)
HINT = re.compile(r"\s+INDEXED BY \w+")  # PostgreSQL chooses its indexes by itself


class Statement(str):
    """A statement as SQLite takes it; `numbered` with its `values` is what PostgreSQL takes."""

    __slots__ = ("_names", "_numbered", "_other")

    _names: tuple[str, ...]
    _numbered: str | None
    _other: str | None

    @classmethod
    def of(cls, sqlite: str, postgres: str | None = None) -> Statement:
        """The statement *sqlite*, which is *postgres* in PostgreSQL where that is given."""
        statement = cls(sqlite)
        statement._other, statement._numbered = postgres, None
        return statement

    @property
    def numbered(self) -> str:
        """PostgreSQL's text, its parameters numbered."""
        if self._numbered is None:  # when it is first wanted: most servers have SQLite
            bare = HINT.sub("", COMMENT.sub("", self if self._other is None else self._other))
            self._names = tuple(dict.fromkeys(NAMED.findall(bare)))
            self._numbered = NAMED.sub(lambda match: f"${self._names.index(match[1]) + 1}", bare).strip()
        return self._numbered

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The values by their numbers. PostgreSQL's texts hold no NUL: it stands as U+FFFD there."""
        return [_storable(parameters[name]) for name in self._names]


def read(file: str) -> dict[str, Statement]:
    """The statements of *file* by name; a name stands alone on a `-- name` line before its statement."""
    text = (HERE / file).read_text(encoding="utf-8")
    parts = HEAD.split(text)
    found: dict[str, Statement] = {}
    for name, is_other, part in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        body = part.strip().rstrip(";")
        if is_other:
            found[name] = Statement.of(found.get(name, ""), body)
        else:
            found[name] = Statement.of(body)
    return found


def _storable(value: Any) -> Any:
    if isinstance(value, str) and "\0" in value:
        return value.replace("\0", "\ufffd")
    return value


SQL = read("queries.sql")

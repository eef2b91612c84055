"""What one body may cost. A webhook's `max_body` and `max_file` set two of the bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import BodyTooLarge, BodyUnreadable

if TYPE_CHECKING:
    from runner.values import Json

NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that is read of one body; past a size the answer is 413, past a depth 400."""

    max_body_bytes: int = 1 << 20  # `max_body`: parsed bodies and texts, after unpacking
    max_file_bytes: int = 25 << 20  # `max_file`: one upload, or a body that is a file
    max_depth: int = 200  # orjson writes at most 254 levels, and a payload stands inside an event
    max_fields: int = 10_000  # fields of a form; browsers and providers send a few dozen
    max_parts: int = 1_000  # parts of a multipart body; each costs a header to parse
    max_part_header_bytes: int = 16 << 10  # as much as a whole request's headers may have
    max_cells: int = 1_000_000  # of a table whose short rows are filled up with null
    max_encodings: int = 2  # "gzip" is common, "gzip, gzip" a proxy's mistake, more is an attack


def check_size(size: int, limit: int, what: str) -> None:
    """
    Refuse what is larger than *limit* bytes; *what* opens the sentence.

    Raises:
        BodyTooLarge: it is larger.
    """
    if size > limit:
        raise BodyTooLarge(f"{what} has more than the {limit:,} bytes that are accepted here")


def is_surely_flat(text: bytes, max_depth: int) -> bool:
    """
    Whether the JSON *text* is surely nested no deeper than *max_depth*; False says nothing.

    The innermost pairs of brackets are taken out until none is left. Brackets inside of texts may
    spoil that, and then the value itself has to be looked at: for 60 KB fifteen times the work.
    """
    brackets = text.translate(None, delete=NO_BRACKETS)
    for _ in range(max_depth):
        if not brackets:
            return True
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(brackets):
            return False
        brackets = fewer
    return not brackets


def check_depth(value: Json, bounds: Bounds, what: str) -> None:
    """
    Refuse a value with more than `bounds.max_depth` lists and objects inside each other.

    Goes level by level, so its own cost is no recursion.

    Raises:
        BodyUnreadable: it is deeper.
    """
    level = [value]
    for _ in range(bounds.max_depth + 1):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise BodyUnreadable(f"{what} is nested deeper than {bounds.max_depth} levels")

"""
Paths to values: `payload.customer.email`, `payload.lines[].card`, `event.headers.x-api-key`.

Names stand behind dots, in double quotes where they hold anything but letters, digits, `_` and
`-`; `[]` is each item of a list, `[0]` one of them. Where data has a list and the path a name, each
item is meant, and where data has one value and the path `[]`, that value: XML has a list only
where an element is repeated, and a value that shall not be seen must be found in both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runner.values import Json

LONGEST = 1000  # characters; nothing that a person writes is longer
TOKEN = re.compile(
    r'(?P<dot>\.?)(?:(?P<name>[^\W][\w-]*)|"(?P<quoted>(?:[^"\\]|\\.)+)")|\[(?P<index>\d*|\*)\]'
)
PLAIN_NAME = re.compile(r"[^\W][\w-]*")
QUOTE = re.compile(r'["\\]')
EACH = None
Part: TypeAlias = "str | int | None"
"""A name, an index, or EACH."""


@dataclass(frozen=True, slots=True)
class ValuePath:
    """One path: as it was written, and its parts."""

    text: str
    parts: tuple[Part, ...]

    @property
    def root(self) -> str:
        """Its first name."""
        return str(self.parts[0])


def read_path(text: str) -> ValuePath:
    """
    Read a path.

    Raises:
        ValueError: it is none; the message says where it stops being one.
    """
    parts: list[Part] = []
    at = 0
    if len(text) > LONGEST:
        raise ValueError(f"a path has at most {LONGEST:,} characters")
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None or (found["index"] is None and bool(found["dot"]) != bool(parts)):
            break
        if found["index"] is not None:
            parts.append(int(found["index"]) if found["index"].isdigit() else EACH)
        else:
            quoted = found["quoted"]
            parts.append(found["name"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = found.end()
    if at < len(text) or not isinstance(parts[0] if parts else EACH, str):
        way_out = 'write for example payload.customer.email, payload.lines[].card or payload."first name"'
        raise ValueError(f'"{text}" is no path from its character {at + 1} on; {way_out}')
    return ValuePath(text, tuple(parts))


def write_path(parts: Iterable[str | int]) -> str:
    """The path as `read_path` reads it: `payload.lines[2]."unit price"`."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        escaped = QUOTE.sub(r"\\\g<0>", part)
        name = part if PLAIN_NAME.fullmatch(part) else f'"{escaped}"'
        text += f".{name}" if text else name
    return text


def values_at(value: Json, parts: tuple[Part, ...]) -> Iterator[Json]:
    """The values that *parts* lead to."""
    if not parts:
        yield value
    elif isinstance(value, list):
        first, rest = parts[0], parts[1:]
        if isinstance(first, int):
            yield from values_at(value[first], rest) if first < len(value) else ()
        else:
            for one in value:
                yield from values_at(one, rest if first is EACH else parts)
    elif not isinstance(parts[0], str):  # one where there could have been several
        yield from values_at(value, parts[1:])
    elif isinstance(value, dict) and parts[0] in value:
        yield from values_at(value[parts[0]], parts[1:])


def replaced_at(value: Json, parts: tuple[Part, ...], replace: Callable[[Json], Json]) -> Json:
    """A copy of *value* with `replace(one)` in place of each value that *parts* lead to."""
    if not parts:
        return replace(value)
    first, rest = parts[0], parts[1:]
    if isinstance(value, list):
        if isinstance(first, int):
            return [
                replaced_at(one, rest, replace) if index == first else one for index, one in enumerate(value)
            ]
        return [replaced_at(one, rest if first is EACH else parts, replace) for one in value]
    if not isinstance(first, str):
        return replaced_at(value, rest, replace)
    if isinstance(value, dict) and first in value:
        return {**value, first: replaced_at(value[first], rest, replace)}
    return value

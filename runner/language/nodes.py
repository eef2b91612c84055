"""A value of a YAML file with its place, and what its plain scalars mean."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from runner.language.workflow import Place

if TYPE_CHECKING:
    from runner.values import Json

VALUE_BYTES = 16  # what a value weighs beside its text when aliases are expanded
LINE_BREAK = re.compile("\r\n|\r|\n")
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
CHARACTER = {  # what gives one character of the value, by quote
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|.)|.", re.DOTALL),
    "'": re.compile(r"''|.", re.DOTALL),
}
Value: TypeAlias = "bool | int | float | str | list[Node] | dict[str, Node] | None"


@dataclass(slots=True)
class Node:
    """
    A value and where it stands. `style` is `'`, `"`, `|`, `>`, or empty for a plain scalar and
    for collections; `raw` is a scalar's text in the file, quotes included; `keys` has the place
    of each key of a mapping, `widths` how long it is there, quotes included.
    """

    value: Value
    place: Place
    style: str = ""
    raw: str = ""
    keys: dict[str, Place] = field(default_factory=dict)
    weight: int = VALUE_BYTES
    height: int = 0
    widths: dict[str, int] = field(default_factory=dict)

    def plain(self) -> Json:
        """The value as JSON, without places."""
        if isinstance(self.value, list):
            return [one.plain() for one in self.value]
        if isinstance(self.value, dict):
            return {key: one.plain() for key, one in self.value.items()}
        return self.value

    def place_at(self, offset: int) -> Place:
        """
        Where character *offset* (from 0) of a text stands in the file; the text's beginning
        where folding or line breaks hide it.
        """
        if not isinstance(self.value, str) or not 0 <= offset <= len(self.value):
            return self.place
        if self.style == "|":
            return self._place_in_block(offset)
        if LINE_BREAK.search(self.raw) or self.style == ">":
            return self.place
        if not self.style:
            return Place(self.place.line, self.place.column + offset)
        skipped = sum(map(len, CHARACTER[self.style].findall(self.raw[1:-1])[:offset]))
        return Place(self.place.line, self.place.column + 1 + skipped)

    def _place_in_block(self, offset: int) -> Place:
        assert isinstance(self.value, str)
        before = self.value[:offset]
        row = before.count("\n")
        written = LINE_BREAK.split(self.raw)
        rendered = self.value.split("\n")[row]
        if row + 1 >= len(written):
            return self.place
        indent = len(written[row + 1]) - len(rendered)
        return Place(self.place.line + 1 + row, indent + 1 + offset - (before.rfind("\n") + 1))


def scalar(text: str) -> Value:
    """
    What a plain scalar means.

    Raises:
        ValueError: a number that JSON cannot hold.
    """
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        if len(text) > 1000:  # Python reads no integer beyond 4,300 digits, and nobody means one
            raise ValueError("the number has too many digits")
        return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
    if FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"{text} is too large a number")
        return number
    if NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is no JSON value")
    return text

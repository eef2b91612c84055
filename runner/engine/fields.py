"""
Which paths the last events of a workflow had: how often, of which kinds, with an example. What is
hidden shows as •••, and is counted all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from runner.language.paths import write_path
from runner.values import Json

MOST_PATHS = 2_000
MOST_DEPTH = 12
MOST_ITEMS = 50  # of one list that are looked at
MOST_VALUES = 200_000  # that are looked at in all
LONGEST_EXAMPLE = 120  # characters
WORDS = {str: "text", bool: "true or false", int: "number", float: "number", list: "list", dict: "object"}


@dataclass(slots=True)
class Field:
    """One path: the events that have it, and its kinds in the order of being met."""

    path: str
    count: int = 0
    types: dict[str, None] = field(default_factory=dict)
    example: Json = None

    def as_json(self) -> Json:
        """`{path, types, in, example}`."""
        return {"path": self.path, "types": list(self.types), "in": self.count, "example": self.example}


def fields_of(
    events: Sequence[Mapping[str, Json]], *, is_over: Callable[[], bool] = lambda: False
) -> tuple[int, list[Field]]:
    """
    The fields of *events*, each an object of names such as `payload`, in the order of being met; and of how
    many events they are: no more are looked at once `is_over()`, or much was seen.
    """
    found: dict[str, Field] = {}
    budget = [MOST_VALUES]
    looked = 0
    for event in events:
        if looked and (is_over() or budget[0] <= 0):
            break
        looked += 1
        met: set[str] = set()
        for name, value in event.items():
            _walk(value, (name,), met, found, budget)
        for path in met:
            found[path].count += 1
    return looked, list(found.values())


def _walk(
    value: Json, path: tuple[str, ...], met: set[str], found: dict[str, Field], budget: list[int]
) -> None:
    budget[0] -= 1
    if budget[0] <= 0 or len(path) > MOST_DEPTH:
        return
    text = _text(path)
    if text not in found:
        if len(found) >= MOST_PATHS:
            return
        found[text] = Field(text)
    one = found[text]
    met.add(text)
    one.types[WORDS.get(type(value), "nothing")] = None
    if one.example is None and not isinstance(value, list | dict):
        one.example = value if not isinstance(value, str) else value[:LONGEST_EXAMPLE]
    if isinstance(value, dict):
        for key, each in value.items():
            _walk(each, (*path, key), met, found, budget)
    elif isinstance(value, list):
        for each in value[:MOST_ITEMS]:
            _walk(each, (*path, "[]"), met, found, budget)


def _text(path: tuple[str, ...]) -> str:
    """`payload.lines[].sku`, as paths are written; a field that is called so is quoted."""
    text = ""
    for part in path:
        if part == "[]":
            text += "[]"
        else:
            written = write_path([part])
            text += f".{written}" if text else written
    return text

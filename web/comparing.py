"""Two runs beside each other: which of their steps are alike, and how the others differ. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import unified_diff

from runner.values import Json

MOST_LINES = 1000  # of one value: the rest is long, and told as such
PARTS = (("status", "State"), ("input", "Input"), ("output", "Output"), ("error", "Error"))


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two values differ, as lines of a diff (`-` is of the one, `+` of the other run)."""

    word: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Compared:
    """A step of both runs, alike without `differences`; `only` is "this" or "other" where one has it."""

    path: str
    name: str
    only: str = ""
    differences: Sequence[Difference] = field(default_factory=tuple)

    @property
    def is_alike(self) -> bool:
        """Whether there is nothing to see."""
        return not self.only and not self.differences


def compared(this: Json, other: Json) -> list[Compared]:
    """The steps of *this* run, then those that only *other* has."""
    others = {one["path"]: one for one in other["steps"]}
    found = []
    for step in this["steps"]:
        path, name = step["path"], step["name"] or step["path"]
        twin = others.pop(path, None)
        if twin is None:
            found.append(Compared(path, name, only="this"))
            continue
        differences = [
            Difference(word, _lines(twin[part], step[part]))
            for part, word in PARTS
            if twin[part] != step[part]
        ]
        found.append(Compared(path, name, differences=differences))
    return [*found, *(Compared(path, one["name"] or path, only="other") for path, one in others.items())]


def _lines(old: Json, new: Json) -> list[str]:
    lines = list(unified_diff(_text(old), _text(new), lineterm="", n=2))[2:]
    kept = [one for one in lines if not one.startswith("@@")]
    return kept[:MOST_LINES]


def _text(value: Json) -> list[str]:
    text = (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    )
    return text.split("\n")[:MOST_LINES]

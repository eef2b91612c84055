"""
What a place in the file may refer to, and every reference that was read there.

The loader fills this while it reads; `check.py` judges it when all ids of the file are known.
Rules: execution.md, "A path names a step", as they are told in the language reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.language.nodes import Node
    from runner.language.reads import Read
    from runner.language.shapes import Path, Reference
    from runner.language.workflow import Place

Site: TypeAlias = Literal["expression", "template", "inputs"]


@dataclass(slots=True)
class Level:
    """The ids of one list of steps in the order of their ends, with those that groups let out."""

    ids: dict[str, int]


@dataclass(frozen=True, slots=True)
class View:
    """
    What one place sees: of each enclosing list the steps that ended before, and the names that
    stand only there (`item`, `index`, `error`). `before_run` is set where no step has run yet.
    """

    levels: tuple[tuple[Level, int], ...] = ()
    names: frozenset[str] = frozenset()
    before_run: bool = False
    only: frozenset[str] | None = None  # the only names, where not even an event has come yet

    def sees(self, step_id: str) -> bool:
        """Whether the step has ended, or was passed over, when this place is evaluated."""
        return any(level.ids.get(step_id, count) < count for level, count in self.levels)

    def visible(self) -> list[str]:
        """The ids that can be referred to, in the order of the file."""
        return [one for level, count in self.levels for one, stamp in level.ids.items() if stamp < count]

    def named(self, names: Iterable[str]) -> View:
        """The same view with more names."""
        return replace(self, names=self.names | frozenset(names))

    def inside(self, level: Level) -> View:
        """The view from the beginning of a list that stands here."""
        return replace(self, levels=(*self.levels, (level, len(level.ids))))

    def after(self, level: Level) -> View:
        """The same view with all that stands in *level* by now (which is its innermost list)."""
        return replace(self, levels=(*self.levels[:-1], (level, len(level.ids))))


@dataclass(frozen=True, slots=True)
class Use:
    """One expression, template or shape of them: where it stands, what it sees and refers to."""

    node: Node
    where: str
    site: Site
    view: View
    references: tuple[Reference, ...]
    reads: tuple[Read, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """Why a step may not run: what is said at the step `where`; `text` is the condition's, if any."""

    where: str
    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """
    A step's id: the path of the step that it names, and where the id stands. `loops` are the lists of
    the `for_each` and `repeat` steps around it, the outermost first, as `steps[1].steps`. `conditions`
    are those under which alone it has an output.
    """

    where: str
    place: Place
    kind: str = ""
    loops: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


def leaf(node: Node, path: Path) -> Node:
    """The node that *path* (keys and indices) leads to, or the last one that exists on the way."""
    for one in path:
        if isinstance(node.value, dict) and one in node.value:
            node = node.value[str(one)]
        elif isinstance(node.value, list) and isinstance(one, int) and one < len(node.value):
            node = node.value[one]
    return node


def place_in(node: Node, line: int, column: int) -> Place:
    """Where *line* and *column* (from 1, inside the text of *node*) stand in the file."""
    if not isinstance(node.value, str):
        return node.place
    return node.place_at(offset_in(node.value, line, column))


def offset_in(text: str, line: int, column: int) -> int:
    """Where *line* and *column* (from 1) stand in *text*, from 0."""
    return sum(len(one) + 1 for one in text.split("\n")[: line - 1]) + column - 1

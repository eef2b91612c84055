"""
Mends of a file's text that are certain, as ranges and what is written there: made where a fault is found,
applied by an editor or by `hookline check --fix`. All else stays: comments, spaces, the ends of lines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.language.faults import Fix
from runner.language.nodes import LINE_BREAK, scalar
from runner.language.quoting import TROUBLE, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.language.nodes import Node
    from runner.language.traps import Mend
    from runner.language.workflow import Place

UNSAFE = re.compile(r"\s#|\n|^[-?'\"`@\[{]")  # what a plain text may not hold or begin with
FLOW = re.compile(r"[\[\]{},]")  # what it may not hold inside of [ ] and { }
ESCAPES = {"'": {ord("'"): "''"}, '"': {ord("\\"): "\\\\", ord('"'): '\\"'}}
LINE_END = re.compile("(\r\n|\r|\n)")


def replaced(node: Node, text: str | None) -> Fix | None:
    """The whole of a scalar, its quotes too, written as *text* (YAML); None where either cannot be."""
    if text is None or not node.raw or LINE_BREAK.search(node.raw):
        return None
    return _range(node.place, len(node.raw), text)


def renamed(mapping: Node, key: str, name: str | None) -> Fix | None:
    """A key of *mapping* written as *name*, unless that stands there already."""
    if name is None or key not in mapping.widths or name in mapping.keys:
        return None
    return _range(mapping.keys[key], mapping.widths[key], name)


def within(node: Node, start: int, end: int, text: str | None) -> Fix | None:
    """
    The characters from *start* to *end* (from 0, exclusive) of a text written as *text*, with the escapes
    that its quotes need; None where folding hides where they stand.
    """
    if text is None or not isinstance(node.value, str) or not 0 <= start <= end <= len(node.value):
        return None
    if "\n" in node.value[start:end] or node.style == ">":
        return None
    if node.style == "|":
        place = node.place_at(start)
        return None if place == node.place else _range(place, end - start, text)
    if LINE_BREAK.search(node.raw):
        return None
    if not node.style:
        whole = node.value[:start] + text + node.value[end:]
        is_flow_safe = not FLOW.search(text) or FLOW.search(node.value)
        is_safe = is_flow_safe and not TROUBLE.search(whole) and not UNSAFE.search(whole)
        if not is_safe or not isinstance(_read(whole), str):
            return _range(node.place, len(node.raw), quoted(whole))
        return _range(node.place_at(start), end - start, text)
    text = text.translate(ESCAPES[node.style])
    first, last = node.place_at(start), node.place_at(end)
    return Fix(first.line, first.column, last.line, last.column, text)


def mended(node: Node, mend: Mend | None) -> Fix | None:
    """What *mend* makes of the text of *node*, as `within`."""
    return within(node, mend.start, mend.end, mend.text) if mend else None


def applied(text: str, fixes: Iterable[Fix]) -> str:
    """*text* with *fixes*; of two that overlap the first in the file, the other at another time."""
    has_mark = text.startswith("\ufeff")
    parts = LINE_END.split(text.removeprefix("\ufeff"))
    starts = [0]
    for index in range(0, len(parts) - 1, 2):
        starts.append(starts[-1] + len(parts[index]) + len(parts[index + 1]))
    whole = "".join(parts)
    done, written = 0, []
    for fix in sorted(set(fixes), key=lambda one: (one.line, one.column, one.end_line, one.end_column)):
        start, end = _offset(parts, starts, fix.line, fix.column), _offset(
            parts, starts, fix.end_line, fix.end_column
        )  # fmt: skip
        if start is None or end is None or start < done or end < start:
            continue
        written += [whole[done:start], fix.text]
        done = end
    return ("\ufeff" if has_mark else "") + "".join([*written, whole[done:]])


def _range(place: Place, length: int, text: str) -> Fix:
    return Fix(place.line, place.column, place.line, place.column + length, text)


def _offset(parts: Sequence[str], starts: Sequence[int], line: int, column: int) -> int | None:
    """Where a place stands in the text; None where there is no such place."""
    index = 2 * (line - 1)
    if not 0 <= index < len(parts) or not 1 <= column <= len(parts[index]) + 1:
        return None
    return starts[line - 1] + column - 1


def _read(text: str) -> object:
    try:
        return scalar(text)
    except ValueError:
        return None

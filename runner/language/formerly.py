"""
`formerly`: the slugs that a workflow had, read from its text whatever else is wrong with it, and
written into it without touching a comment or a space.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.language.faults import Fault
from runner.language.keys import SLUG_PATTERN as SLUG
from runner.language.nodes import LINE_BREAK
from runner.language.source import compose

if TYPE_CHECKING:
    from runner.language.nodes import Node
    from runner.language.scalars import ScalarReader

KEY = "formerly"
BY_HAND = "write it there yourself, and rename the file"


def check_formerly(reader: ScalarReader, root: Node, slug: str) -> tuple[str, ...]:
    """The names that the workflow *slug* can have had; each other is a fault. It is a list of texts."""
    assert isinstance(root.value, dict)
    nodes = root.value[KEY].value
    assert isinstance(nodes, list)
    found: list[str] = []
    for index, node in enumerate(nodes):
        name, where = str(node.value), f"{KEY}[{index}]"
        if not re.fullmatch(SLUG, name):
            message = f'"{name}" cannot have been the id of a workflow: it has a-z, 0-9 and -'
            reader.fault(node.place, where, "slug", message, "write what the file was called, without .yaml")
        elif name == slug:
            reader.fault(node.place, where, "slug", f'"{name}" is what it is called now', "leave it out")
        elif name in found:
            reader.fault(node.place, where, "slug", f'"{name}" is given twice', "keep one of them")
        else:
            found.append(name)
    return tuple(found)


def formerly_of(text: str) -> tuple[str, ...]:
    """The slugs that a file says its workflow had; none where they cannot be read."""
    node = _node(text)
    if node is None or not isinstance(node.value, list):
        return ()
    names = [one.value for one in node.value if isinstance(one.value, str)]
    return tuple(dict.fromkeys(name for name in names if re.fullmatch(SLUG, name)))


def taken_fault(text: str, path: str, old: str) -> Fault:
    """That the workflow cannot have been *old*, since there is one."""
    root = compose(text, path=path).root
    place = root.keys[KEY] if root else None
    line, column = (place.line, place.column) if place else (1, 1)
    message = f'it says that it was "{old}", and there is a workflow {old} still'
    hint = f"delete {old}.yaml, or take {old} out of `{KEY}`"
    return Fault(path, line, column, KEY, "formerly-in-use", "error", message, hint)


def with_formerly(text: str, old: str, new: str) -> str:
    """
    The file's text with *old* among its former slugs, for a workflow that is called *new* from now
    on; all else as it stands.

    Raises:
        ValueError: the file is written in a way in which that cannot be done; a sentence.
    """
    root = compose(text, path="").root
    if root is None or not isinstance(root.value, dict):
        raise ValueError(f"the file cannot be read: mend it first, or {BY_HAND}")
    before = root.plain()
    names = list(before.get(KEY) or ())
    wanted = [old if name == new else name for name in names] if new in names else [*names, old]
    written = _written(text, root, old, new)
    after = compose(written, path="").root
    if after is None or after.plain() != {**before, KEY: wanted}:
        raise ValueError(f"`{KEY}: [{', '.join(wanted)}]` cannot be put into this file: {BY_HAND}")
    return written


def _written(text: str, root: Node, old: str, new: str) -> str:
    assert isinstance(root.value, dict)
    lines = _Lines(text)
    node = root.value.get(KEY)
    if node is None:
        first = root.keys.get("name") or min(root.keys.values())
        name = root.value.get("name")
        indent = lines.before(first.line, first.column)
        # behind the name, or before it where it goes on over several lines
        is_short = name is not None and name.place.line == first.line and not LINE_BREAK.search(name.raw)
        is_short = is_short and name is not None and name.style not in {"|", ">"}
        return lines.with_line(first.line + (1 if is_short else 0), f"{indent}{KEY}: [{old}]")
    items = node.value if isinstance(node.value, list) else []
    for item in items:
        if item.value == new:
            return lines.with_text(item.place.line, item.place.column, item.raw, item.raw.replace(new, old))
    if not items:
        return lines.with_text(node.place.line, node.place.column, "[", f"[{old}")
    last = items[-1]
    indent = lines.before(last.place.line, last.place.column)
    if indent.strip() == "-":
        return lines.with_line(last.place.line + 1, f"{indent}{old}")
    return lines.with_text(last.place.line, last.place.column, last.raw, f"{last.raw}, {old}")


class _Lines:
    """A text by lines and columns from 1, as places count them; line ends stay as they are."""

    def __init__(self, text: str) -> None:
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        self._parts = re.split("(\r\n|\r|\n)", text.removeprefix("\ufeff"))
        self._end = self._parts[1] if len(self._parts) > 1 else "\n"

    def before(self, line: int, column: int) -> str:
        """What stands in the line before that column."""
        return self._parts[2 * (line - 1)][: column - 1]

    def with_line(self, line: int, new: str) -> str:
        """The text with one more line, which becomes that one."""
        parts = list(self._parts)
        index = 2 * (line - 1)
        if index >= len(parts):  # behind a last line without an end
            parts += [self._end, new]
        else:
            parts[index:index] = [new, self._end]
        return self._mark + "".join(parts)

    def with_text(self, line: int, column: int, old: str, new: str) -> str:
        """The text with *new* in place of *old*, which stands there."""
        parts = list(self._parts)
        whole = parts[2 * (line - 1)]
        if whole[column - 1 : column - 1 + len(old)] == old:
            parts[2 * (line - 1)] = whole[: column - 1] + new + whole[column - 1 + len(old) :]
        return self._mark + "".join(parts)


def _node(text: str) -> Node | None:
    root = compose(text, path="").root
    return root.value.get(KEY) if root is not None and isinstance(root.value, dict) else None

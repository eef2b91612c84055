"""A workflow's text under another name, for one that begins as its copy; all else as it stands."""

from __future__ import annotations

from runner.language.faults import Fix
from runner.language.fixes import applied, replaced
from runner.language.lines import lines_of
from runner.language.quoting import quoted
from runner.language.source import compose

FORMERLY = "formerly"


def name_of(text: str) -> str | None:
    """The `name` in a file's text, whatever else is wrong with it; None where none can be read."""
    root = compose(text, path="").root
    node = root.value.get("name") if root is not None and isinstance(root.value, dict) else None
    return node.value.strip() or None if node is not None and isinstance(node.value, str) else None


def as_copy(text: str, name: str) -> str:
    """
    *text* called *name*, and without the former names, which stay with the other one. A text that
    cannot be read stays as it is.
    """
    return _named(_without_former_names(text), name)


def renamed(text: str, name: str) -> str:
    """*text* called *name*, all else as it stands. A text that cannot be read stays as it is."""
    return _named(text, name)


def _named(text: str, name: str) -> str:
    root = compose(text, path="").root
    if root is None or not isinstance(root.value, dict) or not root.keys:
        return text
    node = root.value.get("name")
    if node is None:
        first = min(root.keys.values())
        fix: Fix | None = Fix(first.line, first.column, first.line, first.column, f"name: {quoted(name)}\n")
    else:
        fix = replaced(node, name if _is_plain(name) else quoted(name))
    written = applied(text, [fix]) if fix else text
    return written if name_of(written) == name else text


def _is_plain(name: str) -> bool:
    """Whether YAML reads it as it is, without quotes."""
    return name_of(f"name: {name}\n") == name and "#" not in name


def _without_former_names(text: str) -> str:
    root = compose(text, path="").root
    if root is None or not isinstance(root.value, dict) or FORMERLY not in root.keys:
        return text
    place = root.keys[FORMERLY]
    after = [one.line for one in root.keys.values() if one.line > place.line]
    lines = lines_of(text)
    end = min(after, default=len(lines) + 1)
    written = "".join(lines[: place.line - 1] + lines[end - 1 :])
    left = compose(written, path="").root
    wanted = {key: value for key, value in root.plain().items() if key != FORMERLY}
    return written if left is not None and left.plain() == wanted else text

r"""
What compiles, and is most likely not what was meant: a text in double quotes, `'\n'`, a filter of
Jinja behind a `|` of JMESPath, a number compared as a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.language.expression_functions import STANDARD
from runner.language.functions import FUNCTIONS
from runner.language.traps import PLAIN_NAME, Mend
from runner.values import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.language.expressions import Expression

ORDERS = frozenset({"lt", "lte", "gt", "gte"})
CONDITIONS = frozenset({"if", "filter", "when", "until"})
BARE_NUMBER = re.compile(r"\s*[-+]?[0-9.]+\s*")
ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r"}
NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Slip:
    """Where it stands in the text (column from 1), its code, sentence and way out, and what mends it."""

    column: int
    code: str
    message: str
    hint: str
    mend: Mend | None = None


def slips(expression: Expression, key: str) -> Iterator[Slip]:
    """Those of one expression, which stands under *key*."""
    if key in CONDITIONS:
        yield from _constant(expression)
    yield from _walked(expression.tree, expression.source, is_root=True)


def _constant(expression: Expression) -> Iterator[Slip]:
    """A condition that is the same each time; `true` and `false` are how one is turned off for a while."""
    tree = expression.tree
    if BARE_NUMBER.fullmatch(expression.source):
        yield Slip(1, "condition", "a number always holds, also 0", "compare it: `count > 0`")
    elif tree["type"] == "literal" and isinstance(tree["value"], str):
        name = tree["value"]
        holds = "always holds" if name else "never holds"
        is_field = PLAIN_NAME.fullmatch(name)
        hint = f"for the field write it without quotes: {name}" if is_field else "compare it"
        yield Slip(1, "condition", f"a text {holds}", hint)


def _walked(node: dict[str, Any], source: str, *, is_root: bool) -> Iterator[Slip]:
    kind, children = node["type"], [one for one in node["children"] if isinstance(one, dict)]
    if kind == "comparator":
        yield from _compared(node, children, is_root=is_root)
    elif kind == "pipe":
        yield from _piped(children)
    elif kind == "literal":
        yield from _escaped(node, source)
    patterns = _patterns(node) if kind == "function_expression" else frozenset()
    first_only = kind in ("projection", "filter_projection", "value_projection", "pipe")
    for index, one in enumerate(children):
        if index not in patterns:
            inner = is_root and kind != "expref" and not (first_only and index)
            yield from _walked(one, source, is_root=inner)


def _compared(node: dict[str, Any], children: list[dict[str, Any]], *, is_root: bool) -> Iterator[Slip]:
    for one in children:
        name = one["value"] if one["type"] == "field" else ""
        # of the root it is an unknown name, which is an error of its own
        if one.get("is_quoted") and not is_root and PLAIN_NAME.fullmatch(name):
            start = one["column"] - 1
            mend = Mend(start, start + len(name) + 2, f"'{name}'")
            message = f'"{name}" in double quotes is the field `{name}`'
            yield Slip(one["column"], "double-quotes", message, f"for the text write '{name}'", mend)
        if node["value"] in ORDERS and one["type"] == "literal" and isinstance(one["value"], str):
            text = one["value"]
            if NUMBER.fullmatch(text):
                hint = f"write {text}, and to_number(…) around what arrives as a text"
                message = f"'{text}' is a text: by the alphabet '9' comes after '10'"
                yield Slip(one.get("column", 1), "text-order", message, hint)


def _piped(children: list[dict[str, Any]]) -> Iterator[Slip]:
    right = children[1]
    name = right["value"] if right["type"] == "field" and not right.get("is_quoted") else ""
    if name in FUNCTIONS or name in STANDARD.FUNCTION_TABLE:
        message = f"`| {name}` takes the field `{name}`; it calls nothing"
        yield Slip(right["column"], "pipe", message, f"write {name}(…) around it, or `| {name}(@)`",
                   Mend(right["column"] - 1, right["column"] - 1 + len(name), f"{name}(@)"))  # fmt: skip


def _escaped(node: dict[str, Any], source: str) -> Iterator[Slip]:
    r"""`'\n'`: between single quotes a backslash is a backslash."""
    start = node.get("column", 0) - 1
    text = node["value"]
    if start < 0 or source[start : start + 1] != "'" or not isinstance(text, str):
        return
    found = next((one for one in ESCAPES if one in text), None)
    if found is None:
        return
    for written, meant in ESCAPES.items():
        text = text.replace(written, meant)
    better = f"`{dumps(text)}`"
    mend = None
    if "`" not in text and source[start + 1 : start + 1 + len(node["value"]) + 1] == f"{node['value']}'":
        mend = Mend(start, start + len(node["value"]) + 2, better)
    what = {"\\n": "a line break", "\\t": "a tab", "\\r": "a carriage return"}[found]
    message = f"'{found}' in single quotes is a backslash and a letter, not {what}"
    yield Slip(start + 1, "escape", message, f"write {better}", mend)


def _patterns(node: dict[str, Any]) -> frozenset[int]:
    """The positions of a call's arguments in which a backslash means something."""
    function = FUNCTIONS.get(node["value"])
    if function is None:
        return frozenset()
    return frozenset(index for index, one in enumerate(function.parameters) if one.kind in ("Pattern", "Key"))

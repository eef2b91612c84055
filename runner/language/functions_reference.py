"""The reference of the function library: what its docstrings say, as rows for a page or a terminal."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from runner.language.functions import FUNCTIONS
from runner.language.functions_registry import KINDS, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.language.functions import Function
    from runner.language.functions_registry import Parameter
    from runner.values import Json

GROUPS = {
    "text": "Text",
    "patterns": "Regular expressions",
    "lists": "Lists",
    "data": "Objects and JSON",
    "formats": "CSV, YAML and XML",
    "numbers": "Numbers and money",
    "dates": "Dates",
    "documents": "HTML and Markdown",
    "codes": "Codes",
    "files": "Files",
    "tests": "Tests",
}
"""The groups in their order, with their titles."""

PIECE = re.compile(r"'[^']*'|\"[^\"]*\"|[\[({]|[\])}]|,|[^'\"\[({\])},]+")


def function_rows() -> list[dict[str, Json]]:
    """
    A row for each function, by group and then by name: `name`, `group` (a title of GROUPS), `signature`,
    `about`, `parameters` (each `name, type, required, default`), the first example as `jmespath`, `jinja` and
    `result`, and all `examples` (each those three).
    """
    order = list(GROUPS)
    listed = sorted(FUNCTIONS.values(), key=lambda one: (order.index(one.group), one.name))
    return [_row(one) for one in listed]


def examples_of(function: Function) -> Iterator[tuple[str, Json]]:
    """The examples of a docstring: an expression that both languages read alike, and its value."""
    for example in function.summary.split("\nExample: ")[1:]:
        source, _, value = " ".join(example.split("\n")).rpartition("== ")
        yield source.strip(), json.loads(value)


def _row(function: Function) -> dict[str, Json]:
    examples = [
        {"jmespath": source, "jinja": f"{{{{ {_piped(source)} }}}}", "result": value}
        for source, value in examples_of(function)
    ]
    about = function.summary.partition("\nExample: ")[0]
    return {
        "name": function.name,
        "group": GROUPS[function.group],
        "signature": _signature(function),
        "about": " ".join(about.split()),
        "parameters": [_parameter(one) for one in function.parameters],
        **examples[0],
        "examples": examples,
    }


def _signature(function: Function) -> str:
    parts = [
        f"{one.name}={_shown(one.default)}" if _has_default(one) else one.name + "?" * one.is_optional
        for one in function.parameters
    ]
    if function.variadic:
        parts.append(f"{function.variadic}…")
    return f"{function.name}({', '.join(parts)})"


def _parameter(one: Parameter) -> Json:
    return {
        "name": one.name,
        "type": KINDS[one.kind].title,
        "required": not one.is_optional,
        "default": one.default if _has_default(one) else None,
    }


def _has_default(one: Parameter) -> bool:
    return one.is_optional and one.default is not None and one.default is not REQUIRED


def _shown(value: Json) -> str:
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


def _piped(source: str) -> str:
    """`f(x, y)` as `x | f(y)`, as templates are written."""
    name, _, rest = source.removesuffix(")").partition("(")
    arguments, depth = [""], 0
    for piece in PIECE.findall(rest):
        depth += (piece in "[({") - (piece in "])}")
        if piece == "," and not depth:
            arguments.append("")
        else:
            arguments[-1] += piece
    first, *others = (one.strip() for one in arguments)
    if not first:
        return source
    return f"{first} | {name}({', '.join(others)})" if others else f"{first} | {name}"

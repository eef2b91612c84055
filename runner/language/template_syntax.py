"""What of Jinja's syntax is allowed, where its faults stand, and which names a template reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, nodes

from runner.language.functions import FUNCTIONS
from runner.language.shapes import LeafFault, Path, Reference
from runner.language.suggest import nearest
from runner.language.template_filters import FILTERS, TESTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.language.shapes import Kind

MAX_DEPTH = 80  # levels of the tree; Python compiles some two hundred brackets in one another
STATEMENTS = (
    nodes.Output, nodes.If, nodes.For, nodes.Assign, nodes.AssignBlock, nodes.Macro,
    nodes.CallBlock, nodes.FilterBlock, nodes.With,
)  # fmt: skip
HIDDEN = frozenset({"self", "super"})  # Jinja's own objects
NAMED: dict[str, Kind] = {
    "steps": "step", "outcomes": "outcome", "vars": "var", "secrets": "secret",
}  # fmt: skip
QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")


def checked(tree: nodes.Template) -> nodes.Template:
    """
    Let *tree* through if it holds nothing but what language.md allows.

    Raises:
        TemplateSyntaxError: another statement, an unknown filter or test, a hidden name, a secret
            whose name is not written out, or nesting past MAX_DEPTH.
    """
    layer: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        below: list[nodes.Node] = []
        for node in layer:
            _check(node)
            below.extend(node.iter_child_nodes())
        if not below:
            _check_secrets(tree)
            return tree
        layer = below
    raise TemplateSyntaxError("the template is nested too deep", 1)


def fault_of(error: TemplateSyntaxError, source: str, path: Path) -> LeafFault:
    """Jinja's finding with the column of what it names, as near as Jinja lets us know."""
    message, _, hint = (error.message or "this is not a template").partition("; ")
    return LeafFault(path, error.lineno, _column(source, error.lineno, message), message, hint)


def references_of(
    tree: nodes.Template, source: str, path: Path, roots: frozenset[str]
) -> Iterator[Reference]:
    """What *tree* reads: of *roots*, which are the names it takes from outside, and below them."""
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name in roots:
            yield Reference("root", name.name, _column_of(source, name.lineno, name.name), name.lineno, path)
    for owner, field in _fields(tree):
        if owner.name in NAMED and owner.name in roots:
            column = _column_of(source, owner.lineno, field)
            yield Reference(NAMED[owner.name], field, column, owner.lineno, path)


def _check(node: nodes.Node) -> None:
    line = node.lineno or 1  # Jinja gives some of its own nodes none
    if isinstance(node, nodes.Stmt) and not isinstance(node, STATEMENTS):
        name = "autoescape" if isinstance(node, nodes.Scope) else type(node).__name__.lower()
        raise TemplateSyntaxError(f"`{name}` is not part of our templates", line)
    if isinstance(node, (nodes.NSRef, nodes.InternalName, nodes.ContextReference)):
        raise TemplateSyntaxError("a field cannot be set", line)
    if isinstance(node, nodes.Name) and (node.name in HIDDEN or node.name.startswith("_")):
        raise TemplateSyntaxError(f"`{node.name}` is no name that a template may use", line)
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise _unknown("filter", node.name, FILTERS, line)
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise _unknown("test", node.name, TESTS, line)
    if (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name in FUNCTIONS
        and node.dyn_args is None
    ):
        function = FUNCTIONS[node.node.name]
        fault = function.arity_fault(len(node.args) + len(node.kwargs))
        if fault:
            raise TemplateSyntaxError(fault, line)


def _check_secrets(tree: nodes.Template) -> None:
    """Which secrets a template uses must be seen without running it."""
    written = {id(owner) for owner, _ in _fields(tree)}
    for name in tree.find_all(nodes.Name):
        if name.name == "secrets" and (name.ctx != "load" or id(name) not in written):
            raise TemplateSyntaxError("a secret's name must be written out; write secrets.NAME", name.lineno)


def _fields(tree: nodes.Template) -> Iterator[tuple[nodes.Name, str]]:
    """Each `name.field` and `name['field']`."""
    for one in tree.find_all(nodes.Getattr):
        if isinstance(one.node, nodes.Name):
            yield one.node, one.attr
    for item in tree.find_all(nodes.Getitem):
        if (
            isinstance(item.node, nodes.Name)
            and isinstance(item.arg, nodes.Const)
            and isinstance(item.arg.value, str)
        ):
            yield item.node, item.arg.value


def _unknown(kind: str, name: str, known: Collection[str], line: int) -> TemplateSyntaxError:
    close = nearest(name, known)
    hint = f"; did you mean `{close}`?" if close else ""
    return TemplateSyntaxError(f"there is no {kind} '{name}'{hint}", line)


def _column(source: str, line: int, message: str) -> int:
    text = _line(source, line)
    for match in QUOTED.finditer(message):
        column = text.find(match[1] or match[2]) + 1
        if column:
            return column
    return max(min((text.find(mark) for mark in ("{{", "{%") if mark in text), default=0), 0) + 1


def _column_of(source: str, line: int, name: str) -> int:
    match = re.search(rf"(?<![\w.]){re.escape(name)}\b|{re.escape(name)}", _line(source, line))
    return match.start() + 1 if match else 1


def _line(source: str, line: int) -> str:
    lines = source.split("\n")
    return lines[line - 1] if 0 < line <= len(lines) else ""

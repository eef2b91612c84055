"""What of Jinja's syntax is allowed, where its faults stand, and which names a template reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, nodes

from runner.language.shapes import LeafFault, Path, Reference
from runner.language.suggest import nearest
from runner.language.template_calls import CallFault, check_call, column_of, read_by_keys
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
RESUME_URL = "resume_url"
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
            _check_resume_urls(tree)
            return tree
        layer = below
    raise TemplateSyntaxError("the template is nested too deep", 1)


def fault_of(error: TemplateSyntaxError, source: str, path: Path) -> LeafFault:
    """Jinja's finding with the column of what it names, as near as Jinja lets us know."""
    message, _, hint = (error.message or "this is not a template").partition("; ")
    if isinstance(error, CallFault):
        column = column_of(source, error.literal, error.offset)
    else:
        column = _column(source, error.lineno, message)
    return LeafFault(path, error.lineno, column, message, hint)


def references_of(
    tree: nodes.Template, source: str, path: Path, roots: frozenset[str]
) -> Iterator[Reference]:
    """What *tree* reads: of *roots*, which are the names it takes from outside, and below them."""
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name in roots:
            yield Reference("root", name.name, _column_of(source, name.lineno, name.name), name.lineno, path)
    for call in tree.find_all(nodes.Call):
        if _is_resume_url(call):
            identity = call.args[0].as_const()
            quoted = re.search(rf"""["']{re.escape(identity)}["']""", _line(source, call.lineno))
            column = quoted.start() + 2 if quoted else 1
            yield Reference("resume", identity, column, call.lineno, path)
    for owner, field in _fields(tree):
        if owner.name in NAMED and owner.name in roots:
            column = _column_of(source, owner.lineno, field)
            yield Reference(NAMED[owner.name], field, column, owner.lineno, path)
    yield from read_by_keys(tree, source, path)


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
    check_call(node)


def _check_secrets(tree: nodes.Template) -> None:
    """Which secrets a template uses must be seen without running it."""
    written = {id(owner) for owner, _ in _fields(tree)}
    for name in tree.find_all(nodes.Name):
        if name.name == "secrets" and (name.ctx != "load" or id(name) not in written):
            raise TemplateSyntaxError("a secret's name must be written out; write secrets.NAME", name.lineno)


def _check_resume_urls(tree: nodes.Template) -> None:
    """Which step's address is meant must be seen without running the template."""
    calls = [id(call.node) for call in tree.find_all(nodes.Call) if _is_resume_url(call)]
    for name in tree.find_all(nodes.Name):
        if name.name == RESUME_URL and id(name) not in calls:
            message = f"{RESUME_URL} takes the id of a step, written out; write {RESUME_URL}('approval')"
            raise TemplateSyntaxError(message, name.lineno)


def _is_resume_url(call: nodes.Call) -> bool:
    """Whether it is `resume_url('<id>')`."""
    return (
        isinstance(call.node, nodes.Name)
        and call.node.name == RESUME_URL
        and len(call.args) == 1
        and isinstance(call.args[0], nodes.Const)
        and isinstance(call.args[0].value, str)
        and not (call.kwargs or call.dyn_args or call.dyn_kwargs)
    )


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

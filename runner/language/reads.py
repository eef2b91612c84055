"""
The paths that an expression or a template follows from a name of the root, as far as they are written
out: `payload.lines[].sku`. What they lead to can be compared with what is known of a value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.language.shapes import Path

MOST = 200  # of one text


@dataclass(frozen=True, slots=True)
class Part:
    """
    A name, at `offset` (from 0; -1: not known) in the text; without a name each item of a list, and
    with `is_flat` of the lists in it too.
    """

    name: str | None
    offset: int = -1
    is_flat: bool = False


EACH = Part(None)
FLAT = Part(None, is_flat=True)
Parts: TypeAlias = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """
    What is followed. `is_guarded`: it is no harm if nothing is there (`|| 'x'`, `| default('')`, a test).
    `path` leads to the leaf of the shape, `compared` is "number" or "text" where it is ordered against one.
    """

    parts: Parts
    is_guarded: bool = False
    path: Path = ()
    compared: str = ""

    @property
    def text(self) -> str:
        """`payload.lines[].sku`."""
        return written(self.parts)


def written(parts: Parts) -> str:
    """*parts* as JMESPath writes them."""
    text = ""
    for one in parts:
        if one.name is None:
            text += "[]"
        else:
            plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", one.name)
            text += ("." if text else "") + (one.name if plain else f'"{one.name}"')
    return text


TOLERANT = frozenset({"coalesce", "not_null", "get", "is_empty", "type", "to_array"})
ORDERS = frozenset({"lt", "lte", "gt", "gte"})


def reads_of_expression(tree: Mapping[str, Any]) -> tuple[Read, ...]:
    """Those of a JMESPath by its syntax tree."""
    found = _Expression()
    found.visit(tree, (), is_guarded=False)
    return tuple(found.reads[:MOST])


class _Expression:
    def __init__(self) -> None:
        self.reads: list[Read] = []

    def visit(self, node: Mapping[str, Any], base: Parts | None, *, is_guarded: bool) -> Parts | None:
        """Note what *node* reads where *base* is the current value; the path to its own value, if any."""
        kind, children = node["type"], [one for one in node["children"] if isinstance(one, dict)]
        match kind:
            case "field":
                if base is None:
                    return None
                path = (*base, Part(node["value"], node.get("column", 0) - 1))
                self.reads.append(Read(path, is_guarded))
                return path
            case "root":
                return ()
            case "current":
                return base
            case "index":
                return (*base, EACH) if base is not None else None
            case "subexpression" | "index_expression" | "pipe":
                for one in children:
                    base = self.visit(one, base, is_guarded=is_guarded)
                return base
            case "projection" | "filter_projection":
                self.projected(children, base, is_guarded=is_guarded)
            case "flatten":
                return self.visit(children[0], base, is_guarded=is_guarded)
            case "slice":
                return base
            case "value_projection":
                self.visit(children[0], base, is_guarded=is_guarded)
                self.visit(children[1], None, is_guarded=is_guarded)
            case "comparator":
                self.compared(node, children, base, is_guarded=is_guarded)
            case "or_expression" | "and_expression" | "not_expression":
                for one in children:
                    self.visit(one, base, is_guarded=True)
            case "function_expression":
                self.called(node, children, base, is_guarded=is_guarded)
            case _:
                for one in children:
                    self.visit(one, base, is_guarded=is_guarded)
        return None

    def projected(self, children: list[Any], base: Parts | None, *, is_guarded: bool) -> None:
        left, *rest = children
        inner = self.visit(left, base, is_guarded=is_guarded)
        item = None if inner is None else (*inner, FLAT if left["type"] == "flatten" else EACH)
        for one in rest:
            self.visit(one, item, is_guarded=is_guarded)

    def compared(
        self, node: Mapping[str, Any], children: list[Any], base: Parts | None, *, is_guarded: bool
    ) -> None:
        literals = [one["value"] for one in children if one["type"] == "literal"]
        paths = []
        for one in children:
            before = len(self.reads)
            path = self.visit(one, base, is_guarded=is_guarded or None in literals)
            paths.append((path, before))
        if node["value"] not in ORDERS or not literals:
            return
        kind = "text" if isinstance(literals[0], str) else "number" if _is_number(literals[0]) else ""
        for path, before in paths:
            if path and len(self.reads) > before and self.reads[-1].parts == path:
                self.reads[-1] = replace(self.reads[-1], compared=kind)

    def called(
        self, node: Mapping[str, Any], children: list[Any], base: Parts | None, *, is_guarded: bool
    ) -> None:
        is_guarded = is_guarded or node["value"] in TOLERANT
        paths = [self.visit(one, base, is_guarded=is_guarded) for one in children if one["type"] != "expref"]
        item = (*paths[0], EACH) if paths and paths[0] is not None else None
        for one in children:
            if one["type"] == "expref":
                self.visit(one["children"][0], item, is_guarded=is_guarded)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def reads_of_template(tree: nodes.Template, source: str, roots: frozenset[str]) -> tuple[Read, ...]:
    """Those of a template; *roots* are the names that it takes from outside."""
    found = _Template(source, roots)
    found.visit(tree, {}, is_guarded=False)
    return tuple(found.reads[:MOST])


QUIET_TESTS = frozenset({"defined", "undefined", "none"})


class _Template:
    def __init__(self, source: str, roots: frozenset[str]) -> None:
        self.source = source
        self.roots = roots
        self.reads: list[Read] = []

    def visit(self, node: nodes.Node, bound: Mapping[str, Parts | None], *, is_guarded: bool) -> None:
        """Note what *node* reads; *bound* has the template's own names."""
        if len(self.reads) >= MOST:
            return  # each name is sought in the text, so many would take long
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            path = self.path(node, bound)
            if path is not None:
                if len(path) > 1:
                    self.reads.append(Read(path, is_guarded))
                return
        if isinstance(node, nodes.For):
            self.loop(node, bound, is_guarded=is_guarded)
            return
        if isinstance(node, (nodes.Assign, nodes.Macro, nodes.With)):
            bound = {**bound, **dict.fromkeys(_targets(node))}
        if isinstance(node, nodes.Filter) and node.name == "map" and node.node is not None:
            self.mapped(node, bound, is_guarded=is_guarded)
        quiet = (
            (isinstance(node, nodes.Filter) and node.name in {"default", *TOLERANT})
            or (isinstance(node, nodes.Test) and node.name in QUIET_TESTS)
            or isinstance(node, (nodes.Or, nodes.And, nodes.Not))
            or (isinstance(node, nodes.Call) and getattr(node.node, "name", "") in TOLERANT)
        )
        if isinstance(node, (nodes.If, nodes.CondExpr)):
            self.visit(node.test, bound, is_guarded=True)
        for one in node.iter_child_nodes():
            if not (isinstance(node, (nodes.If, nodes.CondExpr)) and one is node.test):
                self.visit(one, bound, is_guarded=is_guarded or quiet)

    def loop(self, node: nodes.For, bound: Mapping[str, Parts | None], *, is_guarded: bool) -> None:
        self.visit(node.iter, bound, is_guarded=is_guarded)
        items = self.path(node.iter, bound)
        inner: dict[str, Parts | None] = {**bound, **dict.fromkeys(_targets(node))}
        if isinstance(node.target, nodes.Name):
            inner[node.target.name] = (*items, EACH) if items else None
        inner["loop"] = None
        for one in (*node.body, *([node.test] if node.test else ())):
            self.visit(one, inner, is_guarded=is_guarded)
        for one in node.else_:
            self.visit(one, bound, is_guarded=is_guarded)

    def mapped(self, node: nodes.Filter, bound: Mapping[str, Parts | None], *, is_guarded: bool) -> None:
        """`x | map(attribute='a.b')`."""
        assert node.node is not None
        base = self.path(node.node, bound)
        named = next((one.value for one in node.kwargs if one.key == "attribute"), None)
        if base and isinstance(named, nodes.Const) and isinstance(named.value, str):
            offset = self.source.find(named.value)
            parts: list[Part] = []
            for name in named.value.split("."):
                parts.append(Part(name, offset))
                offset = -1 if offset < 0 else offset + len(name) + 1
            self.reads.append(Read((*base, EACH, *parts), is_guarded))

    def path(self, node: nodes.Node, bound: Mapping[str, Parts | None]) -> Parts | None:
        """The path that *node* is, with where its names stand; None where it is none."""
        names: list[str | None] = []
        at = node
        while isinstance(at, (nodes.Getattr, nodes.Getitem)):
            if isinstance(at, nodes.Getattr):
                names.insert(0, at.attr)
            elif isinstance(at.arg, nodes.Const) and isinstance(at.arg.value, str):
                names.insert(0, at.arg.value)
            elif isinstance(at.arg, nodes.Const) and isinstance(at.arg.value, int):
                names.insert(0, None)
            else:
                return None
            at = at.node
        if not isinstance(at, nodes.Name) or at.ctx != "load":
            return None
        offsets = self.offsets(at.name, names, node.lineno)
        if at.name in bound:
            base = bound[at.name]
        else:
            base = (Part(at.name, offsets[0]),) if at.name in self.roots else None
        if base is None:
            return None
        return (*base, *(Part(one, offset) for one, offset in zip(names, offsets[1:], strict=True)))

    def offsets(self, root: str, names: list[str | None], line: int) -> list[int]:
        """Where the names stand: Jinja tells the line alone."""
        start = 0
        for _ in range(max(0, (line or 1) - 1)):
            start = self.source.find("\n", start) + 1
        for begin in (start, 0):
            at = self.source.find(root, begin)
            while at >= 0:
                found = _follow(self.source, at, root, names)
                if found is not None:
                    return found
                at = self.source.find(root, at + 1)
        return [-1] * (len(names) + 1)


def _follow(source: str, at: int, root: str, names: list[str | None]) -> list[int] | None:
    """Where *names* stand behind *root* at *at*, by `.name`, `['name']` or `[0]`; None where they do not."""
    end = at + len(root)
    if (at and (source[at - 1].isalnum() or source[at - 1] in "_.'\"")) or source[end : end + 1].isalnum():
        return None
    found = [at]
    for name in names:
        end += len(source[end:]) - len(source[end:].lstrip()) if source[end : end + 1].isspace() else 0
        opened = source[end : end + 1]
        if opened not in (".", "["):
            return None
        if name is None:
            found.append(end)
            end = source.find("]", end) + 1
            continue
        start = source.find(name, end + 1)
        between = source[end + 1 : start].strip()
        if start < 0 or between not in ("", "'", '"') or (opened == ".") == bool(between):
            return None
        found.append(start)
        end = start + len(name)
        if opened == "[":
            end = source.find("]", end) + 1
    return found


def _targets(node: nodes.Node) -> Iterator[str]:
    """The names that a statement gives a value."""
    for one in node.find_all(nodes.Name):
        if one.ctx in ("store", "param"):
            yield one.name

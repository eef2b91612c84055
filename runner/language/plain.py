"""
Which templates are *plain*: their cost is bounded by their input, so they may be rendered in the
engine's own process. All others are rendered by the evaluator, which can be killed.

Plain is: text, paths, constants, `if`, comparisons with a constant, `~`, `+` and `-`, and functions
and filters that walk their input once. No loop, macro, set or block, and no other arithmetic.
"""

from __future__ import annotations

from jinja2 import nodes

from runner.language.functions import FUNCTIONS

FILTERS = frozenset({
    "default", "join", "length", "first", "last", "reverse", "min", "max", "abs", "list", "string",
    "tojson", "escape",
}) | {one.name for one in FUNCTIONS.values() if one.is_plain}  # fmt: skip
CALLS = frozenset(one.name for one in FUNCTIONS.values() if one.is_plain) | {"resume_url"}
TESTS = frozenset({
    "defined", "undefined", "none", "boolean", "integer", "float", "string", "mapping", "number",
    "sequence",
})  # fmt: skip
TRANSPARENT = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr,
    nodes.Getitem, nodes.Slice, nodes.If, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not,
    nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg, nodes.Keyword, nodes.Operand,
)  # fmt: skip


def is_plain(tree: nodes.Node) -> bool:
    """Whether rendering *tree* costs no more than some walks over its input."""
    rest = [tree]
    while rest:
        node = rest.pop()
        if not _is_plain_itself(node):
            return False
        rest.extend(node.iter_child_nodes(exclude=("ops",) if _lists_constants(node) else None))
    return True


def _is_plain_itself(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Filter) and node.name == "map":  # of one field, not of a filter
        return not node.args and [one.key for one in node.kwargs] == ["attribute"] and _takes_plain(node)
    if isinstance(node, nodes.Filter):
        return node.name in FILTERS and _takes_plain(node)
    if isinstance(node, nodes.Test):
        return node.name in TESTS and not node.args
    if isinstance(node, nodes.Call):
        return isinstance(node.node, nodes.Name) and node.node.name in CALLS and _takes_plain(node)
    if isinstance(node, nodes.Compare):
        return any(_is_constant(one) for one in (node.expr, *(each.expr for each in node.ops)))
    if isinstance(node, nodes.List):
        return _is_constant(node)
    return isinstance(node, TRANSPARENT)


def _takes_plain(node: nodes.Filter | nodes.Call) -> bool:
    """No `*arguments`: what they hold is not seen here."""
    return node.dyn_args is None and node.dyn_kwargs is None


def _is_constant(node: nodes.Expr) -> bool:
    if isinstance(node, (nodes.List, nodes.Tuple)):
        return all(isinstance(one, nodes.Const) for one in node.items)
    return isinstance(node, nodes.Const)


def _lists_constants(node: nodes.Node) -> bool:
    """A comparison with a list of constants, `x in ('a', 'b')`: nothing in it need be looked at."""
    return isinstance(node, nodes.Compare) and all(_is_constant(one.expr) for one in node.ops)

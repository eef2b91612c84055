"""
JMESPath expressions, compiled once: what they read, what they give, and shapes of them.

Compiling never evaluates; evaluating is bounded and touches nothing but its scope.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from runner.errors import ExpressionError
from runner.language.expression_closures import ItemProgram, Program, item_program, program
from runner.language.expression_functions import STANDARD, fits
from runner.language.expression_parser import ExpressionFault, Node, parse
from runner.language.expression_work import is_truthy
from runner.language.functions import FUNCTIONS
from runner.language.reads import Read, reads_of_expression
from runner.language.scope import ROOTS
from runner.language.shapes import LeafFault, Path, Reference, ShapeFault, place, placed, shown
from runner.language.suggest import nearest, surely
from runner.language.traps import Mend
from runner.values import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.language.expression_work import Work
    from runner.language.scope import Scope
    from runner.values import Json

__all__ = [
    "Expression",
    "ExpressionFault",
    "ExpressionShape",
    "ItemExpression",
    "compile_expression",
    "compile_key",
    "compile_shape",
    "is_truthy",
]

CACHED = 4096  # expressions: some five hundred workflows
TAKES_EXPRESSION = frozenset({"map", "sort_by", "min_by", "max_by"})  # by the specification
SEEN_THROUGH = frozenset(
    {"comparator", "and_expression", "or_expression", "not_expression", "arithmetic", "function_expression"}
)  # kinds whose parts all look at the same value
NAMED: dict[str, str] = {"steps": "step", "outcomes": "outcome", "vars": "var"}


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One compiled expression. `references` are the names it reads, with their columns."""

    source: str
    references: tuple[Reference, ...]
    _tree: Node = field(repr=False)
    _program: Program = field(repr=False)

    @property
    def tree(self) -> Node:
        """Its syntax tree, for those that judge it."""
        return self._tree

    @property
    def reads(self) -> tuple[Read, ...]:
        """The paths that it follows."""
        return reads_of_expression(self._tree)

    @property
    def roots(self) -> frozenset[str]:
        """The names of the root that it reads."""
        return frozenset(one.name for one in self.references if one.kind == "root")

    @property
    def step_ids(self) -> frozenset[str]:
        """The ids that it reads as `steps.<id>` or `outcomes.<id>`."""
        return frozenset(one.name for one in self.references if one.kind in ("step", "outcome"))

    @property
    def is_brief(self) -> bool:
        """Whether its work cannot grow, whatever the values are."""
        return self._program.is_free

    def evaluate(self, scope: Scope) -> Json:
        """
        Give the value over the scope's names; parts of it may be parts of the scope.

        Raises:
            ExpressionError: a name that does not exist, or values that do not fit.
            LimitExceeded: too much work or too heavy values.
        """
        return self._program.run(scope)

    def seen(self, scope: Scope) -> dict[str, Json]:
        """The values of the names that it reads, such as `payload.total`: why it gave what it gave."""
        found: dict[str, Json] = {}
        for chain in _chains(self._tree):
            value: Json = scope.names
            for name in chain:
                value = value.get(name) if isinstance(value, dict) else None
            found[".".join(chain)] = value
        return found


@lru_cache(maxsize=CACHED)
def compile_expression(source: str) -> Expression:
    """
    Compile *source*.

    Raises:
        ExpressionFault: not JMESPath, an unknown function, too long or nested too deep.
    """
    tree = parse(source)
    _check_calls(tree)
    return Expression(source, tuple(_references(tree)), tree, program(tree))


@dataclass(frozen=True, slots=True, eq=False)
class ItemExpression:
    """
    A compiled key: an expression whose bare names are a value's fields, such as 'customer.id' in
    `group_by(orders, 'customer.id')`. `references` are the names that it reads of the scope, by `$`,
    and such as look as if they were meant so.
    """

    source: str
    references: tuple[Reference, ...]
    _program: ItemProgram = field(repr=False)

    def evaluate(self, value: Json, work: Work) -> Json:
        """
        Give what it makes of *value*.

        Raises:
            ExpressionError: values that do not fit, or a name behind `$` that does not exist.
            LimitExceeded: too much work or too heavy values.
        """
        return self._program.run(value, work)


@lru_cache(maxsize=CACHED)
def compile_key(source: str) -> ItemExpression:
    """
    Compile *source*, the key of a function.

    Raises:
        ExpressionFault: as `compile_expression`.
    """
    tree = parse(source)
    _check_calls(tree)
    return ItemExpression(source, tuple(_reads(tree, is_root=False, is_inner=True)), item_program(tree))


@dataclass(frozen=True, slots=True)
class _Leaf:
    path: Path
    expression: Expression


Compiled: TypeAlias = "_Leaf | dict[str, Compiled] | list[Compiled] | float | bool | None"


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionShape:
    """JSON whose leaf texts are expressions; other leaves are constants. `is_brief`: as each of them."""

    source: Json
    references: tuple[Reference, ...]
    _compiled: Compiled = field(repr=False)
    is_brief: bool

    @property
    def roots(self) -> frozenset[str]:
        """The names of the root that it reads."""
        return frozenset(one.name for one in self.references if one.kind == "root")

    @property
    def step_ids(self) -> frozenset[str]:
        """The ids that it reads as `steps.<id>` or `outcomes.<id>`."""
        return frozenset(one.name for one in self.references if one.kind in ("step", "outcome"))

    def leaves(self) -> Iterator[tuple[Path, Expression]]:
        """Its expressions, each with the path that leads to it."""
        yield from _leaves(self._compiled)

    def evaluate(self, scope: Scope) -> Json:
        """
        Give the shape with each expression's value in its place.

        Raises:
            ExpressionError: as Expression.evaluate, the leaf's place before the message.
            LimitExceeded: likewise.
        """
        return _evaluated(self._compiled, scope)


def compile_shape(source: Json) -> ExpressionShape:
    """
    Compile every leaf text of *source*.

    Raises:
        ShapeFault: with the faults of all leaves.
    """
    return _shape(dumps(source))


@lru_cache(maxsize=CACHED)
def _shape(text: str) -> ExpressionShape:
    source = loads(text.encode())
    faults: list[LeafFault] = []
    references: list[Reference] = []

    def compiled(one: Json, path: Path) -> Compiled:
        if isinstance(one, dict):
            return {key: compiled(each, (*path, key)) for key, each in one.items()}
        if isinstance(one, list):
            return [compiled(each, (*path, index)) for index, each in enumerate(one)]
        if not isinstance(one, str):
            return one  # type: ignore[no-any-return]  # a constant: number, true, false or null
        try:
            leaf = _Leaf(path, compile_expression(one))
        except ExpressionFault as fault:
            faults.append(LeafFault(path, 1, fault.column, fault.message, fault.hint, fault.code, fault.mend))
            return None
        references.extend(
            Reference(each.kind, each.name, each.column, 1, path, each.is_quoted)
            for each in leaf.expression.references
        )
        return leaf

    tree = compiled(source, ())
    if faults:
        raise ShapeFault(faults)
    is_brief = all(leaf.is_brief for _path, leaf in _leaves(tree))
    return ExpressionShape(source, tuple(references), tree, is_brief)


def _evaluated(compiled: Compiled, scope: Scope) -> Json:
    if isinstance(compiled, _Leaf):
        if compiled.path and "uuid" in compiled.expression.source:  # each leaf has its own
            scope = replace(scope, entropy=f"{scope.entropy}/{place(compiled.path)}")
        try:
            return compiled.expression.evaluate(scope)
        except ExpressionError as error:
            raise placed(compiled.path, error) from None
    if isinstance(compiled, dict):
        return {key: _evaluated(one, scope) for key, one in compiled.items()}
    if isinstance(compiled, list):
        return [_evaluated(one, scope) for one in compiled]
    return compiled


def _leaves(compiled: Compiled) -> Iterator[tuple[Path, Expression]]:
    if isinstance(compiled, _Leaf):
        yield compiled.path, compiled.expression
    elif isinstance(compiled, (dict, list)):
        for one in compiled.values() if isinstance(compiled, dict) else compiled:
            yield from _leaves(one)


def _check_calls(node: Node) -> None:
    """Refuse unknown functions, wrong counts of arguments, and `&…` that no function takes."""
    children = [one for one in node["children"] if isinstance(one, dict)]
    if node["type"] == "function_expression":
        _check_call(node)
        if node["value"] in TAKES_EXPRESSION:
            children = [one["children"][0] if one["type"] == "expref" else one for one in children]
    if any(one["type"] == "expref" for one in (node, *children)):
        raise ExpressionFault(
            "`&` stands only before an argument of map, sort_by, min_by and max_by",
            node.get("column", 1),
        )
    for one in children:
        _check_calls(one)


def _check_call(node: Node) -> None:
    name, count = node["value"], len(node["children"])
    if name in STANDARD.FUNCTION_TABLE:
        signature = STANDARD.FUNCTION_TABLE[name]["signature"]
        is_variadic = bool(signature) and signature[-1].get("variadic", False)
        if count != len(signature) and not (is_variadic and count > len(signature)):
            number = f"at least {len(signature)}" if is_variadic else str(len(signature))
            raise ExpressionFault(
                f"{name}() takes {number} arguments, not {count}", node["column"], code="argument"
            )
        for child, each in zip(node["children"], signature, strict=False):
            if child["type"] == "literal" and not fits(child["value"], each["types"]):
                message = f"{name}: {shown(child['value'])} does not fit"
                hint = f"it takes {' or '.join(each['types'])}"
                column = child.get("column", node["column"])
                raise ExpressionFault(message, column, hint, code="argument")
    elif name in FUNCTIONS:
        fault = FUNCTIONS[name].arity_fault(count)
        if fault:
            raise ExpressionFault(fault, node["column"], code="argument")
        _check_literals(node)
    else:
        close = nearest(name, {*STANDARD.FUNCTION_TABLE, *FUNCTIONS})
        hint = f"did you mean {close}()?" if close else ""
        sure = surely(name, {*STANDARD.FUNCTION_TABLE, *FUNCTIONS})
        at = node["column"] - 1
        raise ExpressionFault(
            f"there is no function {name}()", node["column"], hint,
            code="unknown-function", mend=Mend(at, at + len(name), sure) if sure else None,
        )  # fmt: skip


def _check_literals(node: Node) -> None:
    for position, child in enumerate(node["children"]):
        if child["type"] == "literal":
            wrong = FUNCTIONS[node["value"]].literal_fault(position, child["value"])
            if wrong is not None:
                column = child.get("column", node["column"]) + _inside(child, wrong.offset)
                raise ExpressionFault(wrong.message, column, wrong.hint, code="argument")


def _inside(literal: Node, offset: int) -> int:
    """How far behind the beginning of *literal* its character *offset* stands: behind the quote."""
    return offset + 1 if offset and isinstance(literal["value"], str) else 0


def _chains(node: Node) -> Iterator[tuple[str, ...]]:
    """Names behind names, from the root down, outside of what is done item by item."""
    chain = _chain(node)
    if chain:
        yield chain
    elif node["type"] in SEEN_THROUGH:
        for child in node["children"]:
            yield from _chains(child)
    elif node["children"] and node["type"] not in ("literal", "expref"):
        yield from _chains(node["children"][0])  # of a projection or a pipe: what it begins with


def _chain(node: Node) -> tuple[str, ...]:
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] == "subexpression":
        parts = [_chain(child) for child in node["children"]]
        return tuple(name for part in parts for name in part) if all(parts) else ()
    return ()


def _references(tree: Node) -> Iterator[Reference]:
    """The names that *tree* reads where the current value is the root."""
    return _reads(tree, is_root=True, is_inner=False)


def _reads(node: Node, *, is_root: bool, is_inner: bool) -> Iterator[Reference]:
    kind = node["type"]
    children = [one for one in node["children"] if isinstance(one, dict)]
    if kind == "field":
        if is_root:
            yield _reference("root", node)
        elif is_inner and node["value"] in ROOTS:
            yield _reference("inner", node)
    elif kind == "subexpression":
        first, *rest = children
        yield from _reads(first, is_root=is_root, is_inner=is_inner)
        if is_root and first["type"] == "field":
            yield from _named(first, rest)
        gives_root = first["type"] == "root" or (is_root and first["type"] == "current")
        for one in rest:
            if gives_root and one["type"] == "field":
                yield from _named(one, rest[1:])
            yield from _reads(one, is_root=gives_root, is_inner=False)
            gives_root = False
    elif kind in ("projection", "filter_projection", "value_projection", "pipe", "index_expression"):
        first, *rest = children
        yield from _reads(first, is_root=is_root, is_inner=is_inner)
        stays = kind == "pipe" and (first["type"] == "root" or (is_root and first["type"] == "current"))
        for one in rest:
            yield from _reads(one, is_root=stays, is_inner=kind == "filter_projection")
    elif kind == "expref":
        yield from _reads(children[0], is_root=False, is_inner=True)
    elif kind == "function_expression" and node["value"] in FUNCTIONS:
        for one in children:
            yield from _reads(one, is_root=is_root, is_inner=is_inner)
        yield from _read_by_keys(node, children)
    else:
        for one in children:
            yield from _reads(one, is_root=is_root, is_inner=is_inner)


def _read_by_keys(node: Node, arguments: list[Node]) -> Iterator[Reference]:
    """What the keys read that are written out in a call."""
    written: dict[int | str, Json] = {
        position: one["value"] for position, one in enumerate(arguments) if one["type"] == "literal"
    }
    for key in FUNCTIONS[node["value"]].literals_of("Key", written):
        column = next(one.get("column", 1) for one in arguments if one.get("value") == key)
        for one in compile_key(key).references:
            yield Reference(one.kind, one.name, column + one.column, is_quoted=one.is_quoted)


def _named(first: Node, rest: list[Node]) -> Iterator[Reference]:
    """`steps.<id>` and its like: *first* is a root's name, *rest* what follows its dot."""
    if first["value"] in NAMED and rest and rest[0]["type"] == "field":
        yield _reference(NAMED[first["value"]], rest[0])


def _reference(kind: str, node: Node) -> Reference:
    return Reference(kind, node["value"], node.get("column", 1), is_quoted=node.get("is_quoted", False))  # type: ignore[arg-type]  # the keys of NAMED are kinds

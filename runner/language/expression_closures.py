"""
A syntax tree of JMESPath → Python closures, made once when an expression is compiled: one for each
node, one for a chain of fields. A closure takes the current value and what is left of the work.

Work is bounded where it can grow: a loop spends the cost of all its turns before the first, and
what is built or walked in one call is weighed (a shared part as often as it is reached).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jmespath.exceptions import JMESPathError, JMESPathTypeError

from runner.errors import ExpressionError, LimitExceeded
from runner.language import expression_comparisons as comparisons
from runner.language import expression_paths as paths
from runner.language.arithmetic import calculate
from runner.language.expression_functions import call, expression_type
from runner.language.expression_work import CALL, Step, Work
from runner.language.scope import Scope
from runner.language.shapes import shown

if TYPE_CHECKING:
    from runner.language.expression_parser import Node
    from runner.values import Json

LOOPS = frozenset({"projection", "filter_projection", "value_projection"})
PATHS = frozenset({"subexpression", "pipe", "index_expression"})
FREE = frozenset({"literal", "current", "identity", "root"})  # they cost nothing
EQUALITIES = {"eq": True, "ne": False}
UNPLANNED = (JMESPathError, RecursionError, MemoryError, TypeError, ValueError, ArithmeticError)
UNTOUCHED = Work(Scope(names={}, now=0.0))
"""What a closure is given that never looks at its work."""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A compiled tree. `is_free`: neither its work nor what it builds can grow, so nothing counts."""

    step: Step
    is_free: bool

    def run(self, scope: Scope) -> Json:
        """
        The value over the scope's names.

        Raises:
            ExpressionError: a name, a type or a number does not fit.
            LimitExceeded: too much work, or a value too heavy or too deep.
        """
        try:
            if self.is_free:
                return self.step(scope.names, UNTOUCHED)
            work = Work(scope)
            allowance = scope.allowance
            if allowance is not None:
                work.operations, work.left = allowance.operations, allowance.weight
            result = self.step(scope.names, work)
            if work.has_built:
                work.weigh((result,))
            if allowance is not None:
                allowance.operations, allowance.weight = work.operations, work.left
        except UNPLANNED as error:
            raise explained(error) from None
        return result


@dataclass(frozen=True, slots=True, eq=False)
class ItemProgram:
    """A compiled tree whose bare names are a value's fields; *cost* in operations for each value."""

    step: Step
    cost: int

    def run(self, value: Json, work: Work) -> Json:
        """
        What the tree gives on *value*; the root (`$`) is that of the work's scope.

        Raises:
            ExpressionError: as Program.run.
            LimitExceeded: likewise.
        """
        work.spend(self.cost)
        try:
            return self.step(value, work)
        except UNPLANNED as error:
            raise explained(error) from None


def explained(error: Exception) -> ExpressionError:
    """What an error of the package or of Python is called, for the author of the workflow."""
    if isinstance(error, JMESPathTypeError):
        return ExpressionError(
            f"{error.function_name}: {shown(error.current_value)} does not fit; it takes "
            f"{' or '.join(error.expected_types)}"
        )
    if isinstance(error, JMESPathError):
        return ExpressionError(str(error))
    if isinstance(error, RecursionError):
        return LimitExceeded("the value is nested too deep")
    if isinstance(error, MemoryError):
        return LimitExceeded("the evaluation takes too much memory")
    return ExpressionError(f"this cannot be evaluated: {str(error)[:200]}")


def item_program(tree: Node) -> ItemProgram:
    """The closures of *tree*, for values that are not the root."""
    maker = _Maker(hands_root_on=_holds(tree, ("root",)))
    return ItemProgram(maker.step(tree, is_root=False), CALL + _cost(tree))


def program(tree: Node) -> Program:
    """The closures of *tree*."""
    maker = _Maker(hands_root_on=_holds(tree, ("root", "current")))
    step = maker.step(tree, is_root=True)
    return Program(step, is_free=not maker.uses_work)


class _Maker:
    """
    Makes the closures of one tree. `is_root` says that a node's current value is the root; where
    it is not, it might still be, if the tree hands the root on.
    """

    def __init__(self, *, hands_root_on: bool) -> None:
        self._hands_root_on = hands_root_on
        self.uses_work = False

    def step(self, node: Node, *, is_root: bool) -> Step:
        """The closure of one node."""
        kind, children = node["type"], node["children"]
        if kind == "literal":
            return _literal(node["value"])
        if kind in {"current", "identity"}:
            return _current
        if kind == "root":
            self.uses_work = True
            return _root
        if kind == "index":
            return paths.position(node["value"])
        if kind == "field" or kind in PATHS:
            return paths.chained(self._links(node, is_root=is_root))
        if kind in {"comparator", "and_expression", "or_expression", "not_expression"}:
            return self._logic(node, is_root=is_root)
        if kind == "arithmetic":
            left, right = (self.step(one, is_root=is_root) for one in children)
            return _arithmetic(node["value"], left, right)
        self.uses_work = True
        if kind == "function_expression":
            return call(node["value"], [self.step(one, is_root=is_root) for one in children])
        if kind == "expref":
            return expression_type(self.step(children[0], is_root=False), 1 + _cost(children[0]))
        if kind == "slice":
            return paths.part(children)
        if kind == "multi_select_list":
            return paths.selected_list([self.step(one, is_root=is_root) for one in children])
        if kind == "multi_select_dict":
            return paths.selected_object(
                [(one["value"], self.step(one["children"][0], is_root=is_root)) for one in children]
            )
        return self._loop(node, is_root=is_root)

    def _links(self, node: Node, *, is_root: bool) -> list[Step]:
        """The steps of a path, fields behind fields folded into one."""
        steps: list[Step] = []
        chain: list[Node] = []
        starts_at_root = False
        for link in _flat(node):
            if link["type"] == "field":
                if not chain:
                    starts_at_root = is_root
                chain.append(link)
            else:
                steps += self._chain(chain, is_root=starts_at_root)
                chain = []
                steps.append(self.step(link, is_root=is_root))
            is_root = link["type"] == "root" or (is_root and link["type"] == "current")
        return steps + self._chain(chain, is_root=starts_at_root)

    def _chain(self, chain: list[Node], *, is_root: bool) -> list[Step]:
        names = [one["value"] for one in chain]
        if not chain:
            return []
        if is_root:
            return [paths.from_root(names, is_quoted=chain[0].get("is_quoted", False))]
        if not self._hands_root_on:
            return [paths.fields(names)]
        self.uses_work = True
        return [paths.wary_field(one["value"], is_quoted=one.get("is_quoted", False)) for one in chain]

    def _logic(self, node: Node, *, is_root: bool) -> Step:
        kind, (*_, last) = node["type"], node["children"]
        left, *rest = (self.step(one, is_root=is_root) for one in node["children"])
        if kind == "not_expression":
            return comparisons.negation(left)
        if kind == "and_expression":
            return comparisons.both(left, rest[0])
        if kind == "or_expression":
            return comparisons.either(left, rest[0])
        sign = node["value"]
        quick: Step | None = None
        if last["type"] == "literal" and sign in EQUALITIES:
            quick = comparisons.equality_with(left, last["value"], wanted=EQUALITIES[sign])
        elif last["type"] == "literal":
            quick = comparisons.order_with(sign, left, last["value"])
        if quick is not None:
            return quick
        self.uses_work = True
        if sign in EQUALITIES:
            return comparisons.equality(left, rest[0], wanted=EQUALITIES[sign])
        return comparisons.order(sign, left, rest[0])

    def _loop(self, node: Node, *, is_root: bool) -> Step:
        kind, (first, *bodies) = node["type"], node["children"]
        items = self.step(first, is_root=is_root)
        if kind == "flatten":
            return paths.flattened(items)
        cost = 1 + sum(map(_cost, bodies))
        body = bodies[0]
        each = None if body["type"] == "identity" else self.step(body, is_root=False)
        if kind == "filter_projection":
            return paths.filtered(items, self.step(bodies[1], is_root=False), each, cost)
        if body["type"] == "field" and not self._hands_root_on:
            each = body["value"]
        return paths.projection(items, each, cost, of_values=kind == "value_projection")


def _flat(node: Node) -> list[Node]:
    """The links of a path, and of the paths in it, in order."""
    if node["type"] in PATHS:
        return [link for one in node["children"] for link in _flat(one) if link["type"] != "identity"]
    return [node]


def _cost(node: Node) -> int:
    """The operations that one visit of *node* takes; the turns of a loop in it spend their own."""
    kind = node["type"]
    own = 0 if kind in FREE else CALL if kind == "function_expression" else 1
    if kind == "expref":
        return 0
    children = node["children"][:1] if kind in LOOPS else node["children"]
    return own + sum(_cost(one) for one in children if isinstance(one, dict))


def _holds(node: Node, kinds: tuple[str, ...]) -> bool:
    children = [one for one in node["children"] if isinstance(one, dict)]
    return node["type"] in kinds or any(_holds(one, kinds) for one in children)


def _current(value: Json, _work: Work) -> Json:
    return value


def _root(_value: Json, work: Work) -> Json:
    return work.names


def _literal(constant: Json) -> Step:
    return lambda _value, _work: constant


def _arithmetic(sign: str, left: Step, right: Step) -> Step:
    return lambda value, work: calculate(sign, left(value, work), right(value, work))

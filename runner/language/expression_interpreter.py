"""
Walks a syntax tree of JMESPath over the names of a scope, bounded: every visit counts down, and
what is built or walked in one call is weighed (a shared part as often as it is reached).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jmespath import functions, visitor
from jmespath.exceptions import JMESPathError, JMESPathTypeError

from runner.errors import ExpressionError, LimitExceeded
from runner.language.arithmetic import calculate, finite, refuse_mixed_order
from runner.language.functions import FUNCTIONS
from runner.language.shapes import shown, unknown_root
from runner.language.weight import NODE, Budget
from runner.values import dumps

if TYPE_CHECKING:
    from runner.language.expression_parser import Node
    from runner.language.scope import Scope
    from runner.values import Json

MAX_VISITS = 500_000  # about a second of CPU at 1-2 us each
SHALLOW = frozenset({"length", "keys", "values", "type", "not_null", "to_array"}) | {
    one.name for one in FUNCTIONS.values() if one.is_shallow
}  # they do not walk what they are given
ORDER = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

_PackageInterpreter: Any = visitor.TreeInterpreter
_PackageFunctions: Any = functions.Functions


class _Standard(_PackageFunctions):  # type: ignore[misc]  # the stubs hide the inside, which is pinned
    """The functions of the specification, with results that are data."""

    @functions.signature({"types": []})
    def _func_to_string(self, value: Json) -> str:
        return value if isinstance(value, str) else dumps(value)

    @functions.signature({"types": []})
    def _func_to_number(self, value: Json) -> Json:
        if isinstance(value, str) and "_" in value:  # Python's digits, nobody's number
            return None
        number = super()._func_to_number(value)
        return None if number is None else finite(number, f"to_number({shown(value)})")


STANDARD = _Standard()


def is_truthy(value: Json) -> bool:
    """False for false, null, "", [] and {} alone; a number is never falsy."""
    if isinstance(value, (str, list, dict)):
        return bool(value)
    return value is not None and value is not False


class Interpreter(_PackageInterpreter):  # type: ignore[misc]  # the stubs hide the inside, which is pinned
    """One evaluation; not to be used twice."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope
        self._names = scope.names
        self._visits_left = MAX_VISITS
        self._budget = Budget()
        self._has_built = False

    def run(self, tree: Node) -> Json:
        """
        The value of *tree* over the scope's names.

        Raises:
            ExpressionError: a name, a type or a number does not fit.
            LimitExceeded: too much work, or a value too heavy or too deep.
        """
        try:
            result = self.visit(tree, self._names)
            if self._has_built:
                self._budget.weigh((result,))
        except JMESPathTypeError as error:
            raise ExpressionError(
                f"{error.function_name}: {shown(error.current_value)} does not fit; it takes "
                f"{' or '.join(error.expected_types)}"
            ) from None
        except JMESPathError as error:
            raise ExpressionError(str(error)) from None
        except RecursionError:
            raise LimitExceeded("the value is nested too deep") from None
        except MemoryError:
            raise LimitExceeded("the evaluation takes too much memory") from None
        except (TypeError, ValueError, ArithmeticError) as error:
            raise ExpressionError(f"this cannot be evaluated: {str(error)[:200]}") from None
        return result

    def visit(self, node: Node, value: Json) -> Json:
        """Visit one node, and count it."""
        self._visits_left -= 1
        if self._visits_left < 0:
            raise LimitExceeded(f"the expression takes more than {MAX_VISITS:,} operations")
        return super().visit(node, value)

    def visit_root(self, _node: Node, _value: Json) -> Json:
        return self._names

    def visit_field(self, node: Node, value: Json) -> Json:
        name = node["value"]
        if value is self._names and name not in self._names:
            quoted = node.get("is_quoted", False)
            raise ExpressionError(unknown_root(name, self._names, is_quoted=quoted))
        return value.get(name) if isinstance(value, dict) else None

    def visit_arithmetic(self, node: Node, value: Json) -> float:
        left, right = (self.visit(child, value) for child in node["children"])
        return calculate(node["value"], left, right)

    def visit_comparator(self, node: Node, value: Json) -> Json:
        left, right = (self.visit(child, value) for child in node["children"])
        kind = node["value"]
        if kind in ORDER:
            refuse_mixed_order(ORDER[kind], left, right)
            if type(left) is bool or type(right) is bool:  # Python would order them
                return None
            ordered = isinstance(left, (str, int, float)) and isinstance(right, (str, int, float))
            return self.COMPARATOR_FUNC[kind](left, right) if ordered else None
        if isinstance(left, (list, dict)) and isinstance(right, (list, dict)):
            self._budget.weigh((left, right))
        return self.COMPARATOR_FUNC[kind](left, right)

    def visit_not_expression(self, node: Node, value: Json) -> bool:
        return not is_truthy(self.visit(node["children"][0], value))

    def visit_function_expression(self, node: Node, value: Json) -> Json:
        name = node["value"]
        arguments = [self.visit(child, value) for child in node["children"]]
        data = [one for one in arguments if not isinstance(one, visitor._Expression)]  # noqa: SLF001  # what the package makes of &…
        if name not in SHALLOW:
            self._budget.weigh(data)
        if name not in STANDARD.FUNCTION_TABLE:
            result = FUNCTIONS[name].call(self._scope, arguments, {})
        else:
            if name == "join" and len(arguments) == 2 and isinstance(arguments[0], str):
                self._budget.charge(len(arguments[0]) * len(arguments[1] or ()))
            result = STANDARD.call_function(name, arguments)
        if isinstance(result, float):
            return finite(result, name)
        return self._built(result)

    def visit_filter_projection(self, node: Node, value: Json) -> Json:
        return self._built(super().visit_filter_projection(node, value))

    def visit_flatten(self, node: Node, value: Json) -> Json:
        return self._built(super().visit_flatten(node, value))

    def visit_slice(self, node: Node, value: Json) -> Json:
        return self._built(super().visit_slice(node, value))

    def visit_multi_select_dict(self, node: Node, value: Json) -> Json:
        return self._built(super().visit_multi_select_dict(node, value))

    def visit_multi_select_list(self, node: Node, value: Json) -> Json:
        return self._built(super().visit_multi_select_list(node, value))

    def visit_projection(self, node: Node, value: Json) -> Json:
        return self._built(super().visit_projection(node, value))

    def visit_value_projection(self, node: Node, value: Json) -> Json:
        return self._built(super().visit_value_projection(node, value))

    def _built(self, value: Json) -> Json:
        """*value*, its own frame charged; its parts are weighed where something walks them."""
        if isinstance(value, (list, dict)):
            self._has_built = True
            self._budget.charge((len(value) + 1) * NODE)
        elif isinstance(value, str):
            self._budget.charge(len(value))
        return value

    def _is_false(self, value: Json) -> bool:
        return not is_truthy(value)

"""Calls of functions in an expression: the specification's, by the package, and the library's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from jmespath import functions

from runner.language.arithmetic import finite
from runner.language.expression_work import Step, Work
from runner.language.functions import FUNCTIONS
from runner.language.shapes import shown
from runner.values import dumps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.values import Json

SHALLOW = frozenset({"length", "keys", "values", "type", "not_null", "to_array"})
"""They do not walk what they are given."""

_PackageFunctions: Any = functions.Functions

Take: TypeAlias = Callable[[list["Json"], Work], "Json"]
"""What a function makes of its arguments."""


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


class _Expression:
    """`&…` as the package's functions take it; they know it by the name of its class."""

    __slots__ = ("_cost", "_work", "expression")

    def __init__(self, step: Step, cost: int, work: Work) -> None:
        self.expression = step
        self._cost = cost
        self._work = work

    def visit(self, step: Step, value: Json) -> Json:
        """What *step*, which is `expression`, makes of one item."""
        self._work.spend(self._cost)
        return step(value, self._work)


TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "expref": (_Expression,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


def fits(value: Json, names: Sequence[str]) -> bool:
    """Whether a constant may be an argument of one of these types; what a list holds is seen later."""
    kinds = {kind for name in names for kind in TYPES[name.partition("-")[0]]}
    return not kinds or type(value) in kinds


def expression_type(step: Step, cost: int) -> Step:
    """`&…`, an argument of map, sort_by, min_by and max_by; *cost* in operations for each item."""

    def run(_value: Json, work: Work) -> Json:
        return _Expression(step, cost, work)

    return run


def call(name: str, arguments: Sequence[Step]) -> Step:
    """
    A call of the function *name*, whose arguments number what it takes. What it walks is weighed
    before, what it gives is charged.
    """
    is_standard = name in STANDARD.FUNCTION_TABLE
    take = _standard(name) if is_standard else _library(name)
    is_shallow = name in SHALLOW or not is_standard  # the library weighs for itself

    def run(value: Json, work: Work) -> Json:
        given = [one(value, work) for one in arguments]
        if not is_shallow:
            work.weigh([one for one in given if type(one) is not _Expression])
        result = take(given, work)
        if isinstance(result, (list, dict)):
            work.built(len(result))
        elif isinstance(result, str):
            work.charge(len(result))
        elif isinstance(result, float):
            return finite(result, name)
        return result

    return run


def _library(name: str) -> Take:
    function = FUNCTIONS[name]

    def take(given: list[Json], work: Work) -> Json:
        return function.call(work, given, {})

    return take


def _standard(name: str) -> Take:
    """Types that fit at once are seen here; the package checks what lists hold, and says what is wrong."""
    definition = STANDARD.FUNCTION_TABLE[name]["function"]
    signature = STANDARD.FUNCTION_TABLE[name]["signature"]
    names = [one["types"] for one in signature]
    is_seen = not any("-" in each for one in names for each in one)
    accepted = [{kind for each in one for kind in TYPES[each]} if is_seen else set() for one in names]
    is_seen = is_seen and not any(one.get("variadic") for one in signature)

    def take(given: list[Json], work: Work) -> Json:
        if is_seen:
            for one, kinds in zip(given, accepted, strict=True):
                if kinds and type(one) not in kinds:
                    break
            else:
                return definition(STANDARD, *given)
        elif name == "join" and isinstance(given[0], str):
            work.charge(len(given[0]) * len(given[1] or ()))
        return STANDARD.call_function(name, given)

    return take

"""Closures for comparisons and logic; those against a written constant are the quick ones."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from runner.language.arithmetic import refuse_mixed_order
from runner.language.expression_work import PAGE, Step, Work, is_truthy

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.values import Json

NUMBERS = (int, float)
ORDER: dict[str, tuple[str, Callable[[Json, Json], bool]]] = {
    "lt": ("<", operator.lt),
    "lte": ("<=", operator.le),
    "gt": (">", operator.gt),
    "gte": (">=", operator.ge),
}


def equality(left: Step, right: Step, *, wanted: bool) -> Step:
    """`left == right`, or `!=` if *wanted* is false; true and false equal no number."""

    def run(value: Json, work: Work) -> Json:
        one, other = left(value, work), right(value, work)
        kind = type(one)
        if kind is str:
            if len(one) > PAGE:
                work.spend(len(one) // PAGE)
        elif isinstance(one, (list, dict)) and isinstance(other, (list, dict)):
            work.weigh((one, other))
        return (one == other and (kind is bool) == (type(other) is bool)) is wanted

    return run


def equality_with(left: Step, constant: Json, *, wanted: bool) -> Step | None:
    """`left == constant`, or `!=`; None if *constant* is a list or an object."""

    def text(value: Json, work: Work) -> Json:
        return (left(value, work) == constant) is wanted

    def number(value: Json, work: Work) -> Json:
        one = left(value, work)
        return (one == constant and type(one) is not bool) is wanted

    def word(value: Json, work: Work) -> Json:
        return (left(value, work) is constant) is wanted

    if isinstance(constant, str):
        return text
    if constant is None or isinstance(constant, bool):
        return word
    return number if isinstance(constant, NUMBERS) else None


def order(kind: str, left: Step, right: Step) -> Step:
    """`left < right` and its like: null for what has no order, an error for a text and a number."""
    sign, compare = ORDER[kind]

    def run(value: Json, work: Work) -> Json:
        one, other = left(value, work), right(value, work)
        if type(one) is str and len(one) > PAGE:
            work.spend(len(one) // PAGE)
        return _ordered(sign, compare, one, other)

    return run


def order_with(kind: str, left: Step, constant: Json) -> Step:
    """The same with a constant on the right."""
    sign, compare = ORDER[kind]
    kinds = NUMBERS if type(constant) in NUMBERS else (type(constant),) if isinstance(constant, str) else ()

    def run(value: Json, work: Work) -> Json:
        one = left(value, work)
        return compare(one, constant) if type(one) in kinds else _ordered(sign, compare, one, constant)

    return run


def either(left: Step, right: Step) -> Step:
    """`left || right`."""

    def run(value: Json, work: Work) -> Json:
        found = left(value, work)
        return found if found is True or is_truthy(found) else right(value, work)

    return run


def both(left: Step, right: Step) -> Step:
    """`left && right`."""

    def run(value: Json, work: Work) -> Json:
        found = left(value, work)
        return right(value, work) if found is True or is_truthy(found) else found

    return run


def negation(step: Step) -> Step:
    """`!step`."""

    def run(value: Json, work: Work) -> Json:
        return not is_truthy(step(value, work))

    return run


def _ordered(sign: str, compare: Callable[[Json, Json], bool], one: Json, other: Json) -> bool | None:
    refuse_mixed_order(sign, one, other)
    if isinstance(one, bool) or isinstance(other, bool):  # Python would order them
        return None
    is_ordered = isinstance(one, (str, int, float)) and isinstance(other, (str, int, float))
    return compare(one, other) if is_ordered else None

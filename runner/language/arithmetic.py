"""Numbers and their order, the same in both expression languages: exact, finite and bounded."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, TypeGuard

from runner.errors import ExpressionError, LimitExceeded
from runner.language.shapes import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.values import Json

MAX_BITS = 4096  # of a whole number: 1,233 digits, past every identifier and amount

MEND = "write to_number(…) around the text, in a template … | float"

OPERATORS: dict[str, Callable[[Json, Json], Json]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}


def is_number(value: Json) -> TypeGuard[float]:
    """Whether *value* is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def calculate(sign: str, left: Json, right: Json) -> float:
    """
    Apply *sign*, a key of OPERATORS, to two numbers; 6 / 3 is 2, not 2.0.

    Raises:
        ExpressionError: not two numbers, a division by zero, or no finite result.
        LimitExceeded: a whole number of more than MAX_BITS bits.
    """
    if not is_number(left) or not is_number(right):
        mend = f"; {MEND}" if isinstance(left, str) or isinstance(right, str) else ""
        raise ExpressionError(f"{shown(left)} {sign} {shown(right)} is not made of numbers{mend}")
    if isinstance(left, int) and isinstance(right, int):
        _bound(sign, left, right)
        if sign == "/" and right and left % right == 0:
            return left // right
    try:
        result: Json = OPERATORS[sign](left, right)
    except ZeroDivisionError:
        raise ExpressionError(f"{shown(left)} {sign} {shown(right)} divides by zero") from None
    except OverflowError:
        raise ExpressionError(f"{shown(left)} {sign} {shown(right)} is too large") from None
    return finite(result, f"{shown(left)} {sign} {shown(right)}")


def finite(value: Json, what: str) -> float:
    """
    *value* if it is a finite number.

    Raises:
        ExpressionError: infinite, not a number or complex; *what* says whose result it is.
    """
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ExpressionError(f"{what} gives no finite number")
    return value


def refuse_mixed_order(sign: str, left: Json, right: Json) -> None:
    """
    Let through all but a text ordered against a number.

    Raises:
        ExpressionError: with both values and the mend.
    """
    if (isinstance(left, str) and is_number(right)) or (is_number(left) and isinstance(right, str)):
        raise ExpressionError(f"{shown(left)} {sign} {shown(right)} orders a text against a number; {MEND}")


def _bound(sign: str, left: int, right: int) -> None:
    bits = max(left.bit_length(), right.bit_length())
    if sign == "*":
        bits = left.bit_length() + right.bit_length()
    elif sign == "**":
        bits = left.bit_length() * max(right, 1)
    if bits > MAX_BITS:
        raise LimitExceeded(f"{shown(left)} {sign} {shown(right)} is a number of too many digits")

"""
Functions on numbers, for both expression languages. Sums of money come out as on paper: they are
made with decimal digits, and a text that holds a number counts as that number.
"""

from __future__ import annotations

import decimal
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from runner.errors import ExpressionError
from runner.language.arithmetic import MAX_BITS, is_number
from runner.language.functions_registry import KINDS, REQUIRED, Kind, Number, library
from runner.language.shapes import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.values import Json

Amount: TypeAlias = int | float | str

MAX_DIGITS = 400  # more digits than a float has on either side of its point
EXACT = decimal.Context(
    prec=2 * MAX_DIGITS + 1300,  # a whole number may have 1,233 digits
    rounding=decimal.ROUND_HALF_UP,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
DIVISION = decimal.Context(prec=40, rounding=decimal.ROUND_HALF_UP)  # a float has 17 digits
NUMERAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
CODE = re.compile(r"[A-Z]{3}")
OTHER_DECIMALS = {  # of currencies that do not have two; source: ISO 4217, list one
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
         "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # fmt: skip
PLACES = ("before", "after")


def amount_of(value: Json) -> Decimal:
    """
    *value*, a number or a text that holds one (`"19.90"`, a point before the cents), exactly.

    Raises:
        ValueError: neither.
    """
    if is_number(value):
        return Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    if isinstance(value, str):
        text = value.strip()
        if len(text) <= MAX_DIGITS and NUMERAL.fullmatch(text):
            return Decimal(text)
    raise ValueError(f"{shown(value)} is not a number, nor a text that holds one such as '19.90'")


def number_of(exact: Decimal) -> Number:
    """
    *exact* as a number of JSON: whole if it is whole.

    Raises:
        ValueError: too large.
    """
    if exact.adjusted() > MAX_BITS // 4:
        raise ValueError("this gives a number of too many digits")
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _place(name: str) -> None:
    if name not in PLACES:
        raise ValueError("the currency stands 'before' or 'after'")


KINDS["Amount"] = Kind(
    "a number, or a text that holds one", lambda value: is_number(value) or isinstance(value, str), amount_of
)
KINDS["Placement"] = Kind("'before' or 'after'", lambda value: isinstance(value, str), _place)
Placement: TypeAlias = str


@library()
def round_(value: Number, digits: int | None = 0) -> Number:
    """
    Round to so many digits after the point, halves away from zero; a whole number for 0 digits.

    Example: round(2.5) == 3
    Example: round(1.005, 2) == 1.01
    """
    places = digits or 0
    if abs(places) > MAX_DIGITS:
        raise ValueError(f"digits must be between -{MAX_DIGITS} and {MAX_DIGITS}")
    if isinstance(value, int) and places >= 0:
        return value
    exact = _rounded(Decimal(repr(value)), places)
    return float(exact) if places > 0 else int(exact)


@library()
def int_(value: Json, default: Json = REQUIRED) -> Json:
    """
    Make a whole number of a number or a text, without what follows the point.

    Example: int('42') == 42
    Example: int('7.9') == 7
    Example: int('many', 0) == 0
    """

    def whole(one: Json) -> int:
        if isinstance(one, str) and one.strip().lstrip("+-").isdecimal():
            return int(one)  # exact, where a float would not be
        return math.trunc(_number(one))

    return _converted(whole, value, default, "a whole number")


@library()
def float_(value: Json, default: Json = REQUIRED) -> Json:
    """
    Make a number with a point of a number or a text.

    Example: float('19.90') == 19.9
    Example: float('free', 0) == 0
    """
    return _converted(_number, value, default, "a number")


@library()
def add(first: Amount, second: Amount) -> Number:
    """
    Add two numbers, or texts that hold numbers, as on paper: cents stay cents.

    Example: add(0.1, 0.2) == 0.3
    Example: add('19.90', 5) == 24.9
    """
    return number_of(EXACT.add(amount_of(first), amount_of(second)))


@library()
def subtract(first: Amount, second: Amount) -> Number:
    """
    Take the second number from the first, as on paper.

    Example: subtract(100, '0.10') == 99.9
    """
    return number_of(EXACT.subtract(amount_of(first), amount_of(second)))


@library()
def multiply(first: Amount, second: Amount) -> Number:
    """
    Multiply two numbers, as on paper.

    Example: multiply('19.99', 3) == 59.97
    """
    return number_of(EXACT.multiply(amount_of(first), amount_of(second)))


@library()
def divide(first: Amount, second: Amount) -> Number:
    """
    Divide the first number by the second.

    Example: divide(10, 4) == 2.5
    Example: divide('59.97', 3) == 19.99
    """
    divisor = amount_of(second)
    if not divisor:
        raise ValueError(f"{shown(first)} cannot be divided by zero")
    return number_of(DIVISION.divide(amount_of(first), divisor))


@library()
def format_number(
    value: Amount, decimals: int | None = None, group: str | None = ",", point: str | None = "."
) -> str:
    """
    Write a number with so many decimals (halves are rounded away from zero; left out: as many as it
    has), a mark between groups of three digits ('' for none) and a decimal mark.

    Example: format_number(1234567.891) == "1,234,567.891"
    Example: format_number('1234.5', 2, '.', ',') == "1.234,50"
    """
    exact = amount_of(value)
    if decimals is not None:
        exact = _rounded(exact, _decimals(decimals))
    elif exact == exact.to_integral_value():
        exact = exact.quantize(Decimal(1), context=EXACT)
    return _written(exact, "," if group is None else group, "." if point is None else point)


@library()
def money(
    amount: Amount,
    currency: str,
    decimals: int | None = None,
    group: str | None = ",",
    point: str | None = ".",
    placement: Placement | None = "before",
) -> str:
    """
    Write an amount of money. A sign stands directly before the number, a code of three letters with a
    space; 'after' puts either behind it, with a space. Left out, the decimals are the currency's own
    (none for JPY) or two; the marks are those of format_number.

    Example: money('1234.5', '$') == "$1,234.50"
    Example: money(1234.5, 'EUR') == "EUR 1,234.50"
    Example: money(1234.5, '€', 2, '.', ',', 'after') == "1.234,50 €"
    """
    places = OTHER_DECIMALS.get(currency, 2) if decimals is None else _decimals(decimals)
    exact = _rounded(amount_of(amount), places)
    _place(placement or "before")
    sign = "-" if exact < 0 else ""
    number = _written(abs(exact), "," if group is None else group, "." if point is None else point)
    if placement == "after":
        return f"{sign}{number} {currency}"
    space = " " if CODE.fullmatch(currency) else ""
    return f"{sign}{currency}{space}{number}"


def _decimals(given: int) -> int:
    if not 0 <= given <= MAX_DIGITS:
        raise ValueError(f"decimals must be between 0 and {MAX_DIGITS}")
    return given


def _rounded(exact: Decimal, places: int) -> Decimal:
    return exact.quantize(Decimal(1).scaleb(-places), context=EXACT)


def _written(exact: Decimal, group: str, point: str) -> str:
    if exact.is_zero():
        exact = abs(exact)  # no -0.00
    whole, _, part = f"{exact:,f}".partition(".")
    return whole.replace(",", group) + (point + part if part else "")


def _number(value: Json) -> float:
    if isinstance(value, str):
        if "_" in value:  # Python's digits, nobody's number
            raise ValueError(value)
        return float(value)
    if is_number(value):
        return float(value)
    raise ValueError(value)


def _converted(convert: Callable[[Json], Number], value: Json, default: Json, what: str) -> Json:
    try:
        number = convert(value)
        if math.isfinite(number):
            return number
    except (ValueError, OverflowError):
        pass
    if default is REQUIRED:
        raise ExpressionError(f"{shown(value)} is not {what}; a second argument would stand for it")
    return default

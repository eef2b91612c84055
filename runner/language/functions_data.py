"""Functions on numbers, lists, objects and JSON, for both expression languages."""

from __future__ import annotations

import decimal
import math
from typing import TYPE_CHECKING

from runner import values
from runner.errors import ExpressionError
from runner.language.arithmetic import is_number
from runner.language.functions_registry import REQUIRED, Number, bounded, library
from runner.language.shapes import shown
from runner.language.weight import MAX_WEIGHT, NODE, weigh

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.values import Json

MAX_DIGITS = 400  # more digits than a float has on either side of its point


@library(is_shallow=True)
def get(value: Json, key: Json, default: Json = None) -> Json:
    """
    Take a field by a name that need not be known before, or an item by its position; the default,
    or null, where it is missing or null.

    Example: get(from_json('{"x-id": 7}'), 'x-id') == 7
    Example: get(['a', 'b'], 5, 'none') == "none"
    """
    found = None
    if isinstance(value, dict) and isinstance(key, str):
        found = value.get(key)
    elif isinstance(value, (list, tuple)) and isinstance(key, int) and -len(value) <= key < len(value):
        found = value[key]
    return default if found is None else found


@library(is_shallow=True, takes_secrets=True)
def coalesce(*choices: Json) -> Json:
    """
    Give the first that is not null.

    Example: coalesce(null, '', 'a') == ""
    """
    return next((one for one in choices if one is not None), None)


@library()
def from_json(text: str) -> Json:
    """
    Read JSON.

    Example: from_json('[1, true]') == [1, true]
    """
    bounded(len(text) * NODE // 2)  # a list of digits takes two characters for each
    value = values.loads(text.encode())
    weigh(value, MAX_WEIGHT)
    return value


@library()
def to_json(value: Json) -> str:
    """
    Write compact JSON.

    Example: to_json([true, null]) == "[true,null]"
    """
    return values.dumps(value)


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
    with decimal.localcontext() as context:
        context.prec = 2 * MAX_DIGITS + 1300  # a whole number may have 1,233 digits
        exact = decimal.Decimal(repr(value)).quantize(
            decimal.Decimal(1).scaleb(-places), rounding=decimal.ROUND_HALF_UP
        )
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


@library(is_shallow=True)
def is_number_(value: Json) -> bool:
    """
    Say whether this is a number (a text of digits is none).

    Example: is_number(1.5) == true
    Example: is_number('1') == false
    """
    return is_number(value)


@library(is_shallow=True)
def is_empty(value: Json) -> bool:
    """
    Say whether this is null, or a text, list or object with nothing in it.

    Example: is_empty('') == true
    Example: is_empty(0) == false
    """
    return value is None or (isinstance(value, (str, list, dict)) and not value)


@library()
def merge(*objects: Json) -> dict[str, Json]:
    """
    Put objects together; the later wins.

    Example: merge(from_json('{"a": 1, "b": 1}'), from_json('{"b": 2}')) == {"a": 1, "b": 2}
    """
    merged: dict[str, Json] = {}
    for one in objects:
        if not isinstance(one, dict):
            raise ExpressionError(f"merge: {shown(one)} is no object")
        merged.update(one)
    return merged


@library()
def pick(value: dict[str, Json], keys: list[Json]) -> dict[str, Json]:
    """
    Keep only these fields.

    Example: pick(from_json('{"a": 1, "b": 2}'), ['a', 'c']) == {"a": 1}
    """
    return {key: value[key] for key in keys if isinstance(key, str) and key in value}


@library()
def omit(value: dict[str, Json], keys: list[Json]) -> dict[str, Json]:
    """
    Leave these fields out.

    Example: omit(from_json('{"a": 1, "b": 2}'), ['a']) == {"b": 2}
    """
    names = {key for key in keys if isinstance(key, str)}
    return {key: one for key, one in value.items() if key not in names}


@library()
def unique(items: list[Json]) -> list[Json]:
    """
    Keep the first of equal items.

    Example: unique(['b', 'a', 'b']) == ["b", "a"]
    """
    first: dict[str, Json] = {}
    for one in items:
        first.setdefault(values.digest(one), one)
    return list(first.values())


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

"""Functions on objects and JSON, for both expression languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import values
from runner.errors import ExpressionError
from runner.language.functions_registry import bounded, library
from runner.language.shapes import shown
from runner.language.weight import MAX_WEIGHT, NODE, weigh

if TYPE_CHECKING:
    from runner.values import Json


@library(is_shallow=True)
def get(value: Json, key: Json, default: Json = None) -> Json:
    """
    Take a field by a name that need not be known before, or an item by its position; the default,
    or null, where it is missing or null.

    Example: get({"x-id": 7}, 'x-id') == 7
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
def merge(*objects: Json) -> dict[str, Json]:
    """
    Put objects together; the later wins.

    Example: merge({"a": 1, "b": 1}, {"b": 2}) == {"a": 1, "b": 2}
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

    Example: pick({"a": 1, "b": 2}, ['a', 'c']) == {"a": 1}
    """
    return {key: value[key] for key in keys if isinstance(key, str) and key in value}


@library()
def omit(value: dict[str, Json], keys: list[Json]) -> dict[str, Json]:
    """
    Leave these fields out.

    Example: omit({"a": 1, "b": 2}, ['a']) == {"b": 2}
    """
    names = {key for key in keys if isinstance(key, str)}
    return {key: one for key, one in value.items() if key not in names}


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

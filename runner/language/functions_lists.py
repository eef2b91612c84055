"""
Functions on lists, for both expression languages. A key is a JMESPath in a text, as in
`group_by(orders, 'customer.id')`: bare names are the item's, `$` is all that the expression sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from runner import values
from runner.errors import ExpressionError
from runner.language.expression_work import is_truthy
from runner.language.functions_numbers import EXACT, amount_of, number_of
from runner.language.functions_registry import KINDS, Kind, Number, bounded, is_text, library
from runner.language.weight import NODE

if TYPE_CHECKING:
    from runner.language.expression_work import Work
    from runner.language.expressions import ItemExpression
    from runner.values import Json

Key: TypeAlias = str

COMPILING = 20  # operations for each character of a key that this evaluation has not met yet
MAX_LEVELS = 100  # of lists in lists that are merged into one


def compiled(key: str) -> ItemExpression:
    """
    Compile a key, or give the one compiled before.

    Raises:
        ExpressionFault: no JMESPath.
    """
    from runner.language.expressions import compile_key  # noqa: PLC0415  # which knows all functions

    return compile_key(key)


KINDS["Key"] = Kind("a JMESPath in a text", is_text, compiled)


def _key(work: Work, key: str) -> ItemExpression:
    known: ItemExpression | None = work.kept.get(("key", key))
    if known is None:
        work.spend(len(key) * COMPILING)
        known = work.kept["key", key] = compiled(key)
    return known


@library()
def where(work: Work, items: list[Json], test: Key) -> list[Json]:
    """
    Keep the items for which a JMESPath is true.

    Example: where([{"sku": 'a', "price": 5}, {"sku": 'b', "price": 15}], 'price > 10')
    == [{"sku": "b", "price": 15}]
    """
    expression = _key(work, test)
    return [one for one in items if is_truthy(expression.evaluate(one, work))]


@library()
def group_by(work: Work, items: list[Json], key: Key) -> list[Json]:
    """
    Put items with the same key together: a list of `{key, items}`, in the order in which the keys
    first come.

    Example: group_by([{"to": 'a', "n": 1}, {"to": 'b'}, {"to": 'a'}], 'to')
    == [{"key": "a", "items": [{"to": "a", "n": 1}, {"to": "a"}]}, {"key": "b", "items": [{"to": "b"}]}]
    """
    expression = _key(work, key)
    groups: dict[str, dict[str, Json]] = {}
    for one in items:
        found = expression.evaluate(one, work)
        group = groups.setdefault(_identity(work, found), {"key": found, "items": []})
        group["items"].append(one)
    bounded(len(groups) * 4 * NODE)
    return list(groups.values())


@library()
def unique(work: Work, items: list[Json], key: Key | None = None) -> list[Json]:
    """
    Keep the first of equal items, or of items with the same key.

    Example: unique(['b', 'a', 'b']) == ["b", "a"]
    Example: unique([{"id": 1, "n": 1}, {"id": 1, "n": 2}], 'id') == [{"id": 1, "n": 1}]
    """
    expression = None if key is None else _key(work, key)
    first: dict[str, Json] = {}
    for one in items:
        found = one if expression is None else expression.evaluate(one, work)
        first.setdefault(_identity(work, found), one)
    return list(first.values())


@library()
def sum_by(work: Work, items: list[Json], key: Key) -> Number:
    """
    Add up what a key gives for each item, as on paper; null counts as nothing, a text that holds a
    number as that number.

    Example: sum_by([{"price": '19.90'}, {"price": 0.2}, {"price": null}], 'price') == 20.1
    """
    expression = _key(work, key)
    total = amount_of(0)
    for position, one in enumerate(items):
        found = expression.evaluate(one, work)
        if found is not None:
            try:
                total = EXACT.add(total, amount_of(found))
            except ValueError as error:
                raise ValueError(f"`{key}` of item {position}: {error}") from None
    return number_of(total)


@library()
def jmespath(work: Work, value: Json, expression: Key) -> Json:
    """
    Give what a JMESPath, which may be computed, gives on a value: its bare names are the value's
    fields.

    Example: jmespath({"lines": [{"sku": 'a'}, {"sku": 'b'}]}, 'lines[].sku') == ["a", "b"]
    """
    return _key(work, expression).evaluate(value, work)


@library()
def chunk(items: list[Json], size: int) -> list[Json]:
    """
    Cut a list into lists of at most *size* items.

    Example: chunk(['a', 'b', 'c'], 2) == [["a", "b"], ["c"]]
    """
    if size < 1:
        raise ValueError("the size must be at least 1")
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


@library()
def flatten(items: list[Json], levels: int | None = None) -> list[Json]:
    """
    Put the items of lists in a list in their places: of all levels, or of so many.

    Example: flatten(['a', ['b', ['c']]]) == ["a", "b", "c"]
    Example: flatten(['a', ['b', ['c']]], 1) == ["a", "b", ["c"]]
    """
    merged = list(items)
    for _ in range(MAX_LEVELS if levels is None else min(levels, MAX_LEVELS)):
        if not any(isinstance(one, (list, tuple)) for one in merged):
            break
        merged = [each for one in merged for each in (one if isinstance(one, (list, tuple)) else (one,))]
        bounded(len(merged) * NODE)
    return merged


@library()
def zip_(*lists: Json) -> list[Json]:
    """
    Put the first items of lists together, the second, and so on, as far as the shortest goes.

    Example: zip(['a', 'b'], [1, 2]) == [["a", 1], ["b", 2]]
    """
    if not all(isinstance(one, (list, tuple)) for one in lists):
        raise ExpressionError("zip takes lists")
    return [list(one) for one in zip(*lists, strict=False)]


def _identity(work: Work, value: Json) -> str:
    """What equal values have in common: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, str):
        return f"'{value}"
    if isinstance(value, (list, tuple, dict)):
        work.weigh((value,))
        return values.digest(_plain(value))
    return values.digest(int(value) if isinstance(value, float) and value.is_integer() else value)


def _plain(value: Json) -> Json:
    """Whole numbers as such, so that equal values have one text."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value

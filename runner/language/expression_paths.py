"""Closures for paths and loops: fields, positions, projections, filters, what is selected."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from runner.errors import ExpressionError
from runner.language.expression_work import Step, Work, is_truthy
from runner.language.shapes import unknown_root

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runner.values import Json


def from_root(names: Sequence[str], *, is_quoted: bool) -> Step:
    """A chain of fields where the current value is the root; an unknown name there is an error."""
    first, *rest = names
    second = rest[0] if rest else ""

    def one(value: Json, _work: Work) -> Json:
        try:
            return value[first]
        except KeyError:
            raise _unknown(first, value, is_quoted=is_quoted) from None

    def two(value: Json, _work: Work) -> Json:
        try:
            found = value[first]
        except KeyError:
            raise _unknown(first, value, is_quoted=is_quoted) from None
        return found.get(second) if isinstance(found, dict) else None

    def more(value: Json, _work: Work) -> Json:
        try:
            found = value[first]
        except KeyError:
            raise _unknown(first, value, is_quoted=is_quoted) from None
        for name in rest:
            if not isinstance(found, dict):
                return None
            found = found.get(name)
        return found

    return one if not rest else two if len(rest) == 1 else more


def fields(names: Sequence[str]) -> Step:
    """A chain of fields where the current value is never the root."""
    first = names[0]

    def one(value: Json, _work: Work) -> Json:
        return value.get(first) if isinstance(value, dict) else None

    def more(value: Json, _work: Work) -> Json:
        for name in names:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return one if len(names) == 1 else more


def wary_field(name: str, *, is_quoted: bool) -> Step:
    """A field where the current value might be the root, handed on by `$` or `@`."""

    def run(value: Json, work: Work) -> Json:
        if value is work.names and name not in value:
            raise _unknown(name, value, is_quoted=is_quoted)
        return value.get(name) if isinstance(value, dict) else None

    return run


def position(index: int) -> Step:
    """`[index]`."""

    def run(value: Json, _work: Work) -> Json:
        return value[index] if isinstance(value, list) and -len(value) <= index < len(value) else None

    return run


def part(bounds: Sequence[int | None]) -> Step:
    """`[start:stop:step]`."""
    cut = slice(*bounds)

    def run(value: Json, work: Work) -> Json:
        if not isinstance(value, list):
            return None
        taken = value[cut]
        work.built(len(taken))
        return taken

    return run


def chained(steps: Sequence[Step]) -> Step:
    """Each of the steps on what the one before it gives."""
    first, *rest = steps

    def two(value: Json, work: Work) -> Json:
        return last(first(value, work), work)

    def more(value: Json, work: Work) -> Json:
        for step in steps:
            value = step(value, work)
        return value

    last = steps[-1]
    return first if not rest else two if len(rest) == 1 else more


def flattened(step: Step) -> Step:
    """`[]`: the items of lists in the list in their place."""

    def run(value: Json, work: Work) -> Json:
        items = step(value, work)
        if not isinstance(items, list):
            return None
        if list not in set(map(type, items)):
            work.built(len(items))
            return items
        work.built(sum(len(one) if isinstance(one, list) else 1 for one in items))
        merged: list[Json] = []
        for one in items:
            if isinstance(one, list):
                merged.extend(one)
            else:
                merged.append(one)
        return merged

    return run


def projection(step: Step, each: Step | str | None, cost: int, *, of_values: bool = False) -> Step:
    """
    What *each* makes of the items of a list, or of the values of an object, nulls left out. None
    for *each* is the item itself, a text one field of it; *cost* is in operations, for each item.
    """

    def run(value: Json, work: Work) -> Json:
        items = step(value, work)
        if of_values:
            if not isinstance(items, dict):
                return None
            items = items.values()
        elif not isinstance(items, list):
            return None
        work.spend(len(items) * cost)
        if each is None:
            found = [one for one in items if one is not None]
        elif isinstance(each, str):
            found = _field_of_each(items, each)
        else:
            found = [one for item in items if (one := each(item, work)) is not None]
        work.built(len(found))
        return found

    return run


def filtered(step: Step, test: Step, each: Step | None, cost: int) -> Step:
    """What *each* makes of those items of a list that pass *test*, nulls left out."""

    def run(value: Json, work: Work) -> Json:
        items = step(value, work)
        if not isinstance(items, list):
            return None
        work.spend(len(items) * cost)
        found = []
        for item in items:
            passed = test(item, work)
            if passed is True or is_truthy(passed):
                one = item if each is None else each(item, work)
                if one is not None:
                    found.append(one)
        work.built(len(found))
        return found

    return run


def selected_list(steps: Sequence[Step]) -> Step:
    """`[a, b]`; null of null."""

    def run(value: Json, work: Work) -> Json:
        if value is None:
            return None
        work.built(len(steps))
        return [step(value, work) for step in steps]

    return run


def selected_object(steps: Sequence[tuple[str, Step]]) -> Step:
    """`{a: x, b: y}`; null of null."""

    def run(value: Json, work: Work) -> Json:
        if value is None:
            return None
        work.built(len(steps))
        return {key: step(value, work) for key, step in steps}

    return run


def _field_of_each(items: Collection[Json], name: str) -> list[Json]:
    try:
        found = list(map(itemgetter(name), items))  # alike objects, as most: half the time of a loop
    except (KeyError, TypeError):
        found = [item.get(name) for item in items if isinstance(item, dict)]
    return [one for one in found if one is not None] if None in found else found


def _unknown(name: str, names: dict[str, Json], *, is_quoted: bool) -> ExpressionError:
    return ExpressionError(unknown_root(name, names, is_quoted=is_quoted))

"""
What was expected against what came: pure comparison of JSON values.

A mapping matches one that holds what it says, a list one of the same length, item by item, null
what is missing; `{exactly: …}` takes the whole. A number matches an equal one, `1` also `1.0`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runner.values import Json
from runner.workbench.case_keys import EXACTLY

MISSING: Json = object()  # where nothing stands; null is something
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """
    What differs at `path` inside of what was compared. `written` is the path of the expectation in
    its file, which has `exactly` in it; `got` is MISSING where nothing stands. `around` is what came
    at the path above, where a key of it is missing or one too many.
    """

    path: Path
    written: Path
    expected: Json
    got: Json
    around: Json = MISSING


def differences(expected: Json, got: Json) -> Iterator[Difference]:
    """All that differs, in the order of the expectation."""
    yield from _differences(expected, got, (), ())


def is_exact(expected: Json) -> bool:
    """Whether it asks for the whole."""
    return isinstance(expected, dict) and list(expected) == [EXACTLY]


def equal(one: Json, other: Json) -> bool:
    """As JSON has it: true is no number, 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def _differences(expected: Json, got: Json, path: Path, written: Path) -> Iterator[Difference]:
    if is_exact(expected):
        yield from _whole(expected[EXACTLY], got, path, (*written, EXACTLY))
    elif isinstance(expected, dict) and isinstance(got, dict):
        for key, value in expected.items():
            yield from _differences(value, got.get(key, MISSING), (*path, key), (*written, key))
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (value, one) in enumerate(zip(expected, got, strict=True)):
            yield from _differences(value, one, (*path, index), (*written, index))
    elif not equal(expected, None if got is MISSING else got):
        yield Difference(path, written, expected, got)


def _whole(expected: Json, got: Json, path: Path, written: Path) -> Iterator[Difference]:
    """As `_differences`, of all that stands on either side."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in [*expected, *(one for one in got if one not in expected)]:
            mine, its = expected.get(key, MISSING), got.get(key, MISSING)
            if mine is MISSING or its is MISSING:
                yield Difference((*path, key), (*written, key), mine, its, got)
            else:
                yield from _whole(mine, its, (*path, key), (*written, key))
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (value, one) in enumerate(zip(expected, got, strict=True)):
            yield from _whole(value, one, (*path, index), (*written, index))
    elif got is MISSING or not equal(expected, got):
        yield Difference(path, written, expected, got)

"""What was expected against what came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.workbench.matching import MISSING, differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "exactl"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def paths(expected: Any, got: Any) -> list[tuple[str | int, ...]]:
    return [one.path for one in differences(expected, got)]


@given(JSON)
def test_a_value_matches_itself_as_a_part_and_as_a_whole(value: Any) -> None:
    assert paths(value, value) == []
    assert paths({"exactly": value}, value) == []


@given(JSON, JSON)
def test_what_matches_as_a_whole_matches_as_a_part(one: Any, other: Any) -> None:
    if not paths({"exactly": one}, other):
        assert not paths(one, other)


@given(st.dictionaries(st.sampled_from("abc"), JSON), st.dictionaries(st.sampled_from("abcd"), JSON))
def test_more_may_be_there_than_is_expected(expected: dict[str, Any], got: dict[str, Any]) -> None:
    assert paths(expected, got | expected) == []


@pytest.mark.parametrize(
    ("expected", "got", "differ"),
    [
        (1, 1.0, []),
        (True, 1, [()]),
        ("1", 1, [()]),
        (None, None, []),
        ({"a": None}, {}, []),
        ({"a": None}, {"a": 1}, [("a",)]),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, [("a", "b")]),
        ([1, {"a": 1}], [1, {"a": 1, "b": 2}], []),
        ([1], [1, 2], [()]),
        ([], {}, [()]),
        ({"exactly": {"a": 1}}, {"a": 1, "b": 2}, [("b",)]),
        ({"exactly": {"a": None}}, {}, [("a",)]),
        ({"a": {"exactly": [1]}}, {"a": [1], "b": 2}, []),
    ],
)
def test_what_differs_is_named_by_its_path(expected: Any, got: Any, differ: list[Any]) -> None:
    assert paths(expected, got) == differ


def test_nothing_is_something_else_than_null() -> None:
    (one,) = differences({"a": 1}, {})
    assert one.got is MISSING

"""A value weighs its frames and its texts, a shared part as often as it is reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import LimitExceeded
from runner.language.weight import MAX_DEPTH, NODE, weigh
from runner.values import Json

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=30,
)


def weight_of(value: Json) -> int:
    if isinstance(value, str):
        return NODE + len(value)
    if isinstance(value, dict):
        return NODE + sum(NODE + weight_of(key) + weight_of(one) for key, one in value.items())
    return NODE + (sum(map(weight_of, value)) if isinstance(value, (list, tuple)) else 0)


@given(values)
def test_the_weight_is_the_sum_of_frames_and_texts(value: Json) -> None:
    weight = weight_of(value)
    assert weigh(value, weight) == weight
    with pytest.raises(LimitExceeded, match="grow past"):
        weigh(value, weight - 1)


@pytest.mark.parametrize("innermost", ["x", 1, [], {}])
def test_depth_is_bounded(innermost: Json) -> None:
    levels = MAX_DEPTH - 1
    value = innermost
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    weigh(value, 10**9)
    with pytest.raises(LimitExceeded, match="nested deeper"):
        weigh([value], 10**9)


def test_shared_parts_are_refused_before_they_are_walked() -> None:
    value: Json = "x"
    for _ in range(MAX_DEPTH // 2):
        value = [value] * 1000
    with pytest.raises(LimitExceeded, match="grow past"):
        weigh(value, 10**6)

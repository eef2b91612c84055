"""Mends leave all else as it was, and give what they say."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.language.faults import Fix
from runner.language.fixes import applied, within
from runner.language.source import compose

WORDS = st.text(st.sampled_from("ab'\"\\:{}[]#,- é"), min_size=1, max_size=12)
STYLES = {
    "plain": lambda text: text,
    "single": lambda text: "'" + text.replace("'", "''") + "'",
    "double": lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"',
}


@given(
    text=WORDS,
    new=WORDS,
    style=st.sampled_from(sorted(STYLES)),
    cut=st.tuples(st.integers(0, 12), st.integers(0, 12)),
)
@example(text=":[", new="[", style="plain", cut=(0, 0))
@example(text="a{", new="{", style="plain", cut=(0, 1))
def test_a_part_of_a_text_is_replaced_whatever_its_quotes(
    text: str, new: str, style: str, cut: tuple[int, int]
) -> None:
    file = f"a: 1 # note\nb: {STYLES[style](text)}\nc: 2\n"
    source = compose(file, path="x")
    root = source.root
    if root is None or not isinstance(root.value, dict) or source.faults or "b" not in root.value:
        return
    node = root.value["b"]
    if not isinstance(node.value, str):
        return
    start, end = sorted(min(one, len(node.value)) for one in cut)
    fix = within(node, start, end, new)
    assert fix is not None
    again = compose(applied(file, [fix]), path="x")
    assert again.root is not None, applied(file, [fix])
    wanted = node.value[:start] + new + node.value[end:]
    if style != "plain" or wanted.strip() == wanted:
        assert again.root.plain() == {"a": 1, "b": wanted, "c": 2}
    assert applied(file, [fix]).startswith("a: 1 # note\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines_and_a_mark_at_the_beginning_stay(end: str) -> None:
    text = f"\ufeffa: one{end}b: two{end}"
    fixes = [Fix(2, 4, 2, 7, "2"), Fix(1, 4, 1, 7, "1")]
    assert applied(text, fixes) == f"\ufeffa: 1{end}b: 2{end}"


def test_of_two_that_overlap_the_first_is_applied() -> None:
    assert applied("abcdef", [Fix(1, 2, 1, 4, "X"), Fix(1, 3, 1, 5, "Y"), Fix(1, 5, 1, 6, "Z")]) == "aXdZf"


def test_a_place_that_is_not_there_changes_nothing() -> None:
    assert applied("a\n", [Fix(7, 1, 7, 2, "x"), Fix(1, 9, 1, 10, "x")]) == "a\n"


def test_the_lines_of_a_block_are_mended_in_their_place() -> None:
    file = "b: |\n  one\n  two three\n"
    root = compose(file, path="x").root
    assert root is not None
    assert isinstance(root.value, dict)
    fix = within(root.value["b"], 8, 13, "3")
    assert fix is not None
    assert applied(file, [fix]) == "b: |\n  one\n  two 3\n"

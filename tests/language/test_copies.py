from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.language.copies import as_copy, name_of

TEXT = "# note\nname: Orders   # ours\nformerly: [old]\ntrigger:\n  webhook: {}\nsteps: [] # none\n"


def test_a_copy_has_another_name_and_no_former_ones() -> None:
    assert as_copy(TEXT, "Orders, again") == TEXT.replace("Orders ", "Orders, again ").replace(
        "formerly: [old]\n", ""
    )


@pytest.mark.parametrize("name", ["a: b", "# x", "'", '"', "null", "12", "é 😀", "- a", "x #y", "{a}"])
def test_a_name_is_quoted_where_yaml_would_read_something_else(name: str) -> None:
    assert name_of(as_copy(TEXT, name)) == name


def test_a_text_without_a_name_gets_one_and_one_that_cannot_be_read_stays() -> None:
    assert as_copy("trigger: {webhook: {}}\n", "X") == 'name: "X"\ntrigger: {webhook: {}}\n'
    assert as_copy("steps: [", "X") == "steps: ["
    assert as_copy("", "X") == ""


def test_former_names_over_several_lines_go_too() -> None:
    assert "formerly" not in as_copy("name: a\nformerly:\n  - one\n  - two\nsteps: []\n", "b")
    assert "formerly" not in as_copy("name: a\nformerly:\n  - one\n  - two\n", "b")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_any_name_is_read_again_or_nothing_is_written(name: str) -> None:
    assert name_of(as_copy(TEXT, name.strip() or "x")) in (name.strip() or "x", "Orders")

"""`formerly`: what a file may say of its former names."""

from __future__ import annotations

import pytest

from runner.language.formerly import formerly_of
from runner.language.load import load
from tests.language.small_catalogue import CATALOGUE

REST = "trigger: {webhook: {}}\nsteps:\n  - stop: done\n"


def faults(names: str) -> list[tuple[int, str, str]]:
    loaded = load(f"name: A\nformerly: {names}\n{REST}", path="a.yaml", slug="now", catalogue=CATALOGUE)
    return [(one.line, one.where, one.message) for one in loaded.faults]


def test_former_names_are_read() -> None:
    text = f"name: A\nformerly: [one, two-2]\n{REST}"
    workflow = load(text, path="a.yaml", slug="now", catalogue=CATALOGUE).workflow
    assert workflow
    assert workflow.formerly == formerly_of(text) == ("one", "two-2")


@pytest.mark.parametrize(
    ("names", "where", "said"),
    [
        ("[One]", "formerly[0]", "cannot have been the id"),
        ("[one, now]", "formerly[1]", "is what it is called now"),
        ("[one, one]", "formerly[1]", "given twice"),
    ],
)
def test_a_name_that_cannot_have_been_is_a_fault(names: str, where: str, said: str) -> None:
    ((line, found, message),) = faults(names)
    assert (line, found) == (2, where)
    assert said in message


@pytest.mark.parametrize("names", ["one", "[1]", "{a: b}", "[[a]]"])
def test_anything_but_a_list_of_texts_is_a_fault(names: str) -> None:
    assert faults(names)


def test_the_names_of_a_file_with_faults_are_read_where_they_can_be() -> None:
    assert formerly_of("name: A\nformerly: [one, Two]\nsteps: 7\n") == ("one",)
    assert formerly_of("name: A\nformerly: one\n") == formerly_of("{") == formerly_of("") == ()

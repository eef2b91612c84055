"""Paths to values: how they are read, and what they lead to."""

from __future__ import annotations

from typing import Any

import pytest

from runner.language.paths import read_path, replaced_at, values_at
from runner.language.redact import redact_of


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("payload", ("payload",)),
        ("payload.customer.email", ("payload", "customer", "email")),
        ("payload.lines[].card", ("payload", "lines", None, "card")),
        ("payload.lines[*].card", ("payload", "lines", None, "card")),
        ("payload.lines[0]", ("payload", "lines", 0)),
        ("payload[].id", ("payload", None, "id")),
        ('payload."first name"."a.b"', ("payload", "first name", "a.b")),
        (r'payload."say \"a\""', ("payload", 'say "a"')),
        ("event.headers.x-api-key", ("event", "headers", "x-api-key")),
    ],
)
def test_a_path_is_names_and_items(text: str, parts: tuple[Any, ...]) -> None:
    assert read_path(text).parts == parts


@pytest.mark.parametrize(
    "text", ["", ".a", "a.", "a..b", "[]", "a[", "a[x]", "a[-1]", "a b", "a[]b", "x" * 2000]
)
def test_anything_else_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(ValueError, match=r"write for example|at most 1,000"):
        read_path(text)


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("p.a.b", {"a": {"b": 1}}, [1]),
        ("p.a.b", {"a": None}, []),
        ("p.a[].b", {"a": [{"b": 1}, {"c": 2}, {"b": 3}]}, [1, 3]),
        ("p.a.b", {"a": [{"b": 1}, [{"b": 2}]]}, [1, 2]),  # a list where one was meant
        ("p.a[].b", {"a": {"b": 1}}, [1]),  # one where a list was meant
        ("p.a[1]", {"a": [1, 2]}, [2]),
        ("p.a[5]", {"a": [1, 2]}, []),
        ("p", 7, [7]),
    ],
)
def test_what_a_path_leads_to(path: str, value: Any, found: list[Any]) -> None:
    parts = read_path(path).parts[1:]
    assert list(values_at(value, parts)) == found
    changed = replaced_at(value, parts, lambda _one: "•")
    assert list(values_at(changed, parts)) == ["•"] * len(found)
    assert list(values_at(value, parts)) == found


def test_the_paths_of_a_text_are_known_though_the_rest_no_longer_loads() -> None:
    text = "name: x\nsteps: [no_such_kind: 1]\nredact: [payload.a, event.headers.X-Key]\n"
    paths = redact_of(text)
    assert paths is not None
    assert [one.parts for one in paths] == [("payload", "a"), ("event", "headers", "x-key")]


@pytest.mark.parametrize("text", ["redact: [a", "- a", "redact: payload.a", "redact: ['a b']"])
def test_paths_that_cannot_be_read_are_not_known(text: str) -> None:
    assert redact_of(text) is None

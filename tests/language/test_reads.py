"""Which paths an expression or a template follows."""

from __future__ import annotations

import pytest

from runner.language.expressions import compile_expression
from runner.language.reads import written
from runner.language.templates import compile_template

EXPRESSIONS = [
    ("payload.a.b", ["payload", "payload.a", "payload.a.b"]),
    ("payload.lines[].sku", ["payload", "payload.lines", "payload.lines[].sku"]),
    ("payload.lines[*].a.b", ["payload", "payload.lines", "payload.lines[].a", "payload.lines[].a.b"]),
    ("payload.lines[0].sku", ["payload", "payload.lines", "payload.lines[].sku"]),
    ("payload.lines[?price > `5`].sku", ["payload", "payload.lines", "payload.lines[].sku",
                                         "payload.lines[].price"]),
    ("payload.lines[?price > $.vars.least]", ["payload", "payload.lines", "payload.lines[].price", "vars",
                                              "vars.least"]),
    ("payload | a.b", ["payload", "payload.a", "payload.a.b"]),
    ('event.headers."x-a"', ["event", "event.headers", 'event.headers."x-a"']),
    ("sort_by(payload.lines, &price)", ["payload", "payload.lines", "payload.lines[].price"]),
    ("payload.a[].b | [0].c", ["payload", "payload.a", "payload.a[].b"]),
    ("{x: payload.a, y: [payload.b]}", ["payload", "payload.a", "payload", "payload.b"]),
]  # fmt: skip
TEMPLATES = [
    ("{{ payload.a.b }}", ["payload.a.b"]),
    ("{{ payload['a'].b[0] }}", ["payload.a.b[]"]),
    ("{% for one in payload.lines %}{{ one.sku }}{% endfor %}", ["payload.lines", "payload.lines[].sku"]),
    ("{{ payload.lines | map(attribute='a.b') | join }}", ["payload.lines[].a.b", "payload.lines"]),
    ("{% set x = payload.a %}{{ x.b }}", ["payload.a"]),
]


@pytest.mark.parametrize(("source", "paths"), EXPRESSIONS)
def test_an_expression_follows_these(source: str, paths: list[str]) -> None:
    assert [one.text for one in compile_expression(source).reads] == paths


@pytest.mark.parametrize(("source", "paths"), TEMPLATES)
def test_a_template_follows_these(source: str, paths: list[str]) -> None:
    assert [one.text for one in compile_template(source).reads] == paths


@pytest.mark.parametrize("source", [one for one, _ in EXPRESSIONS])
def test_each_name_stands_where_it_is_said_to(source: str) -> None:
    for read in compile_expression(source).reads:
        for part in read.parts:
            if part.name is not None:
                assert source[part.offset :].lstrip('"').startswith(part.name), written(read.parts)


@pytest.mark.parametrize(
    ("source", "guarded"),
    [
        ("payload.a || 'x'", True),
        ("coalesce(payload.a, 'x')", True),
        ("!payload.a", True),
        ("payload.a == null", True),
        ("payload.a == 'x'", False),
        ("lower(payload.a)", False),
    ],
)
def test_a_guard_is_seen(source: str, guarded: bool) -> None:
    assert {one.is_guarded for one in compile_expression(source).reads} == {guarded}

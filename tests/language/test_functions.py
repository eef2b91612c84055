"""Each function has one definition, and its docstring's examples hold in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from runner.errors import ExpressionError, LimitExceeded
from runner.language.expression_functions import STANDARD
from runner.language.expressions import compile_expression
from runner.language.functions import FUNCTIONS, text_of
from runner.language.scope import Scope
from runner.language.templates import compile_template
from runner.values import Json

SCOPE = Scope(names={"payload": {}}, now=1767605400.0)  # 2026-01-05T09:30:00Z


def examples() -> Iterator[tuple[str, str, Json]]:
    for name, function in FUNCTIONS.items():
        for line in function.summary.splitlines():
            if line.startswith("Example: "):
                source, _, value = line.removeprefix("Example: ").rpartition(" == ")
                yield name, source, json.loads(value)


def test_every_function_has_an_example() -> None:
    assert {name for name, _, _ in examples()} == set(FUNCTIONS)


@pytest.mark.parametrize(("name", "source", "value"), list(examples()))
def test_the_example_holds_in_both_languages(name: str, source: str, value: Json) -> None:
    assert compile_expression(source).evaluate(SCOPE) == value
    assert compile_template(f"{{{{ {source} }}}}").render(SCOPE) == value


@pytest.mark.parametrize("name", [name for name, one in FUNCTIONS.items() if one.parameters])
def test_as_a_filter_the_first_argument_comes_before_the_bar(name: str) -> None:
    for each, source, value in examples():
        if each == name:
            first, _, rest = source.removeprefix(f"{name}(").removesuffix(")").partition(", ")
            if first.count("'") == 2 and not first.startswith("[") and "(" not in first:
                call = f"{name}({rest})" if rest else name
                assert compile_template(f"{{{{ {first} | {call} }}}}").render(SCOPE) == value


def test_a_name_of_the_specification_keeps_its_meaning_in_jmespath() -> None:
    assert set(FUNCTIONS) & set(STANDARD.FUNCTION_TABLE) == {"contains", "starts_with", "ends_with", "merge"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("lower(null)", "default"),
        ("int('many')", "'many' is not a whole number"),
        ("int('1_000')", "is not a whole number"),
        ("float('nan')", "is not a number"),
        ("float('inf')", "is not a number"),
        ("split('a', '')", "separator is empty"),
        ("replace('a', '', 'b')", "empty"),
        ("from_json('[1,')", "from_json"),
        ("format_date('soon')", "'soon' is not a date"),
        ("format_date('2026-01-05', '%300000000d')", "not known in a pattern"),
        ("format_date('2026-01-05', '%Y %')", "not known in a pattern"),
        ("format_date('2026-01-05', '%Y', 'Nowhere')", "no time zone"),
        ("format_date('2026-01-05', '%Y', '../../etc/passwd')", "no time zone"),
        ("format_date(1000000000000000)", "is not a date"),
        ("round(1, 9999)", "digits must be between"),
        ("round(1.5, 0.5)", "digits must be a whole number"),
        ("base64_decode('%%')", "not base64"),
        ("sha256('a', 'rot13')", "'hex' or 'base64'"),
        ("date_add('2026-01-05', 'soon')", "duration"),
        ("date_add('9999-12-31', '9999d')", "years 1 to 9999"),
        ("pick('a', ['b'])", "must be an object"),
    ],
)
def test_what_cannot_be_worked_on_says_why(source: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        compile_expression(source).evaluate(SCOPE)
    with pytest.raises(ExpressionError, match=message):
        compile_template(f"{{{{ {source} }}}}").render(SCOPE)


def test_a_text_that_would_grow_past_all_bounds_is_refused() -> None:
    scope = Scope(names={"payload": "x" * 100_000}, now=0.0)
    with pytest.raises(LimitExceeded):
        compile_expression("replace(payload, 'x', payload)").evaluate(scope)
    with pytest.raises(LimitExceeded):
        compile_expression("join(payload, split(payload, 'x'))").evaluate(scope)


@pytest.mark.parametrize(
    ("value", "digits", "rounded"),
    [
        (2.5, 0, 3),
        (-2.5, 0, -3),
        (1.005, 2, 1.01),
        (1e300, 2, 1e300),
        (1234, -2, 1200),
        (7, 2, 7),
        (0.1, 400, 0.1),
    ],
)
def test_halves_are_rounded_away_from_zero(value: float, digits: int, rounded: float) -> None:
    assert FUNCTIONS["round"].call(SCOPE, [value, digits], {}) == rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (3.0, "3"),
        (3.5, "3.5"),
        (2**70, str(2**70)),
        ([1, "a"], '[1,"a"]'),
        ({"a": None}, '{"a":null}'),
        ("007", "007"),
    ],
)
def test_a_value_in_a_text(value: Json, text: str) -> None:
    assert text_of(value) == text

"""What can never work in a call is a fault of the file, with its column, before anything runs."""

from __future__ import annotations

import pytest

from runner.language.expressions import ExpressionFault, compile_expression
from runner.language.load import load
from runner.language.shapes import ShapeFault
from runner.language.templates import compile_template
from tests.language.small_catalogue import CATALOGUE

FAULTS = [
    ("lowr(payload)", 1, "lowr"),
    ("lower()", 1, "needs text"),
    ("lower(payload, 'x')", 1, "at most 1"),
    ("coalesce(payload.a) | 1 + lower(7)", 33, "must be a text, not 7"),
    ("truncate(payload, 'ten')", 19, "length must be a whole number, not 'ten'"),
    ("truncate(payload, 1.5)", 19, "length must be a whole number, not 1.5"),
    ("lower(null)", 7, "must be a text, not null"),
    ("length(5)", 8, "5 does not fit; it takes string or array or object"),
    ("join(', ', 'abc')", 12, "'abc' does not fit"),
    ("regex_match(payload, '(a')", 22, "no regular expression: missing )"),
    ("regex_search(payload, '(?=a)')", 23, "cannot look ahead"),
    ("regex_search(payload, '(a)\\1')", 23, "cannot refer back"),
    ("where(payload, 'price >')", 23, "ends too early"),
    ("where(payload, 'a == lowr(b)')", 22, "there is no function lowr(); did you mean lower()?"),
    ("group_by(payload, 'a..b')", 22, "does not fit here"),
    ("sum_by(payload, 5)", 17, "key must be a JMESPath in a text, not 5"),
    ("format_date(payload, '%Q')", 22, "%Q is not known"),
    ("format_date(payload, 'Y-m-d')", 22, "is no pattern of a date"),
    ("format_date(payload, '%Y', 'Europe/Athen')", 28, "did you mean Europe/Athens"),
    ("format_date('tomorrow')", 13, "'tomorrow' is not a date"),
    ("date_add(now(), '2 days')", 17, "is not a duration"),
    ("date_diff(now(), payload, 'days')", 27, "the units are"),
    ("sha256(payload, 'sha1')", 17, "'hex' or 'base64'"),
    ("money(payload, 'EUR', 2, ',', '.', 'behind')", 36, "'before' or 'after'"),
    ("add(payload, '1,5')", 14, "not a number"),
]


@pytest.mark.parametrize(("source", "column", "words"), FAULTS)
def test_in_an_expression(source: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionFault) as found:
        compile_expression(source)
    assert words in str(found.value)
    assert found.value.column == column


@pytest.mark.parametrize(
    ("source", "column", "words"),
    [
        ("a {{ payload | lowr }}", 16, "there is no filter 'lowr'; did you mean `lower`?"),
        ("a {{ lowr(payload) }}", 6, "there is no function 'lowr'; did you mean lower()?"),
        ("a {{ payload(1) }}", 6, "'payload' is no function"),
        ("a {{ payload | truncate }}", 3, "needs text, length"),
        ("a {{ payload | truncate(1, '', 2) }}", 3, "at most 3"),
        ("a {{ payload | truncate(1, ending='') }}", 28, "no argument 'ending'; it takes text, length, end"),
        ("a {{ payload | truncate('ten') }}", 25, "must be a whole number"),
        ("a {{ 5 | lower }}", 6, "must be a text, not 5"),
        ("a {{ payload | regex_match('(a') }}", 28, "no regular expression: missing )"),
        (r"a {{ payload | regex_match('\bx') }}", 28, r"U+0008 stands in a pattern; write \\b in a template"),
        (r"a {{ payload | regex_replace('(x)', '\1') }}", 37, r"such as \\1 for group 1"),
        ("a {{ payload | where('price >') }}", 29, "ends too early"),
        ("a {{ payload | format_date('%Y', zone='Europe/Athen') }}", 39, "did you mean Europe/Athens"),
        ("{% set x = 'y' %}\n{{ x | date_add('2 days') }}", 17, "is not a duration"),
    ],
)
def test_in_a_template(source: str, column: int, words: str) -> None:
    with pytest.raises(ShapeFault) as found:
        compile_template(source)
    assert words in str(found.value)
    assert found.value.faults[0].column == column


@pytest.mark.parametrize(
    "source",
    [
        r"{{ payload | regex_match('\d+') }}",  # one backslash is what people write
        r"{{ payload | regex_match('\\bx') }}",
        "{% macro lowr(x) %}{{ x }}{% endmacro %}{{ lowr(payload) }}",
        "{{ payload | truncate(*vars.arguments) }}",
    ],
)
def test_this_is_no_fault(source: str) -> None:
    compile_template(source)


def faults_of(step: str) -> list[str]:
    text = f"name: x\ntrigger: {{webhook: {{}}}}\nvars: {{least: 1}}\nsteps:\n{step}"
    return [str(one) for one in load(text, path="w.yaml", slug="w", catalogue=CATALOGUE).faults]


def test_what_a_key_reads_of_the_file_is_judged_in_both_languages() -> None:
    good = "price > $.vars.least"
    assert faults_of(f"- filter: where(payload.lines, '{good}')\n") == []
    assert faults_of(f"- template: \"{{{{ payload.lines | where('{good}') }}}}\"\n") == []
    bad = "price > $.vars.lest"
    (expression,) = faults_of(f"- filter: where(payload.lines, '{bad}')\n")
    assert expression.startswith("w.yaml:5:48: steps[0].filter: `vars.lest` is not defined; did you mean")
    (template,) = faults_of(f"- template: \"{{{{ payload.lines | where('{bad}') }}}}\"\n")
    assert template.startswith("w.yaml:5:55: steps[0].template: `vars.lest` is not defined; did you mean")


def test_a_root_that_is_meant_in_a_key_is_a_warning() -> None:
    (said,) = faults_of("- filter: where(payload.lines, 'price > vars.least')\n")
    assert "inside the brackets `vars` is a field of the item; write `$.vars`" in said

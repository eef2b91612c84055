"""The closures of an expression give what the package's own interpreter gives on the same tree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jmespath import visitor
from jmespath.exceptions import JMESPathError

from runner.errors import ExpressionError, LimitExceeded
from runner.language.expression_parser import parse
from runner.language.expressions import ExpressionFault, compile_expression
from runner.language.scope import Scope
from runner.values import Json

ATOMS = [
    "a", "b", "a.b", "a.b.c", "c", "@", "@.a", "a[0]", "a[-1]", "a[*]", "a[]", "a.*", "*", "[*].a",
    "[].b.a", "[?a]", "[?a == `1`].b", "[?b > `1`]", "a[1:]", "a[::-1]", "`1`", "`0`", "`true`", "`null`",
    '`[1, "x"]`', '`{"a": 1}`', "'x'", "''", "`1.5`",
]  # fmt: skip
JOINED = [
    "{0}.a", "{0}.b.c", "{0}[0]", "{0}[]", "{0}[*]", "{0}[*].a", "{0}.*", "{0}.*.b", "{0}[1:]", "({0})",
    "!{0}", "{0} == {1}", "{0} != {1}", "{0} < {1}", "{0} >= {1}", "{0} == `1`", "{0} != 'x'",
    "{0} == `false`", "{0} != `null`", "{0} > `1`", "{0} <= 'x'", "`2` > {0}", "{0} == `[]`", "{0} && {1}",
    "{0} || {1}", "{0} | {1}", "{0}[?{1}]", "{0}[?{1}].a", "{0}[?{1} == {2}].b", "a[*].[{0}, {1}]",
    "b.{{x: {0}, y: {1}}}", "[{0}, {1}]", "{{x: {0}, y: {1}}}", "{{x: {0}}}.x", "[{0}][]", "[{0}, {1}][]",
    "length({0})", "type({0})", "keys({0})", "values({0})", "not_null({0}, {1})", "to_array({0})",
    "reverse({0})", "map(&{1}, {0})", "sort_by({0}, &{1})", "max_by({0}, &{1})", "contains({0}, {1})",
    "sum({0})", "sort({0})", "merge({0}, {1})", "join({0}, {1})", "starts_with({0}, {1})",
    "to_array({0})[*].{{a: {1}}}", "abs({0})", "to_number({0})", "min({0})", "floor({0})",
]  # fmt: skip

sources = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.builds(lambda form, *parts: form.format(*parts), st.sampled_from(JOINED), *[inner] * 3),
    max_leaves=12,
)
data = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 2, 1.0, -1.5, "", "x", "y"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=25,
)


def by_the_package(source: str, names: Json) -> Json:
    """What the package gives for our tree; its errors, and Python's that it lets through, are one."""
    interpreter: Any = visitor.TreeInterpreter()
    try:
        return interpreter.visit(parse(source), names)
    except (JMESPathError, TypeError, ValueError, ArithmeticError):
        return ExpressionError


def by_us(source: str, names: Json) -> Json:
    try:
        return compile_expression(source).evaluate(Scope(names, 0.0))
    except ExpressionError:
        return ExpressionError


@settings(max_examples=600, deadline=None)
@given(sources, data)
@example("[?a == `1`].b", [{"a": True, "b": 1}, {"a": 1, "b": 2}, {"a": 1.0, "b": 3}])
@example("[*].[a, b]", [None, 1, {"a": 1}])
@example("[].a", [[{"a": 1}], {"a": 2}, [[{"a": 3}]]])
@example("a[?@.b == `false`]", {"a": [{"b": 0}, {"b": False}]})
@example("sort_by(@, &a)[*].a", [{"a": 2}, {"a": 1}])
@example("[0:4:0]", [1])
def test_closures_and_interpreter_agree(source: str, value: Json) -> None:
    whole = f"given | {source}"
    try:
        compile_expression(whole)
    except ExpressionFault:  # too deep for us, or a sort of projection that `|` does not take
        return
    names = {"given": value}
    assert repr(by_us(whole, names)) == repr(by_the_package(whole, names))


@pytest.mark.parametrize(
    "source",
    [
        "$.payload.a", "@.payload.a", "[$][0].payload.a", "{x: $}.x.payload.a", "($ || payload).payload.a",
        "not_null(payload.none, $).payload.a", "map(&payload.a, [$]) | [0]", "[$][?payload].payload.a | [0]",
        "[[$]][].payload.a | [0]", "{x: $}.*.[payload.a] | [0][0]",
    ],
)  # fmt: skip
def test_the_root_is_the_root_wherever_it_is_handed_on(source: str) -> None:
    scope = Scope({"payload": {"a": 7}}, 0.0)
    assert compile_expression(source).evaluate(scope) == 7
    with pytest.raises(ExpressionError, match="did you mean `payload`"):
        compile_expression(source.replace("payload.a", "paylod.a")).evaluate(scope)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("payload[].[$.payload[].[$.payload[].a]]", id="loops in loops"),
        pytest.param("map(&map(&map(&@, $.payload), $.payload), payload)", id="calls in loops"),
        pytest.param("payload[?$.payload[?$.payload[?@]]]", id="tests in loops"),
        pytest.param("payload[?$.payload[?max_by($.payload, &length(a)) == @]]", id="keys in loops"),
        pytest.param("payload[?$.payload[?$.text == $.other]]", id="long texts in loops"),
        pytest.param(f"[{'payload,' * 999}payload][] | [{'@,' * 999}@][]", id="lists merged"),
    ],
)  # fmt: skip
def test_every_turn_counts(source: str) -> None:
    names = {"payload": [{"a": [{"b": 1}]}] * 300, "text": "x" * 2_000_000, "other": "x" * 1_999_999 + "y"}
    with pytest.raises(LimitExceeded):
        compile_expression(source).evaluate(Scope(names, 0.0))

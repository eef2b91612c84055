"""JMESPath is the specification's, with four additions, and bounded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import ExpressionError, LanguageError, LimitExceeded
from runner.language.expressions import (
    ExpressionFault,
    compile_expression,
    compile_shape,
    is_truthy,
)
from runner.language.scope import Scope
from runner.language.shapes import ShapeFault
from runner.values import Json

COMPLIANCE = Path(__file__).parents[3] / "shared" / "fixtures" / "jmespath"

NOW_ACCEPTED = {"*.[0]", "foo.[0]", "foo.[abc, 1]", "foo.[0, 1]"}
"""Syntax errors of the specification that bare numbers make valid."""

NAMES = {
    "payload": {"total": "150", "n": 7, "true": 9, "zero": 0, "lines": [{"price": 1}, {"price": 5}]},
    "vars": {"min": 2},
    "steps": {"order": {"id": 1}},
}


def evaluate(source: str, names: Json = None) -> Json:
    return compile_expression(source).evaluate(Scope(names=names or NAMES, now=1767605400.0))


def compliance_cases() -> Iterator[tuple[Json, Json]]:
    for file in sorted(COMPLIANCE.glob("*.json")):
        for suite in json.loads(file.read_text()):
            for case in suite["cases"]:
                yield suite["given"], case


@pytest.mark.skipif(not COMPLIANCE.exists(), reason="the compliance suite is not beside the repository")
def test_the_compliance_suite_passes_but_for_bare_numbers() -> None:
    different = set()
    for value, case in compliance_cases():
        # $ is the whole scope, a missing name at the root an error: so the value stands in one
        source = f"given | {case['expression']}" if case["expression"].strip() else case["expression"]
        try:
            result: Json = evaluate(source, {"given": value})
        except LanguageError:
            agrees = "error" in case
        else:
            agrees = "bench" in case or ("result" in case and case["result"] == result)
        if not agrees:
            different.add(case["expression"])
    assert different == NOW_ACCEPTED


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("payload.n * 2 + 1", 15),
        ("payload.n -1", 6),
        ("payload.n - -1", 8),
        ("payload.n / 2", 3.5),
        ("6 / 3", 2),
        ("payload.n % 4", 3),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 2 - 3", 5),
        ("1.5 + 1", 2.5),
        ("payload.n > 3 + 3", True),
        ("sum(payload.lines[].price) * 2", 12),
        ("payload.lines[0].price * 3", 3),
        ("payload.lines[-1].price", 5),
        ("payload.lines[?price > $.vars.min]", [{"price": 5}]),
        ("payload.lines[].{a: price, b: $.vars.min}", [{"a": 1, "b": 2}, {"a": 5, "b": 2}]),
        ("[1, 2.5, true, null, 'x']", [1, 2.5, True, None, "x"]),
        ("payload.true", 9),
        ("payload.missing.deep", None),
        ("payload.zero && 'yes'", "yes"),
        ("!payload.zero", False),
        ("to_number(payload.total) > 100", True),
        ("to_string(payload.lines[0])", '{"price":1}'),
        ("$.steps.order.id", 1),
        ("max_by(payload.lines, &price).price", 5),
        ("payload.* | length(@)", 5),
    ],
)
def test_the_additions_give(source: str, value: Json) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize("value", [None, False, "", [], {}])
def test_these_are_falsy(value: Json) -> None:
    assert not is_truthy(value)


@pytest.mark.parametrize("value", [0, 0.0, True, "0", [None], {"a": None}])
def test_a_number_and_all_that_holds_something_is_truthy(value: Json) -> None:
    assert is_truthy(value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("payload.total > 100", r"'150' > 100 orders a text against a number; write to_number"),
        ("total", r"no `total` here; did you mean `payload.total`"),
        ("paylod.n", r"did you mean `payload`"),
        ('payload.n == "EUR"', r"text stands in single quotes: 'EUR'"),
        ("secrets.KEY", r"may stand only in templates"),
        ("payload.total + 1", r"'150' \+ 1 is not made of numbers; write to_number"),
        ("payload.n % 0", r"divides by zero"),
        ("lower(payload.n)", r"lower: text must be a text, not 7"),
        ("abs(payload.total)", r"abs: '150' does not fit; it takes number"),
        ("to_number('inf')", r"no finite number"),
        ("`1e400` * 1", r"no finite number"),
    ],
)
def test_an_evaluation_that_fails_says_why_and_what_to_do(source: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        evaluate(source)


@pytest.mark.parametrize(
    ("source", "column", "message"),
    [
        ("payload.a = 1", 11, "write `==`"),
        ("a and b", 3, "write `&&`"),
        ("a or b", 3, r"write `\|\|`"),
        ("not a", 1, "write `!`"),
        ("payload.first-name", 9, '"first-name" in double quotes'),
        ('payload["x"]', 9, "write .x"),
        ("payload['x']", 9, "write .x"),
        ("${{ payload.n }}", 1, "without the braces"),
        ("x {{ payload.n }}", 3, "without the braces"),
        ("payload.", 8, "too early"),
        ("  ", 1, "empty"),
        ("payload.n ? 1", 11, "no part of JMESPath"),
        ("'open", 1, "not closed"),
        ("1 + lowr('a')", 5, r"did you mean lower\(\)"),
        ("1 + lower()", 5, r"lower\(\) needs text"),
        ("length()", 1, "takes 1 argument"),
        ("&payload", 1, "`&` stands only before an argument"),
        ("to_string(&payload)", 1, "`&` stands only before an argument"),
    ],
)
def test_a_fault_has_its_column_and_its_mend(source: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionFault, match=message) as caught:
        compile_expression(source)
    assert caught.value.column == column


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("(" * 5000, id="brackets"),
        pytest.param("!" * 9000 + "a", id="not"),
        pytest.param("&" * 3001 + "a", id="expression types"),
        pytest.param(" || ".join(["a"] * 3000), id="a chain of or"),
        pytest.param("a" + "[*]" * 5000, id="projections"),
        pytest.param("a" + "[?b]" * 4000, id="filters"),
        pytest.param("[@]" + "|[@]" * 3000, id="pipes"),
        pytest.param("f(" * 3000, id="calls"),
        pytest.param("a.*" * 3000, id="wildcards"),
        pytest.param("{a:" * 3000, id="objects"),
        pytest.param("`" + "[" * 10000 + "`", id="a literal"),
        pytest.param("a" * 20000, id="length"),
        pytest.param("1" * 10000, id="a number of many digits"),
    ],
)
def test_no_source_reaches_the_limits_of_python(source: str) -> None:
    with pytest.raises(ExpressionFault):
        compile_expression(source)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("[@,@]" + "|[@,@]" * 22 + "|to_string(@)", id="shared parts written"),
        pytest.param("[@,@]" + "|[@,@]" * 60, id="shared parts given"),
        pytest.param("[@,@]" + "|[@,@]" * 40 + "|[?@ == $]", id="shared parts compared"),
        pytest.param("[@,@][]" + "|[@,@][]" * 60, id="doubling lists"),
        pytest.param("'xxxxxxxx'" + "|join(@, [@,@,@,@,@,@])" * 20, id="joined texts"),
        pytest.param("'xxxxxxxx'" + "|replace(@, 'x', @)" * 20, id="replaced texts"),
        pytest.param("9" + " * 9" * 20 + "|[@,@]" * 5 + "|map(&[@,@], @)" * 60, id="map"),
    ],
)
def test_no_evaluation_grows_past_its_bound(source: str) -> None:
    started = time.process_time()
    with pytest.raises(LimitExceeded):
        evaluate(source)
    assert time.process_time() - started < 1


def test_work_is_counted() -> None:
    with pytest.raises(LimitExceeded, match="operations"):
        evaluate("payload[].[$.payload[].[$.payload[].a]]", {"payload": list(range(300))})


def test_references_name_what_is_read_with_its_column() -> None:
    found = compile_expression(
        "steps.order.id + vars.min + length(payload.lines[?price > vars.min && $.item])"
        " + outcomes.big.attempts"
    )
    assert found.roots == {"steps", "vars", "payload", "item", "outcomes"}
    assert found.step_ids == {"order", "big"}
    assert ("inner", "vars", 59) in {(one.kind, one.name, one.column) for one in found.references}
    assert ("step", "order", 7) in {(one.kind, one.name, one.column) for one in found.references}
    assert ("var", "min", 23) in {(one.kind, one.name, one.column) for one in found.references}


def test_a_field_of_an_item_is_no_name_of_the_root() -> None:
    assert compile_expression("payload.lines[?price > `1`].{a: sku, b: x.y} | [0].z").roots == {"payload"}
    assert compile_expression("sort_by(payload.lines, &price)[].sku").roots == {"payload"}


def test_a_shape_keeps_its_constants_and_evaluates_its_texts() -> None:
    shape = compile_shape({"a": "payload.n", "b": [1, None, "vars.min"], "c": {"d": True}})
    assert shape.evaluate(Scope(names=NAMES, now=0.0)) == {"a": 7, "b": [1, None, 2], "c": {"d": True}}
    assert shape.roots == {"payload", "vars"}


def test_a_shape_tells_all_its_faults_with_their_places() -> None:
    with pytest.raises(ShapeFault) as caught:
        compile_shape({"a": "payload.", "b": ["ok", {"c": "x = 1"}]})
    assert [(one.path, one.column) for one in caught.value.faults] == [(("a",), 8), (("b", 1, "c"), 3)]


def test_an_error_in_a_shape_names_its_leaf() -> None:
    with pytest.raises(ExpressionError, match=r"^lines\[1\]\.sum: "):
        compile_shape({"lines": ["payload.n", {"sum": "payload.total + 1"}]}).evaluate(Scope(NAMES, 0.0))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab.[]*?|&!()'\"`$+-/%<>=,:{}@ 01\\", max_size=40))
def test_no_source_escapes_as_another_error(source: str) -> None:
    with suppress(LanguageError):
        evaluate(source)


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_evaluating_changes_nothing_of_its_scope(payload: Json) -> None:
    before = json.dumps(payload)
    for source in (
        "payload",
        "[payload, payload]",
        "payload.*",
        "payload[]",
        "payload[?a]",
        "to_string(payload)",
    ):
        evaluate(source, {"payload": payload})
    assert json.dumps(payload) == before


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("to_number(payload.total) >= vars.min", {"payload.total": "80", "vars.min": 100}),
        ("!payload.note && payload.a.b == 'x'", {"payload.note": None, "payload.a.b": 1}),
        ("length(payload.lines[?price > `1`]) > `0`", {"payload.lines": [{"price": 1}]}),
        ("`true`", {}),
    ],
)
def test_the_values_that_an_expression_read_can_be_told(source: str, seen: dict[str, object]) -> None:
    names = {"payload": {"total": "80", "a": {"b": 1}, "lines": [{"price": 1}]}, "vars": {"min": 100}}
    assert compile_expression(source).seen(Scope(names, 0.0)) == seen

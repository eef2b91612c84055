"""Whatever is given to a function, it ends soon: with a result or with a sentence about its bound."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import ExpressionError, LanguageError, LimitExceeded
from runner.language.expression_functions import STANDARD
from runner.language.expressions import compile_expression
from runner.language.functions import FUNCTIONS
from runner.language.functions_reference import examples_of
from runner.language.html_text import readable, stripped
from runner.language.scope import Scope
from runner.language.templates import compile_template
from runner.values import Json, dumps

SECONDS = 3.0  # of CPU; about ten times what the dearest of these takes on an idle machine
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]\n" for i in range(1, 12)
)
ENTITIES = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'

REFUSED = [
    ("markdown(payload)", "![" * 100_000),
    ("from_yaml(payload)", LAUGHS),
    ("from_yaml(payload)", "[" * 100_000),
    ("from_yaml(payload)", "a: " * 1_000_000),
    ("from_xml(payload)", ENTITIES),
    ("from_xml(payload)", "<a>" * 100_000),
    ("from_xml(payload)", "<a>" + "<b/>" * 1_000_000 + "</a>"),
    ("from_csv(payload)", "a," * 1000 + "\n" + "x\n" * 100_000),
    ("from_csv(payload)", '"' * 1_000_000),
    ("to_csv(payload)", [{f"k{i}": 1} for i in range(20_000)]),
    ("to_xml(payload)", {"a": [{"b": 1}] * 500_000}),
    ("regex_search(payload, '((a?){30}){30}b$')", "ab" * 50_000),
    ("regex_match(payload, payload)", "(" * 3000),
    ("regex_match(payload, '((((x{100}){100}){100}){100})')", "x"),
    ("regex_replace(payload, 'a.*b|a', 'x')", "a" * 150_000),
    ("regex_replace(payload, 'a', payload)", "a" * 20_000),
    ("payload[].regex_match('a', @)", [f"a{i}" for i in range(1000)]),
    ("payload[].jmespath($, @)", [f"payload[?@ == '{i}']{'.a' * 50}" for i in range(5000)]),
    ("where(payload, 'length($.payload[?@ > `1`]) > `1`')", list(range(3000))),
    ("html_to_text(payload)", "<" * 1_000_000),
    ("slugify(payload)", "ﷺ" * 1_000_000),
    ("slugify(payload, payload)", "a " * 10_000),
    ("split_text(payload, 1000, 499)", "a" * 2_000_000),
    ("replace(payload, 'x', payload)", "x" * 100_000),
    ("join(payload, split(payload, 'x'))", "x" * 100_000),
    ("chunk(payload, 1)", [1] * 400_000),
    ("payload[].multiply(@, @)", ["9" * 401]),
    ("multiply(payload, payload)", "1e999"),
    ("unique(payload)", [{"a": [i]} for i in range(300_000)]),
]


@pytest.mark.parametrize(("source", "payload"), REFUSED, ids=[one[0] for one in REFUSED])
def test_what_bursts_is_refused_soon(source: str, payload: Json) -> None:
    began = time.thread_time()
    with pytest.raises(LanguageError) as found:
        compile_expression(source).evaluate(Scope({"payload": payload}, 0.0))
    assert time.thread_time() - began < SECONDS
    assert len(str(found.value)) < 600


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        ("regex_search(payload, '(a+)+$')", "a" * 300_000 + "b"),
        ("regex_search(payload, '(x+x+)+y')", "x" * 300_000),
        ("regex_match(payload, '([a-zA-Z]+)*')", "a" * 300_000 + "1"),
        ("regex_replace(payload, '\\s+', ' ')", "a  b\n" * 10_000),
        ("markdown(payload)", "# Release\n\n* one **two** `three`\n" * 1500),
        (
            "html_to_text(payload)",
            "<div><p>text <a href='https://example.com/a?b=c'>link</a></p></div>" * 4000,
        ),
        ("from_csv(payload)", "sku;price;name\n" + "A-1;19,90;Shirt\n" * 20_000),
        ("to_csv(payload)", [{"sku": "A", "price": 1, "name": "Shirt"}] * 20_000),
        ("from_xml(payload)", "<o>" + "<l id='1'><sku>A</sku></l>" * 10_000 + "</o>"),
        ("group_by(payload, 'customer.id')", [{"customer": {"id": i % 7}} for i in range(10_000)]),
        ("sum_by(payload, 'price')", [{"price": "19.90"}] * 50_000),
    ],
)
def test_what_is_large_and_usual_passes(source: str, payload: Json) -> None:
    began = time.thread_time()
    compile_expression(source).evaluate(Scope({"payload": payload}, 0.0))
    assert time.thread_time() - began < SECONDS


def test_a_template_is_bounded_as_an_expression_is() -> None:
    shape = compile_template(
        "{% for one in payload %}{{ one | regex_search('((a?){30}){30}b$') }}{% endfor %}"
    )
    with pytest.raises(LimitExceeded, match="operations"):
        shape.render(Scope({"payload": ["ab" * 10_000] * 10}, 0.0))


@pytest.mark.parametrize("unit", [
    "<", "<a ", "<!--", "<![CDATA[", "<?", "<a \"'>", '<a "', "<b '>", '<a href="', "<script>", "</a>",
    "<script></script>", "<a href=http://x>y", "<li>", "<ul><li>", "<pre>", "&amp", "&#x", "\n<p>", "<td>",
    "<a href  ", "<textarea>", "</textarea", "İ<title>",
])  # fmt: skip
def test_html_is_read_in_one_walk(unit: str) -> None:
    def seconds(length: int) -> float:
        html = (unit * length)[:length]
        began = time.thread_time()
        readable(html)
        stripped(html)
        return time.thread_time() - began

    assert seconds(200_000) < max(0.5, 8 * seconds(50_000))  # quadratic would be sixteen times


@given(st.text(alphabet="<>/!-ab =\"'&;\n", max_size=60))
@settings(deadline=None, max_examples=300)
def test_nothing_that_strip_tags_leaves_is_a_tag(html: str) -> None:
    assert not re.search("[<>]", stripped(html))


@given(st.text(max_size=80))
@settings(deadline=None, max_examples=200)
def test_escaping_and_reading_again_gives_the_text(text: str) -> None:
    escaped = compile_expression("escape_html(payload)").evaluate(Scope({"payload": text}, 0.0))
    assert unescape(escaped) == text or "&" in text  # `&notin;` is read by browsers without its end, too


names = st.text(alphabet="abc", min_size=1, max_size=3)
cells = st.text(alphabet='ab ,;"\n\t', max_size=5)


@given(st.lists(st.fixed_dictionaries({"x": cells, "y": cells, "z": st.just("1")}), min_size=1, max_size=5))
@settings(deadline=None, max_examples=200)
def test_a_table_that_is_written_is_read_again(rows: list[dict[str, str]]) -> None:
    source = "from_csv(to_csv(payload), ',')"
    assert compile_expression(source).evaluate(Scope({"payload": rows}, 0.0)) == rows


xml = st.recursive(
    st.none() | st.text(alphabet="ab<&>\"'", min_size=1, max_size=5),
    lambda inner: (
        st.dictionaries(names, inner, min_size=1, max_size=3)
        | st.dictionaries(names, st.lists(inner, min_size=2, max_size=3), min_size=1, max_size=2)
    ),
    max_leaves=8,
)


@given(xml)
@settings(deadline=None, max_examples=200)
def test_xml_that_is_written_is_read_again(value: Json) -> None:
    source = "from_xml(to_xml(payload))"
    assert compile_expression(source).evaluate(Scope({"payload": {"r": value}}, 0.0)) == {"r": value}


amounts = st.decimals(min_value=-(10**6), max_value=10**6, places=2)


@given(st.lists(amounts, max_size=20))
@settings(deadline=None, max_examples=200)
def test_cents_add_up(prices: list[Decimal]) -> None:
    scope = Scope({"payload": [{"price": str(one)} for one in prices]}, 0.0)
    total = compile_expression("sum_by(payload, 'price')").evaluate(scope)
    assert Decimal(repr(total)) == sum(prices)


@given(st.integers(-(10**12), 10**12), st.integers(0, 4))
@settings(deadline=None)
def test_a_number_that_is_written_is_the_number(number: int, decimals: int) -> None:
    scope = Scope({"payload": number}, 0.0)
    text = compile_expression(f"format_number(payload, {decimals}, '')").evaluate(scope)
    assert Decimal(text) == number


@given(st.text(alphabet="ab .\n", min_size=1, max_size=300), st.integers(1, 40), st.integers(0, 19))
@settings(deadline=None, max_examples=300)
def test_pieces_of_a_text_fit_and_lose_no_word(text: str, length: int, overlap: int) -> None:
    overlap = min(overlap, (length - 1) // 2)
    pieces = compile_expression(f"split_text(payload, {length}, {overlap})").evaluate(
        Scope({"payload": text}, 0.0)
    )
    assert all(0 < len(one) <= length for one in pieces)
    if not overlap:
        assert "".join("".join(pieces).split()) == "".join(text.split())


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**6) | st.floats(-10, 10) | st.text(max_size=8)
    | st.sampled_from(["2026-01-05", "1h", "%Y", "a.b", "[0-9]+", "hex", "<b>x", "a,b\n1,2", "{a: 1}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(
    st.sampled_from(sorted(FUNCTIONS.keys() - STANDARD.FUNCTION_TABLE.keys())), st.lists(values, max_size=4)
)
@settings(deadline=None, max_examples=600)
def test_any_call_gives_data_or_one_of_our_errors_and_the_same_in_both(name: str, given_: list[Any]) -> None:
    scope = Scope({"payload": given_}, 1767605400.0, "seed")
    source = f"{name}({', '.join(f'payload[{position}]' for position in range(len(given_)))})"

    def outcome(evaluate: Any) -> str:
        try:
            return dumps(evaluate())
        except ExpressionError:
            return "an error"

    try:
        expression, template = compile_expression(source), compile_template(f"{{{{ {source} }}}}")
    except LanguageError as fault:
        assert "arguments" in str(fault) or "needs" in str(fault)  # noqa: PT017  # both must refuse the number
        return
    assert outcome(lambda: expression.evaluate(scope)) == outcome(lambda: template.render(scope))


def test_nothing_returns_a_generator() -> None:
    for function in FUNCTIONS.values():
        for source, _ in examples_of(function):
            assert not hasattr(compile_expression(source).evaluate(Scope({}, 0.0)), "__next__")

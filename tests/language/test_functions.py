"""Each function has one definition, and its docstring's examples hold in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from runner.errors import LanguageError
from runner.language.expression_functions import STANDARD
from runner.language.expression_work import Work
from runner.language.expressions import compile_expression, compile_shape
from runner.language.functions import FUNCTIONS, text_of
from runner.language.functions_reference import GROUPS, function_rows
from runner.language.scope import Scope
from runner.language.shelf import Shelf
from runner.language.template_filters import FILTERS
from runner.language.templates import compile_template
from runner.values import Json

SCOPE = Scope(names={"payload": {}}, now=1767605400.0)  # 2026-01-05T09:30:00Z
ROWS = function_rows()


def examples() -> Iterator[tuple[str, str, str, Json]]:
    for row in ROWS:
        for one in row["examples"]:
            yield row["name"], one["jmespath"], one["jinja"], one["result"]


def in_both(source: str, names: Json = None) -> Json:
    """What *source*, which both languages read alike, gives in both."""
    scope = Scope(names=names or {"payload": {}}, now=SCOPE.now)
    value = compile_expression(source).evaluate(scope)
    assert compile_template(f"{{{{ {source} }}}}").render(scope) == value
    return value


def test_every_function_has_a_row_with_an_example() -> None:
    assert {row["name"] for row in ROWS} == set(FUNCTIONS)
    assert {row["group"] for row in ROWS} == set(GROUPS.values())
    assert all(row["examples"] and row["about"] for row in ROWS)


def test_the_library_is_that_of_the_contract() -> None:
    listed = """
        lower upper trim split replace slugify truncate split_text contains starts_with ends_with
        regex_match regex_search regex_replace get merge pick omit where group_by unique chunk flatten zip
        sum_by from_json to_json from_csv to_csv from_yaml from_xml to_xml jmespath round int float
        format_number add subtract multiply divide now parse_date format_date date_add date_diff markdown
        html_to_text escape_html strip_tags base64 base64_decode sha256 hmac_sha256 uuid urlencode is_email
        is_number is_empty coalesce read_text money"""
    assert set(FUNCTIONS) == set(listed.split())


@pytest.mark.parametrize(("name", "expression", "template", "value"), list(examples()))
def test_the_example_holds_in_both_languages(name: str, expression: str, template: str, value: Json) -> None:
    assert compile_expression(expression).evaluate(SCOPE) == value
    assert compile_template(f"{{{{ {expression} }}}}").render(SCOPE) == value
    assert compile_template(template).render(SCOPE) == value
    assert expression.startswith(f"{name}(") or name in expression
    json.dumps(value)


def test_a_name_of_the_specification_keeps_its_meaning_in_jmespath() -> None:
    assert set(FUNCTIONS) & set(STANDARD.FUNCTION_TABLE) == {"contains", "starts_with", "ends_with", "merge"}


def test_the_filters_are_ours_and_those_of_the_contract() -> None:
    jinja = """default join length first last sort reverse sum min max abs list string map select reject
        selectattr rejectattr batch dictsort tojson indent escape safe_html"""
    assert set(FILTERS) == set(FUNCTIONS) | set(jinja.split())


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
        ("format_date('2026-01-05', '%Y', 'Europe/Athen')", "did you mean Europe/Athens"),
        ("format_date('2026-01-05', '%Y', '../../etc/passwd')", "no time zone"),
        ("format_date(1000000000000000)", "is not a date"),
        ("parse_date('5.1.2026', 'UTC', '%d/%m/%Y')", "not of the form"),
        ("parse_date('5 5', 'UTC', '%d %d')", "not of the form"),
        ("date_diff('2026-01-05', '2026-01-04', 'days')", "the units are"),
        ("round(1, 9999)", "digits must be between"),
        ("round(1.5, 0.5)", "digits must be a whole number"),
        ("base64_decode('%%')", "not base64"),
        ('base64({"a": 1})', "a text or a file"),
        ("sha256('a', 'rot13')", "'hex' or 'base64'"),
        ("date_add('2026-01-05', 'soon')", "duration"),
        ("date_add('9999-12-31', '9999d')", "years 1 to 9999"),
        ("date_add('9999-12-31', '9999d', 'UTC')", "years 1 to 9999"),
        ("pick('a', ['b'])", "must be an object"),
        ("add('1,5', 1)", "not a number, nor a text that holds one"),
        ("divide(1, 0)", "divided by zero"),
        ("multiply('1e999', '1e999')", "too many digits"),
        ("money(1, 'EUR', 2, ',', '.', 'behind')", "'before' or 'after'"),
        ("format_number(1, -1)", "decimals must be between"),
        ("chunk([1, 2], 0)", "at least 1"),
        ("split_text('abc', 4, 2)", "overlap less than half"),
        ("zip([1], 2)", "zip takes lists"),
        ("sum_by([{\"a\": 'x'}], 'a')", "`a` of item 0: 'x' is not a number"),
        ("from_csv('a,b', 'ab')", "one character"),
        ("from_yaml('a: !!python/object:os.system x')", "from_yaml: line 1, column 4"),
        ("from_yaml('{a: 1, a: 2}')", "given twice"),
        ("from_xml('<a><b></a>')", "from_xml: line 1, column 9: mismatched tag"),
        ("from_xml('<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>')", "DOCTYPE"),
        ('to_xml({"a": 1, "b": 2})', "one root"),
        ('to_xml({"a b": 1})', "cannot be XML"),
        ('to_xml({"a><b": 1})', "cannot be XML"),
        ("read_text(1)", "must be a file"),
    ],
)  # fmt: skip
def test_what_cannot_be_worked_on_says_why(source: str, message: str) -> None:
    with pytest.raises(LanguageError, match=message):
        compile_expression(source).evaluate(SCOPE)
    with pytest.raises(LanguageError, match=message):
        compile_template(f"{{{{ {source} }}}}").render(SCOPE)


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
    assert FUNCTIONS["round"].call(Work(SCOPE), [value, digits], {}) == rounded


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


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("money(-5, '$')", "-$5.00"),
        ("money(1234567, 'JPY')", "JPY 1,234,567"),
        ("money(1.2345, 'KWD')", "KWD 1.235"),
        ("money('0.005', '€')", "€0.01"),
        ("money(-0.001, '€')", "€0.00"),
        ("format_number('1e21')", "1,000,000,000,000,000,000,000"),
        ("format_number(1234.5, 0, '')", "1235"),
        ("format_number('-1234567.5', 2, ' ', ',')", "-1 234 567,50"),
        ("add('9007199254740993', 0)", 9007199254740993),
        ("subtract(0.3, 0.1)", 0.2),
        ("divide(1, 3)", 1 / 3),
        ("slugify('Ελληνικά  ΑΒΓ')", "ελληνικα-αβγ"),
        ("slugify('--')", ""),
        ("slugify('Straße_7', '_')", "strasse_7"),
        ("split_text('aaaa bbbb cccc', 9)", ["aaaa bbbb", "cccc"]),
        ("split_text('aaaaaaaaaa', 4)", ["aaaa", "aaaa", "aa"]),
        ("split_text('abcdefgh', 4, 1)", ["abcd", "defg", "gh"]),
        ("unique([1, 1.0, true, '1'])", [1, True, "1"]),
        ("flatten(from_json('[[1, [2]], [[[]]], 3]'))", [1, 2, 3]),
        ("zip([1, 2], [3, 4, 5])", [[1, 3], [2, 4]]),
        ("parse_date('Mon, 05 Jan 2026 09:30:00 +0200')", "2026-01-05T07:30:00.000Z"),
        ("date_add('2026-03-28T07:00:00Z', '1d')", "2026-03-29T07:00:00.000Z"),
        ("date_add('2026-03-29T06:00:00Z', '-1d1h', 'Europe/Athens')", "2026-03-28T06:00:00.000Z"),
        ("date_diff('2026-01-05T12:00:00Z', '2026-01-05', 'd')", 0.5),
        ("is_email('müller@bücher.example')", True),
        ("is_email('a..b@example.com')", False),
        ("is_email('a@1.2')", False),
        ("is_email(null)", False),
        ("from_csv('')", []),
        ("from_yaml('')", None),
        ("from_yaml('on')", "on"),
        ("from_xml('<a/>')", {"a": None}),
        ("to_xml({\"a\": '<&>'})", "<a>&lt;&amp;&gt;</a>"),
        ("to_csv([[1, null], [true, 'x']])", "1,\r\ntrue,x\r\n"),
        ("to_csv(from_json('[]'))", ""),
        ("markdown('<script>')", "<p>&lt;script&gt;</p>\n"),
        ("markdown('[x](javascript:alert)')", "<p>[x](javascript:alert)</p>\n"),
        ("strip_tags('<<b>script>x')", "&lt;script&gt;x"),
        ("html_to_text('x<script>a</script>y<!-- z')", "xy"),
        ("html_to_text('<ul><li>a<li>b</ul>c')", "- a\n- b\n\nc"),
        ("coalesce(null, null)", None),
    ],
)  # fmt: skip
def test_what_is_at_the_edges(source: str, value: Json) -> None:
    assert in_both(source) == value


def test_equal_numbers_are_one_key_and_true_is_another() -> None:
    found = in_both("group_by(payload, 'a')", {"payload": [{"a": 1}, {"a": 1.0}, {"a": True}, {}]})
    assert [one["key"] for one in found] == [1, True, None]


def test_each_call_of_uuid_gives_another_and_a_second_run_the_same() -> None:
    one = compile_template({"a": "{{ uuid() }}", "b": "{{ uuid() }} {{ uuid() }}"})
    first = one.render(Scope({}, 0.0, "seed/1"))
    assert len({first["a"], *first["b"].split()}) == 3
    assert one.render(Scope({}, 0.0, "seed/1")) == first
    assert one.render(Scope({}, 0.0, "seed/2"))["a"] != first["a"]


def test_the_leaves_of_a_transform_have_uuids_of_their_own() -> None:
    shape = compile_shape({"a": "uuid()", "b": ["uuid()", "[uuid(), uuid()]"]})
    value = shape.evaluate(Scope({}, 0.0, "seed/1"))
    assert len({value["a"], value["b"][0], *value["b"][1]}) == 4
    assert shape.evaluate(Scope({}, 0.0, "seed/1")) == value


def test_a_file_is_read_from_the_scope() -> None:
    file = {"filename": "a.txt", "content_type": "text/plain", "size": 3, "file": "ab" * 32}
    held = Scope({"payload": file}, 0.0, files=Shelf({"ab" * 32: "ä!".encode()}))
    assert compile_expression("read_text(payload)").evaluate(held) == "ä!"
    assert compile_template("{{ payload | base64 }}").render(held) == "w6Qh"
    missed = Scope({"payload": file}, 0.0, files=Shelf())
    with pytest.raises(LanguageError, match="cannot be read here"):
        compile_expression("read_text(payload)").evaluate(missed)
    assert missed.files is not None
    assert missed.files.wanted == {"ab" * 32: file}
    binary = Scope({"payload": file}, 0.0, files=Shelf({"ab" * 32: b"\xff\x00"}))
    with pytest.raises(LanguageError, match="not UTF-8: byte 0"):
        compile_expression("read_text(payload)").evaluate(binary)


def test_escaped_html_is_not_escaped_again() -> None:
    shape = compile_template({"html": "{{ payload | escape_html }}"}, html=frozenset({"html"}))
    assert shape.render(Scope({"payload": "<b>"}, 0.0)) == {"html": "&lt;b&gt;"}

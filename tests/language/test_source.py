"""YAML text to nodes: what its values mean, where they stand, and every way it can be refused."""
# ruff: noqa: E501 - a table is read by its lines

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.language.nodes import Node
from runner.language.source import compose
from runner.language.workflow import Place

BOMB = "a: &a [1234567890, 1234567890, 1234567890]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


def plain(text: str) -> object:
    source = compose(text, path="w.yaml")
    assert source.faults == ()
    assert source.root is not None
    return source.root.plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("012", 12),
        ("0o14", 12),
        ("0xC", 12),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-11-24", "2026-11-24"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-0", 0),
        ("~", None),
        ("null", None),
        ("nULL", "nULL"),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("'12'", "12"),
        ("820982911946154508123456789", 820982911946154508123456789),
        ("=", "="),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    assert plain(f"a: {text}\n") == {"a": value}


def test_an_alias_stands_for_its_value() -> None:
    assert plain("a: &x {b: [1, 2]}\nc: *x\n") == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}


def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing() -> None:
    assert plain("\ufeffa: 1\r\nb: |\r\n  x\r\n  y\r\n") == {"a": 1, "b": "x\ny\n"}


def child(text: str, key: str) -> Node:
    root = compose(text, path="w.yaml").root
    assert root is not None
    assert isinstance(root.value, dict)
    return root.value[key]


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        pytest.param("a: payload.x\n", 8, Place(1, 12), id="plain"),
        pytest.param("a:   'payload.x'\n", 8, Place(1, 15), id="single quotes"),
        pytest.param("a: 'b == ''c'' && d'\n", 12, Place(1, 19), id="doubled quotes before it"),
        pytest.param('a: "b"\n', 0, Place(1, 5), id="double quotes"),
        pytest.param('a: "\\u0041\\n\\"b"\n', 3, Place(1, 15), id="escapes before it"),
        pytest.param("a: 'x\\y'\n", 2, Place(1, 7), id="a backslash in single quotes is itself"),
        pytest.param("a: |\n  one\n  two x\n", 8, Place(3, 7), id="block"),
        pytest.param("a: |-\n\n      one\n        two\n", 8, Place(4, 10), id="indented block"),
        pytest.param("a: >\n  one\n  two\n", 5, Place(1, 4), id="folded: its beginning"),
        pytest.param("a: one\n  two\n", 5, Place(1, 4), id="over two lines: its beginning"),
        pytest.param("a: one\n", 99, Place(1, 4), id="out of the text: its beginning"),
        pytest.param("é😀: 'ü x'\n", 2, Place(1, 8), id="columns are characters"),
    ],
)
def test_a_character_of_a_text_has_its_place_in_the_file(text: str, offset: int, place: Place) -> None:
    assert child(text, text.split(":", maxsplit=1)[0]).place_at(offset) == place


def test_keys_and_values_have_their_places() -> None:
    root = compose("a: 1\nb:\n  - c: [x, y]\n", path="w.yaml").root
    assert root is not None
    assert root.keys == {"a": Place(1, 1), "b": Place(2, 1)}
    assert isinstance(root.value, dict)
    items = root.value["b"].value
    assert isinstance(items, list)
    assert items[0].keys == {"c": Place(3, 5)}
    assert items[0].place == Place(3, 5)


@pytest.mark.parametrize(
    ("text", "code", "place", "where", "words"),
    [
        pytest.param("", "empty", (1, 1), "", "empty", id="nothing"),
        pytest.param("# only this\n", "empty", (1, 1), "", "empty", id="only a comment"),
        pytest.param("a: !!python/object:os.system x\n", "tag", (1, 4), "a", "!!python/object", id="python tag"),
        pytest.param("a: !!map {b: 1}\n", "tag", (1, 4), "a", "!!map", id="tag of a mapping"),
        pytest.param("a: !secret x\n", "tag", (1, 4), "a", "{{ secrets.NAME }}", id="home assistant's secret"),
        pytest.param("if: !payload.x\n", "tag", (1, 5), "if", 'quote it: "!payload.x"', id="a not"),
        pytest.param("if: !x && y\n", "unquoted", (1, 5), "if", 'quote it: if: "!x && y"', id="a longer not"),
        pytest.param("if: !contains(a, 'b')\n", "unquoted", (1, 5), "if", "\"!contains(a, 'b')\"", id="not, call"),
        pytest.param("b: &b {c: 1}\na: {<<: *b}\n", "merge-key", (2, 5), "a.<<", "merge", id="merge key"),
        pytest.param("1: x\n", "key", (1, 1), "1", 'quote it: "1"', id="number as key"),
        pytest.param("true: x\n", "key", (1, 1), "true", "must be a text", id="boolean as key"),
        pytest.param("? [a]\n: b\n", "key", (1, 3), "", "not a collection", id="list as key"),
        pytest.param("a: &k b\n*k : 1\n", "key", (2, 1), "b", "must be a text", id="alias as key"),
        pytest.param("a: 1\n---\nb: 2\n", "second-document", (2, 1), "", "second document", id="two documents"),
        pytest.param("a: 1\nb: 2\na: 3\n", "duplicate-key", (3, 1), "a", "first in line 1", id="key twice"),
        pytest.param("[" * 5000, "too-deep", (1, 65), "", "64 levels", id="5,000 brackets"),
        pytest.param("a: " + "{b: " * 5000, "too-deep", (1, 256), "", "64 levels", id="5,000 braces"),
        pytest.param("a: *b\n", "alias", (1, 4), "a", "no anchor &b", id="alias without anchor"),
        pytest.param("a: &b [*b]\n", "alias", (1, 8), "a[0]", "inside its own anchor", id="alias in its anchor"),
        pytest.param(BOMB, "alias", (6, 8), "f[0]", "1 MiB", id="bomb"),
        pytest.param("x" * 1024 * 1024 + "y", "too-large", (1, 1), "", "1 MiB", id="size"),
        pytest.param("a:\n\tb: 1\n", "syntax", (2, 1), "a", "spaces", id="tab"),
        pytest.param("a: 1\n\tb: 1\n", "syntax", (2, 1), "a", "spaces", id="tab after a value"),
        pytest.param("a: \x07\n", "character", (1, 4), "", "U+0007", id="control character"),
        pytest.param("a: 1\nb: \ud800\n", "character", (2, 4), "", "U+D800", id="half a character"),
        pytest.param("a: x\u2028y\n", "character", (1, 5), "", "U+2028", id="a line end that is none"),
        pytest.param("a: .inf\n", "number", (1, 4), "a", "no JSON value", id="infinity"),
        pytest.param("a: 1e999\n", "number", (1, 4), "a", "too large", id="huge float"),
        pytest.param("a: " + "9" * 5000, "number", (1, 4), "a", "digits", id="huge integer"),
        pytest.param("text: {{ x }}\n", "unquoted", (1, 7), "text", 'quote it: text: "{{ x }}"', id="template"),
        pytest.param("- text: {{ x }} y  # z\n", "unquoted", (1, 9), "[0].text", '"{{ x }} y"', id="template and text"),
        pytest.param("a: {{ x | join(', ') }}\n", "unquoted", (1, 4), "a", "\"{{ x | join(', ') }}\"", id="quotes inside"),
        pytest.param('a: {{ x["b"] }}\n', "unquoted", (1, 4), "a", "'{{ x[\"b\"] }}'", id="double quotes inside"),
        pytest.param("a: {b: {{ x }}, c: 1}\n", "unquoted", (1, 8), "a.b", '{b: "{{ x }}", c: 1}', id="in a flow mapping"),
        pytest.param("- {{ x }}\n", "unquoted", (1, 3), "[0]", '- "{{ x }}"', id="template as an item"),
        pytest.param("a: {% if x %}y{% endif %}\n", "unquoted", (1, 4), "a", '"{% if x %}', id="statement"),
        pytest.param("a: 'x' == y\n", "unquoted", (1, 4), "a", "\"'x' == y\"", id="text after a quote"),
        pytest.param("a: `1` == x\n", "unquoted", (1, 4), "a", '"`1` == x"', id="backtick"),
        pytest.param("a: @here hi\n", "unquoted", (1, 4), "a", '"@here hi"', id="at"),
        pytest.param("a: Order: {{ x }}\n", "unquoted", (1, 4), "a", '"Order: {{ x }}"', id="colon"),
        pytest.param("a: - b\n", "unquoted", (1, 4), "a", '"- b"', id="dash"),
        pytest.param("a: Nr #{{ x }} z\n", "comment", (1, 7), "a", '"Nr #{{ x }} z"', id="comment in a template"),
        pytest.param("a: {{ x }} #{{ y }}\n", "unquoted", (1, 4), "a", '"{{ x }} #{{ y }}"', id="hash after a template"),
        pytest.param('a: "x\nb: 1\n', "syntax", (1, 4), "a", "never closed", id="open quote"),
        pytest.param("a: [1, 2\nb: 3\n", "syntax", (2, 2), "a[2]", "not closed", id="open list"),
        pytest.param("a:b\nc: 1\n", "syntax", (2, 2), "", "write a: b", id="no space after a colon"),
        pytest.param("- a\nb: 1\n", "syntax", (2, 1), "[1]", "neither an item", id="list and mapping"),
        pytest.param('a: "\\d"\n', "syntax", (1, 5), "a", "single quotes", id="escape"),
    ],
)  # fmt: skip
def test_what_json_has_no_word_for_is_a_fault(
    text: str, code: str, place: tuple[int, int], where: str, words: str
) -> None:
    faults = [one for one in compose(text, path="w.yaml").faults if one.code == code]
    assert [(one.line, one.column, one.where, one.severity) for one in faults] == [(*place, where, "error")]
    assert words in str(faults[0])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("a: #sales\n", True, id="an empty value"),
        pytest.param("a: Order #5\n", True, id="a text"),
        pytest.param("a: x # a remark\n", False, id="a comment as people write it"),
        pytest.param("a: 5 #five\n", False, id="a number"),
        pytest.param("a: x #!\n", False, id="an ornament"),
        pytest.param("a: x#y\n", False, id="no space before it"),
        pytest.param("a: x\n#b: x\n", False, id="a line of comment"),
        pytest.param("a: |\n  x #y\n", False, id="a block"),
    ],
)
def test_a_hash_that_probably_belongs_to_the_text_is_a_warning(text: str, found: bool) -> None:
    faults = compose(text, path="w.yaml").faults
    assert [(one.code, one.severity) for one in faults] == ([("comment", "warning")] if found else [])


def test_all_faults_of_a_file_are_found_at_once_and_the_rest_is_read_as_if_quoted() -> None:
    text = "a: {{ x }}\nb: !y\nc: 'p' == q\nc: 2\nd: |\n  {{ kept }}\n  text: {{ kept }}\n"
    source = compose(text, path="w.yaml")
    assert sorted((one.line, one.code) for one in source.faults) == [
        (1, "unquoted"), (2, "tag"), (3, "unquoted"), (4, "duplicate-key"),
    ]  # fmt: skip
    assert source.root is not None
    assert source.root.plain() == {
        "a": "{{ x }}", "b": "!y", "c": "'p' == q", "d": "{{ kept }}\ntext: {{ kept }}\n",
    }  # fmt: skip


def test_a_place_inside_a_line_that_had_to_be_quoted_is_that_of_the_file() -> None:
    assert child("a: {{ x }} y\n", "a").place_at(3) == Place(1, 7)


YAML_LIKE = st.text(st.sampled_from("ab:- \n\t#'\"{}[]|>&*!%@`,?<=~0.\\é\r"), max_size=60)


@given(st.one_of(st.text(max_size=60), YAML_LIKE))
def test_no_text_whatever_raises(text: str) -> None:
    source = compose(text, path="w.yaml")
    assert source.root is not None or source.faults

"""The form of a JSON Schema: what is drawn, and what is read from what a browser sends back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.inbound.inputs import judged
from runner.language.payload_schema import PayloadSchema, compiled
from runner.language.workflow import Manual
from runner.values import dumps
from web.fields import CHOSEN, PREFIX, Field, fields_of, read_fields

PROPERTIES: dict[str, Any] = {
    "text": {"type": "string"},
    "lines": {"type": "string", "format": "textarea"},
    "mail": {"type": "string", "format": "email", "title": "E-mail"},
    "count": {"type": "integer", "minimum": 1},
    "ratio": {"type": "number"},
    "yes": {"type": "boolean"},
    "one": {"enum": ["a", 2, True]},
    "some": {"type": "array", "items": {"$ref": "#/$defs/letter"}},
    "day": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "date-time"},
    "up": {"type": "object", "format": "file"},
    "tree": {"type": "object"},
    "any": True,
    "maybe": {"type": ["integer", "null"]},
}
SCHEMA = {
    "type": "object",
    "properties": PROPERTIES,
    "required": ["mail"],
    "$defs": {"letter": {"enum": ["x", "y"]}},
}


def by_name(fields: list[Field]) -> dict[str, Field]:
    return {one.name.removeprefix(PREFIX): one for one in fields}


def posted(**given: Any) -> dict[str, Any]:
    return {PREFIX + name: value for name, value in given.items()}


def test_each_kind_of_value_has_its_control() -> None:
    fields = by_name(fields_of(SCHEMA))
    assert {name: one.control for name, one in fields.items()} == {
        "text": "text", "lines": "textarea", "mail": "text", "count": "number", "ratio": "number",
        "yes": "checkbox", "one": "select", "some": "choices", "day": "text", "time": "text",
        "up": "file", "tree": "json", "any": "json", "maybe": "number",
    }  # fmt: skip
    assert (fields["mail"].label, fields["mail"].type, fields["mail"].is_required) == (
        "E-mail",
        "email",
        True,
    )
    assert dict(fields["count"].attributes) == {"min": "1", "step": "1"}
    assert [one.value for one in fields["some"].options] == ["x", "y"]
    assert [one.label for one in fields["one"].options] == ["a", "2", "Yes"]
    assert (fields["day"].type, fields["time"].type) == ("date", "datetime-local")


def test_what_is_sent_back_becomes_values() -> None:
    inputs, faults = read_fields(
        SCHEMA,
        posted(
            text="7", lines="a\r\nb", mail="a@b.de", count="3", ratio="2.5", yes=CHOSEN, one="2",
            some=["y", "x"], day="2026-05-03", time="2026-05-03T10:40", tree='{"a": [1]}', maybe="",
        ),
        "Europe/Athens",
    )  # fmt: skip
    assert faults == {}
    assert inputs == {
        "text": "7", "lines": "a\nb", "mail": "a@b.de", "count": 3, "ratio": 2.5, "yes": True, "one": 2,
        "some": ["y", "x"], "day": "2026-05-03", "time": "2026-05-03T10:40:00+03:00", "tree": {"a": [1]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("mail", " ", "is needed"),
        ("count", "two", "must be a whole number"),
        ("ratio", "true", "must be a number"),
        ("one", "else", "must be one of the list"),
        ("some", ["x", "z"], "has no choice z"),
        ("tree", "{", "must be JSON"),
        ("time", "noon", "must be a date and time"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, value: Any, said: str) -> None:
    inputs, faults = read_fields(SCHEMA, {**posted(mail="a@b.de"), **posted(**{name: value})}, "UTC")
    assert list(faults) == [name]
    assert said in faults[name]
    assert name not in inputs


def test_a_schema_without_properties_has_no_fields() -> None:
    for schema in ({}, True, {"type": "object"}):
        assert fields_of(schema) == []
        assert read_fields(schema, posted(x="1"), "UTC") == ({}, {})


values = st.fixed_dictionaries(
    {"mail": st.just("a@b.de")},
    optional={
        "text": st.text(min_size=1).filter(lambda text: text.strip() and "\r" not in text),
        "count": st.integers(1, 10**20),
        "ratio": st.floats(allow_nan=False, allow_infinity=False),
        "one": st.sampled_from(["a", 2, True]),
        "some": st.lists(st.sampled_from(["x", "y"]), min_size=1, unique=True).map(sorted),
        "tree": st.dictionaries(st.text(), st.integers(), min_size=1),
    },
)


@given(values)
def test_what_the_form_shows_is_read_back_as_it_was(inputs: dict[str, Any]) -> None:
    """Filling the form with values and sending it gives the same values, as the schema wants them."""
    filled = {**SCHEMA, "properties": {
        name: {**one, "default": inputs[name]} if name in inputs else one for name, one in PROPERTIES.items()
    }}  # fmt: skip
    sent: dict[str, Any] = {}
    for one in fields_of(filled):
        if one.options:
            sent[one.name] = [option.value for option in one.options if option.is_chosen]
        elif one.control not in ("checkbox", "file"):
            sent[one.name] = one.value
    read, faults = read_fields(SCHEMA, sent, "UTC")
    assert faults == {}
    assert dumps({name: read[name] for name in inputs}) == dumps(inputs)


@given(
    st.dictionaries(st.sampled_from([PREFIX + name for name in PROPERTIES]), st.text() | st.lists(st.text()))
)
def test_whatever_is_sent_is_read_without_an_error(given_form: dict[str, Any]) -> None:
    inputs, faults = read_fields(SCHEMA, given_form, "UTC")
    assert not inputs.keys() & faults.keys()
    judged(Manual(PayloadSchema(SCHEMA, compiled(SCHEMA))), inputs)
    fields_of(SCHEMA, given_form, faults)


def test_defaults_stand_for_what_is_left_out() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"default": 1}, "b": {"type": "integer"}},
    }
    manual = Manual(PayloadSchema(schema, compiled(schema)))
    assert judged(manual, None) == ({"a": 1}, [])
    assert judged(manual, {"a": 2, "b": "x"})[1] == [("payload.b", "must be a whole number, and is a text")]
    assert judged(manual, [1])[1] == [("payload", "must be an object, and is a list")]

"""A payload against a schema: what is said, where, and at which price."""
# ruff: noqa: E501 - a table is read by its lines

from __future__ import annotations

import time
from typing import Any

import pytest

from runner.inbound.schema_check import MOST, check_payload, in_words
from runner.language.catalogue import Catalogue
from runner.language.load import load
from runner.language.paths import read_path
from runner.language.payload_schema import PayloadSchema
from runner.values import Json, dumps

LONG = 1.0  # seconds: far above what is bounded, far below what is not


def schema_of(schema: Json) -> PayloadSchema:
    """The schema as it comes out of a file."""
    text = f"name: x\ntrigger:\n  webhook:\n    schema: {dumps(schema)}\nsteps: [filter: payload]\n"
    found = load(text, path="x.yaml", slug="x", catalogue=Catalogue({})).workflow
    assert found
    assert found.webhook
    assert found.webhook.schema
    return found.webhook.schema


ORDER = schema_of({
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "mail": {"format": "email"},
        "at": {"type": "string", "format": "date-time"},
        "lines": {
            "type": "array",
            "maxItems": 3,
            "items": {
                "type": "object",
                "properties": {"sku": {"type": "string"}, "unit price": {"type": ["number", "null"]}},
                "required": ["sku"],
                "additionalProperties": False,
            },
        },
    },
})  # fmt: skip


def said(schema: PayloadSchema, payload: Any) -> str:
    return in_words(check_payload(schema, payload))


def test_what_satisfies_the_schema_has_no_faults() -> None:
    assert check_payload(ORDER, {"id": 1, "mail": "a@example.com", "at": "2026-11-24T10:00:00Z"}) == []


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({}, "payload.id is missing"),
        ([], "payload must be an object, and is a list"),
        ({"id": "1"}, "payload.id must be a whole number, and is a text"),
        ({"id": 0}, "payload.id must be at least 1"),
        ({"id": 1, "mail": "nobody"}, "payload.mail must be of the format email"),
        ({"id": 1, "at": "yesterday"}, "payload.at must be of the format date-time"),
        ({"id": 1, "lines": [{"sku": "a"}, {"sku": "b"}, {"sku": 3}]},
         "payload.lines[2].sku must be a text, and is a number"),
        ({"id": 1, "lines": [{}]}, "payload.lines[0].sku is missing"),
        ({"id": 1, "lines": [{"sku": "a", "unit price": "x"}]},
         'payload.lines[0]."unit price" must be null or a number, and is a text'),
        ({"id": 1, "lines": [{"sku": "a", "x": 1}]}, "payload.lines[0] has fields that are not allowed: x"),
        ({"id": 1, "lines": [{"sku": "a"}] * 4}, "payload.lines must have at most 3 items"),
        ({"id": 1, "mail": "\ud800"}, "payload has a text that is no valid Unicode: half of a surrogate pair"),
    ],
)  # fmt: skip
def test_a_fault_has_its_path_and_says_what_is_wanted(payload: Any, words: str) -> None:
    assert said(ORDER, payload) == words


def test_all_faults_are_told_up_to_a_bound() -> None:
    assert said(ORDER, {"mail": "x"}) == ("payload.id is missing; payload.mail must be of the format email")
    many = schema_of({"items": {"type": "string"}})
    assert len(check_payload(many, list(range(100)))) == MOST
    assert len(check_payload(many, list(range(100_000)))) == 1


@pytest.mark.parametrize(
    ("schema", "payload", "words"),
    [
        ({"enum": ["a", None]}, "x", 'payload must be one of "a",null'),
        ({"const": 10**30}, 10**30 + 1, f"payload must be {10**30}"),
        ({"maximum": 5}, 10**40, "payload must be at most 5"),
        ({"pattern": "^a+$"}, "b", "payload must match the pattern ^a+$"),
        ({"multipleOf": 2}, 3, "payload must be a multiple of 2"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, "payload must be a text or null, and is a number"),
        ({"anyOf": [{"minimum": 2}, {"type": "null"}]}, 1, "payload fits none of the forms that are allowed"),
        ({"oneOf": [{}, {}]}, 1, "payload must fit exactly one of the forms that are allowed"),
        ({"not": {}}, 1, "payload has a form that is not allowed"),
        ({"uniqueItems": True}, [1, 1], "payload must not have an item twice"),
        ({"contains": {"type": "null"}}, [1], "payload lacks an item that must be in it"),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, "payload has a field whose name is not allowed"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "payload.b is missing"),
        ({"properties": {"a": False}}, {"a": 1}, "payload.a is not allowed"),
        ({"additionalProperties": False}, {"a": 1}, "payload has fields, and none is allowed"),
        ({"unevaluatedProperties": False}, {"a": 1}, "payload has fields that are not allowed: a"),
        ({"prefixItems": [{}], "items": False}, [1, 2], "payload[1] is not allowed"),
        (False, 1, "payload is not allowed"),
    ],
)  # fmt: skip
def test_each_keyword_has_its_sentence(schema: Json, payload: Any, words: str) -> None:
    assert said(schema_of(schema), payload) == words


def test_a_sentence_does_not_quote_the_payload() -> None:
    for schema in (
        {"enum": ["a"]},
        {"type": "number"},
        {"format": "email"},
        {"pattern": "a"},
        {"maxLength": 1},
    ):
        assert "hush" not in said(schema_of(schema), "hushhush")


def test_a_path_is_one_that_the_language_reads() -> None:
    for name in ("a", "first-name", "first name", 'with "quotes" and \\', "a.b", "[0]", "é", "5"):
        ((path, _),) = check_payload(schema_of({"properties": {name: False}}), {name: 1})
        assert read_path(path).parts == ("payload", name)


TREE: Json = {
    "$ref": "#/$defs/tree",
    "$defs": {
        "tree": {"anyOf": [{"$ref": "#/$defs/and"}, {"$ref": "#/$defs/or"}]},
        "and": {"type": "object", "properties": {"n": {"$ref": "#/$defs/tree"}, "m": {"type": "integer"}}},
        "or": {"type": "object", "properties": {"n": {"$ref": "#/$defs/tree"}, "z": {"type": "string"}}},
    },
}


@pytest.mark.parametrize("word", ["anyOf", "oneOf", "allOf"])
@pytest.mark.parametrize("depth", [5, 9, 12, 30, 190])
def test_a_deep_payload_of_a_schema_that_contains_itself_is_judged_quickly(word: str, depth: int) -> None:
    """What a validator says of such a fault doubles with each level; whoever sends may choose how many."""
    schema = schema_of({**TREE, "$defs": {**TREE["$defs"], "tree": {word: TREE["$defs"]["tree"]["anyOf"]}}})
    payload: Json = "no tree"
    for _ in range(depth):
        payload = {"n": payload}
    began = time.perf_counter()
    assert check_payload(schema, payload)
    assert time.perf_counter() - began < LONG


def test_patterns_match_in_linear_time() -> None:
    began = time.perf_counter()
    assert check_payload(schema_of({"pattern": "^(a+)+$"}), "a" * 100_000 + "b")
    assert time.perf_counter() - began < LONG

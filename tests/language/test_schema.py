"""The JSON Schema that editors get: well formed, and of one mind with the loader."""

from __future__ import annotations

import re
from typing import Any

import pytest

from runner.language.keys import BLOCKS, STEP_KINDS
from runner.language.load import load
from runner.language.schema import workflow_schema
from runner.language.source import compose
from tests.language.small_catalogue import CATALOGUE
from tests.language.test_check import HEAD, OK, TABLE
from tests.language.test_load import GOOD

SCHEMA: Any = workflow_schema(CATALOGUE)
TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
}  # fmt: skip


def is_type(value: Any, name: str) -> bool:
    if name in ("integer", "number"):
        kinds = int if name == "integer" else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def is_valid(value: Any, schema: Any) -> bool:
    """Whether *value* is valid: the words of JSON Schema 2020-12 that ours uses, and no others."""
    if isinstance(schema, bool):
        return schema
    return all(WORDS[word](value, given, schema) for word, given in schema.items())


def resolve(reference: str) -> Any:
    found = SCHEMA
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def properties_are_valid(value: Any, given: Any, _schema: Any) -> bool:
    return not isinstance(value, dict) or all(
        is_valid(value[name], one) for name, one in given.items() if name in value
    )


def others_are_valid(value: Any, given: Any, schema: Any) -> bool:
    known = schema.get("properties", {})
    return not isinstance(value, dict) or all(
        is_valid(one, given) for name, one in value.items() if name not in known
    )


def condition_holds(value: Any, given: Any, schema: Any) -> bool:
    return is_valid(value, schema.get("then", True)) if is_valid(value, given) else True


def is_bounded(value: Any, low: float, high: float) -> bool:
    return not isinstance(value, (int, float)) or low <= value <= high


def anything(_value: Any, _given: Any, _schema: Any) -> bool:
    return True


WORDS: dict[str, Any] = {
    **dict.fromkeys(
        ("$schema", "$defs", "title", "description", "examples", "default", "then", "format"), anything
    ),
    "$ref": lambda value, given, _: is_valid(value, resolve(given)),
    "type": lambda value, given, _: any(
        is_type(value, one) for one in ([given] if isinstance(given, str) else given)
    ),
    "const": lambda value, given, _: value == given and type(value) is type(given),
    "enum": lambda value, given, _: value in given,
    "pattern": lambda value, given, _: not isinstance(value, str) or re.search(given, value) is not None,
    "minimum": lambda value, given, _: is_bounded(value, given, float("inf")),
    "maximum": lambda value, given, _: is_bounded(value, float("-inf"), given),
    "exclusiveMinimum": lambda value, given, _: is_bounded(value, given, float("inf")) and value != given,
    "minLength": lambda value, given, _: not isinstance(value, str) or len(value) >= given,
    "maxLength": lambda value, given, _: not isinstance(value, str) or len(value) <= given,
    "minItems": lambda value, given, _: not isinstance(value, list) or len(value) >= given,
    "minProperties": lambda value, given, _: not isinstance(value, dict) or len(value) >= given,
    "uniqueItems": lambda value, _given, _: (
        not isinstance(value, list) or len(value) == len(set(map(str, value)))
    ),
    "items": lambda value, given, _: (
        not isinstance(value, list) or all(is_valid(one, given) for one in value)
    ),
    "required": lambda value, given, _: not isinstance(value, dict) or all(one in value for one in given),
    "properties": properties_are_valid,
    "additionalProperties": others_are_valid,
    "allOf": lambda value, given, _: all(is_valid(value, one) for one in given),
    "anyOf": lambda value, given, _: any(is_valid(value, one) for one in given),
    "oneOf": lambda value, given, _: sum(is_valid(value, one) for one in given) == 1,
    "if": condition_holds,
}


def everything_in(schema: Any) -> list[Any]:
    """Every schema inside *schema*, itself included."""
    if isinstance(schema, bool):
        return []
    found = [schema]
    for word in ("$defs", "properties"):
        found += [inner for one in schema.get(word, {}).values() for inner in everything_in(one)]
    for word in ("allOf", "anyOf", "oneOf"):
        found += [inner for one in schema.get(word, []) for inner in everything_in(one)]
    for word in ("items", "additionalProperties", "if", "then"):
        found += everything_in(schema.get(word, True))
    return found


def value_of(text: str) -> Any:
    root = compose(text, path="w.yaml").root
    return root.plain() if root else None


def test_every_word_is_known_and_every_reference_leads_somewhere() -> None:
    for one in everything_in(SCHEMA):
        assert one.keys() <= WORDS.keys()
        if "$ref" in one:
            assert isinstance(resolve(one["$ref"]), dict)
        if "pattern" in one:
            re.compile(one["pattern"])


def test_every_key_of_the_table_is_described() -> None:
    for name in BLOCKS.keys() - {"workflow"}:
        for key in BLOCKS[name].keys:
            assert SCHEMA["$defs"][name]["properties"][key]["description"]
    for kind, keys in STEP_KINDS.items():
        for one in keys:
            assert SCHEMA["$defs"][f"step.{kind}"]["properties"][one.name]["description"]


def test_examples_in_the_table_are_valid() -> None:
    named = {f"step.{kind}" for kind in STEP_KINDS} | (BLOCKS.keys() - {"workflow"})
    for name in named:
        for key, one in SCHEMA["$defs"][name]["properties"].items():
            lacks_steps = key in ("switch", "parallel")  # shown with empty lists, for brevity
            for example in one.get("examples", ()):
                assert lacks_steps or is_valid(example, one), (name, key)


def test_a_good_file_is_valid() -> None:
    assert is_valid(value_of(GOOD), SCHEMA)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("unknown: 1\n", id="unknown key"),
        pytest.param("timeout: 30\n", id="a number for a duration"),
        pytest.param("on_failure: [{filter: payload, template: x}]\n", id="two kinds"),
        pytest.param("on_failure: [action: nope.nope]\n", id="unknown action"),
        pytest.param("on_failure: [action: http.request]\n", id="missing input"),
        pytest.param("on_failure: [{action: http.request, with: {url: x, metod: y}}]\n", id="unknown input"),
        pytest.param("on_failure: [{action: http.request, with: {url: x, seconds: 99}}]\n", id="wrong input"),
        pytest.param(
            "on_failure: [{action: slack.post_message, with: {channel: c, text: t}}]\n", id="no connection"
        ),
    ],
)  # fmt: skip
def test_what_an_editor_should_underline_is_invalid(more: str) -> None:
    assert is_valid(value_of(HEAD + OK), SCHEMA)
    assert not is_valid(value_of(HEAD + OK + more), SCHEMA)


@pytest.mark.parametrize("text", [text for text, *_ in TABLE])
def test_a_file_that_loads_is_valid(text: str) -> None:
    """The schema is never stricter than the loader."""
    if load(text, path="w.yaml", slug="w", catalogue=CATALOGUE).workflow is not None:
        assert is_valid(value_of(text), SCHEMA)


@pytest.mark.parametrize(
    ("verify", "is_good"),
    [
        ("none", True),
        ("websub", True),
        ("{provider: github, secret: GITHUB_SECRET}", True),
        ("{provider: github, secret: [A, B], tolerance: false}", True),
        ("{provider: meta, secret: A, verify_token: B, strict: true}", True),
        ("{hmac: {header: X-S, secret: A, signed: '{{ body }}'}}", True),
        ("shopify", False),
        ("nobody", False),
        ("{provider: nobody, secret: A}", False),
        ("{provider: github}", False),
        ("{provider: github, secret: A, verify_token: B}", False),
        ("{provider: github, secret: 'a b'}", False),
        ("{provider: github, secret: A, hmac: {header: X-S, secret: A}}", False),
        ("{hmac: {header: X-S, secret: A, algorithm: md5}}", False),
        ("{secret: A}", False),
    ],
)
def test_an_editor_knows_the_providers_and_their_options(verify: str, *, is_good: bool) -> None:
    text = f"name: x\ntrigger: {{webhook: {{verify: {verify}}}}}\n{OK}"
    assert is_valid(value_of(text), SCHEMA) is is_good
    assert (load(text, path="w.yaml", slug="w", catalogue=CATALOGUE).workflow is not None) is is_good

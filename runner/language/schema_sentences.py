"""
What is said of a value that a JSON Schema refuses. The sentences quote the schema and never the
value: a payload's content is nobody's business who reads an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.values import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jsonschema_rs import ValidationError

LONGEST = 120  # characters of the schema that a sentence quotes
NOUNS = {
    "string": "a text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
    "object": "an object", "array": "a list", "null": "null",
}  # fmt: skip
LIMITS = {
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "exclusiveMinimum": "must be more than {limit}",
    "exclusiveMaximum": "must be less than {limit}",
    "minLength": "must have at least {limit} characters",
    "maxLength": "must have at most {limit} characters",
    "minItems": "must have at least {limit} items",
    "maxItems": "must have at most {limit} items",
    "minProperties": "must have at least {limit} fields",
    "maxProperties": "must have at most {limit} fields",
}
SENTENCES = {
    "required": "is missing",
    "uniqueItems": "must not have an item twice",
    "contains": "lacks an item that must be in it",
    "not": "has a form that is not allowed",
    "anyOf": "fits none of the forms that are allowed",
    "oneOf": "must fit exactly one of the forms that are allowed",
    "propertyNames": "has a field whose name is not allowed",
    "falseSchema": "is not allowed",
}


def sentence(error: ValidationError) -> str:
    """What is wrong with the value at the error's path, to stand behind that path."""
    name, facts = error.kind.name, error.kind.as_dict()
    match name:
        case "type":
            types = " or ".join(NOUNS.get(one, one) for one in facts["types"])
            return f"must be {types}, and is {kind_of(error.instance)}"
        case "enum":
            return f"must be one of {_quoted(facts['options'])[1:-1]}"
        case "const":
            return f"must be {_quoted(facts['expected_value'])}"
        case "multipleOf":
            return f"must be a multiple of {facts['multiple_of']}"
        case "pattern":
            return f"must match the pattern {_cut(str(facts['pattern']))}"
        case "format" if facts["format"] == "regex":
            return "is no regular expression that can be used here"
        case "format":
            return f"must be of the format {facts['format']}"
        case "anyOf":
            return _either(error, facts["context"])
        case "additionalProperties" | "unevaluatedProperties":
            return f"has fields that are not allowed: {_cut(', '.join(map(str, facts['unexpected'])))}"
        case "additionalItems" | "unevaluatedItems":
            return "has more items than are allowed"
        case "falseSchema" if error.schema_path[-1:] == ["additionalProperties"]:
            return "has fields, and none is allowed"
        case _ if name in LIMITS:
            return LIMITS[name].format(**facts)
        case _:
            return SENTENCES.get(name, f"does not satisfy `{name}`")


def true_path(value: Any, path: Iterable[str | int]) -> tuple[str | int, ...]:
    """*path* with a text for each key of an object: the validator takes the key "5" for an index."""
    found: list[str | int] = []
    for part in path:
        is_object = isinstance(value, dict)
        found.append(str(part) if is_object else part)
        try:
            value = value[found[-1]]
        except (LookupError, TypeError):
            value = None
    return tuple(found)


def kind_of(value: Any) -> str:
    """What a JSON value is: "a list"."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return "a text" if isinstance(value, str) else "a number"


def _either(error: ValidationError, forms: Iterable[Sequence[ValidationError]]) -> str:
    """`must be a text or null`, where each form asks for a type alone; the words, where one has words."""
    types: list[str] = []
    for errors in forms:
        first = errors[0]
        if len(errors) > 1 or first.instance_path != error.instance_path:
            return SENTENCES["anyOf"]
        if first.kind.name == "enum":
            return sentence(first)
        if first.kind.name != "type":
            return SENTENCES["anyOf"]
        types.extend(NOUNS.get(one, one) for one in first.kind.as_dict()["types"])
    return f"must be {' or '.join(dict.fromkeys(types))}, and is {kind_of(error.instance)}"


def _quoted(value: Any) -> str:
    return _cut(dumps(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

"""
`schema`: the JSON Schema that a payload must satisfy, checked and compiled with the file.

Source: JSON Schema 2020-12. Patterns match in linear time, references lead only to what stands in
the schema itself, and `format` is asserted: a person who writes `format: email` wants one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from jsonschema_rs import Draft202012Validator, ReferencingError, RegexOptions, ValidationError, meta

from runner.errors import LimitExceeded
from runner.language.scalars import at
from runner.language.schema_sentences import sentence, true_path
from runner.language.shapes import place as path_text
from runner.language.suggest import did_you_mean
from runner.language.visibility import leaf
from runner.language.weight import weigh

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.language.nodes import Node
    from runner.language.scalars import ScalarReader
    from runner.language.shapes import Path
    from runner.values import Json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_PATTERN_BYTES = 1024 * 1024  # of one compiled pattern
MAX_WEIGHT = 1024 * 1024
MAX_WORK = 100_000  # schemas by which one value may be judged, every reference followed
MAX_DEPTH = 200  # of schemas in schemas, references followed
SAME_ONE = ("if", "then", "else", "not")  # these judge the same value, the rest what is inside it
SAME_SEVERAL = ("allOf", "anyOf", "oneOf")
INNER_ONE = ("items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems",
             "unevaluatedProperties", "contentSchema")  # fmt: skip
ONE = (*SAME_ONE, *INNER_ONE)
SEVERAL = (*SAME_SEVERAL, "prefixItems")
NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
KEYWORDS = frozenset({
    *ONE, *SEVERAL, *NAMED, "$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$comment",
    "$vocabulary", "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum",
    "exclusiveMinimum", "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems",
    "maxContains", "minContains", "maxProperties", "minProperties", "required", "dependentRequired", "format",
    "title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples", "contentEncoding",
    "contentMediaType",
})  # fmt: skip
FORMATS = ("date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4",
           "ipv6", "uri", "uri-reference", "iri", "iri-reference", "uuid", "uri-template", "json-pointer",
           "relative-json-pointer", "regex")  # fmt: skip
OLDER = {
    "nullable": "write `type: [string, 'null']`",
    "example": "write `examples`, a list",
    "dependencies": "write `dependentRequired` or `dependentSchemas`",
    "additionalItems": "write `prefixItems`, and `items` for the rest",
    "id": "write `$id`; for a property of that name, put it under `properties`",
}
LINEAR = "patterns match in linear time, so there is no look-around and no back-reference"


@dataclass(frozen=True, slots=True)
class PayloadSchema:
    """
    A schema, and what judges by it. One value is judged by up to `work` schemas; `circles` counts the
    references that lead back to what they stand in, so that what is to be said of a fault may take that
    number to the power of the payload's depth.
    """

    schema: Json
    validator: Draft202012Validator = field(compare=False, repr=False)
    work: int = 1
    circles: int = 0


def read_schema(
    reader: ScalarReader, node: Node, where: str, *, formats: Collection[str] = ()
) -> PayloadSchema | None:
    """
    The schema at *node*, or None where it is no valid one; each fault is noted with its place.
    *formats* are known there although they check nothing.
    """
    schema: Any = node.plain()
    before = len(reader.faults)
    _check_dialect(reader, node, where)
    try:
        weigh(schema, MAX_WEIGHT)
        if len(reader.faults) == before:
            meta.validate(schema)
    except LimitExceeded as error:
        reader.fault(node.place, where, "schema", str(error))
    except ValidationError as error:
        path = true_path(schema, error.instance_path)
        reader.fault(leaf(node, path).place, at(where, path_text(path)), "schema", sentence(error))
    for path, inner in _schemas(schema):
        _check_words(reader, leaf(node, path), at(where, path_text(path)), inner, formats)
    if any(one.severity == "error" for one in reader.faults[before:]):
        return None
    try:
        validator = compiled(schema)
        return PayloadSchema(schema, validator, *_Burden(schema).total())
    except LimitExceeded as error:
        reader.fault(node.place, where, "schema", str(error), "make it simpler")
    except ValidationError as error:
        _note(reader, node, where, error)
    return None


def compiled(schema: Any) -> Draft202012Validator:
    """
    What judges by *schema*; it fetches nothing.

    Raises:
        ValidationError: it is no valid schema, or refers to something that does not stand in it.
    """
    return Draft202012Validator(
        schema,
        validate_formats=True,
        pattern_options=RegexOptions(size_limit=MAX_PATTERN_BYTES),
        offline=True,
    )


def _schemas(schema: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every schema in *schema* that is a mapping, itself included, with its path. Nodes bound the depth."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for word in ONE:
        yield from _schemas(schema.get(word), (*path, word))
    for word in SEVERAL:
        found = schema.get(word)
        for index, one in enumerate(found if isinstance(found, list) else ()):
            yield from _schemas(one, (*path, word, index))
    for word in NAMED:
        found = schema.get(word)
        for name, one in found.items() if isinstance(found, dict) else ():
            yield from _schemas(one, (*path, word, name))


def _check_dialect(reader: ScalarReader, node: Node, where: str) -> None:
    """A schema of another draft would be read otherwise than it was meant."""
    given = node.value.get("$schema") if isinstance(node.value, dict) else None
    if given is not None and str(given.value).rstrip("#") != DIALECT:
        reader.fault(
            given.place,
            at(where, "$schema"),
            "schema",
            "schemas are read as JSON Schema 2020-12, and this one says something else",
            f"bring it to 2020-12 and write {DIALECT}, or leave `$schema` out",
        )


def _check_words(
    reader: ScalarReader, node: Node, where: str, schema: dict[str, Any], formats: Collection[str]
) -> None:
    """Words that JSON Schema passes over in silence, and that check nothing: likely slips."""
    for word in schema:
        if word in KEYWORDS or word.startswith("x-"):
            continue
        way_out = did_you_mean(word, KEYWORDS)
        if word in OLDER:
            way_out = f"in JSON Schema 2020-12: {OLDER[word]}"
        message = f"`{word}` is no keyword of JSON Schema, and checks nothing"
        hint = way_out or "write x- before it if it is a note"
        reader.fault(node.keys[word], at(where, word), "schema-word", message, hint, severity="warning")
    name = schema.get("format")
    if isinstance(name, str) and name not in (*FORMATS, *formats):
        reader.fault(
            leaf(node, ("format",)).place,
            at(where, "format"),
            "schema-word",
            f'the format "{name}" is not known, and checks nothing',
            did_you_mean(name, FORMATS),
            severity="warning",
        )


def _note(reader: ScalarReader, node: Node, where: str, error: ValidationError) -> None:
    """What only compiling finds: a pattern, or a reference that leads out of the schema."""
    if not isinstance(error.kind.value, ReferencingError):
        path = true_path(node.plain(), error.schema_path)
        hint = LINEAR if error.kind.name == "format" else ""
        reader.fault(leaf(node, path).place, at(where, path_text(path)), "schema", sentence(error), hint)
        return
    refs = [
        (leaf(node, (*path, word)), at(where, path_text((*path, word))))
        for path, one in _schemas(node.plain())
        for word in ("$ref", "$dynamicRef")
        if isinstance(one.get(word), str)
    ]
    named = [one for one in refs if str(one[0].value).removeprefix("#") in error.message]
    found, place = named[0] if named else (node, where)
    reader.fault(
        found.place,
        place,
        "schema",
        "a reference leads to something that does not stand in this schema, and nothing is fetched",
        "put it under `$defs` and write `$ref: '#/$defs/NAME'`",
    )


class _Burden:
    """How much one value may cost, every reference followed: what looks short can be endless."""

    def __init__(self, schema: Json) -> None:
        self.root = schema
        self.known: dict[int, tuple[int, int]] = {}
        self.open: set[int] = set()

    def total(self) -> tuple[int, int]:
        """
        The work and the circles of the schema as a whole.

        Raises:
            LimitExceeded: one value would be judged by more than MAX_WORK schemas.
        """
        work, circles = self.of(self.root)
        if work > MAX_WORK:
            raise LimitExceeded(f"one value would be judged by more than {MAX_WORK:,} schemas")
        return work, circles

    def of(self, schema: Any) -> tuple[int, int]:
        """Schemas by which one value of *schema* is judged, and the circles among them."""
        if not isinstance(schema, dict):
            return 1, 0
        key = id(schema)
        if key in self.open:
            return 1, 1
        if key in self.known:
            return self.known[key]
        if len(self.open) > MAX_DEPTH:
            raise LimitExceeded(f"its references lead through more than {MAX_DEPTH} schemas")
        self.open.add(key)
        same = [schema[word] for word in SAME_ONE if word in schema]
        same += [one for word in SAME_SEVERAL for one in schema.get(word, ())]
        same += [one for one in schema.get("dependentSchemas", {}).values() if isinstance(one, dict)]
        same += [self.target(schema[word]) for word in ("$ref", "$dynamicRef") if word in schema]
        inner = [schema[word] for word in INNER_ONE if word in schema]
        inner += schema.get("prefixItems", ())
        inner += [
            one for word in ("properties", "patternProperties") for one in schema.get(word, {}).values()
        ]
        on_it, inside = [self.of(one) for one in same], [self.of(one) for one in inner]
        work = 1 + sum(work for work, _ in on_it) + max((work for work, _ in inside), default=0)
        circles = sum(circles for _, circles in (*on_it, *inside))
        self.open.discard(key)
        self.known[key] = work, circles
        return self.known[key]

    def target(self, reference: str) -> Any:
        """What a reference inside the schema leads to; one by name counts as a way back."""
        if not reference.startswith("#/"):
            return self.root
        found: Any = self.root
        for part in unquote(reference[2:]).split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict):
                found = found.get(name)
            elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
        return found

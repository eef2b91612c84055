"""
Schemas of an OpenAPI document as JSON Schema 2020-12, as far as a connector's file holds them.

Sources: OpenAPI 3.0.4, "Schema Object" (`nullable`, an exclusive bound that is true or false), OpenAPI
3.1.1, "Schema Object" (JSON Schema 2020-12). What only says how a value looks in another language
(`discriminator`, `xml`) or narrows it in ways that no form shows (`not`, `if`, `dependentRequired`) is
left to the service. Of `oneOf` is made `anyOf`: in practice its forms overlap, and a call that the
service takes must not fail here.
"""

from __future__ import annotations

import html
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from runner.openapi.document import Document, NotConverted
from runner.openapi.names import snake, unique
from runner.values import Json, dumps

MOST_PARTS = 400_000  # schemas of one document, those inside others included
MOST_DEPTH = 60  # schemas in one another, references not followed
MOST_VALUES = 500  # of an enum
LONGEST = 240  # characters of a description
LONGEST_DEFAULT = 200
PREFIX = "#/schemas/"

TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
FLAGS = ("readOnly", "writeOnly", "deprecated", "uniqueItems")
LINEAR = jsonschema_rs.RegexOptions(size_limit=1_000_000)

LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
TAG = re.compile(
    r"</?(a|b|br|code|div|em|h[1-6]|hr|i|img|kbd|li|ol|p|pre|span|strong|sub|sup|table|tbody|td|th|thead|tr|ul)"
    r"(\s[^<>]*)?/?>",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"(?<=[.!?])\s")


class Shaper:
    """
    The schemas of *document*. `schemas` has those that others refer to, by the names that they have in
    the connector's file; references among them are `#/schemas/NAME`.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.schemas: dict[str, Json] = {}
        self._names: dict[str, str] = {}  # by reference
        self._waiting: deque[tuple[str, str]] = deque()
        self._failed: dict[str, str] = {}
        self._parts = 0

    def shape(self, schema: Json) -> Json:
        """
        *schema* as JSON Schema.

        Raises:
            NotConverted: it cannot be, or what it refers to.
        """
        shaped = self._shape(schema, 0)
        self._catch_up()
        for name in self.reached([shaped]):
            if name in self._failed:
                raise NotConverted(self._failed[name])
        return shaped

    def reached(self, schemas: Json) -> set[str]:
        """The names of all that *schemas* refer to, directly or not."""
        found: set[str] = set()
        rest = [schemas]
        while rest:
            for name in references(rest.pop()):
                if name not in found:
                    found.add(name)
                    rest.append(self.schemas.get(name))
        return found

    def _catch_up(self) -> None:
        """Shape what was referred to meanwhile, without recursion: a schema may lead to itself."""
        while self._waiting:
            reference, name = self._waiting.popleft()
            try:
                self.schemas[name] = self._shape(self.document.at(reference), 0)
            except NotConverted as reason:
                self.schemas[name], self._failed[name] = {}, str(reason)

    def _named(self, reference: str) -> str:
        if reference not in self._names:
            parts = [snake(one) for one in reference.split("/")[-3:]]
            short = (
                parts[-1] if reference.startswith("#/components/schemas/") else "_".join(filter(None, parts))
            )
            self._names[reference] = unique(short or "schema", self._names.values())
            self._waiting.append((reference, self._names[reference]))
        return self._names[reference]

    def _shape(self, given: Json, depth: int) -> Json:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise NotConverted(f"the schemas have more than {MOST_PARTS:,} parts")
        if depth > MOST_DEPTH:
            raise NotConverted(f"a schema is nested deeper than {MOST_DEPTH} levels")
        if isinstance(given, bool):
            return {} if given else {"not": {}}
        if not isinstance(given, dict):
            raise NotConverted("a schema is no object")
        if "$dynamicRef" in given or "$recursiveRef" in given:
            raise NotConverted("a schema uses $dynamicRef, which is not read; write $ref")
        if isinstance(given.get("$ref"), str):
            return self._reference(given)
        out: dict[str, Json] = {}
        if kinds := _types(given):
            out["type"] = kinds[0] if len(kinds) == 1 else kinds
        if about := sentence_of(given.get("description")):
            out["description"] = about
        _copy_values(given, out)
        self._inner(given, out, depth + 1)
        return _nullable(given, out)

    def _reference(self, given: dict[str, Json]) -> Json:
        out: dict[str, Json] = {"$ref": f"{PREFIX}{self._named(given['$ref'])}"}
        if about := sentence_of(given.get("description")):
            out["description"] = about
        return {"anyOf": [out, {"type": "null"}]} if given.get("nullable") is True else out

    def _inner(self, given: dict[str, Json], out: dict[str, Json], depth: int) -> None:
        """The schemas inside of one."""
        properties = given.get("properties")
        if isinstance(properties, dict):
            out["properties"] = {str(name): self._shape(one, depth) for name, one in properties.items()}
        required = given.get("required")
        if isinstance(required, list) and required:
            out["required"] = [one for one in required if isinstance(one, str)]
        more = given.get("additionalProperties")
        if isinstance(more, (bool, dict)) and "patternProperties" not in given:
            out["additionalProperties"] = more if isinstance(more, bool) else self._shape(more, depth)
        if isinstance(given.get("items"), (dict, bool)):
            out["items"] = self._shape(given["items"], depth)
        if isinstance(given.get("prefixItems"), list):
            out["prefixItems"] = [self._shape(one, depth) for one in given["prefixItems"]]
        forms = {
            word: [self._shape(one, depth) for one in given[word]]
            for word in ("allOf", "anyOf", "oneOf")
            if isinstance(given.get(word), list) and given[word]
        }
        either = [forms[word] for word in ("anyOf", "oneOf") if word in forms]
        both = forms.get("allOf", [])
        if len(either) == 1:
            out["anyOf"] = either[0]
        elif either:
            both = [*both, *({"anyOf": one} for one in either)]
        if len(both) == 1 and not out.keys() - {"description"}:  # how 3.0 gives a reference a description
            out.update({**both[0], **out})
        elif both:
            out["allOf"] = both


def references(schema: Json) -> set[str]:
    """The names of the shared schemas that *schema* itself refers to."""
    found: set[str] = set()
    rest = [schema]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            if isinstance(one.get("$ref"), str):
                found.add(one["$ref"].removeprefix(PREFIX))
            rest += one.values()
        elif isinstance(one, list):
            rest += one
    return found


def sentence_of(text: Json, longest: int = LONGEST) -> str:
    """The first paragraph of a description as plain text, cut at a sentence or a word."""
    if not isinstance(text, str):
        return ""
    text = html.unescape(TAG.sub("", LINK.sub(r"\1", text[: 40 * longest])))
    first = next((one for one in re.split(r"\n\s*\n", text.strip()) if one.strip()), "")
    plain = " ".join("".join(one if one.isprintable() else " " for one in first).split())
    if len(plain) <= longest:
        return plain
    kept = ""
    for one in SENTENCE.split(plain):
        if len(kept) + len(one) + 1 > longest:
            break
        kept = f"{kept} {one}".strip()
    return kept or f"{plain[:longest].rpartition(' ')[0] or plain[: longest - 1]}…"


def _types(given: Mapping[str, Json]) -> list[str]:
    said = given.get("type")
    kinds = [one for one in (said if isinstance(said, list) else [said]) if one in TYPES]
    if not kinds and isinstance(said, str) and said:
        raise NotConverted(f"a schema is of the type {said!r}, which is none")
    if not kinds and "properties" in given and not any(one in given for one in ("anyOf", "oneOf", "allOf")):
        kinds = ["object"]
    return list(dict.fromkeys(kinds))


def _copy_values(given: Mapping[str, Json], out: dict[str, Json]) -> None:
    """What holds no schema."""
    values = given.get("enum")
    if isinstance(values, list) and 0 < len(values) <= MOST_VALUES:
        out["enum"] = list(values)
    if "const" in given:
        out["const"] = given["const"]
    for word in COUNTS:
        if type(given.get(word)) is int and given[word] >= 0:
            out[word] = given[word]
    for word in NUMBERS:
        if type(given.get(word)) in {int, float}:
            out[word] = given[word]
    for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if given.get(word) is True and bound in out:
            out[word] = out.pop(bound)
    if not out.get("multipleOf", 1) > 0:
        del out["multipleOf"]
    for word in FLAGS:
        if given.get(word) is True:
            out[word] = True
    if isinstance(given.get("format"), str):
        out["format"] = given["format"]
    elif isinstance(given.get("contentMediaType"), str) and "contentEncoding" not in given:
        out |= {"type": "string", "format": "binary"}  # 3.1 says so of raw bytes
    if isinstance(given.get("pattern"), str) and _is_linear(given["pattern"]):
        out["pattern"] = given["pattern"]
    if (
        "default" in given
        and given["default"] is not None
        and len(dumps(given["default"])) <= LONGEST_DEFAULT
    ):
        out["default"] = given["default"]


def _is_linear(pattern: str) -> bool:
    """Whether it can be judged in time that grows with the text alone; the others are the service's."""
    try:
        jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=LINEAR)
    except (ValueError, jsonschema_rs.ValidationError):
        return False
    return True


def _nullable(given: Mapping[str, Json], out: dict[str, Any]) -> Json:
    if given.get("nullable") is not True:
        return out
    if "type" in out:
        kinds = out["type"] if isinstance(out["type"], list) else [out["type"]]
        out["type"] = [*kinds, *(["null"] if "null" not in kinds else [])]
        if "enum" in out and None not in out["enum"]:
            out["enum"] = [*out["enum"], None]
        return out
    if "anyOf" in out:
        out["anyOf"] = [*out["anyOf"], {"type": "null"}]
        return out
    if "$ref" in out or "allOf" in out:
        about = out.pop("description", "")
        either: dict[str, Json] = {"anyOf": [out, {"type": "null"}]}
        return {"description": about, **either} if about else either
    return out

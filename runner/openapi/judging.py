"""An input that is described by a JSON Schema, as pydantic takes it: one way for all connectors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jsonschema_rs
from pydantic_core import core_schema

from runner.language.paths import write_path
from runner.language.schema_sentences import sentence, true_path
from runner.openapi.shaping import LINEAR
from runner.values import Json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
WORDS = {"true": True, "false": False}
MOST = 3  # faults of one input that are told


@dataclass(frozen=True)
class Judged:
    """
    An annotation: `Annotated[Any, Judged(schema)]`. What is written as a text and meant as a number or as
    true or false is taken as that, as hand-written inputs do; then the schema judges. It has no references.
    """

    schema: Mapping[str, Json]

    def __hash__(self) -> int:
        """By identity: a schema has no hash."""
        return id(self)

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Pydantic's own name for what judges."""
        return core_schema.no_info_plain_validator_function(self.judge)

    def __get_pydantic_json_schema__(
        self, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Pydantic's own name for the description."""
        return dict(self.schema)

    def judge(self, value: Json) -> Json:
        """
        *value* as the schema means it.

        Raises:
            ValueError: it is not of the schema; the sentences name the inner places.
        """
        value = meant(value, self.schema)
        try:
            if self._validator.is_valid(value):
                return value
            errors = list(self._validator.iter_errors(value))[:MOST]
        except (UnicodeEncodeError, OverflowError):
            raise ValueError("holds a text or a number that is no JSON") from None
        raise ValueError("; ".join(dict.fromkeys(_told(one, value) for one in errors)))

    @cached_property
    def _validator(self) -> jsonschema_rs.Validator:
        return jsonschema_rs.Draft202012Validator(dict(self.schema), pattern_options=LINEAR)


def _told(error: jsonschema_rs.ValidationError, value: Json) -> str:
    path = [*true_path(value, error.instance_path)]
    if error.kind.name == "required":
        path.append(str(error.kind.as_dict()["property"]))
    said = sentence(error)
    if not path:
        return said
    place = write_path(["", *path]).removeprefix('""').removeprefix(".")
    return f"{place} {said}"


def meant(value: Json, schema: Any) -> Json:
    """*value* with texts as the numbers, or true and false, that *schema* alone allows there."""
    if not isinstance(schema, dict):
        return value
    match value:
        case str():
            return _scalar(value, _types(schema))
        case dict() if "properties" in schema or isinstance(schema.get("additionalProperties"), dict):
            known, more = schema.get("properties", {}), schema.get("additionalProperties")
            return {name: meant(one, known.get(name, more)) for name, one in value.items()}
        case list() if isinstance(schema.get("items"), dict):
            return [meant(one, schema["items"]) for one in value]
    return value


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that *schema* allows; none where it does not say."""
    said = schema.get("type")
    if said is None and isinstance(schema.get("anyOf"), list):
        inner = [_types(one) if isinstance(one, dict) else frozenset() for one in schema["anyOf"]]
        return frozenset().union(*inner) if all(inner) else frozenset()
    return frozenset({said} if isinstance(said, str) else said or ())


def _scalar(text: str, types: frozenset[str]) -> Json:
    if not types or "string" in types:
        return text
    stripped = text.strip()
    if types & {"integer", "number"} and INTEGER.fullmatch(stripped):
        return int(stripped)
    if "number" in types and NUMBER.fullmatch(stripped):
        return float(stripped)
    if "boolean" in types and stripped.lower() in WORDS:
        return WORDS[stripped.lower()]
    return text

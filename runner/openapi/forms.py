"""What a connector's file may say, as JSON Schema."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

from runner.openapi.operations import STYLES
from runner.values import Json

TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
HEADER = {"type": "string", "pattern": r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$"}
ADDRESS = {"type": "string", "pattern": r"^https?://[^/?#@\s]+(/[^?#\s]*)?$"}
WORD = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}


def _of(*required: str, **properties: Json) -> dict[str, Json]:
    return {
        "type": "object", "properties": properties, "required": list(required), "additionalProperties": False,
    }  # fmt: skip


def _if(types: tuple[str, ...], needed: tuple[str, ...], more: dict[str, Json]) -> dict[str, Json]:
    then = _of(*needed, type=TEXT, about=TEXT, **{"as": WORD}, **more)
    return {"if": {"properties": {"type": {"enum": list(types)}}}, "then": then}


USE: dict[str, Json] = {"type": "object", "required": ["type"], "properties": {"type": {"enum": [
    "basic", "bearer", "header", "query", "cookie", "oauth2",
]}}, "allOf": [
    _if(("basic", "bearer"), (), {}),
    _if(("header", "cookie"), ("name",), {"name": HEADER}),
    _if(("query",), ("name",), {"name": {"type": "string", "minLength": 1}}),
    _if(("oauth2",), ("token_url", "grants"), {
        "token_url": ADDRESS, "authorize_url": ADDRESS, "scopes": {"type": "array", "items": TEXT},
        "grants": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {
            "enum": ["authorization_code", "client_credentials"],
        }},
    }),
]}  # fmt: skip
INPUT = _of(
    "in", "schema",
    **{"in": {"enum": [*STYLES, "body"]}},
    schema={"type": "object"}, name=TEXT, required=FLAG, explode=FLAG, always={}, content_type=TEXT,
    style={"enum": sorted({*STYLES["query"], "json", "simple"})},
)  # fmt: skip
FORMS: dict[str, Json] = {
    "head": _of(
        "title",
        title=TEXT, summary=TEXT, url=ADDRESS,
        made_from=_of(title=TEXT, version=TEXT, address=TEXT),
        variables={"type": "object", "additionalProperties": _of(
            "default", default=TEXT, description=TEXT, enum={"type": "array", "minItems": 1, "items": TEXT},
        )},
        connections={"type": "object", "additionalProperties": _of(
            "uses", about=TEXT, uses={"type": "array", "minItems": 1, "items": USE},
        ), "propertyNames": WORD},
    ),
    "action": _of(
        "request",
        summary=TEXT, about=TEXT, deprecated=FLAG, why=TEXT, url=ADDRESS, connection_required=FLAG,
        request={"type": "string", "pattern": r"^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S*$"},
        connections={"type": "array", "items": TEXT},
        idempotency_header=HEADER, after_crash={"enum": ["repeat", "stop"]},
        inputs={"type": "object", "additionalProperties": INPUT},
        body=_of(
            "media", media=TEXT, required=FLAG, whole=FLAG, needs={"type": "array", "items": TEXT},
            media_types={"type": "array", "items": TEXT},
        ),
        output={"type": "object"},
    ),
}  # fmt: skip


@cache
def checker_of(form: str) -> jsonschema_rs.Validator:
    """What judges the head of a file ("head") or the entry of an action ("action")."""
    return jsonschema_rs.Draft202012Validator(FORMS[form])


@cache
def schema_checker() -> jsonschema_rs.Validator:
    """What judges whether a value is a JSON Schema."""
    return jsonschema_rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"})


def known_words(form: str, path: tuple[Any, ...]) -> list[str]:
    """The words that may stand where *path* leads in a file's form."""
    here: Any = FORMS[form]
    for part in path:
        inner = here.get("properties", {}).get(part)
        here = inner if inner is not None else here.get("additionalProperties", here.get("items", {}))
        here = here if isinstance(here, dict) else {}
    return list(here.get("properties", {}))

"""An answer that nobody gave, of the form that an action declares, so that later steps have something."""

from __future__ import annotations

from collections.abc import Mapping

from runner.values import Json

MOST_DEPTH = 8
FORMATS = {
    "date-time": "2026-01-01T09:00:00Z",
    "date": "2026-01-01",
    "time": "09:00:00",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def invented(schema: Mapping[str, Json]) -> Json:
    """
    A value of *schema* (JSON Schema 2020-12 as pydantic writes it): what it gives as an example, a constant
    or a default, else the simplest of its kind; a text is its field's name in brackets.
    """
    return _value(schema, schema.get("$defs", {}), "", 0)


def _value(schema: Json, definitions: Mapping[str, Json], name: str, depth: int) -> Json:
    if not isinstance(schema, dict) or depth > MOST_DEPTH:
        return None
    if (reference := schema.get("$ref")) is not None:
        return _value(definitions.get(str(reference).rpartition("/")[2]), definitions, name, depth + 1)
    if "const" in schema:
        return schema["const"]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if schema.get("default") is not None:
        return schema["default"]
    for key in ("anyOf", "oneOf", "allOf"):
        if options := schema.get(key):
            chosen = next((one for one in options if one.get("type") != "null"), options[0])
            return _value(chosen, definitions, name, depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    match kind:
        case "object":
            fields = schema.get("properties", {})
            return {key: _value(one, definitions, key, depth + 1) for key, one in fields.items()}
        case "array":
            return [_value(schema["items"], definitions, name, depth + 1)] if "items" in schema else []
        case "string":
            return FORMATS.get(str(schema.get("format")), f"({name or 'text'})")
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return None

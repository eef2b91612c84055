"""As much of JSON Schema (draft 2020-12) as the API's description uses; anything else is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.values import Json

KNOWN = frozenset(
    {"$ref", "type", "enum", "anyOf", "properties", "required", "additionalProperties", "items",
     "description", "format"}
)  # fmt: skip
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
    "boolean": (bool,),
    "null": (type(None),),
}


def differences(value: Json, schema: Json, document: Json, where: str = "$") -> list[str]:
    """Where *value* is not what *schema* (a part of the OpenAPI *document*) says."""
    return list(_differences(value, schema, document, where))


def _differences(value: Json, schema: Json, document: Json, where: str) -> Iterator[str]:
    assert schema.keys() <= KNOWN, f"{where}: {schema.keys() - KNOWN} is not known to this check"
    if "$ref" in schema:
        found = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        yield from _differences(value, found, document, where)
    if "anyOf" in schema and all(differences(value, one, document, where) for one in schema["anyOf"]):
        yield f"{where}: {value!r} fits none of its schemas"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not in {schema['enum']}"
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        kinds = tuple(kind for name in names for kind in TYPES[name])
        if not isinstance(value, kinds) or (isinstance(value, bool) and "boolean" not in names):
            yield f"{where}: {value!r} is not {names}"
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        yield from (f"{where}: {name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, one in value.items():
            if name in properties:
                yield from _differences(one, properties[name], document, f"{where}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{where}: {name} is not described"
    if isinstance(value, list) and "items" in schema:
        for index, one in enumerate(value):
            yield from _differences(one, schema["items"], document, f"{where}[{index}]")

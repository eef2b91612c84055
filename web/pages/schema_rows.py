"""The fields of a JSON Schema as rows of a table: their names, what they take, what they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runner.values import Json
from web.display import inline

MOST_DEPTH = 3  # of objects in objects that are told field by field
WORDS = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
    "object": "mapping", "array": "list", "null": "null",
}  # fmt: skip
FORMATS = {"date-time": "date and time", "date": "date", "email": "email address", "uri": "address",
           "address": "address", "file": "file", "html": "HTML", "binary": "file"}  # fmt: skip


def schema_rows(schema: Json) -> list[dict[str, Json]]:
    """
    The properties of an object's *schema*, those that must be given first: `name` (of one inside another
    `outer.name`, in a list `outer[].name`), `takes`, `needed`, `default`, `about`, `example`.
    """
    return list(_rows(schema, schema, "", 0))


def _rows(schema: Json, root: Json, before: str, depth: int) -> Iterator[dict[str, Json]]:
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    needed = set(schema.get("required", ())) if isinstance(schema, dict) else set()
    order = sorted(properties, key=lambda one: one not in needed)
    for name in order:
        one = _followed(properties[name], root)
        examples = properties[name].get("examples") or one.get("examples") or []
        default = properties[name].get("default", one.get("default"))
        yield {
            "name": before + name,
            "takes": _words(properties[name], root),
            "needed": name in needed and "default" not in properties[name],
            "default": None if default in (None, "", [], {}) else inline(default),
            "about": str(properties[name].get("description") or one.get("description") or ""),
            "example": inline(examples[0]) if examples else "",
        }
        if depth < MOST_DEPTH:
            inner, mark = _inside(properties[name], root)
            if inner is not None:
                yield from _rows(inner, root, f"{before}{name}{mark}.", depth + 1)


def _followed(schema: Json, root: Json) -> dict[str, Any]:
    """What a reference leads to; of a schema that may also be null, the rest of it."""
    seen = 0
    while isinstance(schema, dict) and seen < MOST_DEPTH:
        seen += 1
        if isinstance(schema.get("$ref"), str):
            name = schema["$ref"].rpartition("/")[2]
            schema = root.get("$defs", {}).get(name, {})
        elif options := _options(schema):
            if len(options) != 1:
                break
            schema = options[0]
        else:
            break
    return schema if isinstance(schema, dict) else {}


def _options(schema: dict[str, Any]) -> list[Json]:
    """The choices of `anyOf`, without null."""
    given = schema.get("anyOf") or schema.get("oneOf") or ()
    return [one for one in given if not (isinstance(one, dict) and one.get("type") == "null")]


def _inside(schema: Json, root: Json) -> tuple[Json | None, str]:
    """The schema of the object in a field, and how its fields are reached: `` or `[]`."""
    one = _followed(schema, root)
    options = [_followed(each, root) for each in _options(one)] or [one]
    for each in options:
        if each.get("properties"):
            return each, ""
        items = each.get("items")
        if isinstance(items, dict) and (found := _followed(items, root)).get("properties"):
            return found, "[]"
    return None, ""


def _words(schema: Json, root: Json) -> str:
    one = _followed(schema, root)
    if options := _options(one):
        return " or ".join(dict.fromkeys([_words(each, root) for each in options]))
    if "enum" in one:
        return ", ".join(inline(each) for each in one["enum"])
    if "const" in one:
        return inline(one["const"])
    kind = one.get("type")
    if kind == "array":
        inner = _words(one["items"], root) if isinstance(one.get("items"), dict) else ""
        plural = {"text": "texts", "mapping": "mappings", "file": "files", "whole number": "whole numbers"}
        return f"list of {plural.get(inner) or inner}" if inner and inner != "anything" else "list"
    if isinstance(kind, list):
        return " or ".join(WORDS.get(str(each), str(each)) for each in kind if each != "null")
    if one.get("format") in FORMATS and kind in ("string", None):
        return FORMATS[str(one["format"])]
    return WORDS.get(str(kind), "anything")

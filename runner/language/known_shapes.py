"""
What is known of values before anything runs: lists among them, whose fields are taken item by item.
Known are a payload by the trigger's JSON Schema, the file's `vars`, what loops give, and what a
`transform` says to be a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.language.expressions import ExpressionFault, compile_expression
from runner.language.reads import written
from runner.language.visibility import leaf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.language.nodes import Node
    from runner.language.reading import Reader
    from runner.language.reads import Parts
    from runner.language.visibility import Declared, Use
    from runner.values import Json

MAX_DEPTH = 12
LISTS = frozenset({
    "projection", "filter_projection", "value_projection", "flatten", "multi_select_list", "slice",
})  # fmt: skip
EVENT: Json = {
    "type": "object",
    "properties": {"rest": {"type": "array"}, "headers": {"type": "object"}, "query": {"type": "object"}},
}


def check_lists(
    reader: Reader, declared: Mapping[str, Declared], constants: Mapping[str, Json], payload: Json
) -> None:
    """Warn of each field that is taken of a list. *payload* is its JSON Schema, or null."""
    transforms = {one.where: one for one in reader.uses if one.where.endswith(".transform")}
    steps = {name: _of_step(transforms, one) for name, one in declared.items()}
    known: Mapping[str, Json] = {
        "payload": payload,
        "event": EVENT,
        "vars": schema_of(dict(constants)),
        "steps": {"type": "object", "properties": {name: one for name, one in steps.items() if one}},
    }
    for use in reader.uses:
        said: set[tuple[object, ...]] = set()
        for read in use.reads:
            at = list_in(known.get(str(read.parts[0].name)), read.parts)
            if at is None:
                continue
            name = read.parts[at].name
            key = (read.path, read.parts[at].offset, name)
            if key not in said:
                said.add(key)
                node = leaf(use.node, read.path)
                list_fault(reader, node, use.where, read.parts, at, is_template=use.site != "expression")


def list_fault(
    reader: Reader, node: Node, where: str, parts: Parts, at: int, *, is_template: bool, seen: str = ""
) -> None:
    """That the part *at* of *parts* is taken of a list; *seen* says how that is known."""
    before, name = written(parts[:at]), parts[at].name
    if is_template:
        hint = f"write `{before} | map(attribute='{name}')`, or `{before}[0].{name}` for the first"
    else:
        hint = f"write `{before}[].{name}`, or `{before}[0].{name}` for the first"
    place = node.place_at(parts[at].offset) if parts[at].offset >= 0 else node.place
    message = f"`{before}` {seen or 'is a list'}, which has no field `{name}`"
    reader.fault(place, where, "list-field", message, hint, severity="warning")


def list_in(schema: Json, parts: Parts) -> int | None:
    """The index of the first part that is a name behind a list, as *schema* knows the root's value."""
    for index, part in enumerate(parts[1:], start=1):
        if not isinstance(schema, dict) or "$ref" in schema:
            return None
        is_list = schema.get("type") == "array"
        if part.name is None:
            schema = schema.get("items") if is_list else None
            if part.is_flat and isinstance(schema, dict) and schema.get("type") == "array":
                schema = schema.get("items")
        elif is_list:
            return index
        else:
            properties = schema.get("properties")
            schema = properties.get(part.name) if isinstance(properties, dict) else None
    return None


def schema_of(value: Json, depth: int = 0) -> Json:
    """A schema of a constant as far as lists and objects go; of a list its first item tells."""
    if depth > MAX_DEPTH:
        return {}
    if isinstance(value, dict):
        properties = {key: schema_of(one, depth + 1) for key, one in value.items()}
        return {"type": "object", "properties": properties}
    if isinstance(value, list):
        return {"type": "array", "items": schema_of(value[0], depth + 1) if value else {}}
    return {}


def _of_step(transforms: Mapping[str, Use], there: Declared) -> Json:
    """What the output of a step is known to be, or null."""
    if there.kind in ("for_each", "repeat"):
        return {"type": "array"}
    if there.kind != "transform":
        return None
    use = transforms.get(f"{there.where}.transform")
    return _of_shape(use.node.plain()) if use is not None else None


def _of_shape(shape: Json, depth: int = 0) -> Json:
    if depth > MAX_DEPTH:
        return {}
    if isinstance(shape, dict):
        properties = {key: _of_shape(one, depth + 1) for key, one in shape.items()}
        return {"type": "object", "properties": properties}
    if isinstance(shape, list):
        return {"type": "array", "items": {}}
    if not isinstance(shape, str):
        return {}
    try:
        tree: Any = compile_expression(shape).tree
    except ExpressionFault:
        return {}
    return {"type": "array", "items": {}} if tree["type"] in LISTS else {}

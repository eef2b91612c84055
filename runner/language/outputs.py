"""
What the actions of a file give, by the schemas of their outputs: a field that an action never gives is a
slip, and would be null in every run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from runner.language.fixes import within
from runner.language.reads import written
from runner.language.suggest import nearest, one_of, surely
from runner.language.visibility import leaf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.language.reads import Parts
    from runner.language.steps import StepReader
    from runner.language.visibility import Declared
    from runner.values import Json

MOST_HOPS = 20  # references that lead to references
CALLED = frozenset({"get", "items", "keys", "values"})  # of a template: said of a method elsewhere


class Gives(NamedTuple):
    """An action, and the JSON Schema of what it gives."""

    action: str
    schema: Mapping[str, Json]


def check_outputs(reader: StepReader, declared: Mapping[str, Declared]) -> None:
    """Warn of each `steps.<id>.<field>` where the action of that step gives no such field."""
    given = {name: reader.outputs[one.where] for name, one in declared.items() if one.where in reader.outputs}
    for use in reader.uses:
        said: set[tuple[object, ...]] = set()
        for read in use.reads:
            if len(read.parts) < 3 or read.parts[0].name != "steps" or read.is_guarded:
                continue
            gives = given.get(str(read.parts[1].name))
            found = None if gives is None else _missing(gives.schema, read.parts)
            if gives is None or found is None:
                continue
            at, known = found
            part = read.parts[at]
            name = str(part.name)
            key = (read.path, part.offset, name)
            if key in said or (use.site != "expression" and name in CALLED):
                continue
            said.add(key)
            node = leaf(use.node, read.path)
            sure = surely(name, known)
            inside = written(read.parts[2:at])
            where = f"`{inside}` of what {gives.action} gives has" if inside else f"{gives.action} gives"
            hint = f"did you mean `{close}`?" if (close := nearest(name, known)) else one_of(known)
            fix = within(node, part.offset, part.offset + len(name), sure) if part.offset >= 0 else None
            place = node.place_at(part.offset) if part.offset >= 0 else node.place
            message = f"{where} no field `{name}`"
            reader.fault(place, use.where, "unknown-field", message, hint, severity="warning", fix=fix)


def _missing(schema: Mapping[str, Json], parts: Parts) -> tuple[int, list[str]] | None:
    """The index of the first part that no object there has, and the fields there; None: it may be there."""
    here = list(_forms(schema, schema))
    for at, part in enumerate(parts[2:], start=2):
        if part.name is None:
            inner = [one.get("items", {}) for one in here if one.get("type") == "array"]
        else:
            if not here or any(_is_open(one) for one in here):
                return None
            objects = [one["properties"] for one in here if "properties" in one]
            inner = [one[part.name] for one in objects if part.name in one]
            if objects and not inner:
                return at, sorted({name for one in objects for name in one})
        here = [form for one in inner for form in _forms(one, schema)]
        if not inner:
            return None
    return None


def _forms(schema: Any, root: Mapping[str, Json], hops: int = 0) -> Iterator[dict[str, Any]]:
    """The forms that a value of *schema* may have, references followed; null is none."""
    if not isinstance(schema, dict) or hops > MOST_HOPS or "allOf" in schema:
        yield {}  # anything
        return
    reference = schema.get("$ref")
    if isinstance(reference, str):
        found: Any = root
        for name in reference.removeprefix("#/").split("/"):
            found = found.get(name, {}) if isinstance(found, dict) else {}
        yield from _forms(found, root, hops + 1)
        return
    either = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(either, list) and "properties" not in schema:
        for one in either:
            yield from _forms(one, root, hops + 1)
    elif schema.get("type") != "null":
        yield schema


def _is_open(schema: Mapping[str, Json]) -> bool:
    """Whether a field that is not named may be there, or it is no object at all, whose fields are null."""
    if "properties" not in schema:
        return schema.get("type") not in {"string", "integer", "number", "boolean"}
    return not schema["properties"] or schema.get("additionalProperties", False) is not False

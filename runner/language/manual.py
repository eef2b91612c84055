"""The triggers `manual` and `hookline`: from the values of their keys to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.language.manual_keys import OWN_KINDS
from runner.language.payload_schema import KEYWORDS, read_schema
from runner.language.scalars import at
from runner.language.suggest import did_you_mean, one_of
from runner.language.workflow import Manual, OwnEvents

if TYPE_CHECKING:
    from runner.language.kinds import Kind
    from runner.language.nodes import Node
    from runner.language.payload_schema import PayloadSchema
    from runner.language.scalars import ScalarReader

MANUAL = "trigger.manual"
FORM_FORMATS = ("textarea", "file")  # how an input is asked for; they check nothing
AS_PROPERTIES = "write `inputs: {type: object, properties: {…}}`, with the fields under `properties`"


def read_manual(reader: ScalarReader, triggers: dict[str, Any]) -> Manual | None:
    """The `manual` trigger among the values of a file's *triggers*; None where there is none."""
    if "manual" not in triggers:
        return None
    _, _, given = triggers["manual"]
    inputs = _inputs(reader, given["inputs"], at(MANUAL, "inputs")) if "inputs" in given else None
    return Manual(inputs=inputs, is_public=given.get("public", False))


def read_own_events(triggers: dict[str, Any]) -> OwnEvents | None:
    """The `hookline` trigger among the values of a file's *triggers*; None where there is none."""
    if "hookline" not in triggers:
        return None
    return OwnEvents(triggers["hookline"][2].get("on", ()))


def read_own_kinds(reader: ScalarReader, node: Node, where: str, _kind: Kind) -> tuple[str, ...]:
    """The names of the server's own events in a list; each that is none of them is a fault."""
    found = []
    for index, one in enumerate(reader.items(node, where)):
        place = f"{where}[{index}]"
        if not reader.is_text(one, place):
            continue
        name = str(one.value)
        if name not in OWN_KINDS:
            hint = did_you_mean(name, OWN_KINDS) or one_of(OWN_KINDS)
            reader.fault(one.place, place, "unknown-kind", f'the server has no event "{name}"', hint)
        elif name in found:
            reader.fault(one.place, place, "value", f'"{name}" is given twice', "keep one of them")
        else:
            found.append(name)
    return tuple(found)


def _inputs(reader: ScalarReader, node: Node, where: str) -> PayloadSchema | None:
    """The schema of an object: a run's inputs have names."""
    if isinstance(node.value, dict):
        if node.value and KEYWORDS.isdisjoint(node.value):
            message = f"`{next(iter(node.value))}` looks like a field: this is a JSON Schema"
            reader.fault(node.place, where, "inputs", message, AS_PROPERTIES)
            return None
        kind = node.value.get("type")
        if kind is not None and kind.plain() != "object":
            reader.fault(kind.place, at(where, "type"), "inputs", "inputs are an object", AS_PROPERTIES)
            return None
    return read_schema(reader, node, where, formats=FORM_FORMATS)

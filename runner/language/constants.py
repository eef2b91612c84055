"""
Inputs that a service executes, such as SQL: a sender must not write a part of them (injection). What comes
with the data goes into the action's parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.language.hosts import OURS
from runner.language.visibility import place_in

if TYPE_CHECKING:
    from runner.language.catalogue import ActionInfo
    from runner.language.nodes import Node
    from runner.language.reading import Reader
    from runner.language.templates import TemplateShape


def check_constants(
    reader: Reader,
    node: Node,
    info: ActionInfo,
    shape: TemplateShape | None,
    where: str,
    *,
    own_items: frozenset[str] = frozenset(),
) -> None:
    """
    Judge the constants among the inputs of the action's step *node*: one that is made of anything but `vars`
    and secrets is a fault. *own_items* are the names of loops' items that stand in `vars`.
    """
    assert isinstance(node.value, dict)
    inputs = node.value.get("with")
    if shape is None or inputs is None or reader.view.only is not None:
        return
    foreign = [one for one in shape.references if one.kind == "root" and one.name not in OURS | own_items]
    for name in sorted(info.constants):
        # all inputs may also come of one expression: its path is empty
        found = next((one for one in foreign if one.path in {(), (name,)}), None)
        if found is None:
            continue
        given = inputs.value[name] if found.path and isinstance(inputs.value, dict) else inputs
        reader.fault(
            place_in(given, found.line, found.column),
            f"{where}.with.{name}",
            "sql-from-data",
            f"`{found.name}` becomes a part of `{name}`: whoever sends it decides what is executed",
            "use params: write the text out with a place for each value, and the values into `params`"
            if "params" in info.inputs
            else "write it out, or take it from `vars`",
        )

"""
The `poll` trigger: from the values of its keys to the model, and what is wrong among them.

`items` and `id` have a current value, as what stands behind a `|` has: a bare name is a field of it
(null where it is missing), and `$.vars` leads to the workflow's constants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runner.language.expressions import Expression, ExpressionFault, compile_expression
from runner.language.nodes import Node
from runner.language.scalars import at
from runner.language.scope import Scope
from runner.language.visibility import Use, View
from runner.language.workflow import Action, Poll

if TYPE_CHECKING:
    from runner.language.steps import StepReader
    from runner.values import Json

SHORTEST_SECONDS = 10.0
LONGEST_SECONDS = 366 * 86400.0
WHERE = "trigger.poll"
CURRENT = "item"  # what the current value is called in the scope
BEFORE_EVENT = View(only=frozenset({"vars"}))
TRAPS = {  # names of the language that somebody might look for there
    "items": frozenset({"payload", "steps", "event", "outcomes"}),
    "id": frozenset({"payload", "steps", "event", "outcomes", "item"}),
}


@dataclass(frozen=True, slots=True)
class Current:
    """An expression over a current value; `source` is what stands in the file."""

    source: str
    expression: Expression

    def evaluate(self, value: Json, names: dict[str, Json], now: float, zone: str) -> Json:
        """
        Give the expression's value over *value*; *names* is what `$` leads to beside.

        Raises:
            ExpressionError: values that do not fit.
            LimitExceeded: too much work or too heavy values.
        """
        return self.expression.evaluate(Scope({**names, CURRENT: value}, now, "", zone))


def over_current(expression: Expression) -> Current:
    """*expression*, compiled by itself, over a current value in place of the root."""
    return Current(expression.source, compile_expression(f"{CURRENT} | {expression.source}"))


def read_poll(reader: StepReader, values: dict[str, Any]) -> Poll | None:
    """The poll among the *values* of a workflow's keys; None where there is none, or a bad one."""
    triggers = values["trigger"][2] if "trigger" in values else {}
    if "poll" not in triggers:
        return None
    _, node, given = triggers["poll"]
    items = _current(reader, node, given, "items")
    identity = _current(reader, node, given, "id")
    every = given.get("every")
    if every is not None and not SHORTEST_SECONDS <= every <= LONGEST_SECONDS:
        message = "a service is asked every 10 seconds at most, and once a year at least"
        reader.fault(node.keys["every"], at(WHERE, "every"), "duration", message, "write 10s or more")
    call = _call(reader, node, given)
    if call is None or every is None or identity is None:
        return None
    return Poll(call, every, items, identity, runs_first=given.get("first") == "run")


def _call(reader: StepReader, node: Node, given: dict[str, Any]) -> Action | None:
    """The action as a step has it; of names its inputs see `vars` and `secrets`."""
    view, reader.view = reader.view, BEFORE_EVENT
    try:
        call = reader.action(node, given, WHERE)
    finally:
        reader.view = view
    return call


def _current(reader: StepReader, node: Node, given: dict[str, Any], key: str) -> Current | None:
    """The expression under *key*; what was noted of it as one over the root is noted anew."""
    where = at(WHERE, key)
    reader.uses[:] = [one for one in reader.uses if one.where != where]
    if key not in given:
        return None
    expression: Expression = given[key]
    assert isinstance(node.value, dict)
    written = node.value[key]
    try:
        current = over_current(expression)
    except ExpressionFault as fault:  # too long, by the few characters before it
        reader.fault(written.place, where, "expression", fault.message, fault.hint)
        return None
    skipped = len(current.expression.source) - len(expression.source)
    references = tuple(
        replace(one, column=one.column - skipped)
        for one in current.expression.references
        if one.column > skipped
    )
    for one in expression.references:
        if one.kind == "root" and one.name in TRAPS[key] and one not in references:
            what = "the action's result" if key == "items" else "the item"
            reader.fault(
                written.place_at(one.column - 1),
                where,
                "current-value",
                f"`{one.name}` is a field here: {what} is the current value",
                "write the path inside of it alone: `id`, `body.tickets`",
                severity="warning",
            )
            break
    reader.uses.append(Use(written, where, "expression", BEFORE_EVENT, references))
    return current

"""One expression or template over the names that a step sees: its value, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.errors import ExpressionError, LimitExceeded
from runner.language.expression_parser import ExpressionFault
from runner.language.expressions import compile_expression, is_truthy
from runner.language.secrets import MASK, SecretSlots
from runner.language.shapes import ShapeFault
from runner.language.suggest import nearest, surely
from runner.language.templates import TemplateShape, compile_template
from runner.values import Json, dumps
from runner.workbench.cutting import cut

if TYPE_CHECKING:
    from runner.language.expressions import Expression
    from runner.language.reads import Part, Read
    from runner.language.scope import Scope
    from runner.language.traps import Mend

What: TypeAlias = Literal["expression", "template", "condition"]
LONGEST_SHOWN = 400  # characters of the line under a field
MOST_NAMES = 500  # among which a nearest one is sought
TYPES = {str: "text", bool: "true or false", int: "number", float: "number", list: "list", dict: "object"}


def evaluated(what: What, text: str, scope: Scope) -> dict[str, Json]:
    """
    `{value, type, shown, used: [{path, value}], is_cut}`, with a `fault` that is a warning where a name
    is not in the event; or `{fault: {code, severity, message, hint, line, column, fix}}`. `fix` is `{from,
    to, text}`, characters of *text*, or null. A condition's value is true or false.
    """
    try:
        compiled = compile_template(text) if what == "template" else compile_expression(text)
    except ExpressionFault as fault:
        return {
            "fault": _fault(fault.code, fault.message, fault.hint, column=fault.column, fix=_mend(fault.mend))
        }
    except ShapeFault as shape:
        one = shape.faults[0]
        return {"fault": _fault(one.code, one.message, one.hint, one.line, one.column, _mend(one.mend))}
    absent = _absent(compiled.reads, scope.names, is_expression=what != "template")
    try:
        value = _value(compiled, scope)
    except LimitExceeded as error:
        return {"fault": beyond_limit(str(error))}
    except ExpressionError as error:
        message, _, hint = str(error).partition("; ")
        return {"fault": absent or _fault("expression", message, hint, fix=_fix_of(text, message, hint))}
    if what == "condition":
        value = is_truthy(value)
    kept, is_cut = cut(value)
    used = [] if isinstance(compiled, TemplateShape) else used_by(compiled, scope)
    found = {"value": kept, "type": type_of(value), "shown": shown(value), "used": used, "is_cut": is_cut}
    return {**found, "fault": absent} if absent else found


def beyond_limit(message: str) -> dict[str, Json]:
    """The fault of what takes too much time or memory."""
    return _fault("limit", message, "")


def type_of(value: Json) -> str:
    """What a person calls its kind."""
    return "nothing" if value is None else TYPES.get(type(value), "data")


def shown(value: Json) -> str:
    """*value* on one line."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else dumps(value)
    text = " ".join("".join(one if one.isprintable() else " " for one in text[: LONGEST_SHOWN * 4]).split())
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def used_by(expression: Expression, scope: Scope) -> list[Json]:
    """What a condition saw: `[{path, value}]`."""
    return [{"path": path, "value": cut(value)[0]} for path, value in expression.seen(scope).items()]


def _value(compiled: Expression | TemplateShape, scope: Scope) -> Json:
    if not isinstance(compiled, TemplateShape):
        return compiled.evaluate(scope)
    names = compiled.secret_names
    if not names:
        return compiled.render(scope)
    slots = SecretSlots(dict.fromkeys(names, MASK))
    return slots.filled(compiled.render(replace(scope, secrets=slots)))


def _absent(
    reads: Sequence[Read], names: Mapping[str, Json], *, is_expression: bool
) -> dict[str, Json] | None:
    """The first name that this event has not, where nothing says what then stands instead."""
    for read in reads:
        # a name of the root that does not exist is an error of its own, which says more
        if read.is_guarded or len(read.parts) < 2 or read.parts[0].name not in names:
            continue
        found = _missing(read.parts, names)
        if found is None:
            continue
        part, there = found
        name = str(part.name)
        close = nearest(name, there)
        instead = "`|| 'text'`" if is_expression else "`| default('text')`"
        hint = (
            f"The nearest is `{close}`."
            if close
            else f"Where it may be missing, say what stands then: {instead}."
        )
        sure = surely(name, there) or close
        is_placed = sure is not None and part.offset >= 0
        fix = {"from": part.offset, "to": part.offset + len(name), "text": sure} if is_placed else None
        is_step = read.parts[0].name in ("steps", "outcomes") and part is read.parts[1]
        message = (
            f"There is no step `{name}` before this one."
            if is_step
            else f"There is no `{name}` in this event."
        )
        return {
            **_fault("absent-path", message, hint, column=max(part.offset, 0) + 1, fix=fix),
            "severity": "warning",
        }
    return None


def _missing(parts: Sequence[Part], names: Mapping[str, Json]) -> tuple[Part, list[str]] | None:
    """The part of a path at which nothing is, and the names that are there; None: nothing can be said."""
    value: Json = names
    for part in parts:
        if part.name is None:
            if not isinstance(value, list) or not value:
                return None
            value = value[0]
            continue
        if not isinstance(value, Mapping):
            return None
        if part.name not in value:
            return part, [str(one) for one in list(value)[:MOST_NAMES]]
        value = value[part.name]
    return None


def _fault(
    code: str, message: str, hint: str, line: int = 1, column: int = 1, fix: dict[str, Json] | None = None
) -> dict[str, Json]:
    return {
        "code": code, "severity": "error", "message": _sentence(message), "hint": _sentence(hint),
        "line": line, "column": column, "fix": fix,
    }  # fmt: skip


def _sentence(text: str) -> str:
    """As a sentence of its own."""
    text = text.strip()
    if not text:
        return ""
    head = text[0].upper() + text[1:]
    return head if head.endswith((".", "?", "…")) else f"{head}."


def _mend(mend: Mend | None) -> dict[str, Json] | None:
    return None if mend is None else {"from": mend.start, "to": mend.end, "text": mend.text}


def _fix_of(text: str, message: str, hint: str) -> dict[str, Json] | None:
    """Of "there is no `orders` here; did you mean `order`?" the mend, where the name stands there once."""
    wrong, better = message.split("`")[1:2], hint.split("`")[1:2]
    if not (wrong and better and hint.startswith("did you mean")) or text.count(wrong[0]) != 1:
        return None
    at = text.index(wrong[0])
    return {"from": at, "to": at + len(wrong[0]), "text": better[0]}

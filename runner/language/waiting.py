"""From nodes to the steps that wait (`wait`, `wait_for`) and to `repeat`."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, Any

from runner.language.functions_dates import moment
from runner.language.keys import BLOCKS
from runner.language.kinds import METHODS
from runner.language.nodes import Node
from runner.language.scalars import at
from runner.language.visibility import Level
from runner.language.workflow import MOST_ROUNDS, Approval, Repeat, Wait, WaitFor

if TYPE_CHECKING:
    from runner.language.steps import StepReader

LONGEST_WAIT_SECONDS = 366 * 86400.0  # a year: what is longer is a slip, or a schedule's
MOST_ROUNDS_ALLOWED = 1000  # of one `repeat` (language.md, "Limits")
MOST_CHOICES = 20
LONGEST_CHOICE = 100  # characters: it stands on a button
ACTING = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})  # HEAD and OPTIONS never act
MARKS = ("{{", "{%", "{#")


def read_repeat(reader: StepReader, node: Node, steps: Node | None, where: str) -> Repeat | None:
    """The step with `repeat` (*node*) and *steps* beside it; None where its condition cannot be read."""
    level = Level({})
    outer = reader.view
    inside = outer.named({"previous", "index"})
    found = reader.loop(steps, at(where, "steps"), inside, level=level) if steps is not None else ()
    reader.view = inside.inside(level)  # what the round's steps have let out by its end
    values = reader.block(node, BLOCKS["repeat"], at(where, "repeat"))
    reader.view = outer
    at_most = values.get("at_most", MOST_ROUNDS)
    if at_most > MOST_ROUNDS_ALLOWED:
        assert isinstance(node.value, dict)
        reader.fault(
            node.value["at_most"].place,
            at(where, "repeat.at_most"),
            "limit",
            f"at most {MOST_ROUNDS_ALLOWED:,} rounds are allowed",
            "for more, run steps on a schedule",
        )
    if "every" in values:
        _bound(reader, node, "every", values["every"], at(where, "repeat.every"))
    if "until" not in values:
        return None
    return Repeat(values["until"], found, at_most, values.get("every"))


def read_wait(reader: StepReader, step: Node, value: Any, where: str) -> Wait | None:
    """The step *step* with `wait`: *value* is the seconds, or the block with `until`."""
    if isinstance(value, float):
        _bound(reader, step, "wait", value, where)
        return Wait(value)
    _, node, given = value
    if "until" not in given:
        return None
    text = node.value["until"].value
    if not any(mark in text for mark in MARKS):
        try:
            moment(text, zoneinfo.ZoneInfo("UTC"))
        except ValueError as error:
            reader.fault(
                node.value["until"].place, at(where, "until"), "date", str(error),
                "for a time from now write `wait: 10m`",
            )  # fmt: skip
            return None
    return Wait(until=given["until"])


def read_wait_for(reader: StepReader, node: Node, values: dict[str, Any], where: str) -> WaitFor | None:
    """The step *node* with `wait_for`, whose keys are read into *values*."""
    _, own, given = values["wait_for"]
    inner = at(where, "wait_for")
    kinds = [one for one in ("callback", "approval") if one in own.keys]
    if len(kinds) != 1:
        message = "it waits for one thing; this has both" if kinds else "it says not what is waited for"
        way_out = "make a step of each" if kinds else "write `callback: {}`, or `approval: {message: …}`"
        reader.fault(own.place, inner, "wait-for", message, way_out)
        return None
    assert isinstance(node.value, dict)
    if "timeout" in values:
        _bound(reader, node, "timeout", values["timeout"], at(where, "timeout"))
    if kinds[0] not in given:
        return None
    _, block, found = given[kinds[0]]
    if kinds[0] == "callback":
        return _callback(reader, node, block, found, where)
    return _approval(reader, block, found, at(inner, "approval"))


def _callback(
    reader: StepReader, node: Node, block: Node, found: dict[str, Any], where: str
) -> WaitFor | None:
    assert isinstance(node.value, dict)
    if "id" not in node.value:
        reader.fault(
            node.keys["wait_for"],
            at(where, "wait_for"),
            "missing-id",
            "nobody can be given the address of a step without `id`",
            "give it an `id`, and send {{ resume_url('<id>') }} out in a step before it",
        )
    methods = found.get("methods", ("POST",))
    for index, one in enumerate(methods):
        if one in METHODS and one not in ACTING:
            assert isinstance(block.value, dict)
            list_ = block.value["methods"].value
            place = list_[index].place if isinstance(list_, list) else block.place
            reader.fault(
                place, at(where, f"wait_for.callback.methods[{index}]"), "value",
                f"{one} only looks: it continues no run", f"write one of {', '.join(sorted(ACTING))}",
            )  # fmt: skip
    return WaitFor(methods)


def _approval(reader: StepReader, block: Node, found: dict[str, Any], where: str) -> WaitFor | None:
    assert isinstance(block.value, dict)
    lists: dict[str, tuple[str, ...]] = {}
    for name in ("choices", "assignees"):
        if name in found:
            lists[name] = found[name]
            _check_names(reader, block.value[name], name, at(where, name))
    if "message" not in found:
        return None
    return WaitFor((), Approval(found["message"], **lists))


def _check_names(reader: StepReader, node: Node, name: str, where: str) -> None:
    """Choices and assignees are constant, each said once: an answer that comes early is judged by them."""
    if not isinstance(node.value, list):
        return
    if not node.value:
        reader.fault(node.place, where, "value", "the list is empty", "leave the key out")
    if name == "choices" and len(node.value) > MOST_CHOICES:
        reader.fault(node.place, where, "limit", f"there are more than {MOST_CHOICES} choices")
    seen: set[str] = set()
    for index, one in enumerate(node.value):
        place, text = f"{where}[{index}]", one.value
        if not isinstance(text, str):
            continue  # said already
        if not text.strip():
            reader.fault(one.place, place, "value", "the text is empty")
        elif any(mark in text for mark in MARKS):
            reader.fault(
                one.place, place, "value", f"{name} are written out, they are not filled in",
                "what differs from run to run belongs into `message`; a `switch` makes steps of each kind",
            )  # fmt: skip
        elif text in seen:
            reader.fault(one.place, place, "value", f'"{text}" is given twice')
        elif name == "choices" and len(text) > LONGEST_CHOICE:
            reader.fault(one.place, place, "limit", f"a choice has at most {LONGEST_CHOICE} characters")
        seen.add(text)


TOO_LONG = (
    f"a run waits at most {LONGEST_WAIT_SECONDS / 86400:.0f} days",
    "for what comes back every year use a schedule",
)


def _bound(reader: StepReader, node: Node, key: str, seconds: float, where: str) -> None:
    """A fault where the duration *key* of *node* is longer than a run waits."""
    assert isinstance(node.value, dict)
    if seconds > LONGEST_WAIT_SECONDS:
        reader.fault(node.value[key].place, where, "limit", *TOO_LONG)

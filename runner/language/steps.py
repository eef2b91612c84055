"""From the nodes of `steps` to the steps of the model, and what each place among them may refer to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from runner.language.calls import CallSite, read_call
from runner.language.certainty import own_conditions
from runner.language.check import check_action, check_html_answer
from runner.language.constants import check_constants
from runner.language.hosts import check_hosts, is_of_vars
from runner.language.keys import (
    ANY_STEP,
    BESIDE,
    BLOCKS,
    LATER_STEPS,
    MAX_NESTING,
    MODIFIERS,
    STEP_BLOCKS,
    STEP_KINDS,
    STEPS_ELSEWHERE,
    kinds_in,
)  # fmt: skip
from runner.language.kinds import Block
from runner.language.nodes import Node
from runner.language.outputs import Gives
from runner.language.reading import Reader
from runner.language.scalars import Unread, at, described
from runner.language.scope import ROOTS
from runner.language.suggest import nearest
from runner.language.visibility import Condition, Declared, Level, View
from runner.language.waiting import read_repeat, read_wait, read_wait_for
from runner.language.workflow import (
    NO_RETRY,
    Action,
    Body,
    Case,
    Fail,
    Filter,
    ForEach,
    Group,
    Parallel,
    Respond,
    Retry,
    Step,
    Stop,
    Switch,
    TemplateStep,
    Transform,
)  # fmt: skip

if TYPE_CHECKING:
    from runner.language.catalogue import Catalogue
    from runner.language.templates import TemplateShape
    from runner.language.workflow import Place

BRANCH = re.compile("[A-Za-z_][A-Za-z0-9_-]*")  # a branch's name is a part of a path
TAKEN = frozenset(ROOTS) - {"item"}
LETS_OUT = frozenset({"steps", "switch"})  # kinds whose inner ids are seen from outside


class StepReader(Reader):
    """
    Reads lists of steps. `declared` has every id of the file; `level` is the list being read;
    `may_respond` says whether a `respond` may stand there; `responds` has the places of all, and
    `calls` those of all calls of others. `slug` is the workflow's own.
    """

    def __init__(self, path: str, catalogue: Catalogue) -> None:
        super().__init__(path, catalogue)
        self.declared: dict[str, Declared] = {}
        self.level = Level({})
        self.depth = 0
        self.may_respond = True
        self.responds: list[tuple[Node, str]] = []
        self.loops: list[str] = []
        self.own_items: frozenset[str] = frozenset()  # names of items that stand in the file's `vars`
        self.slug = ""
        self.calls: list[CallSite] = []
        self.outputs: dict[str, Gives] = {}  # what actions give, by the paths of their steps
        self.conditions: list[Condition] = []  # of the groups and branches around

    def steps(
        self, node: Node, where: str, view: View, *, level: Level | None = None, may_respond: bool = False
    ) -> tuple[Step, ...]:
        """
        The steps of a list that begins with *view*. *level* collects their ids as the list's
        end sees them; without one they are seen inside only.
        """
        if not isinstance(node.value, list):
            self.fault(node.place, where, "type", f"this must be a list of steps; it is {described(node)}")
            return ()
        if self.depth >= MAX_NESTING:
            self.fault(
                node.place,
                where,
                "nesting",
                f"steps are nested deeper than {MAX_NESTING} levels",
                "split the workflow",
            )
            return ()
        if not node.value:
            self.fault(
                node.place, where, "value", "the list of steps is empty", "write a step, or leave the key out"
            )
        outer = self.view, self.level, self.may_respond
        self.level = level or Level({})
        self.view = view.inside(self.level)
        self.may_respond = may_respond
        self.depth += 1
        found = []
        for index, one in enumerate(node.value):
            step = self.step(one, f"{where}[{index}]", index + 1)
            if step is not None:
                found.append(step)
            self.view = self.view.after(self.level)
        self.depth -= 1
        self.view, self.level, self.may_respond = outer
        return tuple(found)

    def step(self, node: Node, where: str, position: int) -> Step | None:
        """One step; None when its kind cannot be known."""
        if not isinstance(node.value, dict):
            self.fault(
                node.place,
                where,
                "type",
                f"a step must be a mapping; it is {described(node)}",
                "write for example `filter: payload.paid`",
            )
            return None
        kind = self.kind(node, where)
        if kind is None:
            self.declare(node, where)
            return None
        values = self.block(node, STEP_BLOCKS[kind], where)
        own = own_conditions(node, values, where)
        self.conditions += own
        body = self.body(kind, node, values, where)
        del self.conditions[len(self.conditions) - len(own) :]
        if kind in LETS_OUT:
            self.view = self.view.after(self.level)  # what a try has done is seen by what mends it
        on_error = self.on_error(where, values)
        self.declare(node, where, own)
        if body is None:
            return None
        return Step(
            kind, position, body, node.place,
            id=values.get("id"),
            label=values.get("name"),
            condition=values.get("if"),
            timeout_seconds=values.get("timeout"),
            retry=retry_of(values.get("retry")),
            on_error=on_error,
            after_crash=values.get("after_crash"),
        )  # fmt: skip

    def kind(self, node: Node, where: str) -> str | None:
        """The one key that says what the step does; a fault where there is none or another."""
        kinds = kinds_in(node.keys)
        later = [one for one in node.keys if one in LATER_STEPS]
        for name in later:
            self.unknown(name, node.keys[name], ANY_STEP, at(where, name))
        if later:
            return None
        if len(kinds) > 1:
            both = " and ".join(f"`{one}`" for one in kinds)
            self.fault(
                node.keys[kinds[1]],
                at(where, kinds[1]),
                "kind",
                f"a step does one thing; this one has {both}",
                "make a step of each",
            )
        if kinds:
            return kinds[0]
        self.no_kind(node, where)
        return None

    def no_kind(self, node: Node, where: str) -> None:
        """Say what was probably meant by the keys of a step that has no kind."""
        known = {one.name for one in MODIFIERS} | BESIDE.keys()
        strange = [one for one in node.keys if one not in known]
        likely = [one for one in strange if one in STEPS_ELSEWHERE or nearest(one, STEP_KINDS)]
        for name in likely or strange:
            self.unknown(name, node.keys[name], ANY_STEP, at(where, name), mapping=node)
        if not strange:
            beside = next((BESIDE[one] for one in node.keys if one in BESIDE), None)
            hint = f"`{beside}` is missing" if beside else f"it needs one of {', '.join(STEP_KINDS)}"
            self.fault(node.place, where, "kind", "the step does nothing", hint)

    def unknown(
        self, name: str, place: Place, block: Block, where: str, *, mapping: Node | None = None
    ) -> None:
        """As for any block; of a second kind in a step `kind` has spoken."""
        if name not in STEP_KINDS or not block.beside:
            super().unknown(name, place, block, where, mapping=mapping)

    def declare(self, node: Node, where: str, own: list[Condition] | None = None) -> None:
        """Make the step's id known to what comes after it; *own* says why it may not run."""
        assert isinstance(node.value, dict)
        given = node.value.get("id")
        if given is None or not isinstance(given.value, str):
            return
        name = given.value
        if name in self.declared:
            first = self.declared[name]
            self.fault(
                given.place,
                at(where, "id"),
                "duplicate-id",
                f'the id "{name}" is taken by {first.where} in line {first.place.line}',
                "ids are unique in the file",
            )
            return
        kind = next((one for one in STEP_KINDS if one in node.value), "")
        conditions = (*self.conditions, *(own or ()))
        self.declared[name] = Declared(where, given.place, kind, tuple(self.loops), conditions)
        self.level.ids.setdefault(name, len(self.level.ids))

    def body(self, kind: str, node: Node, values: dict[str, Any], where: str) -> Body | None:
        """What the step does; None when its own key could not be read."""
        if kind == "action":
            return self.action(node, values, where)
        if kind not in values:
            return None
        value = values[kind]
        inner = at(where, kind)
        match kind:
            case "filter":
                return Filter(value)
            case "transform":
                return Transform(value)
            case "stop":
                return Stop(value)
            case "fail":
                return Fail(value)
            case "call":
                return read_call(self, node, values, where)
            case "template":
                shape = self.shape(value, inner)
                return TemplateStep(shape) if shape else None
            case "respond":
                return self.respond(value, inner)
            case "steps":
                return Group(self.inner(value, inner))
            case "switch":
                return self.switch(value, inner)
            case "for_each":
                return self.for_each(node, values, where)
            case "repeat":
                return read_repeat(self, value, values.get("steps"), where)
            case "wait":
                return read_wait(self, node, value, inner)
            case "wait_for":
                return read_wait_for(self, node, values, where)
            case _:
                return self.parallel(value, inner)

    def shape(self, node: Node, where: str, *, html: frozenset[str] | None = None) -> TemplateShape | None:
        """The compiled shape, or None where it has faults."""
        try:
            return self.template(node, where, html=html)
        except Unread:
            return None

    def action(self, node: Node, values: dict[str, Any], where: str) -> Action | None:
        assert isinstance(node.value, dict)
        name = values.get("action")
        info = self.catalogue.actions.get(name) if name else None
        inputs: Node | None = values.get("with")
        if inputs is not None and isinstance(inputs.value, str) and "{{" not in inputs.value:
            self.fault(
                inputs.place,
                at(where, "with"),
                "type",
                "`with` must be a mapping of inputs, or one {{ … }} that gives it; it is a text",
            )
            inputs = None
        shape = (
            self.shape(inputs, at(where, "with"), html=info.html if info else frozenset()) if inputs else None
        )
        if name is None:
            return None
        check_action(self, node, info, where)
        if info:
            check_hosts(self, node, info, shape, where, own_items=self.own_items)
            stead = node.value.get("on_error")
            if info.output and not (stead is not None and isinstance(stead.value, list)):
                self.outputs[where] = Gives(info.name, info.output)
            check_constants(self, node, info, shape, where, own_items=self.own_items)
        return Action(name, values.get("connection"), shape)

    def respond(self, value: tuple[str, Node, dict[str, Any]], where: str) -> Respond | None:
        node = value[1]
        if not self.may_respond:
            self.fault(
                node.place,
                where,
                "respond",
                "`respond` cannot stand in a loop, a branch or a list for errors",
                "it stands at the top level, or in a `switch` or `steps` group there",
            )
        else:
            self.responds.append((node, where))
        check_html_answer(self, node, where)
        shape = self.shape(node, where)
        return Respond(shape) if shape else None

    def inner(self, node: Node, where: str) -> tuple[Step, ...]:
        """A list whose ids are let out to the list around it."""
        level = Level({})
        found = self.steps(node, where, self.view, level=level, may_respond=self.may_respond)
        for one in level.ids:
            self.level.ids.setdefault(one, len(self.level.ids))
        return found

    def switch(self, node: Node, where: str) -> Switch:
        assert isinstance(node.value, list)
        view = self.view
        cases: list[Case] = []
        if not node.value:
            self.fault(node.place, where, "value", "the list of cases is empty")
        for index, one in enumerate(node.value):
            place = f"{where}[{index}]"
            self.view = view
            values = self.block(one, BLOCKS["case"], place)
            if "steps" in values:
                when = one.value.get("when") if isinstance(one.value, dict) else None
                text = str(when.value).strip() if when else ""
                self.conditions.append(Condition(place, "it stands in a branch of `switch`", text))
                cases.append(Case(values.get("when"), self.inner(values["steps"], at(place, "steps"))))
                self.conditions.pop()
            if isinstance(one.value, dict) and "when" not in one.value and index + 1 < len(node.value):
                self.fault(
                    one.place,
                    place,
                    "case",
                    "a case without `when` is always taken, so those below never are",
                    "put it last, or give it a `when`",
                )
        self.view = view
        return Switch(tuple(cases))

    def for_each(self, node: Node, values: dict[str, Any], where: str) -> ForEach | None:
        name = values.get("as", "item")
        if name in TAKEN:
            assert isinstance(node.value, dict)
            self.fault(
                node.value["as"].place,
                at(where, "as"),
                "id",
                f"`{name}` is a name of the language",
                "give the item another name",
            )
        names = {name, "index"}
        around = self.own_items
        items = values.get("for_each")
        self.own_items = around | {name} if items and is_of_vars(items.source) else around - {name}
        steps = (
            self.loop(values["steps"], at(where, "steps"), self.view.named(names))
            if "steps" in values
            else ()
        )
        self.own_items = around
        return ForEach(
            values["for_each"], steps, name,
            concurrency=values.get("concurrency", 1),
            on_item_error=values.get("on_item_error", "fail"),
        )  # fmt: skip

    def loop(self, node: Node, where: str, view: View, *, level: Level | None = None) -> tuple[Step, ...]:
        """As `steps`, for a list that is run more than once."""
        self.loops.append(where)
        try:
            return self.steps(node, where, view, level=level)
        finally:
            self.loops.pop()

    def parallel(self, node: Node, where: str) -> Parallel:
        assert isinstance(node.value, dict)
        branches: dict[str, tuple[Step, ...]] = {}
        if not node.value:
            self.fault(node.place, where, "value", "there is no branch")
        for name, one in node.value.items():
            place = at(where, name)
            if not BRANCH.fullmatch(name):
                self.fault(
                    node.keys[name],
                    place,
                    "id",
                    f'"{name}" cannot name a branch',
                    "a branch's name has letters, digits, _ and -, and does not begin with a digit",
                )
            branches[name] = self.steps(one, place, self.view)
        return Parallel(branches)

    def on_error(self, where: str, values: dict[str, Any]) -> Any:
        """A word, or the steps to run instead."""
        given = values.get("on_error", "fail")
        if not isinstance(given, Node):
            return given
        return self.steps(given, at(where, "on_error"), self.view.named({"error"}))


def retry_of(value: Any) -> Retry | None:
    """The retry that a key's value gives: None where there is none, no attempt after `false`."""
    if value is None:
        return None
    if value is False:
        return NO_RETRY
    _, _, given = value
    default = Retry()
    attempts = given.get("attempts")
    return Retry(
        for_seconds=given.get("for", default.for_seconds),
        attempts=None if attempts == "none" else attempts,
        delay_seconds=given.get("delay", default.delay_seconds),
        backoff=given.get("backoff", default.backoff),
        max_delay_seconds=given.get("max_delay", default.max_delay_seconds),
        jitter=given.get("jitter", default.jitter),
        on=given.get("on"),
    )

"""Reading `expect`: what it names must be there to be compared, or it would never hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.engine.paths import steps_by_path, without_indices
from runner.language.reading import Reader
from runner.language.scalars import at, described
from runner.language.suggest import did_you_mean, one_of
from runner.language.workflow import Action, CallWorkflow
from runner.workbench.case_keys import EXACTLY, EXPECT_KEYS, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.language.catalogue import Catalogue
    from runner.language.nodes import Node
    from runner.language.workflow import Place, Step, Workflow
    from runner.values import Json

OF_ANSWER = ("status", "headers", "body")
OF_REASON = ("code", "sentence", "facts")
OF_OUTCOME = ("status", "attempts", "error", "errors")


@dataclass(frozen=True, slots=True)
class Steps:
    """What a test file may name: the steps of its workflow by path and id, and their actions."""

    by_path: Mapping[str, Step]
    by_id: dict[str, Step] = field(default_factory=dict)
    actions: set[str] = field(default_factory=set)
    workflows: set[str] = field(default_factory=set)  # those that are called

    @classmethod
    def of(cls, workflow: Workflow) -> Steps:
        """Those of *workflow*."""
        by_path = steps_by_path(workflow)
        found = list(by_path.values())
        return cls(
            by_path,
            {one.id: one for one in found if one.id},
            {one.body.action for one in found if isinstance(one.body, Action)},
            {one.body.workflow for one in found if isinstance(one.body, CallWorkflow)},
        )

    def named(self, name: str) -> Step | None:
        """The step of that id, or of that path, with or without indices."""
        return self.by_id.get(name) or self.by_path.get(without_indices(name))


class ExpectReader(Reader):
    """Reads `expect`; `steps` is what may be named."""

    def __init__(self, path: str, catalogue: Catalogue, steps: Steps) -> None:
        super().__init__(path, catalogue)
        self.steps = steps

    def unknown_name(self, name: str, place: Place, where: str) -> None:
        """A name that is no action and no step of the workflow."""
        known = [*sorted(self.steps.actions | self.steps.workflows), *self.steps.by_id]
        hint = did_you_mean(name, known) or (one_of(known) if known else "it calls no action")
        called = self.catalogue.actions.get(name)
        message = (
            f"no step of the workflow calls {name}"
            if called
            else f"the workflow has no action or step `{name}`"
        )
        self.fault(place, where, "unknown-name", message, hint)

    def expect(self, node: Node, where: str) -> dict[str, Json]:
        """What is expected, by key."""
        values = self.block(node, EXPECT_KEYS, where)
        return {
            name: one if name == "status" else self.expectation(name, one, at(where, name))
            for name, one in values.items()
        }

    def expectation(self, name: str, node: Node, where: str) -> Json:
        """One of the keys, judged as far as it can be without a run."""
        match name:
            case "actions":
                self.actions(node, where)
            case "steps" | "outcomes":
                self.by_step(name, node, where)
            case "answer":
                self.known_keys(node, where, OF_ANSWER)
            case "reason":
                self.known_keys(node, where, OF_REASON)
            case "notes":
                self.notes(node, where)
            case "runs":
                if not isinstance(node.value, int) or isinstance(node.value, bool):
                    self.fault(
                        node.place, where, "type", f"this must be a whole number; it is {described(node)}"
                    )
        return node.plain()

    def notes(self, node: Node, where: str) -> None:
        """A list of texts."""
        if not isinstance(node.value, list) or not all(isinstance(one.value, str) for one in node.value):
            self.fault(node.place, where, "type", f"this must be a list of texts; it is {described(node)}")

    def known_keys(self, node: Node, where: str, known: tuple[str, ...]) -> None:
        """A mapping of *known* keys, or `{exactly: …}`."""
        inner = inside(node)
        for key in inner.keys:
            if key not in known:
                hint = did_you_mean(key, known) or one_of(known)
                self.fault(inner.keys[key], at(where, key), "unknown-key", f"`{key}` is not known here", hint)

    def by_step(self, name: str, node: Node, where: str) -> None:
        """A mapping of steps."""
        if not isinstance(node.value, dict):
            hint = f"write {name}: {{<id>: …}}"
            self.fault(node.place, where, "type", f"this must be a mapping; it is {described(node)}", hint)
            return
        for step, one in node.value.items():
            if self.steps.named(step) is None:
                known = list(self.steps.by_id)
                hint = did_you_mean(step, known) or (one_of(known) if known else "no step has an id")
                message = f"the workflow has no step `{step}`"
                self.fault(node.keys[step], at(where, step), "unknown-step", message, hint)
            elif name == "outcomes":
                self.outcome(one, at(where, step))

    def outcome(self, node: Node, where: str) -> None:
        """`{status, attempts, error}` of one step."""
        if not isinstance(node.value, dict):
            hint = f"write {{status: {node.raw}}}" if node.value in OUTCOMES else "write {status: succeeded}"
            self.fault(node.place, where, "type", f"this must be a mapping; it is {described(node)}", hint)
            return
        self.known_keys(node, where, OF_OUTCOME)
        status = inside(node).value.get("status")
        if status is not None and status.value not in OUTCOMES:
            hint = did_you_mean(str(status.value), OUTCOMES) or one_of(OUTCOMES)
            self.fault(
                status.place, at(where, "status"), "value", f"{status.raw} is no outcome of a step", hint
            )

    def actions(self, node: Node, where: str) -> None:
        """A list of calls, or `{exactly: [calls]}`."""
        inner = inside(node)
        if not isinstance(inner.value, list):
            hint = 'write a list: `- slack.post_message: {channel: "#sales"}`'
            self.fault(
                node.place, where, "type", f"this must be a list of calls; it is {described(inner)}", hint
            )
            return
        for index, one in enumerate(inner.value):
            self.call(one, f"{where}[{index}]")

    def call(self, node: Node, where: str) -> None:
        """An action's or a step's name, alone or with inputs."""
        if isinstance(node.value, str):
            self.called(node.value, node.place, where)
        elif isinstance(node.value, dict) and len(node.value) == 1:
            ((name, inputs),) = node.value.items()
            action = self.called(name, node.keys[name], where)
            self.inputs(action, inputs, at(where, name))
        else:
            hint = 'write for example `- slack.post_message: {channel: "#sales"}`'
            what = "a mapping of several keys" if isinstance(node.value, dict) else described(node)
            self.fault(node.place, where, "type", f"a call is one name with its inputs; this is {what}", hint)

    def called(self, name: str, place: Place, where: str) -> str | None:
        """The action that *name* means; None where that is not known, and then it may be a fault."""
        if name in self.steps.actions:
            return name
        if name in self.steps.workflows:
            return None
        step = self.steps.named(name)
        if step is None:
            self.unknown_name(name, place, where)
        elif isinstance(step.body, Action):
            return step.body.action
        elif step.kind != "call":
            message = f"`{name}` is a step with `{step.kind}`, which calls nothing"
            self.fault(place, where, "expect", message, f"expect its output: `steps: {{{name}: …}}`")
        return None

    def inputs(self, action: str | None, node: Node, where: str) -> None:
        """Inputs that the action has: another would never be found in a call."""
        info = self.catalogue.actions.get(action) if action else None
        inner = inside(node)
        if info is None or not isinstance(inner.value, dict):
            return
        for name in inner.keys:
            if name not in info.inputs:
                hint = did_you_mean(name, info.inputs) or one_of(info.inputs)
                self.fault(
                    inner.keys[name],
                    at(where, name),
                    "unknown-input",
                    f"{action} has no input `{name}`",
                    hint,
                )


def inside(node: Node) -> Any:
    """What stands under `exactly`, or the node itself."""
    if isinstance(node.value, dict) and list(node.value) == [EXACTLY]:
        return node.value[EXACTLY]
    return node

"""A workflow with some of its steps changed, at any depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.language.workflow import ForEach, Group, Parallel, Repeat, Switch

if TYPE_CHECKING:
    from runner.language.workflow import Step, Workflow

NOTHING = Group(())
"""What a step does that is passed over."""


def altered(workflow: Workflow, change: Callable[[str, Step], Step | None]) -> Workflow:
    """
    *workflow* with `change(path, step)` in place of each step, *path* being that without loop indices;
    None leaves it out. What a step becomes is looked into in its turn.
    """
    return replace(
        workflow,
        steps=_list(workflow.steps, "", change),
        on_failure=_list(workflow.on_failure, "on_failure.", change),
    )


def _list(
    steps: tuple[Step, ...], prefix: str, change: Callable[[str, Step], Step | None]
) -> tuple[Step, ...]:
    return tuple(
        _inside(step, prefix + one.key, change)
        for one in steps
        if (step := change(prefix + one.key, one)) is not None
    )


def _inside(step: Step, path: str, change: Callable[[str, Step], Step | None]) -> Step:
    body = step.body
    match body:
        case Switch(cases):
            body = Switch(
                tuple(
                    replace(one, steps=_list(one.steps, f"{path}.case#{number}.", change))
                    for number, one in enumerate(cases, start=1)
                )
            )
        case Parallel(branches):
            body = Parallel({name: _list(one, f"{path}.{name}.", change) for name, one in branches.items()})
        case Group() | ForEach() | Repeat():
            body = replace(body, steps=_list(body.steps, f"{path}.", change))
    on_error = step.on_error
    if isinstance(on_error, tuple):
        on_error = _list(on_error, f"{path}!error.", change)
    return replace(step, body=body, on_error=on_error)

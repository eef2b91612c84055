"""
The steps of a workflow by their paths without loop indices: what a record's path is found again by,
in the version that made it and in others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from runner.language.workflow import Action, Parallel, Switch

if TYPE_CHECKING:
    from runner.language.workflow import Step, Workflow

INDEX = re.compile(r"\[\d+\]|\{\d+\}")  # of an item, of a round
ON_FAILURE = "on_failure."
SEPARATOR = re.compile(r"[.\[{!]")
SECTION = re.compile(r"[.\[{!]?[^.\[{!]+")  # of a path: order!error.mail → order, !error, .mail
OWN_ID = re.compile(r"\.?([a-z_][a-z0-9_]*)")


def without_indices(path: str) -> str:
    """`lines[3].send` as `lines.send`: the same step for every item and round."""
    return INDEX.sub("", path)


def own_id(path: str) -> str | None:
    """The id of the step at *path*; None where it has none."""
    own = OWN_ID.fullmatch(SECTION.findall(path)[-1])
    return own[1] if own else None


def top_of(path: str) -> str:
    """The step at the top level that *path* is in: `lines` of `lines[3].send`."""
    return SEPARATOR.split(path, maxsplit=1)[0]


def steps_by_path(workflow: Workflow) -> dict[str, Step]:
    """Every step of *workflow* by its path without indices, in the order of the file."""
    found: dict[str, Step] = {}

    def walk(steps: Iterable[Step], prefix: str) -> None:
        for step in steps:
            path = prefix + step.key
            found[path] = step
            if isinstance(step.body, Switch):
                for number, case in enumerate(step.body.cases, start=1):
                    walk(case.steps, f"{path}.case#{number}.")
            elif isinstance(step.body, Parallel):
                for name, branch in step.body.branches.items():
                    walk(branch, f"{path}.{name}.")
            else:
                walk(getattr(step.body, "steps", ()), f"{path}.")
            if isinstance(step.on_error, tuple):
                walk(step.on_error, f"{path}!error.")

    walk(workflow.steps, "")
    walk(workflow.on_failure, ON_FAILURE)
    return found


def does(step: Step) -> str:
    """What a step is to a record: its action, or its kind where it has none."""
    return step.body.action if isinstance(step.body, Action) else step.kind

"""Which steps of a workflow hang on what certain others gave: by reading it, or by what they decide."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from runner.engine.paths import ON_FAILURE
from runner.language.workflow import Fail, Filter, Parallel, Step, Stop, Switch, WaitFor

if TYPE_CHECKING:
    from runner.language.workflow import Workflow


def hanging(workflow: Workflow, unknown: Collection[str]) -> frozenset[str]:
    """
    The paths (without indices) of the steps whose running or result hangs on what those at *unknown*
    gave. That these succeed, as far as the order of steps goes, is taken as given.
    """
    if not unknown:
        return frozenset()
    walk = _Walk(frozenset(unknown))
    while True:  # what a round of a loop gave may be read before it stands there
        before = len(walk.ids)
        is_open = walk.through(workflow.steps, "", is_hanging=False)
        walk.through(workflow.on_failure, ON_FAILURE, is_hanging=is_open)
        if len(walk.ids) == before:
            return frozenset(walk.found)


def read_ids(step: Step) -> frozenset[str]:
    """The ids of steps that *step* itself reads."""
    shapes = [step.condition, *_shapes(step)]
    return frozenset[str]().union(*(one.step_ids for one in shapes if hasattr(one, "step_ids")))


def _shapes(step: Step) -> Iterator[object]:
    body = step.body
    if isinstance(body, Switch):
        yield from (case.when for case in body.cases)
    elif isinstance(body, WaitFor):
        yield body.approval.message if body.approval else None
    else:
        yield from (getattr(body, one.name) for one in fields(body))


class _Walk:
    """`ids` are those of steps whose output hangs, `found` the paths of those that hang."""

    def __init__(self, unknown: frozenset[str]) -> None:
        self._unknown = unknown
        self.ids: set[str] = set()
        self.found: set[str] = set()

    def through(self, steps: Sequence[Step], prefix: str, *, is_hanging: bool) -> bool:
        """Go through a list; whether it hangs if its end is reached."""
        for step in steps:
            path = prefix + step.key
            hangs = is_hanging or bool(self.ids & read_ids(step))
            before = len(self.found)
            ends = self._inside(step, path, is_hanging=hangs)
            if isinstance(step.on_error, tuple):
                self.through(step.on_error, f"{path}!error.", is_hanging=hangs or path in self._unknown)
            if hangs:
                self.found.add(path)
                ends = ends or isinstance(step.body, Filter | Stop | Fail)
            if step.id and (hangs or path in self._unknown or len(self.found) > before or self._has(path)):
                self.ids.add(step.id)
            is_hanging = is_hanging or ends
        return is_hanging

    def _has(self, path: str) -> bool:
        """Whether something inside is unknown or hangs."""
        return any(one.startswith(f"{path}.") for one in (*self._unknown, *self.found))

    def _inside(self, step: Step, path: str, *, is_hanging: bool) -> bool:
        body = step.body
        if isinstance(body, Switch):
            lists = [(f"{path}.case#{at}.", one.steps) for at, one in enumerate(body.cases, start=1)]
        elif isinstance(body, Parallel):
            lists = [(f"{path}.{name}.", steps) for name, steps in body.branches.items()]
        else:
            lists = [(f"{path}.", getattr(body, "steps", ()))]
        ends = [self.through(steps, prefix, is_hanging=is_hanging) for prefix, steps in lists if steps]
        return any(ends) and not is_hanging

"""How many of a workflow's steps and ways its cases reached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.engine.paths import steps_by_path, without_indices
from runner.language.workflow import Switch

if TYPE_CHECKING:
    from runner.language.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    Of `total` steps and cases of switches so many were `reached`. `unreached` has the paths of the
    others in the order of the file, without what stands inside of them.
    """

    total: int
    reached: int
    unreached: tuple[str, ...]


def coverage(workflow: Workflow, reached: Iterable[str]) -> Coverage:
    """Of *workflow*, by the paths of the steps that were *reached* in any of its cases."""
    ran = {without_indices(path) for path in reached}
    every: dict[str, bool] = {}
    for path, step in steps_by_path(workflow).items():
        every[path] = path in ran
        if isinstance(step.body, Switch):
            for number in range(1, len(step.body.cases) + 1):
                way = f"{path}.case#{number}"
                every[way] = any(one.startswith(f"{way}.") for one in ran)
    missed = [path for path, is_reached in every.items() if not is_reached]
    outermost = [path for path in missed if not any(_is_inside(path, one) for one in missed)]
    return Coverage(len(every), len(every) - len(missed), tuple(outermost))


def _is_inside(path: str, outer: str) -> bool:
    return path.startswith((f"{outer}.", f"{outer}!"))

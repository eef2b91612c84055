"""
Where the `wait_for` steps of a workflow stand: the paths that `resume_url('<id>')` makes addresses of.

A path is execution.md's, with a star for each index of a loop: `lines[*].ok`, `pages{*}.ok`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.language.workflow import ForEach, Parallel, Repeat, Switch, WaitFor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.language.workflow import Step

DIGITS = re.compile(r"\d+")


def awaited_paths(steps: Iterable[Step], on_failure: Iterable[Step]) -> dict[str, str]:
    """The path of each `wait_for` step that has an id, by the id."""
    found: dict[str, str] = {}
    _walk(steps, "", found)
    _walk(on_failure, "on_failure.", found)
    return found


def paths_seen_from(prefix: str, awaited: Mapping[str, str]) -> dict[str, str]:
    """
    The full paths of those of *awaited* that are one alone, seen from steps whose path begins with
    *prefix*: the indices of loops are those of *prefix*.
    """
    found = {identity: _placed(path, prefix) for identity, path in awaited.items()}
    return {identity: path for identity, path in found.items() if path is not None}


def _placed(path: str, prefix: str) -> str | None:
    while "*" in path:
        head, _, tail = path.partition("*")
        index = DIGITS.match(prefix, len(head)) if prefix.startswith(head) else None
        if index is None:
            return None
        path = head + index[0] + tail
    return path


def _walk(steps: Iterable[Step], prefix: str, found: dict[str, str]) -> None:
    for step in steps:
        path = prefix + step.key
        if isinstance(step.body, WaitFor):
            if step.id:
                found[step.id] = path
        elif isinstance(step.body, Switch):
            for number, case in enumerate(step.body.cases, start=1):
                _walk(case.steps, f"{path}.case#{number}.", found)
        elif isinstance(step.body, Parallel):
            for name, branch in step.body.branches.items():
                _walk(branch, f"{path}.{name}.", found)
        elif isinstance(step.body, ForEach):
            _walk(step.body.steps, f"{path}[*].", found)
        elif isinstance(step.body, Repeat):
            _walk(step.body.steps, f"{path}{{*}}.", found)
        else:
            _walk(getattr(step.body, "steps", ()), f"{path}.", found)
        if isinstance(step.on_error, tuple):
            _walk(step.on_error, f"{path}!error.", found)

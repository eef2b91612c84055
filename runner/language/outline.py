"""The steps of a text by their paths, whatever is wrong with it: for those who look on as it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.language.keys import kinds_in
from runner.language.kinds import ID_PATTERN
from runner.language.source import compose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.language.nodes import Node

ID = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class Outlined:
    """
    A step: its path without loop indices (execution.md, "A path"), where it stands as faults say it
    (`steps[1].steps[0]`), the path's part before its own, its position in its list from 1, and its line.
    `kind` is None where it cannot be known.
    """

    path: str
    where: str
    prefix: str
    position: int
    line: int
    kind: str | None
    id: str | None
    name: str | None


def outline(text: str) -> list[Outlined]:
    """The steps of a workflow's *text* in its order; none where it cannot be read."""
    root = compose(text, path="").root
    if root is None or not isinstance(root.value, dict):
        return []
    found: list[Outlined] = []
    for key, prefix in (("steps", ""), ("on_failure", "on_failure.")):
        if (node := root.value.get(key)) is not None:
            found += _steps(node, key, prefix)
    return found


def _steps(node: Node, where: str, prefix: str) -> Iterator[Outlined]:
    if not isinstance(node.value, list):
        return
    for position, one in enumerate(node.value, start=1):
        if isinstance(one.value, dict):
            yield from _step(one, f"{where}[{position - 1}]", prefix, position)


def _step(node: Node, where: str, prefix: str, position: int) -> Iterator[Outlined]:
    assert isinstance(node.value, dict)
    kind = next(iter(kinds_in(node.keys)), None)
    identity, name = _text(node, "id"), _text(node, "name")
    if identity is not None and not ID.fullmatch(identity):
        identity = None
    path = prefix + (identity or f"{kind or 'step'}#{position}")
    yield Outlined(path, where, prefix, position, node.place.line, kind, identity, name)
    if kind == "switch":
        yield from _cases(node.value["switch"], f"{where}.switch", path)
    elif kind == "parallel" and isinstance(branches := node.value["parallel"].value, dict):
        for branch, steps in branches.items():
            yield from _steps(steps, f"{where}.parallel.{branch}", f"{path}.{branch}.")
    elif "steps" in node.value:
        yield from _steps(node.value["steps"], f"{where}.steps", f"{path}.")
    if "on_error" in node.value:
        yield from _steps(node.value["on_error"], f"{where}.on_error", f"{path}!error.")


def _cases(node: Node, where: str, path: str) -> Iterator[Outlined]:
    for number, case in enumerate(node.value if isinstance(node.value, list) else (), start=1):
        if isinstance(case.value, dict) and "steps" in case.value:
            yield from _steps(case.value["steps"], f"{where}[{number - 1}].steps", f"{path}.case#{number}.")


def _text(node: Node, key: str) -> str | None:
    assert isinstance(node.value, dict)
    found = node.value.get(key)
    return found.value if found is not None and isinstance(found.value, str) else None

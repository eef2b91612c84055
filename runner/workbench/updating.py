"""
`--update`: what came, written in place of what was expected. Only what differs is touched; comments,
order and spacing of the rest stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from runner.language.source import LOADER
from runner.values import Json
from runner.workbench.bench import answer_json
from runner.workbench.case_keys import EXACTLY
from runner.workbench.judging import value_of
from runner.workbench.matching import MISSING, Path, is_exact
from runner.workbench.writing import WIDTH, flow, item_lines, lines, written

if TYPE_CHECKING:
    from runner.workbench.bench import Performance
    from runner.workbench.judging import Finding
    from runner.workbench.trial import Tried


@dataclass(frozen=True, slots=True)
class Edit:
    """What is written at a path of the file, such as `cases`, 0, `expect`, `status`."""

    path: Path
    value: Json


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: str


def edits_of(tried: Tried, index: int) -> list[Edit]:
    """What must be written for case number *index* of its file to pass, as far as `expect` can say it."""
    case, performance = tried.case, tried.performance
    base: Path = ("cases", index, "expect")
    if not case.expect:
        return [Edit(base, snapshot(performance))]
    found: dict[Path, Edit] = {}
    for one in tried.findings:
        edit = _edit(one, case.expect, performance)
        if edit is not None:
            found[edit.path] = edit
    kept = [one for one in found.values() if not any(_is_above(other, one.path) for other in found)]
    return [Edit((*base, *one.path), one.value) for one in kept]


def snapshot(performance: Performance) -> Json:
    """All that a case without expectations is given: where it ended, its calls, its answer."""
    expect: dict[str, Json] = {"status": performance.status}
    if performance.calls:
        expect["actions"] = value_of("actions", performance)
    answer = answer_json(performance.answer)
    if answer["body"] != {"event": _event_in(answer["body"]), "status": "accepted"}:
        expect["answer"] = {"status": answer["status"], "body": answer["body"]}
    return expect


def updated(text: str, edits: Iterable[Edit]) -> str:
    """*text* with *edits* made; their paths must be there, or, for one last key, be missing."""
    root = yaml.compose(text, Loader=LOADER)
    assert root is not None
    splices = sorted((_splice(text, root, one) for one in edits), key=lambda one: one.start, reverse=True)
    for one in splices:
        text = text[: one.start] + one.text + text[one.end :]
    return text


def appended(text: str, case: Json) -> str:
    """
    The *text* of a test file with *case* behind its last.

    Raises:
        ValueError: its cases stand on one line, or there are none.
    """
    root = yaml.compose(text, Loader=LOADER)
    node = _child(root, "cases") if root is not None else None
    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
        raise ValueError("a case can be appended to a list that has `- ` before each; write it by hand")
    indent = " " * node.start_mark.column
    at = _end(text, node)
    new = "".join(f"\n{indent}{one}".rstrip() for one in item_lines(case, room=WIDTH - len(indent)))
    return f"{text[:at]}\n{new}{text[at:] or chr(10)}"


def _event_in(body: Json) -> Json:
    return body.get("event") if isinstance(body, dict) else None


def _is_above(one: Path, path: Path) -> bool:
    return len(one) < len(path) and path[: len(one)] == one


def _edit(finding: Finding, expect: Json, performance: Performance) -> Edit | None:
    """The edit under `expect` that a finding asks for; None where none would help."""
    key = finding.where.split(".")[0].split("[")[0]
    if key == "given":
        return None
    if key == "status":
        return Edit(("status",), performance.status)
    if not finding.written and key == "actions":
        path: Path = ("actions", EXACTLY) if is_exact(expect[key]) else ("actions",)
        return Edit(path, value_of(key, performance))
    if not finding.written:
        return None
    if key == "notes":
        return Edit((key,), value_of(key, performance))
    return _in_place(finding)


def _in_place(finding: Finding) -> Edit:
    """The value itself; where a key of the whole comes or goes, what is around it."""
    if finding.around is not MISSING:
        return Edit(finding.written[:-1], finding.around)
    return Edit(finding.written, None if finding.got is MISSING else finding.got)


def _splice(text: str, root: yaml.Node, edit: Edit) -> _Splice:
    """Where and how *edit* changes *text*."""
    node, parents = root, []
    for index, part in enumerate(edit.path):
        parents.append(node)
        found = _child(node, part)
        if found is None:
            if index != len(edit.path) - 1:
                raise LookupError(f"there is no {part} in line {node.start_mark.line + 1}")
            return _inserted(text, node, str(part), edit.value, is_flow=any(map(_is_flow, parents)))
        node = found
    is_flow = any(map(_is_flow, parents))
    start, end = _start(text, node), _end(text, node)
    if not isinstance(edit.value, list | dict) or is_flow:
        return _Splice(start, end, flow(edit.value))
    column = node.start_mark.column
    key = _key(parents[-1], edit.path[-1])
    if key is None or key.start_mark.line != node.start_mark.line:  # in lines of its own, or of a list
        if not edit.value or (_is_flow(node) and len(flow(edit.value)) <= WIDTH - column):
            return _Splice(start, end, flow(edit.value))
        return _Splice(start, end, f"\n{' ' * column}".join(lines(edit.value, room=WIDTH - column)))
    indent = key.start_mark.column + 2
    new = written(edit.value, indent=indent, room=WIDTH - column)
    return _Splice(len(text[:start].rstrip(" ")) if new[0] == "\n" else start, end, new)


def _inserted(text: str, node: yaml.Node, key: str, value: Json, *, is_flow: bool) -> _Splice:
    """A key that a mapping does not have yet: behind its last, `status` before its first."""
    if is_flow:
        at = _start(text, node) + 1 if key == "status" else _end(text, node) - 1
        rest = f"{key}: {flow(value)}"
        return _Splice(at, at, f"{rest}, " if key == "status" else f", {rest}")
    indent = " " * node.start_mark.column
    line = f"{key}: {written(value, indent=node.start_mark.column + 2, room=WIDTH - node.start_mark.column)}"
    line = line.replace(": \n", ":\n", 1)
    if key == "status":
        at = _start(text, node)
        return _Splice(at, at, f"{line}\n{indent}")
    at = _end(text, node)
    return _Splice(at, at, f"\n{indent}{line}")


def _is_flow(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def _child(node: yaml.Node, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode):
        return node.value[part] if isinstance(part, int) and part < len(node.value) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    named = {str(key.value): value for key, value in node.value}
    folded = {key.lower(): value for key, value in named.items()}  # names of headers
    return named.get(str(part)) or folded.get(str(part))


def _key(node: yaml.Node, part: str | int) -> yaml.Node | None:
    """The key of a mapping's entry; None in a list."""
    if not isinstance(node, yaml.MappingNode):
        return None
    keys: Sequence[yaml.Node] = [key for key, _ in node.value]
    return next((one for one in keys if str(one.value).lower() == str(part).lower()), None)


def _start(text: str, node: yaml.Node) -> int:
    return _offset(text, node.start_mark.line, node.start_mark.column)


def _end(text: str, node: yaml.Node) -> int:
    """Where a node's own text ends: comments and blank lines behind it are not part of it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    start, end = _start(text, node), _offset(text, node.end_mark.line, node.end_mark.column)
    return start + len(text[start:end].rstrip())


def _offset(text: str, line: int, column: int) -> int:
    begins = 0
    for _ in range(line):
        begins = text.index("\n", begins) + 1
    return begins + column

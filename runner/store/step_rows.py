"""The steps of a run as people read them: what its trace saw, with what is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.engine.paths import SECTION, own_id
from runner.store.rows import Row, until, value_or_none
from runner.values import Json, iso


def steps_of(trace: Sequence[Json], records: Sequence[Row]) -> list[Json]:
    """What the trace saw in the last turn, with what is recorded; a step before those inside it."""
    steps: dict[str, dict[str, Json]] = {}
    for entry in trace:
        if "status" in entry:
            steps[entry["path"]] = _step(entry["path"], entry)
    for path, kind, status, attempts, given, output, error, started_at, ended_at, due_at in records:
        step = steps.get(path) or _step(path, {"kind": kind})
        steps[path] = step | {
            "status": status,
            "attempts": attempts,
            "input": value_or_none(given),
            "output": value_or_none(output),
            "error": value_or_none(error),
            "started_at": iso(started_at),
            "ended_at": iso(ended_at),
            "due_at": until(due_at),
        }
    return [steps[path] for path in _in_reading_order(steps)]


def _step(path: str, entry: Mapping[str, Json]) -> dict[str, Json]:
    status = entry.get("status")
    return {
        "id": own_id(path),
        "path": path,
        "name": entry.get("name"),
        "kind": entry.get("kind"),
        "status": status,
        "attempts": 0 if status == "skipped" else 1,
        "input": None,
        "output": None,
        "error": entry.get("error"),
        "started_at": None,
        "ended_at": None,
        "due_at": None,
        "ms": entry.get("ms"),
    }


def _in_reading_order(paths: Mapping[str, object]) -> list[str]:
    """Paths as their steps stand in the file: the trace has a step after those inside it."""
    tree: dict[str, Any] = {}
    for path in paths:
        branch = tree
        for section in SECTION.findall(path):
            branch = branch.setdefault(section, {})

    def walk(branch: dict[str, Any], prefix: str) -> list[str]:
        found = []
        for section, inner in branch.items():
            path = prefix + section
            found += [path, *walk(inner, path)] if path in paths else walk(inner, path)
        return found

    return walk(tree, "")

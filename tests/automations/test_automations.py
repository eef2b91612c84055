"""
Whole automations as people write them: each is free of faults and warnings, and its cases pass and reach
all of its steps. With the starters they use every kind of step and trigger of the language.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runner.cli import hookline
from runner.engine.library import workflow_files
from runner.language.functions_formats import from_yaml
from runner.language.keys import BLOCKS, STEP_KINDS

HERE = Path(__file__).parent
STARTERS = HERE.parents[1] / "workflows"
FILES = [*workflow_files(HERE), *workflow_files(STARTERS)]


@pytest.fixture(scope="module")
def report() -> Any:
    done = CliRunner().invoke(hookline, ["test", str(HERE), "--json"])
    return json.loads(done.stdout)


def test_there_are_many() -> None:
    assert len(FILES) >= 25
    assert all(path.with_suffix(".test.yaml").exists() for path in FILES)


def test_none_has_a_fault_or_a_warning() -> None:
    done = CliRunner().invoke(hookline, ["check", str(HERE), str(STARTERS)])
    assert done.exit_code == 0, done.output
    assert "no faults" in done.output


def test_every_case_passes(report: Any) -> None:
    failed = {
        (one["workflow"], one["name"]): one["differences"] for one in report["items"] if one["differences"]
    }
    assert failed == {}
    assert report["summary"]["not_tried"] == 0


def test_every_step_is_reached(report: Any) -> None:
    assert {one["workflow"]: one["unreached"] for one in report["coverage"] if one["unreached"]} == {}


def test_they_use_the_whole_language() -> None:
    workflows = [from_yaml(path.read_text("utf-8")) for path in FILES]
    triggers = {kind for one in workflows for kind in one["trigger"]}
    kinds = {key for one in workflows for step in _steps(one) for key in step if key in STEP_KINDS}
    assert triggers == set(BLOCKS["trigger"].keys)
    assert kinds == set(STEP_KINDS)


def _steps(value: Any) -> Iterator[dict[str, Any]]:
    """All mappings in *value*, of which the steps are some."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _steps(one)

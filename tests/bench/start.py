"""From the start of the process to the first answer of a webhook, with 100 workflows."""

from __future__ import annotations

import json
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.bench.report import Part, Row, Target
from tests.bench.stage import Stage, write_workflows

WORKFLOWS = 100  # with `bench` among them
FIRST, SECOND = "first start", "second start"


def measure(stage: Stage) -> list[Part]:
    """The very first start on an empty folder, and the next one on the same data."""
    found: dict[str, list[float]] = {FIRST: [], SECOND: []}
    stage.path("bench")  # asked for before, not while it is timed
    for number in range(stage.plan.start_rounds):
        stage.say(f"start: round {number + 1} of {stage.plan.start_rounds}")
        with tempfile.TemporaryDirectory(dir=stage.folder) as name:
            data = Path(name)
            write_workflows(data / "workflows", stage.port, others=WORKFLOWS - 2)
            for which in (FIRST, SECOND):
                found[which].append(_seconds_to_first_answer(stage, data))
    rows = [Row(name, {"seconds": values}) for name, values in found.items()]
    targets = [
        Target("second start to first answer, s", rows[1].median("seconds"), 0.8),
        Target("first start to first answer, s", rows[0].median("seconds"), 2.0),
    ]
    return [Part(f"Start to first answer, {WORKFLOWS} workflows", rows, targets)]


def _seconds_to_first_answer(stage: Stage, data: Path) -> float:
    began = time.monotonic()
    with stage.hookline(data) as (_process, address):
        request = urllib.request.Request(
            address + stage.path("bench"),
            data=json.dumps({"ref": "refs/heads/elsewhere"}).encode(),  # filtered: nothing is sent on
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
        return time.monotonic() - began

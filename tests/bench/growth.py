"""Whether it stays as fast: completed runs a second over a long history, and with many workflows."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from pathlib import Path

from tests.bench import history, throughput
from tests.bench.report import Part, Row, Target
from tests.bench.stage import TYPICAL, Stage, write_workflows

MOST_HISTORY, MOST_WORKFLOWS = 1_000_000, 1000  # those that the targets speak of


def measure(stage: Stage) -> list[Part]:
    """One part for the history and one for the workflows."""
    return [_of_history(stage), _of_workflows(stage)]


def _of_history(stage: Stage) -> Part:
    with contextlib.ExitStack() as stack:
        data = {0: stack.enter_context(stage.data())}
        template = history.empty(stack.enter_context(stage.data()))
        for rows in stage.plan.history:
            stage.say(f"growth: {rows:,} rows of history are written")
            history.grow(template, rows)
            data[rows] = stack.enter_context(stage.data())
            history.copied(template, data[rows])
        template.unlink()  # the largest is over a gigabyte
        part, ratio = _compared(stage, {_rows(rows): one for rows, one in data.items()}, "× empty")
        if MOST_HISTORY in data:
            value = ratio[_rows(MOST_HISTORY)]
            part.targets.append(
                Target("completed over 1,000,000 runs of history, × empty", value, 0.9, is_least=True)
            )
        return part


def _of_workflows(stage: Stage) -> Part:
    with contextlib.ExitStack() as stack:
        data = {1: stack.enter_context(stage.data())}
        for count in stage.plan.workflows:
            folder = stack.enter_context(stage.data())
            (folder / "workflows").unlink()
            write_workflows(folder / "workflows", stage.port, others=count - 2)
            data[count] = folder
        part, ratio = _compared(stage, {_workflows(count): one for count, one in data.items()}, "× one")
        if MOST_WORKFLOWS in data:
            value = ratio[_workflows(MOST_WORKFLOWS)]
            part.targets.append(Target("completed with 1,000 workflows, × one", value, 0.95, is_least=True))
        return part


def _compared(stage: Stage, folders: dict[str, Path], title: str) -> tuple[Part, dict[str, float]]:
    """Completed runs over each folder in turn, and their medians beside the first's."""
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in folders}
    for number in range(stage.plan.growth_rounds):
        stage.say(f"growth: round {number + 1} of {stage.plan.growth_rounds}")
        first: float | None = None
        for name, data in folders.items():
            figures = throughput.completed_in(stage, data, TYPICAL, name=name)
            rate = figures[throughput.RATE]
            first = first or rate
            found[name]["completed a second"].append(rate)
            found[name][title].append(rate / first)
            found[name]["MiB"].append(figures[throughput.MEMORY])
    rows = [Row(name, dict(figures)) for name, figures in found.items()]
    return Part(f"Growth, {title}", rows), {row.name: row.median(title) for row in rows}


def _rows(count: int) -> str:
    return f"{count:,} runs of history"


def _workflows(count: int) -> str:
    # `bench-result` always stands beside `bench`
    return f"{count:,} workflow{'s' if count != 1 else ''}"

"""
How long a person waits who writes a workflow: a preview of ten steps, and a value after another letter,
with their process warm, beside the bounds that a person does not notice.
"""

from __future__ import annotations

import asyncio
import time

from runner.cli.trying import DeskPool
from runner.values import Json
from tests.bench.report import Part, Row, Target
from tests.bench.stage import Stage
from tests.workbench.looker import Looker
from tests.workbench.steps import PAYLOAD, TEN

CALLS = 10
PREVIEW_MS = 100.0
VALUE_MS = 30.0


def measure(_stage: Stage) -> list[Part]:
    """Both, in milliseconds."""
    previews, values = asyncio.run(_asked())
    rows = [Row("preview of ten steps", {"ms": previews}), Row("value of an expression", {"ms": values})]
    targets = [
        Target("preview of ten steps, ms", rows[0].median("ms"), PREVIEW_MS),
        Target("value of an expression, ms", rows[1].median("ms"), VALUE_MS),
    ]
    return [Part("Trying a workflow while it is written", rows, targets)]


async def _asked() -> tuple[list[float], list[float]]:
    pool = DeskPool()
    try:
        preview = Looker(TEN, PAYLOAD).asked(do="preview", upto=None, seconds=4.0)
        await pool.ask(preview, seconds=4.0, key="flow")  # starts the process
        previews = [await _milliseconds(pool, preview) for _ in range(CALLS)]
        values = []
        for number in range(CALLS):
            text = TEN.replace("Order {{", f"Order {'x' * number}{{{{")
            more = {"do": "evaluate", "at": "text3", "kind": "template", "source": "{{ steps.order.number }}"}
            values.append(await _milliseconds(pool, Looker(text, PAYLOAD).asked(**more, seconds=2.0)))
        return previews, values
    finally:
        await pool.close()


async def _milliseconds(pool: DeskPool, request: Json) -> float:
    began = time.perf_counter()
    await pool.ask(request, seconds=4.0, key="flow")
    return (time.perf_counter() - began) * 1000

"""
What it holds in memory: idle, and while three times as much comes in as can be completed.

What is refused then must be refused honestly (503 with nothing kept), and what was accepted must
all be completed afterwards.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from tests.bench import throughput
from tests.bench.report import Part, Row, Target
from tests.bench.servers import Process, wait_until
from tests.bench.stage import Stage

OVERLOAD = 3.0  # times what can be completed
LOOK_SECONDS = 0.2
SETTLED_SECONDS = 1.0  # after "ready", before idle is measured
CONNECTIONS = 128
DRAIN_SECONDS = 180.0
POINTS = 10  # of the curve in the table; the JSON has all


def measure(stage: Stage) -> list[Part]:
    """Idle, the peak, and the curve."""
    rate = OVERLOAD * throughput.rate(stage, "completed")
    stage.say(f"memory: {stage.plan.overload_seconds:.0f} s of {rate:,.0f} a second")
    before = stage.received()
    with stage.data() as data:
        with stage.hookline(data) as (process, address):
            time.sleep(SETTLED_SECONDS)
            idle = process.memory_mib()
            with _watched(process) as curve:
                results = stage.load(
                    address,
                    "bench",
                    rate=rate,
                    seconds=stage.plan.overload_seconds,
                    connections=CONNECTIONS,
                )
                loaded = time.monotonic()
                wait_until(lambda: stage.received() - before >= results["ok"], seconds=DRAIN_SECONDS)
                drained = time.monotonic() - loaded
        delivery = stage.account(
            "overload", data, accepted=results["ok"], delivered=stage.received() - before
        )
    peak = max(mebibytes for _second, mebibytes in curve)
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(results["statuses"].items()))
    step = max(1, len(curve) // POINTS)
    shown = " ".join(f"{second:.0f}s:{mebibytes:.0f}" for second, mebibytes in curve[::step])
    notes = [
        f"{rate:,.0f} requests a second were due for {stage.plan.overload_seconds:.0f} s; answers {statuses}",
        f"no answer: {results['lost']:,}; not sent, since no connection was free: {results['unsent']:,}",
        f"accepted {delivery.accepted:,}, delivered {delivery.delivered:,} by {drained:.1f} s after it",
        f"MiB over time: {shown}",
    ]
    return [
        Part(
            "Memory",
            [Row("idle", {"MiB": [idle]}), Row("peak under overload", {"MiB": [peak]})],
            [
                Target("memory idle, MiB", idle, 110),
                Target("memory through overload, MiB", peak, 220),
            ],
            notes,
            {"memory": curve, "statuses": results["statuses"]},
        )
    ]


@contextlib.contextmanager
def _watched(process: Process) -> Iterator[list[tuple[float, float]]]:
    """(seconds, MiB) of *process*, looked at all the while."""
    curve: list[tuple[float, float]] = []
    over = threading.Event()
    began = time.monotonic()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            curve.append((round(time.monotonic() - began, 2), round(process.memory_mib(), 1)))

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield curve
    finally:
        over.set()
        watching.join()
        curve.append((round(time.monotonic() - began, 2), round(process.memory_mib(), 1)))

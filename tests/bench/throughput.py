"""
How much can be done: requests a second of the bare endpoints, events accepted, runs completed; and
the floors under the last two, what the libraries and the disk take alone (tests/bench/bare.py).

Each round has every contender once, in turn, so that a machine that slows down slows all of them;
ratios are taken within a round.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from tests.bench.report import Part, Row, Target
from tests.bench.servers import wait_until
from tests.bench.stage import TYPICAL, Stage

EVERYTHING = 10**7  # a backlog that receiving alone cannot fill
DRAIN_SECONDS = 90.0  # after a load, on a slow machine

Figures = dict[str, float]
RATE, CPU, MEMORY = "a second", "CPU s per 1,000", "MiB"
TIMES_BARE, CPU_TIMES_BARE, TIMES_ONE = "× bare", "CPU × bare", "× one"


def measure(stage: Stage) -> list[Part]:
    """One part for each size of body."""
    return [_of_size(stage, size) for size in stage.plan.sizes]


def rate(stage: Stage, name: str) -> float:
    """The median of "accepted" or "completed" a second for the typical body, measured once if not known."""
    if name not in stage.rates:
        one = accepted(stage, TYPICAL) if name == "accepted" else completed(stage, TYPICAL)
        stage.rates[name] = one[RATE]
    return stage.rates[name]


def _of_size(stage: Stage, size: int) -> Part:
    contenders: dict[str, Callable[[], Figures]] = {
        "bare ASGI": lambda: bare(stage, "asgi", size),
        "bare Quart": lambda: bare(stage, "quart", size),
        "accepted": lambda: accepted(stage, size),
        "completed": lambda: completed(stage, size),
    }
    if size == TYPICAL:
        contenders["floor of accepted"] = lambda: bare(stage, "durable", size)
        contenders["floor of completed"] = lambda: floor_of_completed(stage, size)
        contenders["completed, 2 workers"] = lambda: completed(stage, size, "--workers", "2")
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in contenders}
    rounds = stage.plan.rounds if size == TYPICAL else stage.plan.other_rounds
    for number in range(rounds):
        stage.say(f"throughput, {size // 1000} KB: round {number + 1} of {rounds}")
        this = {name: one() for name, one in contenders.items()}
        for name, figures in this.items():
            figures[TIMES_BARE] = figures[RATE] / this["bare ASGI"][RATE]
            figures[CPU_TIMES_BARE] = figures[CPU] / this["bare ASGI"][CPU]
            if "workers" in name:
                figures[TIMES_ONE] = figures[RATE] / this["completed"][RATE]
            for figure, value in figures.items():
                found[name][figure].append(value)
    rows = [Row(name, dict(figures)) for name, figures in found.items()]
    by_name = {row.name: row for row in rows}
    targets = []
    if size == TYPICAL:
        for name in ("accepted", "completed"):
            stage.rates[name] = by_name[name].median(RATE)
        targets = [
            Target(
                "accepted a second, × bare ASGI", by_name["accepted"].median(TIMES_BARE), 0.60, is_least=True
            ),
            Target(
                "completed a second, × bare ASGI",
                by_name["completed"].median(TIMES_BARE),
                0.36,
                is_least=True,
            ),
            Target(
                "two workers, × one", by_name["completed, 2 workers"].median(TIMES_ONE), 1.3, is_least=True
            ),
            Target("CPU of a run, × a bare request", by_name["completed"].median(CPU_TIMES_BARE), 2.8),
        ]
    return Part(f"Throughput, bodies of {size // 1000} KB", rows, targets)


def bare(stage: Stage, kind: str, size: int) -> Figures:
    """One round against a bare endpoint."""
    with stage.bare(kind) as (process, address):
        stage.load(address, "bench", size=size, seconds=stage.plan.warm_seconds)
        cpu = process.cpu_seconds()
        results = stage.load(address, "bench", size=size, seconds=stage.plan.seconds)
        return {
            RATE: results["per_second"],
            "p50 ms": results["p50_ms"],
            "p99 ms": results["p99_ms"],
            CPU: (process.cpu_seconds() - cpu) / max(1, results["ok"]) * 1000,
            MEMORY: process.memory_mib(),
        }


def floor_of_completed(stage: Stage, size: int) -> Figures:
    """One round of what a run's libraries take, nothing of ours between them."""
    with stage.bare("sent", f"http://127.0.0.1:{stage.port}/") as (process, address):
        before = stage.received()
        warm = stage.load(address, "bench", size=size, seconds=stage.plan.warm_seconds)
        wait_until(lambda: stage.received() - before >= warm["ok"], seconds=DRAIN_SECONDS)
        cpu, began, first = process.cpu_seconds(), time.monotonic(), stage.received()
        results = stage.load(address, "bench", size=size, seconds=stage.plan.seconds)
        wait_until(lambda: stage.received() - first >= results["ok"], seconds=DRAIN_SECONDS)
        done = stage.received() - first
        return {
            RATE: done / (time.monotonic() - began),
            "p50 ms": results["p50_ms"],
            "p99 ms": results["p99_ms"],
            CPU: (process.cpu_seconds() - cpu) / max(1, done) * 1000,
            MEMORY: process.memory_mib(),
        }


def accepted(stage: Stage, size: int) -> Figures:
    """One round of receiving alone, into a store of its own: what is queued there is never run."""
    with (
        stage.data() as data,
        stage.hookline(data, "--no-execute", backlog=EVERYTHING) as (process, address),
    ):
        stage.load(address, "bench", size=size, seconds=stage.plan.warm_seconds)
        cpu = process.cpu_seconds()
        results = stage.load(address, "bench", size=size, seconds=stage.plan.seconds)
        return {
            RATE: results["per_second"],
            "p50 ms": results["p50_ms"],
            "p99 ms": results["p99_ms"],
            CPU: (process.cpu_seconds() - cpu) / max(1, results["ok"]) * 1000,
            MEMORY: process.memory_mib(),
        }


def completed(stage: Stage, size: int, *arguments: str) -> Figures:
    """One round of whole runs into a store of its own."""
    with stage.data() as data:
        return completed_in(stage, data, size, *arguments)


def completed_in(stage: Stage, data: Path, size: int, *arguments: str, name: str = "completed") -> Figures:
    """One round of whole runs over *data*: sent for a while, timed until the sink has had them all."""
    before = stage.received()
    with stage.hookline(data, *arguments) as (process, address):
        warm = stage.load(address, "bench", size=size, seconds=stage.plan.warm_seconds)
        wait_until(lambda: stage.received() - before >= warm["ok"], seconds=DRAIN_SECONDS)
        cpu, began, first = process.cpu_seconds(), time.monotonic(), stage.received()
        results = stage.load(address, "bench", size=size, seconds=stage.plan.seconds)
        memory = process.memory_mib()
        wait_until(lambda: stage.received() - first >= results["ok"], seconds=DRAIN_SECONDS)
        seconds = time.monotonic() - began
        done = stage.received() - first
        figures = {
            RATE: done / seconds,
            "p50 ms": results["p50_ms"],
            "p99 ms": results["p99_ms"],
            CPU: (process.cpu_seconds() - cpu) / max(1, done) * 1000,
            MEMORY: max(memory, process.memory_mib()),
        }
    stage.account(
        " ".join([f"{name}, {size // 1000} KB", *arguments]),
        data,
        accepted=warm["ok"] + results["ok"],
        delivered=stage.received() - before,
    )
    return figures

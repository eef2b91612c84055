"""
How long a sender waits at half load: requests at a fixed rate, each timed from the instant at which
it was due, beside the bare endpoint at the same rate.

Half load is half of what the same kind of answer can be given to: of the accepted rate for
`answer: accepted` where nothing is executed, of the completed rate where runs are executed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from tests.bench import throughput
from tests.bench.report import Part, Row, Target
from tests.bench.servers import wait_until
from tests.bench.stage import Stage, fsync_ms

FIGURES = {"p50 ms": "p50_ms", "p99 ms": "p99_ms", "p99.9 ms": "p99_9_ms", "late p99 ms": "late_p99_ms"}
CONNECTIONS = 64  # more than are in flight at half load: a request that is due finds one free


@dataclass(frozen=True, slots=True)
class _Contender:
    """Who answers at which rate; `slug` None: the bare endpoint."""

    name: str
    rate: float
    slug: str | None = None
    executes: bool = True


def measure(stage: Stage) -> list[Part]:
    """The waiting of senders, and one flush of this disk."""
    accepting = throughput.rate(stage, "accepted") / 2
    running = throughput.rate(stage, "completed") / 2
    contenders = [
        _Contender(f"bare ASGI, {accepting:,.0f}/s", accepting),
        _Contender(f"accepted, {accepting:,.0f}/s", accepting, "bench", executes=False),
        _Contender(f"bare ASGI, {running:,.0f}/s", running),
        _Contender(f"accepted while runs execute, {running:,.0f}/s", running, "bench"),
        _Contender(f"answer: result, {running:,.0f}/s", running, "bench-result"),
    ]
    found: list[dict[str, list[float]]] = [defaultdict(list) for _ in contenders]
    flushes = []
    for number in range(stage.plan.latency_rounds):
        stage.say(f"latency: round {number + 1} of {stage.plan.latency_rounds}")
        flushes += fsync_ms(stage.folder)
        for place, contender in enumerate(contenders):
            results = _one(stage, contender)
            for figure, key in FIGURES.items():
                found[place][figure].append(results[key])
            found[place]["not answered 2xx"].append(results["sent"] - results["ok"] + results["unsent"])
    rows = [Row(one.name, dict(figures)) for one, figures in zip(contenders, found, strict=True)]
    flushes.sort()
    flush, slow_flush = flushes[len(flushes) // 2], flushes[int(len(flushes) * 0.99)]
    bare, accepted, bare_running, _beside, result = rows
    targets = [
        Target("accepted p50 ms at half load", accepted.median("p50 ms"), 2 * bare.median("p50 ms") + flush),
        Target("accepted p99 ms at half load", accepted.median("p99 ms"), 3 * bare.median("p99 ms") + flush),
        Target(
            "answer: result p50 ms at half load",
            result.median("p50 ms"),
            4 * bare_running.median("p50 ms"),
        ),
    ]
    notes = [
        f"one flush of this disk (fdatasync after 8 KiB): p50 {flush:.2f} ms, p99 {slow_flush:.2f} ms",
        "late: how long after its instant the generator itself sent; it is part of every time above",
    ]
    return [Part("Latency at half load, bodies of 7 KB", rows, targets, notes)]


def _one(stage: Stage, contender: _Contender) -> dict[str, Any]:
    seconds: dict[str, Any] = {"seconds": stage.plan.latency_seconds, "connections": CONNECTIONS}
    if contender.slug is None:
        with stage.bare("asgi") as (_process, address):
            stage.load(address, "bench", seconds=stage.plan.warm_seconds)
            return stage.load(address, "bench", rate=contender.rate, **seconds)
    more = [] if contender.executes else ["--no-execute"]
    limits = {} if contender.executes else {"backlog": throughput.EVERYTHING}
    with stage.data() as data:
        before = stage.received()
        with stage.hookline(data, *more, **limits) as (_process, address):
            warm = stage.load(address, contender.slug, seconds=stage.plan.warm_seconds)
            if contender.executes:
                wait_until(lambda: stage.received() - before >= warm["ok"], seconds=throughput.DRAIN_SECONDS)
            results = stage.load(address, contender.slug, rate=contender.rate, **seconds)
            accepted = warm["ok"] + results["ok"]
            if contender.executes:
                wait_until(lambda: stage.received() - before >= accepted, seconds=throughput.DRAIN_SECONDS)
        if contender.executes:
            done = stage.received() - before
            stage.account(f"latency, {contender.name}", data, accepted=accepted, delivered=done)
    return results

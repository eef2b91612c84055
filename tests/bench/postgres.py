"""
What PostgreSQL costs beside the embedded store, and what more processes bring: runs completed, events
accepted, lines that let only so many runs go at once, and how soon an idle process begins.

Every contender has a database of its own in one server, which stands on the same cores as the nodes,
the load and the destination.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeAlias

from tests.bench.report import Part, Row, Target
from tests.bench.servers import wait_until
from tests.bench.stage import LANES, Delivery, Stage
from tests.bench.stores import EVERYTHING, Contender, House, open_house
from tests.bench.throughput import CPU, DRAIN_SECONDS, MEMORY, RATE, Figures
from tests.servers.postgres import PostgresServer, postgres_server

EMBEDDED = Contender("embedded", on_postgres=False)
ONE = Contender("PostgreSQL, one serve")
SPLIT = Contender("PostgreSQL, serve and one worker", workers=1)
MORE = Contender("PostgreSQL, serve and two workers", workers=2)
RECEIVES_EMBEDDED = Contender("embedded", on_postgres=False, executes=False)
RECEIVES = Contender("PostgreSQL", executes=False)

TIMES_EMBEDDED, TIMES_ONE = "× embedded", "× one worker"
CPU_OF_DATABASE = "PostgreSQL's CPU s per 1,000"
IDLE_RATE = 20.0  # events a second: each finds every process idle
WARM_SECONDS = 2.0  # at that rate
TO_START = """
SELECT (SELECT min(started_at) FROM records WHERE run_id = runs.id) - accepted_at FROM runs
WHERE status = 'succeeded' ORDER BY number
"""

Measured: TypeAlias = Callable[[Stage, House], Figures]


def measure(stage: Stage) -> list[Part]:
    """Four parts; none, with a word why, where no PostgreSQL is to be had."""
    try:
        with postgres_server(disk=stage.folder.parent) as database:
            return [
                _completing(stage, database),
                _accepting(stage, database),
                *(_in_line(stage, database, limit) for limit in LANES),
                _starting(stage, database),
            ]
    except LookupError as error:
        stage.say(str(error))
        return []


def _completing(stage: Stage, database: PostgresServer) -> Part:
    rows = _compared(stage, database, "completed", [EMBEDDED, ONE, SPLIT, MORE], completed)
    of = {row.name: row for row in rows}
    split, more = of[SPLIT.name], of[MORE.name]
    more.figures[TIMES_ONE] = [
        two / one for one, two in zip(split.figures[RATE], more.figures[RATE], strict=True)
    ]
    targets = [
        Target(
            "PostgreSQL, one worker, completed × embedded",
            split.median(TIMES_EMBEDDED),
            0.33,
            is_least=True,
        ),
        Target("PostgreSQL, two workers, × one worker", more.median(TIMES_ONE), 1.0, is_least=True),
    ]
    return Part("PostgreSQL: runs completed, bodies of 7 KB", rows, targets)


def _accepting(stage: Stage, database: PostgresServer) -> Part:
    rows = _compared(stage, database, "accepted", [RECEIVES_EMBEDDED, RECEIVES], accepted)
    return Part("PostgreSQL: events accepted, nothing executed, bodies of 7 KB", rows)


def _in_line(stage: Stage, database: PostgresServer, limit: int) -> Part:
    def drained(stage: Stage, house: House) -> Figures:
        return completed(stage, house, f"lane-{limit}", count=stage.plan.lane_runs)

    rows = _compared(stage, database, f"lane of {limit}", [EMBEDDED, ONE, SPLIT, MORE], drained)
    return Part(f"PostgreSQL: runs of one line, {limit} at a time, bodies of 7 KB", rows)


def _starting(stage: Stage, database: PostgresServer) -> Part:
    rows = _compared(stage, database, "start", [EMBEDDED, ONE, SPLIT, MORE], started)
    notes = [f"{IDLE_RATE:.0f} events a second; three steps are computed before the call"]
    return Part("PostgreSQL: from an event to its run's first call, idle", rows, notes=notes)


def _compared(
    stage: Stage, database: PostgresServer, what: str, contenders: Sequence[Contender], measured: Measured
) -> list[Row]:
    """Each round has every contender once, in turn; the first is what the others are set beside."""
    found: dict[str, dict[str, list[float]]] = {one.name: defaultdict(list) for one in contenders}
    for number in range(stage.plan.other_rounds):
        stage.say(f"PostgreSQL, {what}: round {number + 1} of {stage.plan.other_rounds}")
        first = 0.0
        for one in contenders:
            with open_house(stage, database, one) as house:
                figures = measured(stage, house)
            if rate := figures.get(RATE):
                first = first or rate
                figures[TIMES_EMBEDDED] = rate / first
            for figure, value in figures.items():
                found[one.name][figure].append(value)
    return [Row(name, dict(figures)) for name, figures in found.items()]


def completed(stage: Stage, house: House, slug: str = "bench", count: int | None = None) -> Figures:
    """One round of whole runs, *count* or for a while, timed until the destination has had them all."""
    seconds = stage.plan.seconds if count is None else DRAIN_SECONDS
    before = stage.received()
    warm = stage.load(house.address, slug, seconds=stage.plan.warm_seconds)
    _drain(house, stage, before + warm["ok"])
    cpu, cpu_of_database, first = house.cpu(), house.cpu_of_database(), stage.received()
    began = time.monotonic()
    results = stage.load(house.address, slug, seconds=seconds, count=count or EVERYTHING)
    memory = house.memory_mib()
    wait_until(lambda: stage.received() - first >= results["ok"], seconds=DRAIN_SECONDS)
    took = time.monotonic() - began
    done = stage.received() - first
    _drain(house, stage, first + done)
    figures = {
        RATE: done / took,
        "p50 ms": results["p50_ms"],
        "p99 ms": results["p99_ms"],
        CPU: (house.cpu() - cpu) / max(1, done) * 1000,
        MEMORY: max(memory, house.memory_mib()),
    }
    if house.database:
        figures[CPU_OF_DATABASE] = (house.cpu_of_database() - cpu_of_database) / max(1, done) * 1000
    accepted, delivered = warm["ok"] + results["ok"], stage.received() - before
    stage.note(Delivery(f"{house.name}, {slug}", accepted, delivered, house.runs()))
    return figures


def accepted(stage: Stage, house: House) -> Figures:
    """One round of receiving alone."""
    stage.load(house.address, "bench", seconds=stage.plan.warm_seconds)
    cpu, cpu_of_database = house.cpu(), house.cpu_of_database()
    results = stage.load(house.address, "bench", seconds=stage.plan.seconds)
    figures = {
        RATE: results["per_second"],
        "p50 ms": results["p50_ms"],
        "p99 ms": results["p99_ms"],
        CPU: (house.cpu() - cpu) / max(1, results["ok"]) * 1000,
        MEMORY: house.memory_mib(),
    }
    if house.database:
        used = house.cpu_of_database() - cpu_of_database
        figures[CPU_OF_DATABASE] = used / max(1, results["ok"]) * 1000
    return figures


def started(stage: Stage, house: House) -> Figures:
    """One round of an event now and then: milliseconds until its run's call begins."""
    before = stage.received()
    # a process has each of its first things to do once: to read the version, to prepare its statements
    warm = stage.load(house.address, "bench", rate=IDLE_RATE, seconds=WARM_SECONDS)
    results = stage.load(house.address, "bench", rate=IDLE_RATE, seconds=stage.plan.latency_seconds)
    accepted = warm["ok"] + results["ok"]
    _drain(house, stage, before + accepted)
    waits = sorted(float(wait) * 1000 for (wait,) in house.rows(TO_START)[warm["ok"] :])
    stage.note(Delivery(f"{house.name}, idle", accepted, stage.received() - before, house.runs()))
    return {
        "p50 ms": statistics.median(waits),
        "p95 ms": waits[int(len(waits) * 0.95)],
        "answer p50 ms": results["p50_ms"],
        "answer p99 ms": results["p99_ms"],
    }


def _drain(house: House, stage: Stage, received: int) -> None:
    """Wait until the destination has had so many, and no run is left that has not ended."""
    wait_until(lambda: stage.received() >= received, seconds=DRAIN_SECONDS)
    wait_until(lambda: not house.runs().keys() & {"queued", "running"}, seconds=DRAIN_SECONDS)

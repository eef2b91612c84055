"""
A history as a busy month leaves it, written by SQL: forty workflows of which a few do most of the work,
runs of every end, some hundred problems, events that came to nothing, no two bodies alike.
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from runner.values import sortable_id

BATCH = 20_000  # runs of one transaction
SPAN_SECONDS = 29 * 86400.0  # within the month that is kept
PROBLEMS = 300
OPEN_PROBLEMS = 30
HELD = 500
REFUSED = 150  # of each workflow: fewer than are kept
WAITING = 2000
ENDS = ("succeeded", "filtered", "failed", "cancelled")
SHARES = (0.93, 0.045, 0.02, 0.005)
NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Donald", "Rózsa", "行弘", "Zoë")
WORDS = ("paper", "stapler", "kettle", "lamp", "chair", "cable", "screw", "ribbon", "bottle", "frame", "bell")
TYPES = ("orders/create", "orders/paid", "orders/updated", "customers/create", "refunds/create")
EVENT = (
    "INSERT INTO events (id, workflow, trigger, disposition, received_at, method, path, query, headers, "
    "content_type, size, source_ip, type, delivery_id, gates, body) "
    "VALUES (?, ?, 'webhook', ?, ?, 'POST', '', '', ?, 'application/json', ?, '192.0.2.7', ?, ?, ?, ?)"
)
RUN = (
    "INSERT INTO runs (id, event_id, workflow, version, title, status, seed, accepted_at, base_at, fence, "
    "turns, reason, output, trace, started_at, ended_at, due_at, waiting_for, problem_id) "
    "VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, 1, 1, ?, ?, ?, ?, ?, ?, ?, ?)"
)
RECORD = (
    "INSERT INTO records (run_id, path, kind, status, attempts, input, input_digest, output, started_at, "
    "ended_at) VALUES (?, 'http.request#4', 'action', ?, 1, ?, ?, ?, ?, ?)"
)
PROBLEM = (
    "INSERT INTO problems (id, workflow, step, cause, sentence, status, opened_at, closed_at) "
    "VALUES (?, ?, 'http.request#4', ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Known:
    """What of the history a person would look for: of a run in the middle, and of one that needs looking."""

    run: str
    event: str
    delivery_id: str
    order: str
    failed_run: str
    problem: str


class _Maker:
    """Makes rows in the order of accepting; the same every time."""

    def __init__(self, workflows: Sequence[str], runs: int, now: float) -> None:
        self._chance = random.Random(runs)
        self._workflows = workflows
        self._weights = [1 / (place + 1) for place in range(len(workflows))]  # as such things are spread
        self._runs = runs
        self._now = now
        self._problems = [self.id(now - SPAN_SECONDS * self._chance.random()) for _ in range(PROBLEMS)]
        self._busiest = [self._workflow() for _ in range(PROBLEMS)]

    def id(self, at: float) -> str:
        return sortable_id(at, self._chance.randbytes(10))

    def _workflow(self) -> str:
        return self._chance.choices(self._workflows, self._weights)[0]

    def problems(self) -> Iterator[Sequence[Any]]:
        """The last ones are open."""
        for place, (identity, workflow) in enumerate(zip(self._problems, self._busiest, strict=True)):
            is_open = place >= PROBLEMS - OPEN_PROBLEMS
            cause = f"Unavailable: it answered {500 + place}"
            status, closed = ("open", None) if is_open else ("closed", self._now)
            yield identity, workflow, cause, f"{cause}.", status, self._now - 3600, closed

    def happened(self) -> Iterator[tuple[Sequence[Any], Sequence[Any] | None, Sequence[Any] | None]]:
        """An event, its run and its record; the last two None where there is none."""
        for number in range(self._runs):
            at = self._now - SPAN_SECONDS + SPAN_SECONDS * number / self._runs
            if number % 12 == 0:
                yield self._event(at, self._chance.choice(("ignored", "duplicate")), number), None, None
            is_waiting = number >= self._runs - WAITING * 10 and number % 10 == 0
            status = "waiting" if is_waiting else self._chance.choices(ENDS, SHARES)[0]
            place = self._chance.randrange(PROBLEMS) if status == "failed" else None
            workflow = "" if place is None else self._busiest[place]
            event = self._event(at, "accepted", number, workflow)
            run = self._run(event, status, number, place)
            yield event, run, None if status == "filtered" else self._record(run, number)
        for number in range(HELD):
            yield self._event(self._now - 60, "held", number), None, None
        for workflow in self._workflows:
            for number in range(REFUSED):
                yield self._event(self._now - 30, "rejected", number, workflow), None, None

    def _event(self, at: float, disposition: str, number: int, workflow: str = "") -> Sequence[Any]:
        chance = self._chance
        delivery = f"{chance.getrandbits(128):032x}"
        body = json.dumps(
            {
                "order": number + 100_000,
                "customer": {
                    "name": chance.choice(NAMES),
                    "email": f"c{chance.randrange(10**6)}@example.com",
                },
                "total": chance.randrange(10**5) / 100,
                "lines": [
                    {"sku": chance.choice(WORDS), "count": chance.randrange(1, 9), "note": delivery[:12]}
                    for _ in range(3)
                ],
            }
        ).encode()
        passed: dict[str, Any] = {"name": "received", "verdict": "passed", "reason": None, "facts": {}}
        stopped = {"name": "verified", "verdict": "stopped", "reason": "It has no signature.", "facts": {}}
        gates = [passed] if disposition in ("accepted", "held") else [passed, stopped]
        headers = json.dumps(
            {"content-type": "application/json", "x-topic": "orders", "x-delivery": delivery}
        )
        return (
            self.id(at), workflow or self._workflow(), disposition, at, headers, len(body),
            chance.choice(TYPES), delivery, json.dumps(gates), body,
        )  # fmt: skip

    def _run(self, event: Sequence[Any], status: str, number: int, place: int | None) -> Sequence[Any]:
        """*place* is that of its problem, None: it has none."""
        chance, at = self._chance, event[3]
        problem = None if place is None else self._problems[place]
        sentence = "Ran to its end." if place is None else f"It answered {500 + place}."
        ended, due = (None, self._now + 10 * SPAN_SECONDS) if status == "waiting" else (at + 0.2, None)
        reason = json.dumps({"code": status, "sentence": sentence, "facts": {"step": "http.request#4"}})
        trace = json.dumps([{"path": f"text#{place}", "status": "succeeded"} for place in range(3)])
        return (
            self.id(at), event[0], event[1], f"Order {number + 100_000} of {chance.choice(NAMES)}", status,
            f"{chance.getrandbits(128):032x}", at, at, reason, '{"status":200}', trace, at, ended, due,
            "time" if due else None, problem,
        )  # fmt: skip

    def _record(self, run: Sequence[Any], number: int) -> Sequence[Any]:
        status, at = "failed" if run[4] == "failed" else "succeeded", run[6]
        sent = json.dumps(
            {"method": "POST", "url": "http://127.0.0.1/", "json": {"text": run[3], "n": number}}
        )
        digest = f"{self._chance.getrandbits(256):064x}"
        return run[0], status, sent, digest, '{"status":200,"headers":{},"body":{"ok":true}}', at, at + 0.1


def fill(database: Path, workflows: Sequence[str], runs: int, *, now: float) -> Known:
    """
    Write *runs* runs of *workflows* that were accepted within the month before *now*, and all around them,
    into an empty *database*, on which no server runs.
    """
    maker = _Maker(workflows, runs, now)
    middle: tuple[Sequence[Any], Sequence[Any]] | None = None
    failed: Sequence[Any] = ()
    written = 0
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")  # lost with this machine, it is made again
        connection.execute("PRAGMA cache_size=-200000")
        connection.executemany(PROBLEM, maker.problems())
        happened = maker.happened()
        while batch := list(islice(happened, BATCH)):
            connection.execute("BEGIN")
            connection.executemany(EVENT, [event for event, _run, _record in batch])
            connection.executemany(RUN, [run for _event, run, _record in batch if run])
            connection.executemany(RECORD, [record for _event, _run, record in batch if record])
            connection.execute("COMMIT")
            written += len(batch)
            for event, run, _record in batch:
                if run and run[4] == "failed":
                    failed = run
                if run and middle is None and written > runs // 2:
                    middle = event, run
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if middle is None or not failed:
        raise ValueError(f"{runs} runs are too few for a history")
    event, run = middle
    return Known(run[0], event[0], event[7], run[3].split()[1], failed[0], failed[15])

"""
The account of every event of the soak: what was sent, what was answered, what the store has, and
what came to the destinations, held against each other.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.destinations import Arrivals
from tests.crash.workload import KINDS, Sent

ENDED = frozenset({"succeeded", "failed", "filtered", "cancelled"})


@dataclass(slots=True)
class Account:
    """Figures for people, and `faults`: each a sentence, none where all is well."""

    figures: dict[str, object] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def fault(self, what: str, examples: list[str]) -> None:
        """Note a fault of all *examples*, if there are any."""
        if examples:
            self.faults.append(f"{len(examples)} × {what}: {', '.join(sorted(examples)[:5])}")

    def __str__(self) -> str:
        lines = [f"{name}: {value}" for name, value in self.figures.items()]
        return "\n".join([*lines, *(f"FAULT: {one}" for one in self.faults)])


def balance(database: Path, sent: Sent, arrivals: Arrivals) -> Account:
    """Hold all against all; no server runs any more."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        events = {
            event: (workflow, disposition)
            for event, workflow, disposition in store.execute("SELECT id, workflow, disposition FROM events")
        }
        runs: dict[str, list[str]] = defaultdict(list)
        for event, status in store.execute("SELECT event_id, status FROM runs"):
            runs[event].append(status)
    # a key is the event's id, a dot, and the place of the effect (runner/engine/calls.py)
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for effect, key in arrivals.seen:
        keys[effect, key.partition(".")[0]].add(key)
    delivered = {(effect.partition("-")[0], key.partition(".")[0]) for effect, key in arrivals.answered}
    may_fail = {kind.slug for kind in KINDS if kind.may_fail}
    named = {event for those in sent.events.values() for event in those}
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    for event, statuses in runs.items():
        ends[events[event][0]].update(statuses)

    account = Account()
    account.figures = {
        "sent": f"{len(sent.numbers):,} events in {sent.requests:,} requests "
        f"({_counted(Counter(kind.slug for kind in sent.numbers.values()))})",
        "held back by the sender": sent.held_back,
        "answered, by status": _counted(sent.statuses),
        "accepted by the sender's account": f"{len(sent.events):,}",
        "in the store, by disposition": _counted(Counter(disposition for _, disposition in events.values())),
        "runs, by end": "; ".join(f"{slug} {_counted(ends[slug])}" for slug in sorted(ends)),
        "delivered, by key": f"{len(arrivals.answered):,}",
        "repeated under the same key": f"{_repeated(arrivals.answered):,} that had been answered with 200, "
        f"{_repeated(arrivals.seen):,} in all",
    }
    missing = [
        f"{workflow} {event}"
        for event, (workflow, disposition) in events.items()
        if disposition == "accepted" and workflow not in may_fail and (workflow, event) not in delivered
    ]
    account.fault("answered 2xx and not in the store", [event for event in named if event not in events])
    account.fault("accepted without a run", [
        event for event, (_, disposition) in events.items() if disposition == "accepted" and not runs[event]
    ])  # fmt: skip
    account.fault("a run that never ended", [
        event for event, statuses in runs.items() if not ENDED.issuperset(statuses)
    ])  # fmt: skip
    account.fault("a run that did not succeed", [
        f"{events[event][0]} {event}"
        for event, statuses in runs.items()
        if events[event][0] not in may_fail and not {"succeeded"}.issuperset(statuses)
    ])  # fmt: skip
    account.fault("accepted and not delivered", missing)
    account.fault("an effect under two keys for one event", [
        f"{effect} ({', '.join(sorted(those))})" for (effect, _), those in keys.items() if len(those) > 1
    ])  # fmt: skip
    account.fault("an effect without a key", [effect for effect, key in arrivals.seen if not key])
    account.fault("a 2xx that names no event", [str(number) for number in sent.nameless])
    heard = {*sent.events, *sent.nameless}
    account.fault("never answered 2xx", [str(number) for number in sent.numbers if number not in heard])
    account.figures["missing"] = len(missing)
    account.figures["under another key"] = sum(len(those) > 1 for those in keys.values())
    return account


def _repeated(counter: Counter[tuple[str, str]]) -> int:
    return sum(count - 1 for count in counter.values())


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counter.items())) or "none"

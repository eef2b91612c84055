"""The account of the soak sees what it is there to see."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from tests.crash.account import Account, balance
from tests.crash.destinations import Arrivals
from tests.crash.workload import KINDS, Sent

FAST, GARBAGE = (next(kind for kind in KINDS if kind.slug == slug) for slug in ("fast", "garbage"))


def balanced(
    folder: Path,
    *,
    events: list[tuple[str, str, str]],
    runs: list[tuple[str, str]],
    arrivals: list[tuple[str, str]],
    heard: dict[int, set[str]],
) -> Account:
    """The account of rows (event, workflow, disposition) and (event, status), and of answered arrivals."""
    database = folder / "store.db"
    database.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as store:
        store.execute("CREATE TABLE events (id, workflow, disposition)")
        store.execute("CREATE TABLE runs (event_id, status)")
        store.executemany("INSERT INTO events VALUES (?, ?, ?)", events)
        store.executemany("INSERT INTO runs VALUES (?, ?)", runs)
        store.commit()
    came = Arrivals()
    came.seen.update(arrivals)
    came.answered.update(arrivals)
    sent = Sent(numbers=dict.fromkeys(range(2), FAST), events=heard)
    return balance(database, sent, came)


def test_all_is_well_when_all_arrived_also_twice_and_when_garbage_failed(tmp_path: Path) -> None:
    account = balanced(
        tmp_path,
        events=[("e0", "fast", "accepted"), ("e1", "garbage", "accepted")],
        runs=[("e0", "succeeded"), ("e1", "failed")],
        arrivals=[("fast-0", "e0.aa"), ("fast-0", "e0.aa"), ("garbage-1", "e1.bb")],
        heard={0: {"e0"}, 1: {"e1"}},
    )
    assert account.faults == []
    assert (account.figures["missing"], account.figures["under another key"]) == (0, 0)


def test_each_fault_is_said(tmp_path: Path) -> None:
    whole: dict[str, Any] = {
        "events": [("e0", "fast", "accepted"), ("e1", "fast", "accepted")],
        "runs": [("e0", "succeeded"), ("e1", "succeeded")],
        "arrivals": [("fast-0", "e0.aa"), ("fast-1", "e1.aa")],
        "heard": {0: {"e0"}, 1: {"e1"}},
    }
    for broken, said in (
        (
            {"events": whole["events"][:1], "runs": whole["runs"][:1]},
            ["answered 2xx and not in the store: e1"],
        ),
        ({"runs": [("e0", "succeeded")]}, ["accepted without a run: e1"]),
        ({"runs": [("e0", "succeeded"), ("e1", "waiting")]}, ["never ended: e1", "not succeed: fast e1"]),
        ({"arrivals": [("fast-0", "e0.aa")]}, ["accepted and not delivered: fast e1"]),
        (
            {"arrivals": [*whole["arrivals"], ("fast-1", "e1.bb")]},
            ["two keys for one event: fast-1 (e1.aa, e1.bb)"],
        ),
        ({"heard": {0: {"e0"}}}, ["never answered 2xx: 1"]),
    ):
        faults = balanced(tmp_path, **(whole | broken)).faults
        assert len(faults) == len(said), faults
        for fault, part in zip(faults, said, strict=True):
            assert part in fault

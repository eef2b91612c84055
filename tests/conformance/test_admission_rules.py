"""
The scheduler's rules for runs of one key, under any sequence of what can happen to them: never more
than the limit go, they begin in the order of accepting, and none is lost.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runner.engine.admission import Slot
from runner.engine.runs import ENDED, Run, Status, TurnEnd
from runner.store.sqlite import SQLiteStore
from tests.conformance.test_store import NOW, a_run, an_event

T = TypeVar("T")

GOING = frozenset({Status.RUNNING, Status.WAITING})


@dataclass
class Known:
    """What the test knows of a run without asking the store."""

    key: str
    number: int
    status: Status = Status.QUEUED
    begun: bool = False
    run: Run | None = None  # while it is in hand


PICKS = st.integers(0, 99)  # which of those to which something can happen


class Line(RuleBasedStateMachine):
    """Runs of two keys on one file, their turns in two processes."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Known] = {}
        self.begun: dict[str, list[int]] = {}

    @initialize(limit=st.sampled_from([1, 1, 2, 3]))
    def open(self, limit: int) -> None:
        self.limit = limit
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.numbers = itertools.count(1)
        self.store = self.do(SQLiteStore.open(self.folder / "hookline.db"))
        self.do(self.quick())

    async def quick(self) -> None:
        await self.store._writing.execute("PRAGMA synchronous=OFF")  # no power cut in this test

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.do(self.store.close())
            self.loop.close()
            shutil.rmtree(self.folder)

    def ids(self, *statuses: Status) -> list[str]:
        return [run_id for run_id, one in self.known.items() if one.status in statuses]

    @rule(key=st.sampled_from(["1", "1", "1", "null"]), hand=st.booleans())
    def accept(self, key: str, hand: bool) -> None:
        number = next(self.numbers)
        new = replace(a_run(number, owner="a" if hand else None), slot=Slot(key, self.limit))
        one = self.known[new.id] = Known(key, number)
        admitted = self.do(self.store.accept(an_event(number), [new], {}))
        if new.id in admitted.handed:
            self.began(one, Run(
                new.id, f"event-{number:04d}", "orders", 1, "Order", new.seed, attempt=1, fence=1, turns=1,
                stalled=1, accepted_at=NOW, base_at=NOW,
            ))  # fmt: skip

    @rule(node=st.sampled_from(["a", "b"]), room=st.integers(1, 4))
    def claim(self, node: str, room: int) -> None:
        jobs = self.do(self.store.due(now=NOW, limit=room))
        for claimed in self.do(self.store.claim(jobs, node=node, now=NOW)):
            self.began(self.known[claimed.run.id], claimed.run)

    @precondition(lambda self: self.ids(Status.RUNNING))
    @rule(
        pick=PICKS, status=st.sampled_from([Status.SUCCEEDED, Status.FAILED, Status.FAILED, Status.WAITING])
    )
    def finish(self, pick: int, status: Status) -> None:
        ids = self.ids(Status.RUNNING)
        known = self.known[ids[pick % len(ids)]]
        assert known.run is not None
        waits = status is Status.WAITING
        turn_end = TurnEnd(
            status, ended_at=None if waits else NOW, due_at=NOW if waits else None,
            waiting_for="an attempt" if waits else None,
        )  # fmt: skip
        self.do(self.store.finish(known.run, turn_end, [], {}))
        known.run, known.status = None, status

    @precondition(lambda self: self.ids(Status.QUEUED, Status.WAITING))
    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        ids = self.ids(Status.QUEUED, Status.WAITING)
        one = ids[pick % len(ids)]
        assert self.do(self.store.cancel(one, now=NOW)) is Status.CANCELLED
        self.known[one].status = Status.CANCELLED

    @precondition(lambda self: self.ids(Status.RUNNING))
    @rule(dies=st.sampled_from([False, False, False, True]))
    def crash(self, dies: bool) -> None:
        """Both processes die: neither holds a lock here."""
        if not dies:  # else hardly anything would ever end
            return
        self.do(self.store.take_over(node="another", now=NOW))
        for known in self.known.values():
            if known.run is not None:
                known.run, known.status = None, Status.QUEUED

    @precondition(lambda self: self.ids(Status.FAILED))
    @rule(pick=PICKS)
    def replay(self, pick: int) -> None:
        ids = self.ids(Status.FAILED)
        one = ids[pick % len(ids)]
        self.do(self.store.replay_failed(one, version=None, now=NOW))
        self.known[one].status = Status.QUEUED

    @invariant()
    def never_more_than_the_limit_go(self) -> None:
        for key in {one.key for one in self.known.values()}:
            going = [one for one in self.known.values() if one.key == key and one.status in GOING]
            assert len(going) <= self.limit

    @invariant()
    def they_begin_in_the_order_of_accepting(self) -> None:
        for numbers in self.begun.values():
            assert numbers == sorted(numbers)

    @invariant()
    def none_is_lost(self) -> None:
        """Each is where we left it, and what may go on does, to its end."""
        for run_id, known in self.known.items():
            assert self.do(self.store.answer_of(run_id))[0] is known.status
        waits = [one for one in self.known.values() if one.status not in ENDED]
        if waits and all(one.run is None for one in waits):
            assert self.do(self.store.due(now=NOW, limit=1)), "runs that nobody has, and none is due"

    def began(self, known: Known, run: Run) -> None:
        if not known.begun:
            self.begun.setdefault(known.key, []).append(known.number)
        known.begun, known.run, known.status = True, run, Status.RUNNING


TestLine = Line.TestCase
TestLine.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

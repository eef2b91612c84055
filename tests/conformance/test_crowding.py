"""What any store must do with the problem of too many runs that wait, and how it counts what is open."""

from __future__ import annotations

import asyncio
from typing import Any

from runner.engine.crowding import Crowd
from runner.store.crowding import StoredCrowding
from runner.store.opening import keeping_of
from runner.store.problems import StoredProblems
from runner.store.vitals import StoredGauge
from tests.conformance.stores import AnyStore
from tests.conformance.test_store import NOW, a_run, an_event

CROWD = Crowd(waiting=3, limit=4, since=NOW)


async def problems(store: AnyStore) -> list[Any]:
    return (await StoredProblems(store).page()).items


async def crowded(store: AnyStore) -> StoredCrowding:
    """Three runs that wait."""
    for number in (1, 2, 3):
        await store.accept(an_event(number), [a_run(number)], {})
    return StoredCrowding(store)


async def test_what_waits_is_counted(store: AnyStore) -> None:
    rows = await crowded(store)
    assert await rows.waiting() == 3
    await store.cancel("run-0001", now=NOW)
    assert await rows.waiting() == 2


async def test_it_is_one_problem_however_many_processes_see_it(store: AnyStore) -> None:
    rows = await crowded(store)
    await asyncio.gather(*(rows.open(CROWD, now=NOW + 300) for _ in range(4)))
    await rows.open(CROWD, now=NOW + 305)
    (one,) = await problems(store)
    assert (one["kind"], one["workflow"], one["status"]) == ("backlog", "orders", "open")
    assert one["sentence"].startswith("Too many runs wait: 3, 3 of them")
    reading = await StoredGauge(store, keeping_of(store)).read(NOW)
    assert (dict(reading.problems), reading.silent) == ({"backlog": 1}, ())


async def test_it_closes_and_opens_again_as_the_same(store: AnyStore) -> None:
    rows = await crowded(store)
    await rows.close(now=NOW)  # there is none
    await rows.open(CROWD, now=NOW + 300)
    await rows.close(now=NOW + 400)
    assert [one["status"] for one in await problems(store)] == ["closed"]
    await rows.open(Crowd(3, 4, NOW + 500), now=NOW + 800)
    assert [one["status"] for one in await problems(store)] == ["open"]
    assert dict((await StoredGauge(store, keeping_of(store)).read(NOW)).problems) == {"backlog": 1}

"""What comes at once is written at once, and each of it comes to what it would have come to by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from runner.engine.admission import Admitted
from runner.engine.runs import Disposition, Job, Status, TurnEnd
from runner.errors import StaleFence
from tests.conformance.stores import AnyStore
from tests.conformance.test_admission import delivery
from tests.conformance.test_store import NOW, a_record, a_run, an_event

MANY = 40


async def test_of_many_deliveries_at_once_each_key_begins_one_run(store: AnyStore) -> None:
    async def arrive(number: int) -> Admitted:
        key = delivery(f"key {number % (MANY // 2)}")
        return await store.accept(an_event(number), [a_run(number)], {}, delivery=key)

    came = await asyncio.gather(*map(arrive, range(MANY)))
    first, second = came[: MANY // 2], came[MANY // 2 :]
    assert {one.disposition for one in first} == {Disposition.ACCEPTED}
    assert {one.disposition for one in second} == {Disposition.DUPLICATE}
    assert [one.run_id for one in second] == [one.run_id for one in first]


async def test_of_many_ends_at_once_only_that_of_a_lost_turn_is_refused(store: AnyStore) -> None:
    await asyncio.gather(*(store.accept(an_event(n), [a_run(n)], {}) for n in range(MANY)))
    jobs = [Job(a_run(n).id, 1) for n in range(MANY)]
    runs = [one.run for one in await store.claim(jobs, node="a", now=NOW)]
    assert len(runs) == MANY
    runs[7] = replace(runs[7], fence=runs[7].fence - 1)
    recorded = await asyncio.gather(
        *(store.record(run, [a_record("first")], {}) for run in runs), return_exceptions=True
    )
    end = TurnEnd(Status.SUCCEEDED, ended_at=NOW + 1)
    ended = await asyncio.gather(
        *(store.finish(run, end, [a_record("second")], {}) for run in runs), return_exceptions=True
    )
    for results in (recorded, ended):
        assert [place for place, one in enumerate(results) if isinstance(one, StaleFence)] == [7]
        assert all(one is None for place, one in enumerate(results) if place != 7)
    await store.finish(replace(runs[7], fence=runs[7].fence + 1), end, [], {})

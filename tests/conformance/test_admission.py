"""What any store must do so that an event comes in once, and runs of one key go in order."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from runner.engine.admission import Admitted, Delivery, Slot
from runner.engine.pauses import DISABLED
from runner.engine.runs import Disposition, Event, Gate, NewRun, Run, Status, TurnEnd
from tests.conformance.stores import AnyStore, Ground
from tests.conformance.test_store import NOW, a_run, an_event

ONE = Slot('"a"', 1)
WEEK = 7 * 86400.0


def delivery(key: str = "d1", *, at: float = NOW, retries_failed: bool = True) -> Delivery:
    return Delivery(key, at + WEEK, retries_failed)


async def arrive(
    store: AnyStore,
    number: int,
    slot: Slot | None = None,
    *,
    once: Delivery | None = None,
    owner: str | None = None,
    event: Event | None = None,
) -> Admitted:
    run = replace(a_run(number, owner=owner), slot=slot)
    return await store.accept(event or an_event(number), [run], {}, delivery=once)


async def claim(store: AnyStore, *, node: str = "a", limit: int = 10) -> list[Run]:
    jobs = await store.due(now=NOW, limit=limit)
    return [one.run for one in await store.claim(jobs, node=node, now=NOW)]


async def end(store: AnyStore, run: Run, status: Status = Status.SUCCEEDED) -> None:
    await store.finish(run, TurnEnd(status, ended_at=NOW), [], {})


async def test_of_two_equal_deliveries_at_the_same_instant_one_is_let_in(ground: Ground) -> None:
    stores = [await ground.open(), await ground.open()]
    admitted = await asyncio.gather(
        *(arrive(stores[number % 2], number, once=delivery()) for number in range(20))
    )
    winners = [one for one in admitted if one.disposition is Disposition.ACCEPTED]
    assert len(winners) == 1
    others = [one for one in admitted if one not in winners]
    assert {one.disposition for one in others} == {Disposition.DUPLICATE}
    assert {(one.event_id, one.run_id) for one in others} == {(winners[0].event_id, winners[0].run_id)}
    assert len(await stores[0].due(now=NOW, limit=100)) == 1
    for store in stores:
        await store.close()


async def test_a_delivery_is_let_in_again_when_its_time_is_over(store: AnyStore) -> None:
    await arrive(store, 1, once=delivery())
    late = replace(an_event(2), received_at=NOW + WEEK - 1)
    assert (await arrive(store, 2, once=delivery(), event=late)).disposition is Disposition.DUPLICATE
    later = replace(an_event(3), received_at=NOW + WEEK)
    again = await arrive(store, 3, once=delivery(at=NOW + WEEK), event=later)
    assert again.disposition is Disposition.ACCEPTED


async def test_the_same_key_of_another_workflow_is_another(store: AnyStore) -> None:
    await arrive(store, 1, once=delivery())
    other = replace(an_event(2), workflow="invoices")
    assert (await arrive(store, 2, once=delivery(), event=other)).disposition is Disposition.ACCEPTED


async def test_a_repeated_delivery_starts_a_new_run_when_all_of_the_first_failed(store: AnyStore) -> None:
    runs = [a_run(1), a_run(2)]
    await store.accept(an_event(1), runs, {}, delivery=delivery())
    first, second = await claim(store)
    await end(store, first, Status.FAILED)
    assert (await arrive(store, 3, once=delivery())).disposition is Disposition.DUPLICATE
    await end(store, second, Status.FAILED)
    ignoring = delivery(retries_failed=False)
    assert (await arrive(store, 4, once=ignoring)).disposition is Disposition.DUPLICATE
    assert (await arrive(store, 5, once=delivery())).disposition is Disposition.ACCEPTED
    assert (await arrive(store, 6, once=delivery())).event_id == "event-0005"


async def test_what_is_held_or_dropped_keeps_its_delivery_key(store: AnyStore) -> None:
    held = await store.accept(an_event(1), [a_run(1)], {}, delivery=delivery(), hold=DISABLED)
    assert held == Admitted(Disposition.HELD, "event-0001")
    again = await arrive(store, 2, once=delivery())
    assert again == Admitted(Disposition.DUPLICATE, "event-0001", None)


async def test_a_pause_that_is_gone_when_the_event_is_written_holds_nothing(store: AnyStore) -> None:
    hold = Gate("paused", "stopped", "paused by ada")  # as a process believes that has not looked since
    admitted = await store.accept(an_event(1), [a_run(1)], {}, hold=hold)
    assert admitted.disposition is Disposition.ACCEPTED


async def test_expired_delivery_keys_are_forgotten_in_portions(store: AnyStore) -> None:
    for number in range(5):
        await arrive(store, number, once=delivery(f"d{number}"))
    assert await store.forget_deliveries(now=NOW + WEEK - 1, most=3) == 0
    assert await store.forget_deliveries(now=NOW + WEEK, most=3) == 3
    assert await store.forget_deliveries(now=NOW + WEEK, most=3) == 2


async def test_a_run_waits_for_its_slot_and_says_for_which_key(store: AnyStore) -> None:
    assert (await arrive(store, 1, ONE, owner="a")).handed == {"run-0001"}
    assert (await arrive(store, 2, ONE, owner="a")).handed == frozenset()
    assert (await arrive(store, 3, Slot('"b"', 1), owner="a")).handed == {"run-0003"}
    assert (await arrive(store, 4, owner="a")).handed == {"run-0004"}
    status, code, _answer, _output = await store.answer_of("run-0002")
    assert (status, code) == (Status.QUEUED, "concurrency")
    assert await store.due(now=NOW, limit=10) == []


async def test_runs_of_a_key_go_in_order_through_waits_crashes_cancels_and_replays(
    ground: Ground, store: AnyStore
) -> None:
    for number in range(1, 5):
        await arrive(store, number, ONE)
    (one,) = await claim(store, node="dead")
    waits = TurnEnd(Status.WAITING, due_at=NOW, waiting_for="a while")
    await store.finish(one, waits, [], {})
    (one,) = await claim(store, node="dead")  # it keeps its slot through the wait
    assert one.id == "run-0001"
    await ground.lives("dead")
    await ground.dies("dead")
    assert await store.take_over(node="alive", now=NOW) == 1
    (one,) = await claim(store)  # and through the crash
    assert one.id == "run-0001"
    await end(store, one, Status.FAILED)
    await store.replay_failed("run-0001", version=None, now=NOW)  # which stands last in the line
    await store.cancel("run-0003", now=NOW)
    order = []
    while runs := await claim(store):
        assert len(runs) == 1
        order.append(runs[0].id)
        await end(store, runs[0])
    assert order == ["run-0002", "run-0004", "run-0001"]


async def test_a_cancelled_run_gives_its_slot_to_the_next(store: AnyStore) -> None:
    await arrive(store, 1, ONE)
    await arrive(store, 2, ONE)
    await store.cancel("run-0001", now=NOW)
    assert [run.id for run in await claim(store)] == ["run-0002"]


async def test_a_replay_from_the_start_stands_in_the_line_of_its_origin(store: AnyStore) -> None:
    await arrive(store, 1, ONE)
    (one,) = await claim(store)
    await end(store, one)
    await arrive(store, 2, ONE)
    await store.replay_start("run-0001", a_run(3), now=NOW)
    (two,) = await claim(store)
    assert two.id == "run-0002"
    await end(store, two)
    assert [run.id for run in await claim(store)] == ["run-0003"]


async def test_of_several_that_may_go_the_first_begins_first_whoever_claims(store: AnyStore) -> None:
    late = replace(an_event(1), received_at=NOW + 5)  # accepted first, although the other was received first
    await arrive(store, 1, Slot("1", 2), event=late)
    await arrive(store, 2, Slot("1", 2))
    assert await store.due(now=NOW, limit=1) == []
    jobs = await store.due(now=NOW + 5, limit=1)
    claimed = await store.claim(jobs, node="a", now=NOW + 5)
    assert [one.run.id for one in claimed] == ["run-0001"]
    assert [run.id for run in await claim(store)] == ["run-0002"]


async def test_a_raised_limit_counts_from_the_next_event_on_and_a_lowered_one_too(store: AnyStore) -> None:
    for number in range(1, 4):
        await arrive(store, number, ONE)
    assert len(await claim(store)) == 1
    await arrive(store, 4, Slot('"a"', 3))
    going = [*await claim(store), *await claim(store)]  # one after the other, in order
    assert [run.id for run in going] == ["run-0002", "run-0003"]
    await arrive(store, 5, ONE)
    await end(store, going[0])
    assert await claim(store) == []


async def test_where_a_key_is_full_an_event_can_be_dropped(store: AnyStore) -> None:
    drop = Slot('"a"', 1, "drop")
    assert (await arrive(store, 1, drop)).disposition is Disposition.ACCEPTED
    assert await arrive(store, 2, drop) == Admitted(Disposition.DROPPED, "event-0002")
    (one,) = await claim(store)
    await end(store, one)
    assert (await arrive(store, 3, drop)).disposition is Disposition.ACCEPTED


async def test_where_a_key_is_full_a_new_run_can_replace_what_waits_and_what_goes(store: AnyStore) -> None:
    slot = Slot('"a"', 1, "replace")
    await arrive(store, 1, slot)
    (one,) = await claim(store)
    second = await arrive(store, 2, slot, owner="a")
    assert (set(second.replaced), set(second.handed)) == ({"run-0001"}, set())
    third = await arrive(store, 3, slot)
    assert third.replaced == frozenset()  # it was asked already
    assert (await store.answer_of("run-0002"))[:2] == (Status.CANCELLED, "cancelled")
    assert (await store.answer_of("run-0001"))[0] is Status.RUNNING
    assert await store.cancels(node="a") == {"run-0001": "run-0002"}
    await end(store, one, Status.CANCELLED)
    assert [run.id for run in await claim(store)] == ["run-0003"]


async def test_a_run_that_waits_is_replaced_at_once(store: AnyStore) -> None:
    slot = Slot('"a"', 1, "replace")
    await arrive(store, 1, slot)
    (one,) = await claim(store)
    waits = TurnEnd(Status.WAITING, due_at=NOW + 60, waiting_for="a while")
    await store.finish(one, waits, [], {})
    assert (await arrive(store, 2, slot, owner="a")).handed == {"run-0002"}
    assert (await store.answer_of("run-0001"))[0] is Status.CANCELLED


async def test_a_run_that_is_asked_to_cancel_does_not_begin_to_wait(store: AnyStore) -> None:
    slot = Slot('"a"', 1, "replace")
    await arrive(store, 1, slot)
    (one,) = await claim(store)
    await arrive(store, 2, slot)
    waits = TurnEnd(Status.WAITING, due_at=NOW + 60, waiting_for="a while")
    await store.finish(one, waits, [], {})
    (again,) = await claim(store)
    assert (again.id, again.cancel_requested, again.replaced_by) == ("run-0001", True, "run-0002")


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_two_processes_never_let_more_go_than_the_limit(ground: Ground, limit: int) -> None:
    stores = [await ground.open(), await ground.open()]
    await asyncio.gather(*(arrive(stores[n % 2], n, Slot("1", limit), owner=f"n{n % 2}") for n in range(12)))
    assert await stores[0].due(now=NOW, limit=20) == []  # all that may go were handed
    ended = 0
    while True:
        running = [n for n in range(12) if (await stores[0].answer_of(f"run-{n:04d}"))[0] is Status.RUNNING]
        assert len(running) <= limit
        if not running:
            break
        for n in running:
            run = a_handed_run(n)
            await end(stores[n % 2], run)
            ended += 1
        await claim(stores[0])
    assert ended == 12
    for store in stores:
        await store.close()


def a_handed_run(number: int) -> Run:
    new: NewRun = a_run(number)
    return Run(
        new.id, f"event-{number:04d}", new.workflow, new.version, new.title, new.seed, attempt=1, fence=1,
        turns=1, stalled=1, accepted_at=NOW, base_at=NOW,
    )  # fmt: skip

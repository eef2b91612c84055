"""What several processes may do at the same instant on any store."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from runner.engine.admission import Admitted, Slot
from runner.engine.runs import Disposition, Status, TurnEnd
from tests.conformance.stores import AnyStore, Ground
from tests.conformance.test_admission import arrive, delivery
from tests.conformance.test_store import NOW, a_run, an_event

CHANCE = random.Random(5)


async def test_of_equal_deliveries_of_many_keys_one_each_starts_a_run(ground: Ground) -> None:
    stores = [await ground.open() for _ in range(2)]
    numbers = iter(range(1000))

    async def sent(store: AnyStore, key: str) -> Admitted:
        return await arrive(store, next(numbers), once=delivery(key))

    got = await asyncio.gather(
        *(sent(store, f"d-{key}") for key in range(20) for store in stores for _ in range(2))
    )
    accepted = [one for one in got if one.disposition is Disposition.ACCEPTED]
    assert len(accepted) == 20
    assert {one.run_id for one in got} == {one.run_id for one in accepted}
    assert len(await stores[0].due(now=NOW, limit=100)) == 20
    for store in stores:
        await store.close()


async def test_an_attempt_to_accept_that_failed_leaves_no_key(store: AnyStore) -> None:
    await store.accept(an_event(1), [a_run(1)], {})
    with pytest.raises(Exception, match=r"(?i)unique constraint"):
        await store.accept(an_event(2), [a_run(1)], {}, delivery=delivery())
    assert (await arrive(store, 3, once=delivery())).disposition is Disposition.ACCEPTED


async def test_the_order_of_each_key_holds_over_processes(ground: Ground) -> None:
    stores = [await ground.open() for _ in range(3)]
    for number in range(40):
        await arrive(CHANCE.choice(stores), number, Slot(str(number % 4), 1))
    went: list[int] = []
    going = dict.fromkeys(range(4), 0)

    async def work(store: AnyStore, node: str) -> None:
        while len(went) < 40:
            for one in await store.claim(await store.due(now=NOW, limit=3), node=node, now=NOW):
                number = int(one.run.id[-4:])
                going[number % 4] += 1
                assert going[number % 4] == 1
                went.append(number)
                await asyncio.sleep(0)
                going[number % 4] -= 1
                await store.finish(one.run, TurnEnd(Status.SUCCEEDED, ended_at=NOW), [], {})

    await asyncio.gather(*(work(store, f"node-{n}") for n, store in enumerate(stores)))
    for key in range(4):
        assert [number for number in went if number % 4 == key] == list(range(key, 40, 4))
    for store in stores:
        await store.close()


async def test_accepting_replacing_and_ending_at_once_never_block_each_other_for_good(ground: Ground) -> None:
    stores = [await ground.open() for _ in range(2)]

    async def feed(store: AnyStore, first: int) -> None:
        for number in range(first, first + 30):
            await arrive(store, number, Slot(str(number % 3), 1, "replace"))

    async def work(store: AnyStore, node: str) -> None:
        for _ in range(40):
            for one in await store.claim(await store.due(now=NOW, limit=5), node=node, now=NOW):
                await store.finish(one.run, TurnEnd(Status.CANCELLED, ended_at=NOW), [], {})

    async with asyncio.timeout(20):
        await asyncio.gather(
            feed(stores[0], 0), feed(stores[1], 100), work(stores[0], "a"), work(stores[1], "b")
        )
    for store in stores:
        await store.close()


async def test_a_text_with_a_nul_is_no_reason_to_lose_an_event(store: AnyStore) -> None:
    run = replace(a_run(1, owner="a"), title="a\0b")
    event = replace(an_event(1), delivery_id="x\0y", body=b"\0")
    admitted = await store.accept(event, [run], {}, delivery=delivery("x\0y"))
    assert admitted.handed == {"run-0001"}
    assert (await arrive(store, 2, once=delivery("x\0y"))).disposition is Disposition.DUPLICATE

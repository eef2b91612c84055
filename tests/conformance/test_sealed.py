"""The rows of the vault on any store: written once, swapped by one, and leases that processes share."""

from __future__ import annotations

import asyncio

from runner.vault.notes import LEASE_SECONDS, Notes
from runner.vault.seal import Seal
from tests.conformance.stores import Ground

KEY = b"k" * 32


async def test_a_row_is_new_once_and_swapped_by_one(ground: Ground) -> None:
    store, other = await ground.open(), await ground.open()
    try:
        assert sorted(await asyncio.gather(store.put_new("k", "n", b"1"), other.put_new("k", "n", b"2"))) == [
            False,
            True,
        ]
        ((_kind, _name, held),) = await store.get_all()
        swapped = await asyncio.gather(store.swap("k", "n", held, b"3"), other.swap("k", "n", held, b"4"))
        assert sorted(swapped) == [False, True]
        assert not await store.swap("k", "n", held, b"5")
        await store.put("k", "n", b"6")
        assert await other.get_all() == [("k", "n", b"6")]
        assert sorted(await asyncio.gather(store.delete("k", "n"), other.delete("k", "n"))) == [False, True]
    finally:
        await store.close()
        await other.close()


async def test_one_at_a_time_holds_a_lease(ground: Ground) -> None:
    store, other = await ground.open(), await ground.open()
    inside = most = 0

    async def enter(notes: Notes) -> None:
        nonlocal inside, most
        async with notes.alone("crm"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    try:
        processes = [Notes(store, Seal(KEY)), Notes(other, Seal(KEY))]
        await asyncio.gather(*(enter(one) for one in processes for _ in range(5)))
        assert most == 1
    finally:
        await store.close()
        await other.close()


async def test_the_lease_of_a_process_that_died_is_taken_over(ground: Ground) -> None:
    store = await ground.open()
    now = 1_770_000_000.0
    try:
        dead, living = (Notes(store, Seal(KEY), lambda: now) for _ in range(2))
        held, wanted = dead.alone("crm"), living.alone("crm")
        await held.__aenter__()  # and it never comes back
        waiting = asyncio.ensure_future(wanted.__aenter__())
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        now += LEASE_SECONDS
        await asyncio.wait_for(waiting, 10)
        await held.__aexit__(None, None, None)  # or it does, too late: the lease is another's
        third = asyncio.ensure_future(Notes(store, Seal(KEY), lambda: now).alone("crm").__aenter__())
        done, _ = await asyncio.wait([third], timeout=0.3)
        assert not done
        third.cancel()
        await wanted.__aexit__(None, None, None)
    finally:
        await store.close()

from __future__ import annotations

import asyncio

import pytest

from runner.engine.changes import Changes


async def test_all_who_listen_hear_each_change_in_order() -> None:
    hub = Changes()
    hub.tell("run", {"id": 0})  # nobody hears it, and nobody hears of it later
    assert not hub.is_heard
    with hub.listening() as one, hub.listening() as other:
        assert hub.is_heard
        hub.tell("run", {"id": 1})
        hub.tell("draft", {"id": 2})
        for listener in (one, other):
            assert [(await anext(listener)).item["id"] for _ in range(2)] == [1, 2]
    assert not hub.is_heard


async def test_who_listens_slowly_loses_the_oldest_and_is_told_how_many() -> None:
    hub = Changes()
    with hub.listening(most=3) as slow, hub.listening() as quick:
        for number in range(10):
            hub.tell("event", number)
        first = await anext(slow)
        assert (first.kind, first.missed) == (None, 7)
        assert [(await anext(slow)).item for _ in range(3)] == [7, 8, 9]
        assert [(await anext(quick)).item for _ in range(10)] == list(range(10))


async def test_who_waits_is_woken_and_ends_with_the_hub() -> None:
    hub = Changes()
    with hub.listening() as listener:
        waiting = asyncio.ensure_future(anext(listener))
        await asyncio.to_thread(int)  # it waits by now
        hub.tell("workflow", {"slug": "a"})
        assert (await asyncio.wait_for(waiting, 5)).item == {"slug": "a"}
        hub.tell("workflow", {"slug": "b"})
        hub.close()
        assert [change.item["slug"] async for change in listener] == ["b"]
    with pytest.raises(StopAsyncIteration):
        await anext(listener)

"""The loop whose time jumps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runner.workbench.virtual_time import VirtualTimeLoop


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


def test_a_year_takes_no_time() -> None:
    async def sleep() -> float:
        await asyncio.sleep(365 * 86400)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert abs(run(sleep()) - 365 * 86400) < 0.001
    assert time.monotonic() - began < 5


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=8))
def test_sleepers_wake_in_the_order_of_their_times_however_far_apart(seconds: list[float]) -> None:
    async def woken() -> list[float]:
        order: list[float] = []

        async def sleep(one: float) -> None:
            await asyncio.sleep(one)
            order.append(one)

        await asyncio.gather(*map(sleep, seconds))
        return order

    assert run(woken()) == sorted(seconds)


def test_a_timeout_is_exact() -> None:
    async def late() -> tuple[bool, bool]:
        ended = []
        for bound in (9.999, 10.001):
            try:
                async with asyncio.timeout(bound):
                    await asyncio.sleep(10)
                ended.append(True)
            except TimeoutError:
                ended.append(False)
        return ended[0], ended[1]

    assert run(late()) == (False, True)


def test_time_stands_still_while_something_outside_is_waited_for() -> None:
    async def outside() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with asyncio.timeout(0.001):
            with loop.outside():
                await loop.run_in_executor(None, time.sleep, 0.05)
        return loop.time()

    assert run(outside()) < 0.001

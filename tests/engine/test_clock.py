"""A clock that jumps: nothing is lost, nothing runs early, nothing waits for ever."""

from __future__ import annotations

from pathlib import Path

from runner.engine.runs import Status
from tests.engine.world import Outside, opened

START = 1_000_000.0
WAITS = (
    "steps:\n  - id: it\n    action: probe.note\n    retry: {delay: 10s, jitter: false}\n"
    "    with: {text: x, fail: unavailable, times: 1}\n"
)


async def test_a_clock_that_is_set_back_makes_a_wait_longer_and_loses_nothing(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("one", WAITS)
        accepted = await world.send("one")
        assert (await world.turned(accepted.run_id)).status is Status.WAITING
        world.now = START - 3600
        world.worker.queue.wake()
        fresh = await world.send("one")  # what comes while the clock is behind is taken as ever
        assert (await world.turned(fresh.run_id)).status is Status.WAITING
        world.now = START - 3600 + 11
        world.worker.queue.wake()
        assert (await world.turned(fresh.run_id, turns=2)).status is Status.SUCCEEDED
        assert outside.notes == ["x"]  # the first one is not due yet by this clock
        world.now = START + 11
        world.worker.queue.wake()
        assert (await world.turned(accepted.run_id, turns=2)).status is Status.SUCCEEDED


async def test_a_clock_that_is_set_forward_makes_what_waits_due_once(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("one", WAITS)
        accepted = await world.send("one")
        assert (await world.turned(accepted.run_id)).status is Status.WAITING
        world.now = START + 365 * 86400
        world.worker.queue.wake()
        assert (await world.turned(accepted.run_id, turns=2)).status is Status.SUCCEEDED
        world.now = START + 11
        world.worker.queue.wake()
        assert (await world.ran("one")).status is Status.WAITING
    assert outside.notes == ["x"]

"""Attempts, waits, resuming: what a run does when the world does not do its part."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.retry import wait_seconds
from runner.engine.runs import Status
from runner.errors import ConnectionRejected, OutcomeUnknown, Rejected, TimedOut, Unavailable
from runner.language.workflow import Retry
from tests.engine.world import Outside, opened

ONE = "steps:\n  - id: it\n    action: probe.note\n    {}\n"


async def test_a_short_wait_is_slept_inside_the_turn_and_every_attempt_has_the_same_key(
    tmp_path: Path,
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow(
            "one",
            "steps:\n  - id: it\n    action: probe.note\n    retry: {delay: 10ms}\n"
            "    with: {text: x, fail: unavailable, times: 2}\n",
        )
        accepted = await world.send("one")
        end = await world.turned(accepted.run_id)
        run = await world.history.run(accepted.run_id)
    assert end.status is Status.SUCCEEDED
    assert list(outside.calls.values()) == [3]
    assert run["steps"][0]["attempts"] == 3


async def test_a_long_wait_holds_no_worker_and_the_run_goes_on_when_it_is_due(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow(
            "one",
            "steps:\n  - id: it\n    action: probe.note\n    retry: {delay: 10s}\n"
            "    with: {text: x, fail: unavailable, times: 1}\n",
        )
        world.now = 1_000_000.0
        accepted = await world.send("one")
        first = await world.turned(accepted.run_id)
        assert first.status is Status.WAITING
        assert first.due_at == 1_000_010.0
        assert first.waiting_for
        assert first.waiting_for.startswith(
            "it is tried again at 1970-01-12T13:46:50.000Z, after 1 failed attempt"
        )
        world.now = 1_000_011.0
        world.worker.queue.wake()
        second = await world.turned(accepted.run_id, turns=2)
    assert second.status is Status.SUCCEEDED
    assert outside.notes == ["x"]


async def test_what_waits_survives_a_restart(tmp_path: Path) -> None:
    outside = Outside()
    text = (
        "steps:\n  - id: first\n    action: probe.note\n    with: {text: one}\n"
        "  - id: it\n    action: probe.note\n    retry: {delay: 10s, jitter: false}\n"
        "    with: {text: '{{ steps.first.text }} two', fail: unavailable, times: 1}\n"
    )
    async with opened(tmp_path, outside) as world:
        world.now = 1_000_000.0
        await world.workflow("one", text)
        accepted = await world.send("one")
        assert (await world.turned(accepted.run_id)).status is Status.WAITING
    async with opened(tmp_path, outside) as world:
        world.now = 1_000_020.0
        world.worker.queue.wake()
        assert (await world.turned(accepted.run_id)).status is Status.SUCCEEDED
    assert outside.notes == ["one", "one two"]


async def test_a_run_interrupted_by_a_stop_goes_on_from_its_last_recorded_effect(tmp_path: Path) -> None:
    outside = Outside()
    text = (
        "steps:\n  - action: probe.note\n    with: {text: one}\n"
        "  - action: probe.note\n    with: {text: two, after: open}\n"
    )
    async with opened(tmp_path, outside, grace_seconds=0) as world:
        await world.workflow("one", text)
        accepted = await world.send("one")
        while not outside.notes:
            outside.begun.clear()
            await outside.begun.wait()
    outside.gates["open"].set()
    async with opened(tmp_path, outside) as world:
        assert (await world.turned(accepted.run_id)).status is Status.SUCCEEDED
    assert outside.notes == ["one", "two"]


async def test_what_must_not_be_repeated_is_called_interrupted_after_a_stop_in_its_middle(
    tmp_path: Path,
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside, grace_seconds=0) as world:
        await world.workflow(
            "one", "steps:\n  - id: it\n    action: probe.once\n    with: {text: x, after: open}\n"
        )
        accepted = await world.send("one")
        await outside.begun.wait()
    outside.gates["open"].set()
    async with opened(tmp_path, outside) as world:
        end = await world.turned(accepted.run_id)
    assert end.status is Status.FAILED
    assert end.reason
    assert end.reason.code == "interrupted"
    assert outside.notes == []
    assert sum(outside.calls.values()) == 1


async def test_what_is_refused_fails_at_once(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", ONE.format("with: {fail: rejected}"))
        end = await world.ran("one")
    assert end.status is Status.FAILED
    assert end.reason
    assert end.reason.sentence == "it failed: it was refused"
    assert sum(outside.calls.values()) == 1


async def test_an_action_that_must_not_be_repeated_is_not_tried_again_when_its_outcome_is_unknown(
    tmp_path: Path,
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", "steps:\n  - id: it\n    action: probe.once\n    with: {fail: unknown}\n")
        end = await world.ran("one")
    assert end.reason
    assert end.reason.code == "outcome_unknown"
    assert sum(outside.calls.values()) == 1


async def test_a_branch_that_waits_does_not_hold_the_other_one(tmp_path: Path) -> None:
    outside = Outside()
    text = """
steps:
  - parallel:
      slow:
        - action: probe.note
          retry: {delay: 1h}
          with: {text: slow, fail: unavailable, times: 1}
      quick:
        - action: probe.note
          with: {text: quick}
  - action: probe.note
    with: {text: after}
"""
    async with opened(tmp_path, outside) as world:
        world.now = 1_000_000.0
        await world.workflow("one", text)
        accepted = await world.send("one")
        assert (await world.turned(accepted.run_id)).status is Status.WAITING
        assert outside.notes == ["quick"]
        world.now += 3600
        world.worker.queue.wake()
        assert (await world.turned(accepted.run_id, turns=2)).status is Status.SUCCEEDED
    assert outside.notes == ["quick", "slow", "after"]


async def test_a_failed_run_goes_on_from_its_failed_step_and_keeps_what_succeeded(tmp_path: Path) -> None:
    outside = Outside()
    text = (
        "steps:\n  - action: probe.note\n    with: {text: one}\n"
        "  - id: it\n    action: probe.note\n    with: {text: two, fail: '{{ vars.fail }}'}\n"
    )
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", "vars: {fail: rejected}\n" + text)
        accepted = await world.send("one")
        assert (await world.turned(accepted.run_id)).status is Status.FAILED
        failed_key = next(key for key in outside.calls if key not in outside.keys)

        await world.workflow("one", "vars: {fail: null}\n" + text)
        live = world.library.get("one")
        assert live
        await world.store.replay_failed(accepted.run_id, version=live.version, now=world.clock())
        world.worker.queue.wake()
        assert (await world.turned(accepted.run_id, turns=2)).status is Status.SUCCEEDED
        run = await world.history.run(accepted.run_id)
    assert outside.notes == ["one", "two"]
    assert failed_key not in outside.keys  # known to have failed: the next attempt is another effect
    assert (run["attempt"], run["version"]) == (2, 2)


async def test_a_waiting_run_can_be_cancelled(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await world.workflow("one", ONE.format("retry: {delay: 1h}\n    with: {fail: unavailable}"))
        accepted = await world.send("one")
        await world.turned(accepted.run_id)
        assert await world.store.cancel(accepted.run_id, now=world.clock()) is Status.CANCELLED
        assert (await world.history.run(accepted.run_id))["status"] == "cancelled"


async def test_a_running_run_is_cancelled_at_its_next_step_and_its_effect_in_flight_is_recorded(
    tmp_path: Path,
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow(
            "one",
            "steps:\n  - id: it\n    action: probe.note\n    with: {text: x, after: open}\n"
            "  - action: probe.note\n    with: {text: never}\n",
        )
        accepted = await world.send("one")
        await outside.begun.wait()
        assert await world.store.cancel(accepted.run_id, now=world.clock()) is Status.RUNNING
        world.worker.cancel(await world.store.cancels(node=world.worker.node))
        outside.gates["open"].set()
        end = await world.turned(accepted.run_id)
        run = await world.history.run(accepted.run_id)
    assert end.status is Status.CANCELLED
    assert outside.notes == ["x"]
    assert run["steps"][0]["status"] == "succeeded"


@pytest.mark.parametrize(
    ("policy", "error", "attempts", "elapsed", "expected"),
    [
        pytest.param(Retry(), Rejected("no"), 1, 0, None, id="refused"),
        pytest.param(Retry(), ConnectionRejected("no"), 1, 0, None, id="credentials-refused"),
        pytest.param(Retry(), Unavailable("no"), 1, 0, 2, id="first-wait"),
        pytest.param(Retry(), Unavailable("no"), 4, 0, 16, id="doubling"),
        pytest.param(Retry(), TimedOut("no"), 40, 0, 900, id="at-most-a-quarter-of-an-hour"),
        pytest.param(Retry(), Unavailable("no"), 5000, 0, 900, id="no-overflow"),
        pytest.param(Retry(), Unavailable("no"), 3, 86399, None, id="a-day-is-over"),
        pytest.param(Retry(attempts=3), Unavailable("no"), 3, 0, None, id="attempts-used-up"),
        pytest.param(Retry(), Unavailable("no", retry_after_seconds=120), 1, 0, 120, id="retry-after"),
        pytest.param(Retry(on=frozenset({"429"})), OutcomeUnknown("no"), 1, 0, None, id="not-wanted"),
        pytest.param(Retry(on=frozenset({"5xx"})), OutcomeUnknown("no", cause="502"), 1, 0, 2, id="a-class"),
        pytest.param(
            Retry(on=frozenset({"502"})), OutcomeUnknown("no", cause="503"), 1, 0, None, id="a-status"
        ),
    ],
)
def test_when_an_attempt_is_made_again(
    policy: Retry, error: Unavailable, attempts: int, elapsed: float, expected: float | None
) -> None:
    assert wait_seconds(policy, error, attempts=attempts, elapsed_seconds=elapsed, jitter=0.0) == expected


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0, 86_400))
def test_no_wait_is_negative_longer_than_the_longest_or_past_the_window(
    attempts: int, jitter: float, elapsed: float
) -> None:
    wait = wait_seconds(Retry(), Unavailable("no"), attempts=attempts, elapsed_seconds=elapsed, jitter=jitter)
    assert wait is None or (1.0 <= wait <= 900.0 and elapsed + wait <= 86_400)

"""`wait`: for a time or until a date, in the store and not in memory, wherever a step may stand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.engine.runs import Status
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
NOTE = "  - action: probe.note\n    with: {text: '{{ now() }}'}\n"


@asynccontextmanager
async def at(folder: Path, now: float = START, outside: Outside | None = None) -> AsyncIterator[World]:
    """A world whose clock stands at *now*."""
    async with opened(folder, outside) as world:
        world.now = now
        yield world


async def test_a_run_that_waits_holds_nothing_and_goes_on_when_it_is_due(tmp_path: Path) -> None:
    outside = Outside()
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", f"steps:\n  - wait: 2d\n{NOTE}")
        run_id = (await world.send("one")).run_id
        end = await world.turned(run_id)
        assert (end.status, end.due_at) == (Status.WAITING, START + 2 * DAY)
        assert end.reason
        assert end.reason.sentence == "wait#1 waits until 2026-03-04T09:00:00.000Z."
        shown = await world.history.run(run_id)
        assert shown["waiting"] == {
            "for": "wait#1 waits until 2026-03-04T09:00:00.000Z", "until": "2026-03-04T09:00:00.000Z",
        }  # fmt: skip
        assert not world.worker._turns
        world.now = START + 2 * DAY - 1
        await world.quiet()
        assert outside.notes == []
        world.now = START + 2 * DAY + 30  # a busy server comes to it a little late
        await world.quiet()
        assert outside.notes == ["2026-03-04T09:00:30.000Z"]  # now() is when the wait ended


async def test_a_wait_survives_restarts_and_is_not_begun_anew_by_them(tmp_path: Path) -> None:
    outside = Outside()
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", f"steps:\n  - wait: 2h\n{NOTE}")
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
    async with at(tmp_path, START + HOUR, outside) as world:
        await world.quiet()
        assert (await world.history.run(run_id))["status"] == "waiting"
    async with at(tmp_path, START + 2 * HOUR, outside) as world:
        await world.quiet()
        assert (await world.history.run(run_id))["status"] == "succeeded"
    assert len(outside.notes) == 1


@pytest.mark.parametrize(
    ("until", "due"),
    [
        ("2026-03-02T10:30:00Z", START + 1.5 * HOUR),
        ("2026-03-02T10:30:00+02:00", None),  # half an hour ago
        ("2026-03-02 12:30", START + 1.5 * HOUR),  # of the workflow's zone, two hours ahead
        ("2026-03-03", START + 13 * HOUR),  # midnight there
        ("{{ date_add(now(), '90m') }}", START + 1.5 * HOUR),
        ("{{ payload.at }}", START + 60),
        ("2026-03-29 03:30", START + 26 * DAY + 16.5 * HOUR),  # a time that the clocks jump over
    ],
)
async def test_until_takes_a_date_in_the_workflows_zone(
    tmp_path: Path, until: str, due: float | None
) -> None:
    async with at(tmp_path) as world:
        await world.workflow(
            "one", f'timezone: Europe/Athens\nsteps:\n  - id: w\n    wait: {{until: "{until}"}}\n'
        )
        run_id = (await world.send("one", {"at": START + 60})).run_id
        end = await world.turned(run_id)
        assert end.due_at == due
        assert end.status is (Status.WAITING if due else Status.SUCCEEDED)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"at": "soon"}, "wait.until: 'soon' is not a date; write for example 2026-01-05T09:30:00Z"),
        ({"at": None}, "wait.until: null is not a date; write for example 2026-01-05T09:30:00Z"),
        ({"at": "2031-01-01"}, "wait.until: 2031-01-01T00:00:00.000Z is too far away"),
        ({"at": 1772442000000}, "is not a date"),  # milliseconds
    ],
)
async def test_what_is_no_date_fails_the_step_with_a_sentence(
    tmp_path: Path, payload: object, said: str
) -> None:
    async with at(tmp_path) as world:
        await world.workflow("one", "steps:\n  - id: w\n    wait: {until: '{{ payload.at }}'}\n")
        end = await world.ran("one", payload)
        assert end.status is Status.FAILED
        assert end.reason
        assert said in end.reason.sentence
        assert end.reason.code == "expression"


async def test_a_moment_is_slept_and_recorded(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await world.workflow("one", "steps:\n  - wait: 20ms\n")
        run_id = (await world.send("one")).run_id
        assert (await world.turned(run_id)).status is Status.SUCCEEDED
        (step,) = (await world.history.run(run_id))["steps"]
        assert (step["kind"], step["status"], step["output"]) == ("wait", "succeeded", None)


async def test_the_items_of_a_loop_wait_one_after_another_or_together(tmp_path: Path) -> None:
    outside = Outside()
    text = """
steps:
  - for_each: payload
    {}
    steps:
      - wait: 1h
      - action: probe.note
        with: {{text: "{{{{ item }}}}"}}
"""
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("serial", text.format("concurrency: 1"))
        await world.workflow("together", text.format("concurrency: 3"))
        await world.send("serial", ["a", "b"])
        await world.send("together", ["x", "y"])
        await world.quiet()
        assert outside.notes == []
        world.now = START + HOUR
        await world.quiet()
        assert sorted(outside.notes) == ["a", "x", "y"]
        world.now = START + 2 * HOUR - 1
        await world.quiet()
        assert "b" not in outside.notes
        world.now = START + 2 * HOUR
        await world.quiet()
        assert sorted(outside.notes) == ["a", "b", "x", "y"]


async def test_branches_wait_each_for_its_own_time(tmp_path: Path) -> None:
    outside = Outside()
    text = """
steps:
  - parallel:
      late:
        - wait: 2h
        - action: probe.note
          with: {text: late}
      soon:
        - switch:
            - steps:
                - wait: 1h
                - action: probe.note
                  with: {text: soon}
      failing:
        - fail: no
          on_error:
            - wait: 30m
            - action: probe.note
              with: {text: mended}
"""
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", text)
        run_id = (await world.send("one")).run_id
        seen = []
        for minutes in (0, 30, 60, 120):
            world.now = START + minutes * MINUTE
            await world.quiet()
            seen.append(list(outside.notes))
        assert seen == [[], ["mended"], ["mended", "soon"], ["mended", "soon", "late"]]
        assert (await world.history.run(run_id))["status"] == "succeeded"


async def test_waiting_does_not_count_to_the_timeout_of_the_run(tmp_path: Path) -> None:
    async with at(tmp_path) as world:
        await world.workflow("one", "timeout: 5s\nsteps:\n  - wait: 3d\n  - wait: 3d\n")
        run_id = (await world.send("one")).run_id
        for days in (0, 3, 6):
            world.now = START + days * DAY
            await world.quiet()
        assert (await world.history.run(run_id))["status"] == "succeeded"


async def test_the_timeout_of_a_group_ends_a_wait_inside_it(tmp_path: Path) -> None:
    outside = Outside()
    text = """
steps:
  - id: group
    steps:
      - wait: 2h
    timeout: 1h
    on_error:
      - action: probe.note
        with: {text: "{{ error.type }} {{ error.message }}"}
"""
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", text)
        run_id = (await world.send("one")).run_id
        end = await world.turned(run_id)
        assert end.due_at == START + HOUR
        world.now = START + HOUR
        await world.quiet()
        assert outside.notes == ["timeout not done within 3600 s"]
        assert len(world.ends[run_id]) == 2  # not once more for nothing


async def test_the_time_of_a_later_item_begins_when_the_one_before_it_has_ended(tmp_path: Path) -> None:
    text = """
steps:
  - for_each: payload
    steps:
      - steps: [{wait: 1h}]
        timeout: 90m
"""
    async with at(tmp_path) as world:
        await world.workflow("one", text)
        run_id = (await world.send("one", ["a", "b", "c"])).run_id
        for hours in range(4):
            world.now = START + hours * HOUR
            await world.quiet()
        assert (await world.history.run(run_id))["status"] == "succeeded"


async def test_a_cancelled_run_waits_no_more(tmp_path: Path) -> None:
    outside = Outside()
    async with at(tmp_path, outside=outside) as world:
        await world.workflow("one", f"steps:\n  - wait: 2h\n{NOTE}")
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        await world.store.cancel(run_id, now=START)
        world.now = START + 3 * HOUR
        await world.quiet()
        assert outside.notes == []


async def test_a_replay_from_the_failed_step_keeps_a_wait_that_is_over(tmp_path: Path) -> None:
    outside = Outside()
    async with at(tmp_path, outside=outside) as world:
        text = "steps:\n  - wait: 2h\n  - action: probe.note\n    with: {text: x, fail: rejected, times: 1}\n"
        await world.workflow("one", text)
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        world.now = START + 2 * HOUR
        await world.quiet()
        assert (await world.history.run(run_id))["status"] == "failed"
        outside.calls.clear()
        await world.workflow("one", text.replace("fail: rejected, ", ""))
        live = world.library.get("one")
        assert live
        await world.store.replay_failed(run_id, version=live.version, now=world.now)
        await world.quiet()
        assert (await world.history.run(run_id))["status"] == "succeeded"

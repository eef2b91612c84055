"""`repeat`: rounds until a condition holds, bounded, resumable, each with its own names."""
# ruff: noqa: E501 - workflows are read by their lines

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.engine.runs import Status, TurnEnd
from runner.values import dumps
from tests.engine.world import Outside, opened

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()


async def run_once(folder: Path, text: str, payload: Any = None) -> tuple[TurnEnd, Outside]:
    outside = Outside()
    async with opened(folder, outside) as world:
        await world.workflow("one", text)
        return await world.ran("one", payload), outside


PAGES = """
output: steps.pages
steps:
  - id: pages
    repeat: {until: "index == length(payload) - 1"}
    steps:
      - id: page
        action: probe.note
        with: {text: "{{ payload[index] }} after {{ previous.text | default('nothing') }}"}
"""


async def test_rounds_run_until_the_condition_holds_and_the_output_is_their_list(tmp_path: Path) -> None:
    end, outside = await run_once(tmp_path, PAGES, ["a", "b", "c"])
    assert outside.notes == ["a after nothing", "b after a after nothing", "c after b after a after nothing"]
    assert [one["text"] for one in end.output] == outside.notes
    assert len(set(outside.keys)) == 3


async def test_until_sees_the_steps_of_this_round_and_the_output_of_the_round_before(tmp_path: Path) -> None:
    text = """
output: steps.same
steps:
  - id: same
    repeat: {until: steps.value == previous}
    steps:
      - id: value
        template: "{{ payload[index] }}"
"""
    end, _ = await run_once(tmp_path, text, [3, 2, 2, 1])
    assert end.output == [3, 2, 2]


async def test_after_the_last_round_that_is_allowed_the_step_fails_and_says_what_was_seen(
    tmp_path: Path,
) -> None:
    text = """
steps:
  - id: job
    repeat: {until: steps.state == 'done', at_most: 3}
    steps:
      - id: state
        transform: payload.state
"""
    end, _ = await run_once(tmp_path, text, {"state": "pending"})
    assert end.reason
    assert end.reason.code == "fail"
    assert end.reason.sentence == (
        "job failed: after 3 rounds this does not hold: steps.state == 'done' (at last steps.state = \"pending\")"
    )


async def test_on_error_says_what_then(tmp_path: Path) -> None:
    text = """
output: steps.job
steps:
  - id: job
    repeat: {until: "`false`", at_most: 2}
    steps: [{transform: index}]
    on_error:
      - transform: error.type
"""
    end, _ = await run_once(tmp_path, text)
    assert end.output == "fail"


async def test_a_hundred_rounds_are_enough_unless_more_are_asked_for(tmp_path: Path) -> None:
    text = "output: length(steps.r)\nsteps:\n  - id: r\n    repeat: {{until: 'index == `{}`'{}}}\n    steps: [{{transform: index}}]\n"
    end, _ = await run_once(tmp_path / "a", text.format(99, ""))
    assert end.output == 100
    end, _ = await run_once(tmp_path / "b", text.format(100, ""))
    assert end.status is Status.FAILED
    end, _ = await run_once(tmp_path / "c", text.format(999, ", at_most: 1000"))
    assert end.output == 1000


async def test_a_filter_ends_its_round_whose_place_leaves_the_list(tmp_path: Path) -> None:
    text = """
output: steps.odd
steps:
  - id: odd
    repeat: {until: index == `4`}
    steps:
      - filter: index % `2` == `1`
      - transform: index
"""
    end, _ = await run_once(tmp_path, text)
    assert end.output == [1, 3]


async def test_a_failed_step_fails_the_loop_and_a_stop_ends_the_run(tmp_path: Path) -> None:
    text = "steps:\n  - id: r\n    repeat: {until: index == `5`}\n    steps:\n      - if: index == `2`\n        KIND: no more\n"
    end, _ = await run_once(tmp_path / "a", text.replace("KIND", "fail"))
    assert end.reason
    assert end.reason.sentence == "r{2}.fail#1 failed: no more"
    end, _ = await run_once(tmp_path / "b", text.replace("KIND", "stop"))
    assert end.status is Status.SUCCEEDED


async def test_every_waits_between_rounds_in_the_store(tmp_path: Path) -> None:
    outside = Outside()
    text = """
steps:
  - id: poll
    repeat: {until: steps.seen.call > `99`, every: 30s, at_most: 3}
    steps:
      - id: seen
        action: probe.note
        with: {text: "{{ index }} at {{ now() | format_date('%H:%M:%S') }}"}
    on_error: continue
"""
    async with opened(tmp_path, outside) as world:
        world.now = START
        await world.workflow("one", text)
        run_id = (await world.send("one")).run_id
        end = await world.turned(run_id)
        assert (end.status, end.due_at) == (Status.WAITING, START + 30)
        assert end.reason
        assert end.reason.sentence == "poll{0}!every waits until 2026-03-02T09:00:30.000Z."
    async with opened(tmp_path, outside) as world:  # a restart does not begin the pause anew
        for seconds in (29, 30, 59, 60, 90):
            world.now = START + seconds
            await world.quiet()
        steps = (await world.history.run(run_id))["steps"]
        assert [one["path"] for one in steps] == [
            "poll", "poll{0}.seen", "poll{0}!every", "poll{1}.seen", "poll{1}!every", "poll{2}.seen",
        ]  # fmt: skip
    assert outside.notes == ["0 at 09:00:00", "1 at 09:00:30", "2 at 09:01:00"]  # none after the last round


async def test_short_pauses_are_slept_once(tmp_path: Path) -> None:
    outside = Outside()
    text = """
steps:
  - id: r
    repeat: {until: index == `2`, every: 10ms}
    steps:
      - action: probe.note
        with: {text: "{{ index }}"}
  - wait: 1h
  - action: probe.note
    with: {text: end}
"""
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", text)
        run_id = (await world.send("one")).run_id
        await world.turned(run_id)
        world.now = world.clock() + 3600
        await world.quiet()
        shown = await world.history.run(run_id)
        assert shown["status"] == "succeeded"
        assert [one["attempts"] for one in shown["steps"] if one["path"].endswith("!every")] == [1, 1]
    assert outside.notes == [0, 1, 2, "end"]


async def test_loops_in_loops_have_their_own_index_and_previous(tmp_path: Path) -> None:
    text = """
output: steps.outer
steps:
  - id: outer
    for_each: payload
    steps:
      - repeat: {until: index == `1`}
        steps:
          - transform: '[item, index, previous]'
"""
    end, _ = await run_once(tmp_path, text, ["a", "b"])
    assert end.output == [
        [["a", 0, None], ["a", 1, ["a", 0, None]]],
        [["b", 0, None], ["b", 1, ["b", 0, None]]],
    ]


kinds = st.sampled_from(["note", "wait", "flaky"])
shapes = st.lists(kinds, min_size=1, max_size=3)


@given(
    shapes,
    st.integers(1, 3),
    st.sampled_from(["", ", every: 2s", ", every: 10m"]),
    st.lists(st.integers(1, 4), max_size=4),
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_run_that_is_stopped_anywhere_does_what_an_undisturbed_one_does(
    shape: list[str], rounds: int, every: str, turns: list[int]
) -> None:
    """Law: whatever the turns after which the server is stopped at once, calls and output are the same."""
    lines = {
        "note": '      - {action: probe.note, with: {text: ["{{ index }}", "{{ previous }}", "{{ uuid() }}"]}}',
        "wait": "      - wait: 1h",
        "flaky": '      - {action: probe.note, with: {text: "{{ index }}", fail: unavailable, times: 1}, retry: {delay: 10ms}}',
    }
    text = (
        f"output: steps.r\nsteps:\n  - id: r\n    repeat: {{until: index == `{rounds - 1}`{every}}}\n    steps:\n"
        + "\n".join(lines[one] for one in shape)
        + "\n"
    )
    with TemporaryDirectory() as folder:
        calm = await _outcome(Path(folder) / "calm", text, [])
        stopped = await _outcome(Path(folder) / "stopped", text, turns)
    assert _without_ids(calm) == _without_ids(stopped)


async def _outcome(folder: Path, text: str, turns: list[int]) -> tuple[list[Any], Any]:
    """What was called and given out by a run; the process stops after each of *turns* turns."""
    outside = Outside()
    run_id, now = "", START
    for most in [*turns, 1000]:
        async with opened(folder, outside, grace_seconds=0) as world:
            world.now = now
            if not run_id:
                await world.workflow("one", text)
                run_id = (await world.send("one")).run_id
            for _ in range(most):
                await world.quiet()
                shown = await world.history.run(run_id)
                if shown["ended_at"]:
                    return outside.notes, shown["output"]
                due = await world.store.next_due(now=now)
                world.now = now = due if due is not None else now
    raise AssertionError("the run does not end")


def _without_ids(outcome: tuple[list[Any], Any]) -> str:
    """Two runs have two seeds, and so other uuids: what they have in common."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "uuid", dumps(list(outcome)))


@pytest.mark.parametrize("cut", [1, 2, 3])
async def test_what_a_resumed_round_computes_is_what_it_computed(tmp_path: Path, cut: int) -> None:
    outside = Outside()
    text = """
steps:
  - id: r
    repeat: {until: index == `2`, every: 1m}
    steps:
      - id: word
        template: "{{ uuid() }}"
      - action: probe.note
        with: {text: "{{ steps.word }}"}
      - wait: 1m
      - action: probe.note
        with: {text: "{{ steps.word }}"}
"""
    now = START
    run_id = ""
    for part in (cut, 100):
        async with opened(tmp_path, outside, grace_seconds=0) as world:
            for _ in range(part):
                world.now = now
                if not run_id:
                    await world.workflow("one", text)
                    run_id = (await world.send("one")).run_id
                await world.quiet()
                now += 60
            shown = await world.history.run(run_id)
    assert shown["status"] == "succeeded"
    assert shown["notes"] == []  # no input would be another one now
    assert outside.notes[::2] == outside.notes[1::2]
    assert len(outside.notes) == 6

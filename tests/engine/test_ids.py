"""What is seen of steps inside branches, loops and tries, and what `outcomes` says of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.engine.runs import Status
from tests.engine.world import Outside, opened


async def output_of(tmp_path: Path, text: str, payload: Any = None) -> Any:
    """The output of a run that succeeds."""
    async with opened(tmp_path) as world:
        await world.workflow("one", text)
        end = await world.ran("one", payload)
    assert end.status is Status.SUCCEEDED, end.reason
    return end.output


LOOP = """
steps:
  - id: all
    for_each: payload
    on_item_error: continue
    steps:
      - fail: "no {{ item }}"
        if: item == 'b'
      - template: "{{ item }}!"
output: "{values: steps.all, outcome: outcomes.all}"
"""


async def test_a_failed_item_is_null_and_its_error_stands_in_the_outcome_of_the_loop(tmp_path: Path) -> None:
    found = await output_of(tmp_path, LOOP, ["a", "b", "c"])
    assert found["values"] == ["a!", None, "c!"]
    assert found["outcome"] == {
        "status": "succeeded",
        "attempts": 1,
        "error": None,
        "errors": [{"index": 1, "step": "all[1].fail#1", "type": "fail", "message": "no b", "attempts": 1}],
    }


async def test_a_loop_without_a_failed_item_has_no_errors_and_one_that_was_skipped_neither(
    tmp_path: Path,
) -> None:
    assert (await output_of(tmp_path, LOOP, ["a"]))["outcome"]["errors"] == []
    skipped = LOOP.replace("  - id: all\n", "  - id: all\n    if: payload == 'x'\n")
    assert (await output_of(tmp_path, skipped, ["a"]))["outcome"] == {
        "status": "skipped", "attempts": 0, "error": None, "errors": [],
    }  # fmt: skip


async def test_a_filter_ends_its_branch_alone_whose_output_is_null(tmp_path: Path) -> None:
    text = """
steps:
  - id: both
    parallel:
      kept: [{filter: payload.yes}, {template: kept}]
      left:
        - steps: [{filter: payload.no}]
        - template: left
  - id: rest
    template: "{{ steps.both.left is none }}"
output: "[steps.both, steps.rest]"
"""
    found = await output_of(tmp_path, text, {"yes": True, "no": False})
    assert found == [{"kept": "kept", "left": None}, True]


async def test_a_filter_in_a_branch_of_an_items_parallel_leaves_the_item(tmp_path: Path) -> None:
    text = """
steps:
  - id: all
    for_each: payload
    steps:
      - parallel:
          odd: [{filter: item != `2`}]
output: steps.all
"""
    assert await output_of(tmp_path, text, [1, 2]) == [{"odd": True}, {"odd": None}]


SWITCH = """
steps:
  - id: route
    switch:
      - when: payload == 'a'
        steps: [{id: one, template: A}]
      - when: payload == 'b'
        steps:
          - id: two
            steps: [{id: deep, template: B}]
output: "[steps.route, steps.one, steps.two, steps.deep, outcomes.one.status, outcomes.deep.status]"
"""


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ("a", ["A", "A", None, None, "succeeded", "skipped"]),
        ("b", ["B", None, "B", "B", "skipped", "succeeded"]),
        ("c", [None, None, None, None, "skipped", "skipped"]),
    ],
)
async def test_what_was_not_taken_is_null_and_its_outcome_skipped(
    tmp_path: Path, payload: str, found: Any
) -> None:
    assert await output_of(tmp_path, SWITCH, payload) == found


async def test_the_last_output_of_on_error_stands_for_the_steps(tmp_path: Path) -> None:
    text = """
steps:
  - id: risky
    fail: over
    on_error:
      - template: first
      - transform: {was: error.message}
output: "[steps.risky, outcomes.risky.status, outcomes.risky.error.message]"
"""
    assert await output_of(tmp_path, text) == [{"was": "over"}, "recovered", "over"]


async def test_on_error_sees_what_its_try_did_and_null_for_what_it_did_not(tmp_path: Path) -> None:
    text = """
steps:
  - id: attempt
    steps:
      - {id: before, template: done}
      - fail: over
      - {id: after, template: never}
    on_error:
      - template: "{{ [steps.before, steps.after, outcomes.after.status] }}"
output: steps.attempt
"""
    assert await output_of(tmp_path, text) == ["done", None, "skipped"]


async def test_on_failure_sees_every_step_and_null_for_those_that_never_ran(tmp_path: Path) -> None:
    text = """
steps:
  - {id: before, template: done}
  - id: broken
    fail: over
    on_error: [{fail: again}]
  - {id: after, template: never}
  - switch: [{steps: [{id: deep, template: never}]}]
on_failure:
  - action: probe.note
    with:
      text: "{{ [steps.before, steps.broken, steps.after, steps.deep, outcomes.broken.error.message,
                 outcomes.after.status, error.step] }}"
"""
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", text)
        end = await world.ran("one")
    assert end.status is Status.FAILED
    assert outside.notes == [["done", None, None, None, "over", "skipped", "broken!error.fail#1"]]


async def test_a_failed_step_under_continue_is_null_with_its_error(tmp_path: Path) -> None:
    text = """
steps:
  - {id: risky, fail: over, on_error: continue}
output: "[steps.risky, outcomes.risky]"
"""
    value, outcome = await output_of(tmp_path, text)
    assert value is None
    assert outcome == {
        "status": "failed",
        "attempts": 1,
        "error": {"step": "risky", "type": "fail", "message": "over", "attempts": 1},
    }


async def test_a_branchs_and_an_items_steps_are_their_own(tmp_path: Path) -> None:
    text = """
steps:
  - {id: out, template: outer}
  - id: all
    for_each: payload
    as: line
    concurrency: 2
    steps:
      - {id: own, transform: "{line: line, index: index, out: steps.out}"}
      - id: both
        parallel:
          left: [{id: l, transform: steps.own.line}]
          right: [{id: r, transform: steps.own.index}]
      - transform: steps.both
output: steps.all
"""
    assert await output_of(tmp_path, text, ["x", "y"]) == [
        {"left": "x", "right": 0},
        {"left": "y", "right": 1},
    ]


async def test_eight_levels_of_steps_run(tmp_path: Path) -> None:
    text = (
        "steps:\n  - " + "{steps: [" * 7 + "{id: deep, template: down}" + "]}" * 7 + "\noutput: steps.deep\n"
    )
    assert await output_of(tmp_path, text) == "down"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Order {{ payload.id }}", "Order 7"),
        ("{{ payload.nothing }}", "one"),  # it is no reason to lose an event
        ("{{ payload.text }}", "x" * 200),
        ("{{ event.trigger }} {{ vars.v }}", "webhook 1"),
        ("{{ '2026-07-01T22:30:00Z' | format_date('%d %H:%M') }}", "02 01:30"),
    ],
)
async def test_a_run_is_called_by_its_title_in_the_workflows_zone(
    tmp_path: Path, title: str, shown: str
) -> None:
    async with opened(tmp_path) as world:
        await world.workflow(
            "one", f'title: "{title}"\ntimezone: Europe/Athens\nvars: {{v: 1}}\nsteps: [stop: x]\n'
        )
        accepted = await world.send("one", {"id": 7, "text": "x" * 300})
        await world.turned(accepted.run_id)
        assert (await world.history.run(accepted.run_id))["title"] == shown


async def test_dates_in_steps_are_of_the_workflows_zone(tmp_path: Path) -> None:
    text = """
timezone: Europe/Athens
steps:
  - {id: a, template: "{{ '2026-07-01T22:30:00Z' | format_date('%H:%M') }}"}
  - {id: b, transform: "format_date('2026-07-01T22:30:00Z', '%H:%M')"}
output: "[steps.a, steps.b]"
"""
    assert await output_of(tmp_path, text) == ["01:30", "01:30"]


async def test_an_output_that_fails_fails_the_run_and_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await world.workflow("one", "steps: [{id: a, template: x}]\noutput: sum(steps.a)\n")
        end = await world.ran("one")
    assert end.reason
    assert (end.status, end.reason.facts["step"]) == (Status.FAILED, "output")


@pytest.mark.parametrize(
    "inner",
    [
        "for_each: payload\n    concurrency: 2\n    steps: [{action: probe.note, with: {after: never}}]",
        "parallel: {a: [{action: probe.note, with: {after: never}}]}",
        "switch: [{steps: [{action: probe.note, with: {after: never}}]}]",
    ],
)
async def test_a_timeout_bounds_all_that_is_inside(tmp_path: Path, inner: str) -> None:
    text = f"""
steps:
  - id: bounded
    timeout: 50ms
    {inner}
    on_error: continue
output: outcomes.bounded.error.type
"""
    assert await output_of(tmp_path, text, [1, 2]) == "timeout"

"""Each kind of step and each modifier, run by the whole engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.engine.runs import Status, TurnEnd
from tests.engine.world import Outside, opened


async def run_once(folder: Path, text: str, payload: Any = None) -> tuple[TurnEnd, Outside]:
    outside = Outside()
    async with opened(folder, outside) as world:
        await world.workflow("one", text)
        return await world.ran("one", payload), outside


async def test_a_filter_that_does_not_hold_ends_the_run_and_says_why(tmp_path: Path) -> None:
    end, outside = await run_once(
        tmp_path,
        "steps:\n  - id: big\n    filter: payload.total > `100`\n  - action: probe.note\n",
        {"total": 80},
    )
    assert end.status is Status.FILTERED
    assert end.reason
    assert end.reason.sentence == "Stopped on purpose at big: payload.total was 80; it must be more than 100."
    assert outside.notes == []


async def test_transform_and_template_keep_types_and_feed_an_action(tmp_path: Path) -> None:
    text = """
steps:
  - id: order
    transform: {skus: "payload.lines[].sku", count: length(payload.lines)}
  - id: text
    template: "{{ steps.order.count }} of {{ steps.order.skus | join(', ') }}"
  - action: probe.note
    with: {text: ["{{ steps.order.count }}", "{{ steps.text }}"]}
"""
    end, outside = await run_once(tmp_path, text, {"lines": [{"sku": "a"}, {"sku": "b"}]})
    assert end.status is Status.SUCCEEDED
    assert outside.notes == [[2, "2 of a, b"]]


async def test_a_payload_that_looks_like_a_template_is_never_rendered(tmp_path: Path) -> None:
    hostile = "{{ secrets.KEY }}{{ 7 * 7 }}{% raw %}"
    _end, outside = await run_once(
        tmp_path,
        "steps:\n  - id: a\n    template: '{{ payload }}!'\n"
        "  - action: probe.note\n    with: {text: '{{ steps.a }}'}\n",
        hostile,
    )
    assert outside.notes == [hostile + "!"]


async def test_if_skips_a_step_whose_output_is_then_null(tmp_path: Path) -> None:
    text = """
steps:
  - id: maybe
    if: payload.wanted
    action: probe.note
    with: {text: no}
  - action: probe.note
    with: {text: ["{{ steps.maybe }}", "{{ outcomes.maybe.status }}"]}
"""
    _end, outside = await run_once(tmp_path, text, {"wanted": False})
    assert outside.notes == [[None, "skipped"]]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("a", ["first", None]), ("b", [None, "second"]), ("c", [None, None])],
)
async def test_switch_takes_the_first_case_that_holds_and_lets_its_ids_out(
    tmp_path: Path, kind: str, expected: list[Any]
) -> None:
    text = """
steps:
  - id: route
    switch:
      - when: payload == 'a'
        steps:
          - {id: one, template: first}
      - when: payload == 'b'
        steps:
          - {id: two, template: second}
  - action: probe.note
    with: {text: ["{{ steps.one }}", "{{ steps.two }}"]}
"""
    _end, outside = await run_once(tmp_path, text, kind)
    assert outside.notes == [expected]


async def test_for_each_gives_the_outputs_in_the_order_of_the_list_without_filtered_items(
    tmp_path: Path,
) -> None:
    text = """
steps:
  - id: kept
    for_each: payload
    as: number
    concurrency: 3
    steps:
      - filter: number != `2`
      - action: probe.note
        with: {text: "{{ number * 10 + index }}"}
      - transform: number
  - action: probe.note
    with: {text: "{{ steps.kept }}"}
"""
    end, outside = await run_once(tmp_path, text, [1, 2, 3])
    assert end.status is Status.SUCCEEDED
    assert sorted(outside.notes[:2]) == [10, 32]
    assert outside.notes[2] == [1, 3]


async def test_for_each_under_continue_puts_null_and_the_error_in_the_place_of_a_failed_item(
    tmp_path: Path,
) -> None:
    text = """
steps:
  - id: all
    for_each: payload
    on_item_error: continue
    steps:
      - action: probe.note
        with: {text: "{{ item }}", fail: "{{ 'rejected' if item == 2 else none }}"}
      - transform: item
  - action: probe.note
    with: {text: ["{{ steps.all }}", "{{ outcomes.all.errors }}"]}
"""
    end, outside = await run_once(tmp_path, text, [1, 2, 3])
    assert end.status is Status.SUCCEEDED
    outputs, errors = outside.notes[-1]
    assert outputs == [1, None, 3]
    assert [(error["index"], error["type"], error["message"]) for error in errors] == [
        (1, "rejected", "it was refused")
    ]


async def test_for_each_under_fail_starts_no_item_after_a_failed_one(tmp_path: Path) -> None:
    text = """
steps:
  - for_each: payload
    steps:
      - action: probe.note
        with: {text: "{{ item }}", fail: "{{ 'rejected' if item == 2 else none }}"}
"""
    end, outside = await run_once(tmp_path, text, [1, 2, 3])
    assert end.status is Status.FAILED
    assert outside.notes == [1]


async def test_parallel_lets_every_branch_end_before_the_first_failure_in_file_order_counts(
    tmp_path: Path,
) -> None:
    text = """
steps:
  - id: both
    parallel:
      bad:
        - action: probe.note
          with: {fail: rejected}
      good:
        - action: probe.note
          with: {text: done}
"""
    end, outside = await run_once(tmp_path, text)
    assert end.status is Status.FAILED
    assert outside.notes == ["done"]
    assert end.reason
    assert end.reason.facts["step"] == "both.bad.action#1"


async def test_on_error_steps_stand_for_the_failed_step_and_the_run_goes_on(tmp_path: Path) -> None:
    text = """
steps:
  - id: risky
    action: probe.note
    with: {fail: rejected}
    on_error:
      - action: probe.note
        with: {text: "{{ error.type }} at {{ error.step }}"}
      - template: instead
  - action: probe.note
    with: {text: ["{{ steps.risky }}", "{{ outcomes.risky.status }}"]}
"""
    end, outside = await run_once(tmp_path, text)
    assert end.status is Status.SUCCEEDED
    assert outside.notes == ["rejected at risky", ["instead", "recovered"]]


async def test_on_error_continue_goes_on_with_null_and_the_error_in_outcomes(tmp_path: Path) -> None:
    text = """
steps:
  - id: risky
    action: probe.note
    with: {fail: rejected}
    on_error: continue
  - action: probe.note
    with: {text: ["{{ steps.risky }}", "{{ outcomes.risky.error.message }}"]}
"""
    _end, outside = await run_once(tmp_path, text)
    assert outside.notes == [[None, "it was refused"]]


async def test_on_failure_is_told_what_failed_and_the_run_still_counts_as_failed(tmp_path: Path) -> None:
    text = """
steps:
  - fail: "no {{ payload.what }}"
on_failure:
  - action: probe.note
    with: {text: "{{ error.type }}: {{ error.message }} ({{ run.url }})"}
"""
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", text)
        accepted = await world.send("one", {"what": "luck"})
        end = await world.turned(accepted.run_id)
    assert end.status is Status.FAILED
    assert outside.notes == [f"fail: no luck (http://hookline.test/runs/{accepted.run_id})"]


async def test_stop_ends_the_run_as_succeeded_from_inside_a_group(tmp_path: Path) -> None:
    text = """
steps:
  - steps:
      - stop: enough
      - action: probe.note
  - action: probe.note
"""
    end, outside = await run_once(tmp_path, text)
    assert end.status is Status.SUCCEEDED
    assert end.reason
    assert (end.reason.code, end.reason.sentence) == ("stopped", "Stopped by the workflow: enough")
    assert outside.notes == []


async def test_a_group_past_its_timeout_fails_as_timeout_and_its_on_error_runs(tmp_path: Path) -> None:
    text = """
steps:
  - id: bounded
    timeout: 50ms
    steps:
      - action: probe.note
        with: {after: never}
    on_error:
      - template: "{{ error.type }}"
  - action: probe.note
    with: {text: "{{ steps.bounded }}"}
"""
    end, outside = await run_once(tmp_path, text)
    assert end.status is Status.SUCCEEDED
    assert outside.notes == ["timeout"]


async def test_a_call_past_the_timeout_of_its_step_may_have_happened_and_is_tried_again(
    tmp_path: Path,
) -> None:
    text = """
steps:
  - id: slow
    action: probe.note
    timeout: 20ms
    retry: {attempts: 2, delay: 10ms}
    with: {after: never}
"""
    end, _outside = await run_once(tmp_path, text)
    assert end.status is Status.FAILED
    assert end.reason
    assert (end.reason.code, end.reason.facts["attempts"]) == ("timeout", 2)


async def test_a_bug_in_a_connector_fails_the_step_without_its_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    end, _outside = await run_once(tmp_path, "steps:\n  - action: probe.note\n    with: {fail: bug}\n")
    assert end.status is Status.FAILED
    assert end.reason
    assert (
        end.reason.facts["message"] == "probe.note failed inside (KeyError); the server's log has the details"
    )
    assert "a bug" in caplog.text


async def test_an_expression_that_fails_fails_its_step_alone(tmp_path: Path) -> None:
    text = """
steps:
  - id: odd
    transform: sum(payload)
    on_error: continue
  - action: probe.note
    with: {text: "{{ outcomes.odd.error.type }}"}
"""
    _end, outside = await run_once(tmp_path, text, "no list")
    assert outside.notes == ["expression"]


async def test_the_steps_that_ran_stand_in_the_trace(tmp_path: Path) -> None:
    end, _outside = await run_once(
        tmp_path,
        "steps:\n  - {id: a, template: x}\n  - if: payload\n    template: y\n  - filter: payload\n",
        payload=None,
    )
    assert [(entry["path"], entry["status"]) for entry in end.trace] == [
        ("a", "succeeded"),
        ("template#2", "skipped"),
        ("filter#3", "filtered"),
    ]


async def test_secrets_reach_the_call_and_nothing_that_is_kept(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside, secrets={"KEY": "s3cr3t-value"}) as world:
        await world.workflow(
            "one", "steps:\n  - action: probe.note\n    with: {text: 'k={{ secrets.KEY }}'}\n"
        )
        accepted = await world.send("one")
        await world.turned(accepted.run_id)
        run = await world.history.run(accepted.run_id)
    assert outside.notes == ["k=s3cr3t-value"]
    assert run["steps"][0]["input"] == {"text": "k={{ secrets.KEY }}"}
    assert run["steps"][0]["output"]["text"] == "k=•••"

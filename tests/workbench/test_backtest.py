"""Backtests: a changed text held against what real runs recorded."""
# ruff: noqa: E501 - workflows are read by their lines

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.values import dumps
from tests.engine.world import opened
from tests.workbench.past import judged

ORDER = """
title: "Order {{ payload.id }}"
steps:
  - filter: payload.total >= `50`
  - id: order
    transform: {total: payload.total, at: now()}
  - id: save
    action: probe.note
    with: {text: "{{ payload.id }} at {{ steps.order.at }}"}
  - id: tell
    action: probe.note
    with: {text: "{{ steps.save.text }} saved at {{ now() }}, {{ uuid() }}"}
"""
KINDS = {
    "orders": ORDER,
    "loop": """
steps:
  - id: lines
    for_each: payload.lines
    concurrency: 3
    on_item_error: continue
    steps:
      - filter: item != 'skip'
      - id: line
        action: probe.note
        with: {text: "{{ item }} {{ now() }}", fail: "{{ 'rejected' if item == 'bad' else none }}"}
  - action: probe.note
    with: {text: "{{ steps.lines }} {{ outcomes.lines }}"}
""",
    "parallel": """
output: steps.both
steps:
  - id: both
    parallel:
      left: [{action: probe.note, with: {text: "{{ payload.id }}"}}]
      right: [{id: right, action: probe.note, with: {text: "{{ now() }}"}}, {template: "{{ steps.right.call }}"}]
  - action: probe.note
    with: {text: "{{ steps.both }}"}
""",
    "switch": """
steps:
  - id: route
    switch:
      - when: payload.total > `50`
        steps: [{id: big, action: probe.note, with: {text: big}}]
      - steps: [{stop: small}]
  - action: probe.note
    with: {text: "{{ steps.big.text }}"}
""",
    "failing": """
steps:
  - id: try
    action: probe.note
    with: {text: a, fail: rejected}
on_failure:
  - action: probe.note
    with: {text: "{{ error.message }}"}
""",
    "recovered": """
steps:
  - id: try
    action: probe.note
    with: {text: a, fail: rejected}
    on_error: [{action: probe.note, with: {text: "{{ error.step }}"}}]
  - fail: on purpose
    if: payload.total < `50`
""",
    "retried": """
retry: {attempts: 3, delay: 10ms}
steps:
  - id: try
    action: probe.note
    with: {text: a, fail: unavailable, times: 2}
  - action: probe.note
    with: {text: "{{ steps.try.call }}"}
""",
    "rounds": """
steps:
  - id: pages
    repeat: {until: "index == `2`", every: 10ms}
    steps: [{action: probe.note, with: {text: "{{ index }} {{ now() }}"}}]
  - wait: 10ms
  - action: probe.note
    with: {text: "{{ now() }}"}
""",
    "answered": """
trigger: {webhook: {answer: result}}
concurrency: {limit: 1, key: payload.id}
steps:
  - id: count
    action: state.increment
    with: {key: orders}
  - respond: {status: 201, body: {count: "{{ steps.count }}"}}
""",
    "split": """
trigger: {webhook: {split: payload.lines}}
steps:
  - action: probe.note
    with: {text: "{{ payload }}"}
""",
}  # fmt: skip
PAYLOADS: tuple[Any, ...] = (
    {"id": 1, "total": 80, "lines": ["a", "skip", "bad"]},
    {"id": 2, "total": 20, "lines": []},
    {"id": 3, "total": 60, "lines": ["b"]},
)


async def after(folder: Path, text: str, changed: str, *, slug: str = "one") -> list[Any]:
    """What *changed* would have done with runs of *text*."""
    async with opened(folder) as world:
        await world.workflow(slug, text)
        for payload in PAYLOADS:
            await world.send(slug, payload)
        await world.quiet()
        return await judged(world, slug, changed)


def verdicts(entries: list[Any]) -> list[str]:
    return [one["verdict"] for one in entries]


@pytest.mark.parametrize("name", KINDS)
async def test_a_file_held_against_its_own_runs_is_all_the_same(tmp_path: Path, name: str) -> None:
    entries = await after(tmp_path, KINDS[name], KINDS[name])
    assert len(entries) >= 2
    assert verdicts(entries) == ["same"] * len(entries)
    assert not any(one["differences"] or one["unknown"] or one["notes"] for one in entries)


TEXTS = st.sampled_from(["{{ payload.id }}", "{{ now() }}", "{{ uuid() }}", "{{ steps.s0 }}", "plain"])
NOTE = st.builds(
    lambda text, fail: {"action": "probe.note", "with": {"text": text, "fail": fail}, "on_error": "continue"},
    TEXTS, st.sampled_from([None, None, "rejected"]),
)  # fmt: skip
PLAIN = st.sampled_from(
    [
        {"filter": "payload.total > `30`"},
        {"transform": {"a": "payload.id"}},
        {"stop": "here", "if": "payload.id == `3`"},
    ]
)
STEP = st.recursive(
    NOTE | PLAIN,
    lambda inner: st.one_of(
        st.builds(lambda steps: {"for_each": "payload.lines", "steps": steps}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(
            lambda a, b: {"switch": [{"when": "payload.total > `50`", "steps": a}, {"steps": b}]},
            st.lists(inner, min_size=1, max_size=2), st.lists(inner, min_size=1, max_size=2),
        ),
        st.builds(lambda a, b: {"parallel": {"a": [a], "b": [b]}}, inner, inner),
    ),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, min_size=1, max_size=4))
async def test_whatever_the_workflow_is_its_own_runs_are_the_same(steps: list[Any]) -> None:
    first = {"id": "s0", "transform": "payload.id"}
    text = f"steps: {dumps([first, *steps])}\n"
    with TemporaryDirectory() as folder:
        assert set(verdicts(await after(Path(folder), text, text))) == {"same"}


async def test_a_changed_filter_filters_and_says_by_what(tmp_path: Path) -> None:
    entries = await after(tmp_path, ORDER, ORDER.replace("`50`", "`70`"))
    assert verdicts(entries) == ["same", "same", "filtered"]
    assert "payload.total was 60; it must be at least 70" in entries[2]["sentence"]
    gone = [one for one in entries[2]["differences"] if one["what"] == "call"]
    assert [one["path"] for one in gone] == ["save", "tell"]
    assert all(one["after"] is None and one["is_known"] for one in gone)


async def test_a_changed_input_differs_and_what_hangs_on_its_answer_is_not_known(tmp_path: Path) -> None:
    changed = ORDER.replace('text: "{{ payload.id }} at', 'text: "No. {{ payload.id }} at')
    entries = await after(tmp_path, ORDER, changed)
    assert verdicts(entries) == ["differs", "same", "differs"]
    save, *others = entries[0]["differences"]
    assert (save["path"], save["is_known"]) == ("save", True)
    assert not any(one["is_known"] for one in others)
    assert save["after"]["input"]["text"] == f"No. {save['before']['input']['text']}"
    assert entries[0]["unknown"][0]["path"] == "save"
    assert "not known either: tell" in entries[0]["notes"][-1]


async def test_another_input_changes_no_time_of_what_follows(tmp_path: Path) -> None:
    text = 'steps: [{action: probe.note, with: {text: "a"}}, {action: probe.note, with: {text: "{{ now() }}"}}]\n'
    entries = await after(tmp_path, text, text.replace('"a"', '"b"'))
    assert [[one["path"] for one in entry["differences"]] for entry in entries] == [["action#1"]] * 3


async def test_the_request_of_a_changed_call_is_shown_beside_that_of_before(tmp_path: Path) -> None:
    text = 'steps: [{id: ask, action: http.request, on_error: continue, with: {method: POST, url: "http://127.0.0.1:9/{{ payload.id }}", json: {a: 1}}, retry: {attempts: 1}}]\n'
    entries = await after(tmp_path, text, text.replace("a: 1", "a: 2"))
    (ask,) = entries[0]["differences"]
    assert (ask["before"]["request"]["body"], ask["after"]["request"]["body"]) == ({"a": 1}, {"a": 2})
    assert ask["after"]["request"]["url"] == "http://127.0.0.1:9/1"


async def test_a_renamed_step_makes_its_recording_stale(tmp_path: Path) -> None:
    changed = ORDER.replace("id: save", "id: keep").replace("steps.save", "steps.keep")
    entries = await after(tmp_path, ORDER, changed)
    assert verdicts(entries) == ["stale", "same", "stale"]
    assert entries[0]["stale"] == [{"path": "keep", "was": "save"}]
    assert entries[0]["differences"] == []


async def test_a_step_that_fails_now_fails_the_event(tmp_path: Path) -> None:
    changed = ORDER.replace("total: payload.total, at", "total: to_number(payload.total) / `0`, at")
    entries = await after(tmp_path, ORDER, changed)
    assert verdicts(entries) == ["failed", "same", "failed"]


async def test_another_call_before_a_failed_one_leaves_its_end_unknown(tmp_path: Path) -> None:
    entries = await after(tmp_path, KINDS["failing"], KINDS["failing"].replace("text: a,", "text: b,"))
    assert set(verdicts(entries)) == {"differs"}
    assert {one["what"]: one["is_known"] for one in entries[0]["differences"]}["call"] is True


async def test_a_branch_a_title_and_a_key_are_compared(tmp_path: Path) -> None:
    changed = KINDS["switch"].replace("`50`", "`70`")
    whats = [
        {one["what"] for one in entry["differences"]}
        for entry in await after(tmp_path / "a", KINDS["switch"], changed)
    ]
    assert whats[2] >= {"branch", "call"}
    titled = ORDER.replace('"Order', '"Bestellung')
    (first, *_rest) = await after(tmp_path / "b", ORDER, titled)
    assert [(one["what"], one["before"], one["after"]) for one in first["differences"]] == [
        ("title", "Order 1", "Bestellung 1")
    ]
    keyed = KINDS["answered"].replace("key: payload.id", "key: payload.total")
    (first, *_rest) = await after(tmp_path / "c", KINDS["answered"], keyed)
    assert [one["what"] for one in first["differences"]] == ["key"]


async def test_a_called_workflow_gives_what_it_gave(tmp_path: Path) -> None:
    text = 'steps:\n  - id: child\n    call: other\n    with: {id: "{{ payload.id }}"}\n  - action: probe.note\n    with: {text: "{{ steps.child }}"}\n'
    async with opened(tmp_path) as world:
        await world.workflow("other", "trigger: {manual: {}}\noutput: payload.id\nsteps: [{template: x}]\n")
        await world.workflow("one", text)
        await world.send("one", {"id": 7})
        await world.quiet()
        assert verdicts(await judged(world, "one", text)) == ["same"]
        (entry,) = await judged(world, "one", text.replace('id: "{{', 'id: "x{{'))
        assert (entry["verdict"], [one["path"] for one in entry["unknown"]]) == ("differs", ["child"])


async def test_neither_secrets_nor_what_is_redacted_are_seen(tmp_path: Path) -> None:
    text = 'redact: [payload.card]\nsteps: [{id: pay, action: probe.note, with: {text: "{{ payload.card }} {{ secrets.KEY }}"}}]\n'
    async with opened(tmp_path, secrets={"KEY": "planted-secret-value"}) as world:
        await world.workflow("one", text)
        await world.send("one", {"card": "4111-planted-card", "note": "planted-secret-value"})
        await world.quiet()
        for changed in (
            text,
            text.replace("}} {{", "}}, {{"),
            text.replace("redact: [payload.card]\n", "").replace("{{ sec", "{{ payload.note }} {{ sec"),
        ):
            entries = await judged(world, "one", changed, frozenset({"planted-secret-value"}))
            assert "planted" not in json.dumps(entries)
            assert (entries[0]["verdict"] == "same") is (changed == text)

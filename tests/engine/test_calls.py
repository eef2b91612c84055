"""`call`: one run starts another, once, and hears how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runner.engine.history import Wanted
from runner.engine.pauses import Pause
from runner.engine.release import release_ended
from runner.engine.runs import Status
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

LATER = "retry: {delay: 1h, max_delay: 1h}\n"
MANUAL = "trigger: {manual: {}}\n"
CHILD = MANUAL + "steps:\n  - action: probe.note\n    with: {text: '{{ payload.text }}'}\n"
PARENT = """
steps:
  - id: child
    call: child
    with: {text: "{{ payload.text }}"}
  - action: probe.note
    with: {text: "after {{ steps.child | tojson }}"}
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        yield world


async def runs(world: World, slug: str) -> list[Any]:
    return (await world.history.runs(Wanted(workflow=slug))).items


async def status(world: World, run_id: str) -> Any:
    return (await world.history.run(run_id))["status"]


async def test_the_caller_waits_without_a_worker_and_gets_the_output(world: World) -> None:
    await world.workflow("child", CHILD + 'output: "{got: payload.text}"\n')
    await world.workflow("parent", PARENT)
    run_id = (await world.send("parent", {"text": "hi"})).run_id
    waiting = await world.turned(run_id)
    assert waiting.status is Status.WAITING
    assert waiting.waiting_for is not None
    assert waiting.waiting_for.startswith("child waits for run ")
    await world.quiet()
    assert world.outside.notes == ["hi", 'after {"got":"hi"}']
    (child,) = await runs(world, "child")
    event = await world.history.event(child["event"])
    assert (event["trigger"], event["payload"]) == ("call", {"text": "hi"})
    assert event["gates"][0]["reason"] == f"called by parent, run {run_id}, at child"
    run = await world.history.run(run_id)
    assert run["status"] == "succeeded"
    step = run["steps"][0]
    assert (step["path"], step["kind"], step["output"]) == ("child", "call", {"got": "hi"})


async def test_without_an_output_it_is_that_of_the_last_step_and_null_where_filtered(world: World) -> None:
    await world.workflow("child", MANUAL + "steps: [{filter: payload.go}, {transform: {a: payload.go}}]\n")
    await world.workflow(
        "parent",
        "steps:\n  - id: one\n    call: child\n    with: {go: 1}\n  - id: two\n    call: child\n"
        "output: '[steps.one, steps.two]'\n",
    )
    run_id = (await world.send("parent")).run_id
    await world.quiet()
    assert (await world.history.run(run_id))["output"] == [{"a": 1}, None]


async def test_one_that_does_not_wait_gets_the_id_and_goes_on(world: World) -> None:
    await world.workflow("child", MANUAL + "steps: [{fail: broken}]\n")
    await world.workflow("parent", "steps: [{id: c, call: child, wait: false}]\noutput: steps.c\n")
    end = await world.ran("parent")
    assert end.status is Status.SUCCEEDED
    await world.quiet()
    (child,) = await runs(world, "child")
    assert (child["id"], child["status"]) == (end.output, "failed")


async def test_a_failed_child_fails_the_step_with_a_sentence_and_a_link(world: World) -> None:
    await world.workflow("child", MANUAL + "steps: [{fail: no such order}]\n")
    await world.workflow("parent", "steps: [{id: c, call: child}]\n")
    await world.workflow(
        "mends",
        "steps:\n  - id: c\n    call: child\n    on_error: continue\noutput: outcomes.c.error.message\n",
    )
    failed, mended = (await world.send("parent")).run_id, (await world.send("mends")).run_id
    await world.quiet()
    reason = (await world.history.run(failed))["reason"]
    assert reason["code"] == "fail"
    assert "child failed: fail#1 failed: no such order See http://hookline.test/runs/" in reason["sentence"]
    run = await world.history.run(mended)
    assert run["status"] == "succeeded"
    assert run["output"].startswith("child failed")


async def test_a_killed_process_starts_the_child_once(tmp_path: Path) -> None:
    outside = Outside()
    child = MANUAL + "steps: [{action: probe.note, with: {text: once, after: gate}}]\n"
    async with opened(tmp_path, outside, grace_seconds=0) as world:
        await world.workflow("child", child)
        await world.workflow("parent", "steps: [{id: c, call: child}]\noutput: steps.c.text\n")
        run_id = (await world.send("parent")).run_id
        await outside.begun.wait()
    outside.gates["gate"].set()
    async with opened(tmp_path, outside) as world:
        await world.quiet()
        assert len(await runs(world, "child")) == 1
        run = await world.history.run(run_id)
        assert (run["status"], run["output"]) == ("succeeded", "once")
    assert len(set(outside.keys)) == 1


async def test_a_child_that_ends_before_its_caller_waits_is_not_missed(world: World) -> None:
    await world.workflow("child", CHILD)
    await world.workflow(
        "parent",
        "steps:\n  - id: both\n    parallel:\n      a: [{call: child, with: {text: 1}}]\n"
        "      b: [{action: probe.note, with: {text: 2, after: gate}}]\n",
    )
    run_id = (await world.send("parent")).run_id
    async with asyncio.timeout(20):
        while not [one for one in await runs(world, "child") if one["status"] == "succeeded"]:
            await asyncio.sleep(0.01)
    world.outside.gates["gate"].set()
    await world.turned(run_id)
    await world.quiet()
    assert await status(world, run_id) == "succeeded"


async def test_cancelling_reaches_the_children_of_children(world: World) -> None:
    await world.workflow(
        "last",
        MANUAL
        + "retry: {delay: 1h, max_delay: 1h}\nsteps: [{action: probe.note, with: {fail: unavailable}}]\n",
    )
    await world.workflow("middle", MANUAL + "steps: [{call: last}]\n")
    await world.workflow("parent", "steps: [{call: middle}]\n")
    run_id = (await world.send("parent")).run_id
    await world.turned(run_id)
    async with asyncio.timeout(20):
        while [one["status"] for one in await runs(world, "last")] != ["waiting"]:
            await asyncio.sleep(0.01)
    assert await world.store.cancel(run_id, now=world.clock()) is Status.CANCELLED
    for slug in ("middle", "last"):
        (run,) = await runs(world, slug)
        assert run["status"] == "cancelled"
        assert run["reason"]["sentence"] == "Cancelled with the run that called it."


async def test_a_cancelled_child_fails_its_caller_and_a_replay_starts_a_new_one(world: World) -> None:
    await world.workflow(
        "child",
        MANUAL + LATER + "steps: [{action: probe.note, with: {fail: unavailable, times: 1}}]\n",
    )
    await world.workflow("parent", "steps: [{id: c, call: child}]\n")
    run_id = (await world.send("parent")).run_id
    async with asyncio.timeout(20):
        while [one["status"] for one in await runs(world, "child")] != ["waiting"]:
            await asyncio.sleep(0.01)
    (child,) = await runs(world, "child")
    await world.store.cancel(child["id"], now=world.clock())
    await world.quiet()
    assert "child was cancelled" in (await world.history.run(run_id))["reason"]["sentence"]
    await world.store.replay_failed(run_id, version=None, now=world.clock())
    world.now = world.clock() + 3600
    await world.quiet()
    world.now += 3600
    await world.quiet()
    assert [one["status"] for one in await runs(world, "child")] == ["succeeded", "cancelled"]
    assert await status(world, run_id) == "succeeded"


async def test_a_replay_of_the_caller_lets_its_failed_child_go_on(world: World) -> None:
    await world.workflow(
        "child",
        MANUAL + "steps:\n  - action: probe.note\n    with: {text: first}\n"
        "  - action: probe.note\n    with: {text: second, fail: rejected, times: 1}\n",
    )
    await world.workflow("parent", "steps: [{id: c, call: child}]\n")
    run_id = (await world.send("parent")).run_id
    await world.quiet()
    assert await status(world, run_id) == "failed"
    world.outside.calls.clear()
    await world.store.replay_failed(run_id, version=None, now=world.clock())
    await world.quiet()
    (child,) = await runs(world, "child")
    assert child["attempt"] == 2
    assert world.outside.notes == ["first"]  # `second` has a new key, and fails once again
    await world.store.replay_failed(child["id"], version=None, now=world.clock())


async def test_what_a_call_is_refused_for_is_said(world: World) -> None:
    await world.workflow("hook", "steps: [{stop: 'x'}]\n")
    await world.workflow(
        "child",
        "trigger:\n  manual:\n    inputs: {type: object, required: [n], properties: {n: {type: integer}}}\n"
        "steps: [{stop: 'x'}]\n",
    )
    for slug, said in (
        ("hook", "hook has no `manual` trigger, which a call needs"),
        ("chil", 'there is no workflow "chil"; did you mean "child"?'),
        ("child", "child does not take these inputs: n is missing"),
    ):
        await world.workflow("parent", f"steps: [{{id: c, call: {slug}}}]\n")
        end = await world.ran("parent")
        assert end.reason is not None
        assert (end.reason.code, end.reason.facts["message"]) == ("rejected", said)
    assert await runs(world, "child") == []


async def test_circles_and_depth_are_bounded_at_run_time(world: World) -> None:
    await world.workflow("one", MANUAL + "steps: [{call: two}]\n")
    await world.workflow("two", MANUAL + "steps: [{call: one}]\n")
    await world.workflow("starts", "steps: [{call: one}]\n")
    run_id = (await world.send("starts")).run_id
    await world.quiet()
    sentence = (await world.history.run(run_id))["reason"]["sentence"]
    assert "leads back to where it came from: starts → one → two → one" in sentence
    for number in range(9):
        await world.workflow(f"deep{number}", MANUAL + f"steps: [{{call: deep{number + 1}}}]\n")
    await world.workflow("deep9", MANUAL + "steps: [{stop: 'x'}]\n")
    await world.workflow("starts", "steps: [{call: deep1}]\n")
    run_id = (await world.send("starts")).run_id
    await world.quiet()
    assert "nested deeper than 8" in (await world.history.run(run_id))["reason"]["sentence"]
    assert await runs(world, "deep8") != []
    assert await runs(world, "deep9") == []


async def test_what_is_paused_is_called_when_it_is_resumed(world: World) -> None:
    await world.workflow("child", CHILD)
    await world.workflow("parent", PARENT)
    await world.pauses.pause(Pause("workflow", "child", "ada", world.clock(), "moving", None))
    await world.holding.refresh()
    run_id = (await world.send("parent", {"text": "hi"})).run_id
    end = await world.turned(run_id)
    assert end.waiting_for is not None
    assert "child takes no calls now" in end.waiting_for
    await world.pauses.resume("workflow", "child")
    await release_ended(world.door, world.pauses, world.holding, world.library)
    world.now = world.clock() + 31
    await world.quiet()
    assert await status(world, run_id) == "succeeded"


async def test_one_in_a_loop_calls_a_child_for_each_item(world: World) -> None:
    await world.workflow("child", MANUAL + "steps: [{transform: {twice: payload.n * `2`}}]\n")
    await world.workflow(
        "parent",
        "steps:\n  - id: all\n    for_each: payload\n    concurrency: 4\n    steps:\n"
        "      - call: child\n        with: {n: '{{ item }}'}\noutput: steps.all[].twice\n",
    )
    run_id = (await world.send("parent", [1, 2, 3])).run_id
    await world.quiet()
    assert (await world.history.run(run_id))["output"] == [2, 4, 6]


async def test_a_step_that_takes_too_long_leaves_its_child(world: World) -> None:
    await world.workflow("child", MANUAL + "steps: [{action: probe.note, with: {text: x, after: gate}}]\n")
    await world.workflow("parent", "steps: [{id: c, call: child, timeout: 10s}]\n")
    run_id = (await world.send("parent")).run_id
    await world.turned(run_id)
    world.now = world.clock() + 11
    world.worker.queue.wake()
    assert (await world.turned(run_id, turns=2)).reason.code == "timeout"  # type: ignore[union-attr]
    world.outside.gates["gate"].set()
    await world.quiet()
    assert [one["status"] for one in await runs(world, "child")] == ["succeeded"]

"""`mode: shadow`: everything is evaluated, and nothing leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.engine.runs import Status
from tests.engine.world import Outside, World, opened

SHADOW = """
mode: shadow
steps:
  - id: told
    action: probe.note
    with: {text: "for {{ payload.name }}"}
  - id: after
    template: "{{ [steps.told, outcomes.told.status, outcomes.told.attempts] }}"
output: steps.after
"""


async def shown(world: World, text: str, payload: Any = None) -> Any:
    """The run of *text*, as the history shows it."""
    await world.workflow("one", text)
    accepted = await world.send("one", payload)
    await world.turned(accepted.run_id)
    return await world.history.run(accepted.run_id)


async def test_an_action_is_shown_with_its_inputs_and_gives_null(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        run = await shown(world, SHADOW, {"name": "Ada"})
    assert outside.calls == {}
    assert (run["mode"], run["status"]) == ("shadow", "succeeded")
    assert run["reason"]["sentence"] == "Ran to its end as a shadow; 1 action was not sent."
    step = run["steps"][0]
    assert (step["status"], step["attempts"]) == ("succeeded", 0)
    assert (step["input"], step["output"]) == ({"text": "for Ada"}, None)
    assert run["output"] == [None, "succeeded", 0]


async def test_wrong_inputs_fail_as_they_would_live(tmp_path: Path) -> None:
    text = "mode: shadow\nsteps:\n  - action: probe.note\n    with: '{{ {\"fail\": [1]} }}'\n"
    async with opened(tmp_path) as world:
        run = await shown(world, text)
    assert (run["status"], run["reason"]["code"]) == ("failed", "rejected")


async def test_neither_retries_nor_a_connections_pause_nor_a_circuit_is_asked(tmp_path: Path) -> None:
    text = """
mode: shadow
steps:
  - action: http.request
    with: {method: POST, url: "http://127.0.0.1:1/"}
"""
    async with opened(tmp_path) as world:
        run = await shown(world, text)
        assert list(world.destinations.with_parked()) == []
    assert run["status"] == "succeeded"


async def test_on_error_and_on_failure_run_and_send_nothing(tmp_path: Path) -> None:
    text = """
mode: shadow
steps:
  - fail: over
    on_error:
      - action: probe.note
      - fail: again
on_failure:
  - action: probe.note
"""
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        run = await shown(world, text)
    assert outside.calls == {}
    assert run["status"] == "failed"
    unsent = [step["path"] for step in run["steps"] if step["kind"] == "action" and step["attempts"] == 0]
    assert unsent == ["fail#1!error.action#1", "on_failure.action#1"]


async def test_state_is_neither_read_nor_changed(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        text = "mode: shadow\nsteps:\n  - {action: state.increment, with: {key: k}}\n"
        run = await shown(world, text)
        assert await world.states.entry("one", "k", now=world.clock()) is None
    assert run["steps"][0]["output"] is None


async def test_the_caller_gets_its_answer(tmp_path: Path) -> None:
    text = """
trigger: {webhook: {answer: result}}
mode: shadow
steps:
  - action: probe.note
  - respond: {status: 201, body: done}
"""
    async with opened(tmp_path) as world:
        run = await shown(world, text)
    assert run["answer"]["status"] == 201


async def test_a_run_that_began_as_a_shadow_stays_one_and_new_events_are_live(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        text = "steps:\n  - wait: 1h\n  - action: probe.note\n    with: {text: x}\n"
        world.now = 1_000_000.0
        await world.workflow("one", "mode: shadow\n" + text)
        first = await world.send("one")
        await world.turned(first.run_id)
        await world.workflow("one", text)
        second = await world.send("one")
        await world.turned(second.run_id)
        world.now += 3601
        await world.quiet()
        modes = [(await world.history.run(one.run_id))["mode"] for one in (first, second)]
    assert modes == ["shadow", "live"]
    assert outside.notes == ["x"]


async def test_a_live_run_that_goes_on_with_a_shadows_version_sends_nothing_more(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        text = "steps:\n  - id: it\n    action: probe.note\n    with: {text: x, fail: %s}\n"
        await world.workflow("one", text % "rejected")
        accepted = await world.send("one")
        assert (await world.turned(accepted.run_id)).status is Status.FAILED
        await world.workflow("one", "mode: shadow\n" + text % "null")
        live = world.library.get("one")
        assert live
        await world.store.replay_failed(accepted.run_id, version=live.version, now=world.clock())
        await world.quiet()
        run = await world.history.run(accepted.run_id)
    assert (run["status"], run["mode"], run["steps"][0]["attempts"]) == ("succeeded", "live", 0)
    assert outside.notes == []


async def test_a_shadow_that_fails_opens_no_problem(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await world.workflow("one", "mode: shadow\nsteps:\n  - fail: over\n")
        end = await world.ran("one")
    assert (end.status, end.trouble) == (Status.FAILED, None)

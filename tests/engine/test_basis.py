"""Defaults of the folder and vars of the server: new events see the new ones, runs those they began with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.engine.runs import Status
from tests.engine.world import Outside, World, opened

WAITS = """
vars: {limit: 1}
steps:
  - action: probe.note
    retry: {delay: 1h, jitter: false}
    with: {fail: unavailable, times: 1}
  - action: probe.note
    with: {text: "{{ vars.limit }}"}
  - fail: over
"""
TELLS = "on_failure:\n  - action: probe.note\n    with: {text: '%s {{ error.message }}'}\n"


async def defaults(world: World, text: str) -> None:
    (world.folder / "workflows" / "_defaults.yaml").write_text(text)
    await world.library.reload()


async def version(world: World, slug: str) -> int:
    live = world.library.get(slug)
    assert live
    return live.version


async def test_a_change_of_the_defaults_makes_new_versions_of_those_that_take_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await defaults(world, "tags: [a]\n")
        await world.workflow("one", "steps: [stop: x]\n")
        await world.workflow("two", "tags: [own]\nsteps: [stop: x]\n")
        await defaults(world, "tags: [b]\n")
        one = world.library.get("one")
        assert one
        assert (one.version, one.workflow.tags) == (2, ("b",))
        assert await version(world, "two") == 1
        (world.folder / "workflows" / "_defaults.yaml").unlink()
        assert "one" in await world.library.reload()
        one = world.library.get("one")
        assert one
        assert (one.version, one.workflow.tags) == (3, ())


async def test_a_run_finds_the_defaults_and_vars_again_that_it_began_with(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside, overrides={"limit": 7}) as world:
        world.now = 1_000_000.0
        await defaults(world, TELLS % "old")
        await world.workflow("one", WAITS)
        first = await world.send("one")
        assert (await world.turned(first.run_id)).status is Status.WAITING
    async with opened(tmp_path, outside, overrides={"limit": 8}) as world:
        world.now = 1_000_000.0
        await defaults(world, TELLS % "new")
        second = await world.send("one")
        assert (await world.turned(second.run_id)).status is Status.WAITING
        world.now += 3600
        await world.quiet()
        runs = [await world.history.run(one.run_id) for one in (first, second)]
    assert sorted(map(str, outside.notes)) == ["7", "8", "None", "None", "new over", "old over"]
    assert [run["overridden"] for run in runs] == [{"limit": 7}, {"limit": 8}]
    assert [run["version"] for run in runs] == [1, 3]  # 2: the old defaults with the new var


async def test_faults_of_the_defaults_leave_the_last_good_versions_running(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await defaults(world, "tags: [a]\n")
        await world.workflow("one", "steps: [stop: x]\n")
        await defaults(world, "tagz: [a]\n")
        assert await version(world, "one") == 1
        (fault,) = world.library.faults["one"]
        assert Path(fault.path).name == "_defaults.yaml"
        assert (await world.ran("one")).status is Status.SUCCEEDED
        (world.folder / "workflows" / "_defaults.yaml").write_bytes(b"\xff")
        await world.library.reload()
        (fault,) = world.library.faults["one"]
        assert fault.code == "unreadable-file"
        await defaults(world, "tags: [a]\n")
        assert world.library.faults["one"] == ()


async def test_what_the_defaults_hide_is_hidden_in_the_history(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await defaults(world, "redact: [payload.card]\n")
        await world.workflow(
            "one", "steps:\n  - action: probe.note\n    with: {text: '{{ payload.card }}'}\n"
        )
        accepted = await world.send("one", {"card": "4242-4242"})
        await world.turned(accepted.run_id)
        run: Any = await world.history.run(accepted.run_id)
        event: Any = await world.history.event(accepted.event_id)
    assert run["steps"][0]["input"] == {"text": "•••"}
    assert event["payload"] == {"card": "•••"}


async def test_state_comes_along_with_a_new_name(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        text = "steps:\n  - {id: n, action: state.increment, with: {key: k}}\n"
        await world.workflow("one", text)
        await world.ran("one")
        (world.folder / "workflows" / "one.yaml").unlink()
        await world.workflow("two", "formerly: [one]\n" + text)
        await world.ran("two")
        entry = await world.states.entry("two", "k", now=world.clock())
        assert entry
        assert entry.value == 2
        assert await world.states.entry("one", "k", now=world.clock()) is None

"""Reloads are atomic: a changed file takes effect whole, a broken one leaves the last good version."""

from __future__ import annotations

from pathlib import Path

from runner.engine.library import Library
from runner.engine.runs import Status
from runner.inbound.providers import provider_infos
from runner.language.catalogue import Catalogue
from tests.engine.world import Outside, World, opened

NOTE = "steps:\n  - action: probe.note\n    with: {text: %s, after: %s}\n"


async def broken(world: World, slug: str) -> None:
    (world.folder / "workflows" / f"{slug}.yaml").write_text("name: x\nsteps: 7\n")
    await world.library.reload()
    assert any(fault.severity == "error" for fault in world.library.faults[slug])


async def test_a_changed_file_is_for_new_events_and_runs_keep_the_version_they_began_with(
    tmp_path: Path,
) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", NOTE % ("old", "open"))
        first = await world.send("one")
        await outside.begun.wait()
        await world.workflow("one", NOTE % ("new", "open"))
        second = await world.send("one")
        outside.gates["open"].set()
        assert (await world.turned(first.run_id)).status is Status.SUCCEEDED
        assert (await world.turned(second.run_id)).status is Status.SUCCEEDED
        versions = [(await world.history.run(one.run_id))["version"] for one in (first, second)]
    assert (outside.notes, versions) == (["old", "new"], [1, 2])


async def test_a_run_that_was_interrupted_goes_on_with_its_own_version(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside, grace_seconds=0) as world:
        await world.workflow("one", NOTE % ("old", "open"))
        first = await world.send("one")
        await outside.begun.wait()
    outside.gates["open"].set()
    (tmp_path / "workflows" / "one.yaml").write_text(
        "name: one\ntrigger: {webhook: {}}\n" + NOTE % ("new", "open")
    )
    async with opened(tmp_path, outside) as world:
        assert (await world.turned(first.run_id)).status is Status.SUCCEEDED
    assert outside.notes == ["old"]


async def test_a_file_with_faults_leaves_the_last_good_version_taking_events(tmp_path: Path) -> None:
    outside = Outside()
    outside.gates["open"].set()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", NOTE % ("good", "open"))
        await broken(world, "one")
        await world.ran("one")
    assert outside.notes == ["good"]


async def test_a_server_that_starts_on_a_broken_file_goes_on_with_the_last_good_version(
    tmp_path: Path,
) -> None:
    outside = Outside()
    outside.gates["open"].set()
    async with opened(tmp_path, outside) as world:
        await world.workflow("one", NOTE % ("good", "open"))
        await broken(world, "one")
    async with opened(tmp_path, outside) as world:
        assert world.library.by_token("one-0")
        await world.ran("one")
        await world.workflow("one", NOTE % ("mended", "open"))
        await world.ran("one")
    assert outside.notes == ["good", "mended"]


async def test_a_broken_file_that_never_was_good_has_no_address(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await broken(world, "one")
        assert world.library.get("one") is None


async def test_a_secret_that_is_set_later_is_missed_no_more_and_that_is_no_change(tmp_path: Path) -> None:
    secrets: set[str] = set()
    async with opened(tmp_path) as world:
        library = Library(
            world.folder / "workflows",
            world.store,
            catalogue=lambda: Catalogue({}, secrets=frozenset(secrets), providers=provider_infos()),
            token_of=lambda slug, _rotation: slug,
            clock=world.clock,
        )
        verified = "trigger: {webhook: {verify: {provider: github, secret: SHOP}}}\nsteps:\n  - stop: done\n"
        await world.workflow("one", verified)
        for held, codes in ((set(), ["secret-not-held"]), ({"SHOP"}, []), (set(), ["secret-not-held"])):
            secrets.clear()
            secrets |= held
            changed = await library.reload()
            assert [fault.code for fault in library.faults["one"]] == codes
        assert changed == []

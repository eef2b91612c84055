"""Where a workflow is reached: other addresses, deleted files, other names, as a running server sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.address import can_be_guessed, check_path
from runner.engine.history import Wanted
from runner.store.addresses import StoredAddresses
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

NOON = 1_800_000_000.0
NOTE = "steps:\n  - action: probe.note\n    with: {text: '{{ payload }}', after: open}\n"
DAY = 86400.0
OWN = frozenset({"api", "runs", "static"})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    outside = Outside()
    outside.gates["open"].set()
    async with opened(tmp_path, outside) as world:
        world.now = NOON
        yield world


def slug_at(world: World, token: str) -> str | None:
    live = world.library.by_token(token)
    return live.workflow.slug if live else None


def delete(world: World, slug: str) -> None:
    (world.folder / "workflows" / f"{slug}.yaml").unlink()


async def test_another_process_changes_an_address_and_the_old_one_answers_as_long_as_asked(
    world: World,
) -> None:
    await world.workflow("one", NOTE)
    await StoredAddresses(world.store).rotate("one", keep_until=NOON + 7 * DAY)
    assert await world.library.reload() == ["one"]
    assert await world.library.reload() == []
    assert slug_at(world, "one-1") == slug_at(world, "one-0") == "one"
    world.now = NOON + 7 * DAY
    assert (slug_at(world, "one-1"), slug_at(world, "one-0")) == ("one", None)
    assert not world.library.is_gone("one-0")


async def test_a_workflow_answers_at_exactly_its_paths_until_they_are_taken_away(world: World) -> None:
    await world.workflow("one", NOTE)
    addresses = StoredAddresses(world.store)
    await addresses.add_path("one", "/webhook/orders")
    await world.library.reload()
    live = world.library.by_path("/webhook/orders")
    assert live
    assert live.workflow.slug == "one"
    for other in ("/webhook/orders/", "/webhook/Orders", "/webhook", "webhook/orders", "/"):
        assert world.library.by_path(other) is None
    world.library.reserved = {"webhook"}  # what came to be one of the server's own
    assert world.library.by_path("/webhook/orders") is None
    world.library.reserved = ()
    await addresses.drop_path("one", "/webhook/orders")
    await world.library.reload()
    assert world.library.by_path("/webhook/orders") is None


async def test_the_address_of_a_deleted_workflow_is_gone_for_thirty_days(world: World) -> None:
    await world.workflow("one", NOTE)
    await world.workflow("two", NOTE)
    delete(world, "one")
    await world.library.reload()
    await world.library.note_state()
    assert slug_at(world, "one-0") is None
    assert world.library.is_gone("one-0")
    assert not world.library.is_gone("two-0")
    assert not world.library.is_gone("nothing")
    world.now = NOON + 30 * DAY
    assert not world.library.is_gone("one-0")
    world.now = NOON
    await world.workflow("one", NOTE)
    await world.library.note_state()
    assert slug_at(world, "one-0") == "one"
    assert not world.library.is_gone("one-0")


async def test_a_file_deleted_while_no_server_ran_is_noticed_at_the_next_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await world.workflow("one", NOTE)
        await world.workflow("two", NOTE)
    (tmp_path / "workflows" / "one.yaml").unlink()
    async with opened(tmp_path) as world:
        await world.library.note_state()
        assert world.library.is_gone("one-0")


async def test_an_empty_folder_deletes_no_workflow(world: World) -> None:
    await world.workflow("one", NOTE)
    delete(world, "one")
    await world.library.reload()
    await world.library.note_state()
    assert not world.library.is_gone("one-0")


async def test_a_renamed_file_keeps_address_history_and_runs_under_way(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside) as world:
        await world.workflow("old", NOTE)
        first = await world.send("old", 1)
        await outside.begun.wait()
        delete(world, "old")
        await world.workflow("new", "formerly: [old]\n" + NOTE)
        assert slug_at(world, "old-0") == "new"
        await world.library.note_state()
        assert not world.library.is_gone("old-0")
        outside.gates["open"].set()
        await world.turned(first.run_id)
        await world.ran("new", 2)
        runs = [one["workflow"] for one in (await world.history.runs(Wanted())).items]
        assert runs == ["new", "new"]
        assert (await world.history.run(first.run_id))["status"] == "succeeded"
        assert (await world.library.version("old", 1)).slug == "new"


async def test_an_effect_that_a_rename_interrupts_is_made_again_under_its_key(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside, grace_seconds=0) as world:
        await world.workflow("old", NOTE)
        sent = await world.send("old", 1)
        await outside.begun.wait()
    outside.gates["open"].set()
    old = tmp_path / "workflows" / "old.yaml"
    (tmp_path / "workflows" / "new.yaml").write_text("formerly: [old]\n" + old.read_text())
    old.unlink()
    async with opened(tmp_path, outside) as world:
        await world.turned(sent.run_id)
    assert outside.notes == [1]
    assert list(outside.calls.values()) == [2]


async def test_a_former_name_that_is_in_use_is_a_fault_until_its_file_is_gone(world: World) -> None:
    await world.workflow("old", NOTE)
    path = world.folder / "workflows" / "new.yaml"
    path.write_text("name: new\nformerly: [old]\ntrigger: {webhook: {}}\n" + NOTE)
    await world.library.reload()
    (fault,) = world.library.faults["new"]
    assert (fault.code, fault.line, fault.severity) == ("formerly-in-use", 2, "error")
    assert world.library.get("new") is None
    assert slug_at(world, "old-0") == "old"
    delete(world, "old")
    await world.library.reload()
    assert world.library.faults["new"] == ()
    assert slug_at(world, "old-0") == "new"


async def test_a_renamed_file_with_faults_goes_on_as_the_last_good_version(world: World) -> None:
    await world.workflow("old", NOTE)
    delete(world, "old")
    (world.folder / "workflows" / "new.yaml").write_text("name: new\nformerly: [old]\nsteps: 7\n")
    await world.library.reload()
    assert slug_at(world, "old-0") == "new"


@pytest.mark.parametrize(
    "path", ["/webhook/orders", "/hooks/orders", "/a", "/webhook/3f%2F4/", "/n8n/x~y.z", "/hooksX"]
)
def test_a_path_may_be_anything_that_a_request_line_can_hold(path: str) -> None:
    check_path(path, own=OWN)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("webhook", "begins with /"),
        ("/", "cannot be sent"),
        ("", "begins with /"),
        ("/a b", "cannot be sent"),
        ("/a?b=1", "cannot be sent"),
        ("/a#b", "cannot be sent"),
        ("//a", "cannot be sent"),
        ("/a/../b", "cannot be sent"),
        ("/a/./b", "cannot be sent"),
        ("/a%2f", "cannot be sent"),
        ("/ä", "cannot be sent"),
        ("/" + "a" * 500, "at most"),
        ("/hooks/", "where all addresses are"),
        ("/hooks", "where all addresses are"),
        ("/api", "Hookline's own"),
        ("/API/x", "Hookline's own"),
        ("/runs/1", "Hookline's own"),
        ("/static/x", "Hookline's own"),
    ],
)
def test_a_path_that_cannot_be_or_is_our_own_is_refused(path: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_path(path, own=OWN)


@pytest.mark.parametrize(
    ("path", "can"),
    [
        ("/webhook/orders", True),
        ("/hooks/orders-of-the-shop-in-the-year-2024", True),
        ("/webhook/3f8a2c41-9d0e-4b7a-8c15-2f6e9b1d7a30", False),
        ("/hooks/mzxw6ytboi2dk3tfoj2gk5dfon2ca5dp", False),
    ],
)
def test_what_looks_like_words_can_be_guessed(path: str, *, can: bool) -> None:
    assert can_be_guessed(path) is can

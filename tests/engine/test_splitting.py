"""`split`: one event with many things, a run for each, and each finds its own again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runner.engine.history import Wanted
from runner.engine.pauses import Pause
from runner.engine.release import release_all
from runner.engine.runs import Disposition, NewRun, Status
from runner.engine.splitting import MOST_ITEMS
from runner.errors import BacklogFull, NotSplit
from tests.engine.world import Outside, World, opened

pytestmark = pytest.mark.both_stores

SPLIT = 'trigger: {webhook: {split: "payload.events%s"}}\n'
NOTE = "steps:\n  - action: probe.note\n    with: {text: '{{ payload }}'}\n"
MANY = SPLIT % "" + NOTE
TITLED = "title: 'Event {{ payload.id }}'\n" + MANY


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        yield world


def batch(*ids: int, **more: Any) -> Any:
    return {"events": [{"id": one} for one in ids], **more}


async def runs_of(world: World, event_id: str) -> list[Any]:
    event = await world.history.event(event_id)
    runs: list[Any] = event["runs"]
    return runs


def noted(world: World) -> list[Any]:
    return sorted(note["id"] for note in world.outside.notes)


async def test_each_item_has_a_run_whose_payload_it_is(world: World) -> None:
    await world.workflow("one", TITLED)
    accepted = await world.send("one", batch(1, 2, 3))
    await world.quiet()
    assert noted(world) == [1, 2, 3]
    runs = await runs_of(world, accepted.event_id)
    assert [(run["title"], run["status"]) for run in runs] == [
        ("Event 1", "succeeded"), ("Event 2", "succeeded"), ("Event 3", "succeeded"),
    ]  # fmt: skip
    assert accepted.run_id == runs[0]["id"]
    event = await world.history.event(accepted.event_id)
    assert event["payload"] == batch(1, 2, 3)
    (gate,) = [one for one in event["gates"] if one["name"] == "split"]
    assert (gate["reason"], gate["facts"]) == ("split gave 3 items, each of which has a run", {"items": 3})


@pytest.mark.parametrize("payload", [batch(), {}, {"events": None}])
async def test_an_event_without_items_is_accepted_and_nothing_runs(world: World, payload: Any) -> None:
    await world.workflow("one", MANY)
    accepted = await world.send("one", payload)
    assert (accepted.disposition, accepted.run_id) == (Disposition.ACCEPTED, "")
    event = await world.history.event(accepted.event_id)
    assert (event["disposition"], event["runs"]) == ("accepted", [])
    assert event["gates"][-1]["reason"] == "split gave no items, so nothing runs"


async def test_a_list_that_is_none_is_refused_and_says_what_it_is(world: World) -> None:
    await world.workflow("one", MANY)
    with pytest.raises(NotSplit, match="gives an object, and not a list: payload"):
        await world.send("one", {"events": {"id": 1}})
    await world.workflow("two", SPLIT % "[?lower(id) == 'x']" + NOTE)
    with pytest.raises(NotSplit, match="cannot be evaluated"):
        await world.send("two", batch(1))
    with pytest.raises(NotSplit, match="10,001 items; an event starts at most 10,000"):
        await world.send("one", {"events": list(range(MOST_ITEMS + 1))})
    assert (await world.history.events(Wanted())).items == []


async def test_items_may_be_made_by_the_expression_from_all_that_it_sees(world: World) -> None:
    await world.workflow(
        "one",
        "vars: {least: 2}\n" + SPLIT % "[?id >= $.vars.least].{id: id, to: $.payload.to}" + NOTE,
    )
    await world.send("one", batch(1, 2, 3, to="sales"))
    await world.quiet()
    assert sorted(map(str, world.outside.notes)) == ["{'id': 2, 'to': 'sales'}", "{'id': 3, 'to': 'sales'}"]


async def test_a_delivery_is_the_event_s_and_let_in_once(world: World) -> None:
    await world.workflow("one", MANY)
    first = await world.send("one", batch(1, 2), delivery_id="d1")
    again = await world.send("one", batch(1, 2), delivery_id="d1")
    assert (again.disposition, again.event_id) == (Disposition.DUPLICATE, first.event_id)
    assert again.run_id == first.run_id
    await world.quiet()
    assert noted(world) == [1, 2]
    empty = await world.send("one", batch(), delivery_id="d2")
    again = await world.send("one", batch(), delivery_id="d2")
    assert (again.disposition, again.event_id) == (Disposition.DUPLICATE, empty.event_id)


async def test_runs_of_one_key_stand_in_its_line_in_the_order_of_the_list(world: World) -> None:
    await world.workflow("one", "concurrency: {limit: 1, key: payload.k}\n" + MANY)
    accepted = await world.send("one", {"events": [{"id": one, "k": "a"} for one in range(5)]})
    for run in await runs_of(world, accepted.event_id):
        await world.turned(run["id"])
    assert [note["id"] for note in world.outside.notes] == [0, 1, 2, 3, 4]


async def test_a_run_that_resumes_finds_its_own_item(tmp_path: Path) -> None:
    outside = Outside()
    async with opened(tmp_path, outside, grace_seconds=0) as world:
        await world.workflow("one", MANY)
        accepted = await world.send("one", batch(*range(40)))
    async with opened(tmp_path, outside) as world:
        await world.quiet()
        assert {run["status"] for run in await runs_of(world, accepted.event_id)} == {"succeeded"}
        assert sorted({note["id"] for note in outside.notes}) == list(range(40))


async def test_a_replay_from_the_start_keeps_its_item(world: World) -> None:
    await world.workflow("one", MANY)
    accepted = await world.send("one", batch(1, 2, 3))
    await world.quiet()
    (_, second, _) = await runs_of(world, accepted.event_id)
    live = world.library.get("one")
    assert live
    new = NewRun("again", "one", live.version, "Again", "00" * 16, None)
    await world.store.replay_start(second["id"], new, now=world.clock())
    await world.turned(new.id)
    assert world.outside.notes[-1]["id"] == 2


async def test_a_version_that_has_no_such_item_says_so(world: World) -> None:
    await world.workflow("one", MANY)
    accepted = await world.send("one", batch(1, 2))
    await world.quiet()
    (_, second) = await runs_of(world, accepted.event_id)
    for number, (text, words) in enumerate([
        (SPLIT % "[:1]" + NOTE, "the run is of item 1, and `split` of this version gives 1 items"),
        (NOTE, "the run is of item 1, and this version does not `split`"),
    ]):  # fmt: skip
        await world.workflow("one", text)
        live = world.library.get("one")
        assert live
        new = NewRun(f"again-{number}", "one", live.version, "Again", "00" * 16, None)
        await world.store.replay_start(second["id"], new, now=world.clock())
        end = await world.turned(new.id)
        assert end.status is Status.FAILED
        assert end.reason
        assert words in end.reason.sentence


async def test_held_events_are_split_when_they_are_released(world: World) -> None:
    await world.workflow("one", MANY)
    await world.pauses.pause(Pause("workflow", "one", "ada", world.clock(), "a reason", None))
    await world.holding.refresh()
    held = [await world.send("one", payload) for payload in (batch(1, 2), batch(), batch(3))]
    assert {one.disposition for one in held} == {Disposition.HELD}
    live = world.library.get("one")
    assert live
    assert await release_all(world.door, world.pauses, live) == 3
    await world.quiet()
    assert noted(world) == [1, 2, 3]
    assert [len(await runs_of(world, one.event_id)) for one in held] == [2, 0, 1]


async def test_many_runs_find_room_or_the_sender_comes_back(world: World) -> None:
    await world.workflow("one", MANY)
    world.store.backlog = world.door.backlog_limit - 2
    with pytest.raises(BacklogFull, match="3 more"):
        await world.send("one", batch(1, 2, 3))
    await world.send("one", batch(1, 2))
    world.store.backlog = 0
    many = await world.send("one", batch(*range(1001)))
    assert len(await runs_of(world, many.event_id)) == 1001


async def test_what_is_redacted_in_an_item_is_hidden_in_its_event_too(world: World) -> None:
    await world.workflow(
        "one", "title: 'For {{ payload.mail }}'\nredact: [payload.mail, payload.pin]\n" + MANY
    )
    accepted = await world.send(
        "one", {"events": [{"id": 1, "mail": "ada@example.com", "pin": 7}], "from": "ada@example.com"}
    )
    await world.quiet()
    assert world.outside.notes[-1]["mail"] == "ada@example.com"
    event = await world.history.event(accepted.event_id)
    assert event["payload"] == {"events": [{"id": 1, "mail": "•••", "pin": "•••"}], "from": "•••"}
    run = await world.history.run(accepted.run_id)
    assert run["title"] == "For •••"
    assert "ada@example.com" not in str(run)

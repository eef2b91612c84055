"""What senders hear of events that come twice, that find their key full, or that are held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.engine.history import Wanted
from runner.engine.pauses import Pause
from tests.engine.world import Outside, World, opened
from tests.receiving.test_hooks import ANSWERS, NOTE, Client, Said, hook

ONCE = "trigger: {webhook: {deduplicate: {key: payload.id}}}\n"
HELD = "steps:\n  - action: probe.note\n    with: {text: '{{ payload }}', after: open}\n"
ALL = Wanted()
ONE_A_KEY = "concurrency: {limit: 1, key: payload.k}\n"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        yield world


async def send(client: Client, path: str, body: bytes) -> Said:
    said = await client(path, body)
    assert said
    return said


async def event_of(world: World, said: Said) -> Any:
    return await world.history.event(said.json()["event"])


async def test_a_repeated_event_is_a_duplicate_of_the_first_and_starts_nothing(world: World) -> None:
    client = Client(world)
    path = await hook(world, ONCE + NOTE)
    first = await send(client, path, b'{"id": 7}')
    again = await send(client, path, b'{"id": 7}')
    assert (again.status, again.json()) == (200, {"event": first.json()["event"], "status": "duplicate"})
    other = await send(client, path, b'{"id": 8}')
    assert other.json()["status"] == "accepted"
    await world.turned((await event_of(world, other))["runs"][0]["id"])
    assert sorted(note["id"] for note in world.outside.notes) == [7, 8]
    (kept,) = [one for one in (await world.history.events(ALL)).items if one["disposition"] == "duplicate"]
    event = await world.history.event(kept["id"])
    assert first.json()["event"] in event["reason"]
    assert event["gates"][-1]["facts"] == {"first": first.json()["event"], "key": "7", "same_body": True}
    assert (event["body"], event["size"], event["runs"]) == ("", 9, [])


async def test_a_repeated_event_with_another_body_keeps_that_body(world: World) -> None:
    client = Client(world)
    path = await hook(world, ONCE + NOTE)
    await send(client, path, b'{"id": 7}')
    await send(client, path, b'{"id": 7, "more": 1}')
    (kept, _first) = (await world.history.events(ALL)).items
    event = await world.history.event(kept["id"])
    assert (event["disposition"], event["payload"]) == ("duplicate", {"id": 7, "more": 1})
    assert "its body differs" in event["reason"]


async def test_many_equal_events_at_once_start_one_run(world: World) -> None:
    client = Client(world)
    path = await hook(world, ONCE + NOTE)
    said = await asyncio.gather(*(client(path, b'{"id": 7}') for _ in range(50)))
    words = [one.json()["status"] for one in said if one]
    assert sorted(words) == ["accepted", *["duplicate"] * 49]
    assert len({one.json()["event"] for one in said if one}) == 1


@pytest.mark.parametrize("body", [b"{}", b'{"id": null}', b'{"id": ""}'])
async def test_an_event_without_a_key_is_always_a_new_one(world: World, body: bytes) -> None:
    client = Client(world)
    path = await hook(world, ONCE + NOTE)
    for _ in range(2):
        assert (await send(client, path, body)).json()["status"] == "accepted"


async def test_a_key_that_fails_loses_no_event_and_is_said(world: World) -> None:
    client = Client(world)
    path = await hook(world, "trigger: {webhook: {deduplicate: {key: lower(payload.id)}}}\n" + NOTE)
    for _ in range(2):
        said = await send(client, path, b'{"id": 7}')
        assert said.json()["status"] == "accepted"
    gates = (await event_of(world, said))["gates"]
    assert [gate["reason"][:30] for gate in gates if gate["name"] == "duplicate"] == [
        "its key could not be evaluated"
    ]


async def test_without_a_key_of_its_own_the_provider_s_delivery_id_counts(world: World) -> None:
    await world.workflow("one", NOTE)
    await world.workflow("off", "trigger: {webhook: {deduplicate: false}}\n" + NOTE)
    accepted = [await world.send(slug, {}, delivery_id="d1") for slug in ("one", "one", "off", "off")]
    words = [one.disposition.value for one in accepted]
    assert words == ["accepted", "duplicate", "accepted", "accepted"]


async def test_a_repeated_event_is_let_in_again_after_its_time(world: World) -> None:
    world.now = 1_800_000_000.0
    client = Client(world)
    path = await hook(world, "trigger: {webhook: {deduplicate: {key: payload.id, within: 1h}}}\n" + NOTE)
    words = []
    for seconds in (0, 3599, 1, 10):
        world.now += seconds
        words.append((await send(client, path, b'{"id": 7}')).json()["status"])
    assert words == ["accepted", "duplicate", "accepted", "duplicate"]


async def test_a_repeated_event_starts_anew_when_the_first_failed_for_good(world: World) -> None:
    client = Client(world)
    path = await hook(world, ONCE + "steps:\n  - fail: no\n")
    first = await send(client, path, b'{"id": 7}')
    await world.turned((await event_of(world, first))["runs"][0]["id"])
    again = await send(client, path, b'{"id": 7}')
    assert again.json()["status"] == "accepted"
    assert again.json()["event"] != first.json()["event"]


async def test_a_rejected_request_leaves_no_key(world: World) -> None:
    client = Client(world)
    path = await hook(world, ONCE + NOTE)
    assert (await send(client, path, b'{"id": 7')).status == 400
    assert (await send(client, path, b'{"id": 7}')).json()["status"] == "accepted"


async def test_a_caller_that_repeats_gets_the_answer_that_the_run_gave(world: World) -> None:
    text = "trigger: {webhook: {answer: result, deduplicate: {key: payload.id}}}\n"
    client = Client(world)
    path = await hook(world, text + "steps:\n  - respond: {status: 201, body: {id: '{{ run.id }}'}}\n")
    first = await send(client, path, b'{"id": 7}')
    again = await send(client, path, b'{"id": 7}')
    assert (again.status, again.json()) == (first.status, first.json()) == (201, first.json())


async def test_a_caller_that_repeats_before_there_is_an_answer_hears_duplicate(world: World) -> None:
    text = "trigger: {webhook: {answer: {wait: 50ms}, deduplicate: {key: payload.id}}}\n"
    client = Client(world)
    path = await hook(world, text + HELD)
    first = await send(client, path, b'{"id": 7}')
    assert first.status == 202
    again = await send(client, path, b'{"id": 7}')
    assert (again.status, again.json()) == (200, {"event": first.json()["event"], "status": "duplicate"})
    world.outside.gates["open"].set()


async def test_a_fixed_answer_goes_to_a_repeated_event_too(world: World) -> None:
    answer = "{body: '{{ event.id }}'}"
    text = f"trigger: {{webhook: {{answer: {answer}, deduplicate: {{key: payload.id}}}}}}\n"
    client = Client(world)
    path = await hook(world, text + NOTE)
    first = await send(client, path, b'{"id": 7}')
    again = await send(client, path, b'{"id": 7}')
    assert first.body == again.body


async def test_runs_of_a_key_go_one_after_the_other_and_others_meanwhile(world: World) -> None:
    client = Client(world)
    path = await hook(world, ONE_A_KEY + HELD)
    runs = []
    for number, key in enumerate("aaab"):
        said = await send(client, path, b'{"k": "%s", "n": %d}' % (key.encode(), number))
        runs.append((await event_of(world, said))["runs"][0]["id"])
    statuses = [(await world.history.run(run_id))["status"] for run_id in runs]
    assert statuses == ["running", "queued", "queued", "running"]
    waiting = await world.history.run(runs[1])
    assert waiting["reason"]["sentence"] == (
        'Waits for its turn: 1 run goes at a time for the concurrency key "a".'
    )
    world.outside.gates["open"].set()
    for run_id in runs:
        await world.turned(run_id)
    assert [note["n"] for note in world.outside.notes if note["k"] == "a"] == [0, 1, 2]


async def test_an_event_that_finds_its_key_full_can_be_dropped(world: World) -> None:
    client = Client(world)
    path = await hook(world, "concurrency: {limit: 1, when_full: drop}\n" + HELD)
    first = await send(client, path, b"{}")
    said = await send(client, path, b"{}")
    assert (said.status, said.json()["status"]) == (200, "dropped")
    event = await event_of(world, said)
    assert (event["disposition"], event["runs"], event["gates"][-1]["name"]) == ("dropped", [], "concurrency")
    world.outside.gates["open"].set()
    await world.turned((await event_of(world, first))["runs"][0]["id"])
    assert (await send(client, path, b"{}")).json()["status"] == "accepted"


async def test_an_event_that_finds_its_key_full_can_replace_what_goes_whose_effect_is_recorded(
    world: World,
) -> None:
    client = Client(world)
    text = HELD + "  - action: probe.note\n    with: {text: never}\n"
    path = await hook(world, "concurrency: {limit: 1, when_full: replace}\n" + text)
    runs = []
    for number in range(3):
        said = await send(client, path, b"%d" % number)
        runs.append((await event_of(world, said))["runs"][0]["id"])
    world.outside.gates["open"].set()
    await world.turned(runs[2])
    first, second, third = [await world.history.run(run_id) for run_id in runs]
    assert [one["status"] for one in (first, second, third)] == ["cancelled", "cancelled", "succeeded"]
    assert first["reason"]["sentence"] == f"Replaced by {runs[1]}, a newer run of its concurrency key."
    assert second["reason"]["sentence"] == f"Replaced by {runs[2]}, a newer run of its concurrency key."
    assert [step["status"] for step in first["steps"]] == ["succeeded"]
    assert world.outside.notes == [0, 2, "never"]


async def test_a_caller_waits_for_a_run_that_waits_for_its_slot(world: World) -> None:
    client = Client(world)
    text = "trigger: {webhook: {answer: {wait: 20s}}}\nconcurrency: {limit: 1}\n"
    path = await hook(world, text + HELD + "  - respond: {status: 201, body: '{{ payload.n }}'}\n")
    callers = [asyncio.create_task(send(client, path, b'{"n": %d}' % number)) for number in range(3)]
    await world.outside.begun.wait()
    world.outside.gates["open"].set()
    assert [(said.status, said.body) for said in await asyncio.gather(*callers)] == [
        (201, b"0"),
        (201, b"1"),
        (201, b"2"),
    ]


async def test_events_of_a_disabled_workflow_are_held(world: World) -> None:
    client = Client(world)
    path = await hook(world, "enabled: false\n" + ANSWERS + NOTE)
    said = await send(client, path, b"{}")
    assert (said.status, said.json()["status"]) == (200, "held")
    event = await event_of(world, said)
    assert (event["disposition"], event["runs"]) == ("held", [])
    assert event["gates"][-1]["name"] == "enabled"


async def test_events_of_a_paused_workflow_are_held_and_say_by_whom_and_why(world: World) -> None:
    client = Client(world)
    path = await hook(world, ONCE + NOTE)
    await world.pauses.pause(Pause("workflow", "one", "ada", world.clock(), "the shop moves"))
    await world.holding.refresh()
    said = await send(client, path, b'{"id": 7}')
    assert said.json()["status"] == "held"
    event = await event_of(world, said)
    assert event["reason"].startswith("paused by ada at ")
    assert event["reason"].endswith(": the shop moves; until it is resumed")
    again = await send(client, path, b'{"id": 7}')
    assert again.json() == {"event": said.json()["event"], "status": "duplicate"}
    assert (await send(client, path, b'{"id": 7')).status == 400


async def test_held_events_are_bounded_as_the_backlog_is(world: World) -> None:
    client = Client(world)
    path = await hook(world, "enabled: false\n" + NOTE)
    other = await hook(world, NOTE, slug="other")
    client.app._door = replace(world.door, backlog_limit=3)
    for _ in range(3):
        world.store._backlog_counted_at = 0.0
        assert (await send(client, path, b"{}")).json()["status"] == "held"
    world.store._backlog_counted_at = 0.0
    await world.store.ping()
    said = await send(client, path, b"{}")
    assert (said.status, said.headers["retry-after"]) == (503, "5")
    assert (await send(client, other, b"{}")).json()["status"] == "accepted"


async def test_what_comes_for_a_file_that_never_was_good_is_held_unjudged(world: World) -> None:
    folder = world.folder / "workflows"
    (folder / "bad.yaml").write_text("name: bad\ntrigger: {webhook: {}}\nsteps: [nope]\n")
    await world.library.reload()
    said = await send(Client(world), "/hooks/bad-0", b"{}")
    assert (said.status, said.json()["status"]) == (200, "held")
    assert await world.pauses.held("bad") == []  # no release of a pause lets it go unjudged

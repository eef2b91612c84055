"""A closer look: what steps sent, counts, an event's raw body, and what is done with one event."""

from __future__ import annotations

import pytest

from runner.engine.exchanges import Exchange, Tape
from runner.engine.runs import Disposition, Gate, Record, RecordStatus, Status
from runner.store.queries import SQL
from runner.store.rows import record_parameters
from tests.api.house import World
from tests.api.schema_check import differences
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores


def noted(attempt: int, body: bytes = b'{"a":1}') -> str:
    """What a step keeps of an attempt."""
    tape = Tape()
    headers = {"Content-Type": "application/json"}
    one = Exchange(1e9, "POST", "https://a.example/x", headers, body, ended_at=1e9 + 0.1, status=200)
    tape.note(one)
    text = tape.taken(attempt, frozenset())
    assert text
    return text


async def _sent(world: World, *bodies: bytes) -> str:
    """A run whose step `send` was tried with each of *bodies*."""
    _event, run_id = await world.made.event()
    assert run_id
    run = await world.made.claim(run_id)
    for number, body in enumerate(bodies, start=1):
        record = Record(
            "send",
            "action",
            RecordStatus.STARTED,
            number,
            world.made.now,
            input={},
            exchanges=noted(number, body),
        )
        await world.store.record(run, [record], {})
    return run_id


async def _described(world: World, path: str, answer: object, method: str = "get") -> None:
    document = await world.get(f"{PREFIX}/openapi.json")
    schema = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    assert differences(answer, schema, document) == []


async def test_each_attempt_of_a_step_is_kept_with_what_it_sent(world: World) -> None:
    run_id = await _sent(world, b'{"a":1}', b'{"a":2}')
    page = await world.get(f"{PREFIX}/runs/{run_id}/exchanges?path=send")
    await _described(world, "/runs/{id}/exchanges", page)
    assert [one["attempt"] for one in page["items"]] == [1, 2]
    assert [one["exchanges"][0]["body"] for one in page["items"]] == ['{"a":1}', '{"a":2}']


async def test_what_a_record_says_later_takes_nothing_away(world: World) -> None:
    run_id = await _sent(world, b'{"a":1}')
    path = f"{PREFIX}/runs/{run_id}/exchanges"
    again = Record("send", "action", RecordStatus.STARTED, 2, world.made.now)
    await world.store.execute(SQL["upsert_record"], **record_parameters(run_id, again))
    assert len((await world.get(f"{path}?path=send"))["items"]) == 1
    assert await world.get(f"{path}?path=other") == {"items": [], "next": None}
    await world.get(f"{PREFIX}/runs/nothing/exchanges?path=send", status=404)
    assert (await world.get(f"{PREFIX}/runs/{run_id}/exchanges", status=400))["parameter"] == "path"


async def test_counts_tell_what_there_is(world: World) -> None:
    await world.made.run(Status.FAILED)
    await world.made.run(Status.FAILED, workflow="other")
    for disposition in (Disposition.IGNORED, Disposition.DUPLICATE, Disposition.REJECTED, Disposition.HELD):
        await world.made.event(title=None, disposition=disposition)
    events = await world.get(f"{PREFIX}/events/counts")
    await _described(world, "/events/counts", events)
    assert events["counts"] == {
        "all": 6, "held": 1, "rejected": 1, "ignored": 1, "duplicate": 1, "dropped": 0,
    }  # fmt: skip
    assert (await world.get(f"{PREFIX}/events/counts?workflow=other"))["counts"]["all"] == 1
    runs = await world.get(f"{PREFIX}/runs/counts")
    await _described(world, "/runs/counts", runs)
    assert (runs["counts"]["all"], runs["counts"]["failed"]) == (2, 2)
    assert (await world.get(f"{PREFIX}/runs/counts?workflow=other"))["counts"] == {"all": 1, "failed": 1}


async def test_what_came_to_nothing_is_listed_by_its_index(world: World) -> None:
    ids = {}
    for disposition in (Disposition.IGNORED, Disposition.DUPLICATE, Disposition.DROPPED):
        ids[disposition], _ = await world.made.event(title=None, disposition=disposition, workflow="orders")
        await world.made.event()
    for disposition, event_id in ids.items():
        for query in (f"status={disposition}", f"status={disposition}&workflow=orders"):
            assert [one["id"] for one in (await world.get(f"{PREFIX}/events?{query}"))["items"]] == [event_id]


async def test_an_event_that_came_to_nothing_is_replayed_as_a_copy(world: World) -> None:
    event_id, _ = await world.made.event(title=None, disposition=Disposition.IGNORED, body={"id": 7})
    copy = await world.post(f"{PREFIX}/events/{event_id}/replay", {})
    await _described(world, "/events/{id}/replay", copy, "post")
    assert copy["id"] != event_id
    assert copy["payload"] == {"id": 7}
    assert len(copy["runs"]) == 1
    assert copy["gates"][0]["facts"]["copy_of"] == event_id
    assert (await world.get(f"{PREFIX}/events/{event_id}"))["disposition"] == "ignored"


async def test_an_event_with_a_run_is_replayed_by_it(world: World) -> None:
    run_id = await world.made.run(Status.SUCCEEDED)
    event_id = (await world.get(f"{PREFIX}/runs/{run_id}"))["event"]
    event = await world.post(f"{PREFIX}/events/{event_id}/replay", {})
    assert event["id"] == event_id
    fresh = next(one["id"] for one in event["runs"] if one["id"] != run_id)
    assert (await world.get(f"{PREFIX}/runs/{fresh}"))["replay_of"] == run_id
    problem = await world.post(f"{PREFIX}/events/{event_id}/replay", {}, status=409)
    assert "still queued" in problem["detail"]


@pytest.mark.parametrize(
    ("disposition", "why"),
    [(Disposition.REJECTED, "nobody knows who sent it"), (Disposition.HELD, "let it go")],
)
async def test_what_is_not_proved_or_not_let_go_is_not_replayed(
    world: World, disposition: Disposition, why: str
) -> None:
    event_id, _ = await world.made.event(title=None, disposition=disposition)
    assert why in (await world.post(f"{PREFIX}/events/{event_id}/replay", {}, status=409))["detail"]
    await world.post(f"{PREFIX}/events/nothing/replay", {}, status=404)


async def test_one_held_event_is_let_go(world: World) -> None:
    gate = Gate("paused", "stopped", "the workflow is paused by ada")
    held = [(await world.made.event(title=None, disposition=Disposition.HELD, gates=[gate]))[0] for _ in "ab"]
    event = await world.post(f"{PREFIX}/events/{held[1]}/release", {})
    await _described(world, "/events/{id}/release", event, "post")
    assert (event["disposition"], len(event["runs"])) == ("accepted", 1)
    assert (await world.get(f"{PREFIX}/events/{held[0]}"))["disposition"] == "held"
    await world.post(f"{PREFIX}/events/{held[1]}/release", {}, status=409)


async def test_looking_is_not_enough_to_act(world: World) -> None:
    event_id, _ = await world.made.event(title=None, disposition=Disposition.HELD)
    for act in ("replay", "release"):
        await world.post(f"{PREFIX}/events/{event_id}/{act}", {}, role="viewer", status=403)


async def test_a_raw_body_is_given_unless_something_in_it_is_hidden(world: World) -> None:
    event_id, _ = await world.made.event(body=b'{"id": 1,\n "b": 2}')
    assert await world.house.details.body(event_id) == b'{"id": 1,\n "b": 2}'
    long = b'{"a": "' + b"x" * 50_000 + b'"}'  # which is stored packed
    event_id, _ = await world.made.event(body=long)
    assert await world.house.details.body(event_id) == long


async def test_a_process_without_a_workbench_makes_no_tests(world: World) -> None:
    run_id = await world.made.run()
    await world.get(f"{PREFIX}/runs/{run_id}/case", role="editor", status=409)
    await world.get(f"{PREFIX}/runs/{run_id}/case", role="viewer", status=403)

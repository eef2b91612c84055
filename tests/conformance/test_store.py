"""What any Store must do. One suite for every store; conftest.py opens each in turn."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from runner.engine.admission import Admitted, Delivery
from runner.engine.runs import (
    MOVES,
    Disposition,
    Event,
    Job,
    NewRun,
    Reason,
    Record,
    RecordStatus,
    Run,
    Status,
    TurnEnd,
    move,
)
from runner.engine.versions import Signed
from runner.errors import MoveRefused, NotFound, StaleFence
from tests.conformance.stores import AnyStore, Ground

NOW = 1_000_000.0
CHANCE = random.Random(3)


def an_event(number: int = 1, *, disposition: Disposition = Disposition.ACCEPTED) -> Event:
    return Event(
        id=f"event-{number:04d}", workflow="orders", trigger="webhook", received_at=NOW,
        disposition=disposition, method="POST", path="", query="",
        headers={"content-type": "application/json"}, content_type="application/json", size=2,
        source_ip="127.0.0.1", body=b"{}",
    )  # fmt: skip


def a_run(number: int = 1, *, owner: str | None = None) -> NewRun:
    return NewRun(f"run-{number:04d}", "orders", 1, "Order", "00" * 16, owner)


async def claimed(store: AnyStore, number: int = 1, *, node: str = "a") -> Run:
    await store.accept(an_event(number), [a_run(number)], {})
    (one,) = await store.claim([Job(f"run-{number:04d}", 1)], node=node, now=NOW)
    return one.run


def a_record(path: str = "send", **changes: object) -> Record:
    values = {
        "path": path, "kind": "action", "status": RecordStatus.SUCCEEDED, "attempts": 1,
        "started_at": NOW, "ended_at": NOW, "output": {"n": 2**70},
    }  # fmt: skip
    return Record(**{**values, **changes})  # type: ignore[arg-type]


async def test_what_was_accepted_is_there_after_opening_again(ground: Ground) -> None:
    store = await ground.open()
    await store.accept(an_event(), [a_run()], {"d" * 64: b"bytes"})
    await store.close()
    store = await ground.open()
    assert await store.due(now=NOW, limit=10) == [Job("run-0001", 1)]
    assert await store.read_file("d" * 64) == b"bytes"
    await store.close()


async def test_an_event_and_its_run_are_written_together_or_not_at_all(store: AnyStore) -> None:
    await store.accept(an_event(1), [a_run(1)], {})
    with pytest.raises(Exception, match=r"(?i)unique constraint"):
        await store.accept(an_event(2), [a_run(1)], {})
    await store.accept(an_event(2), [a_run(2)], {})  # its id was not taken by the attempt that failed


async def test_a_member_of_a_shared_commit_fails_alone(store: AnyStore) -> None:
    await store.accept(an_event(0), [a_run(0)], {})
    results = await asyncio.gather(
        *(store.accept(an_event(n), [a_run(n if n != 5 else 0)], {}) for n in range(1, 10)),
        return_exceptions=True,
    )
    assert [n for n, result in enumerate(results, start=1) if isinstance(result, Exception)] == [5]
    assert len(await store.due(now=NOW, limit=100)) == 9


async def test_a_caller_that_goes_away_takes_nothing_back_and_stops_nobody(store: AnyStore) -> None:
    heard: asyncio.Queue[Admitted | Exception] = asyncio.Queue()
    leaving = asyncio.create_task(store.accept(an_event(1), [a_run(1)], {}, settled=heard.put_nowait))
    staying = asyncio.create_task(store.accept(an_event(2), [a_run(2)], {}))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert isinstance(await heard.get(), Admitted)
    assert len(await store.due(now=NOW, limit=10)) == 2


async def test_runs_are_due_in_the_order_of_accepting(store: AnyStore) -> None:
    numbers = list(range(50))
    CHANCE.shuffle(numbers)
    for number in numbers:
        await store.accept(an_event(number), [a_run(number)], {})
    jobs = await store.due(now=NOW, limit=100)
    assert [job.run_id for job in jobs] == [f"run-{number:04d}" for number in numbers]


async def test_a_run_is_claimed_once_however_often_its_job_comes(store: AnyStore) -> None:
    await store.accept(an_event(), [a_run()], {})
    job = Job("run-0001", 1)
    claims = await asyncio.gather(*(store.claim([job, job], node=f"n{n}", now=NOW) for n in range(5)))
    assert sum(map(len, claims)) == 1


async def test_a_claim_gives_the_run_its_event_and_its_records(store: AnyStore) -> None:
    run = await claimed(store)
    await store.record(run, [a_record()], {})
    await store.give_back(run, due_at=NOW)
    (again,) = await store.claim(await store.due(now=NOW, limit=1), node="b", now=NOW)
    assert (again.run.fence, again.run.turns, again.run.base_at) == (2, 2, NOW)
    assert again.event == an_event()
    assert again.records == {"send": a_record()}


async def test_a_handed_run_begins_with_its_accepting(store: AnyStore) -> None:
    await store.accept(an_event(), [a_run(owner="me")], {})
    assert await store.due(now=NOW, limit=10) == []
    run = Run(
        "run-0001", "event-0001", "orders", 1, "Order", "00" * 16, attempt=1, fence=1, turns=1, stalled=1,
        accepted_at=NOW, base_at=NOW,
    )  # fmt: skip
    await store.finish(run, TurnEnd(Status.SUCCEEDED, ended_at=NOW), [], {})
    assert (await store.answer_of("run-0001"))[0] is Status.SUCCEEDED


async def test_writes_of_an_earlier_turn_are_refused(store: AnyStore) -> None:
    run = await claimed(store, node="dead")
    assert await store.take_over(node="alive", now=NOW) == 1
    (now_theirs,) = await store.claim([Job(run.id, 2)], node="alive", now=NOW)
    with pytest.raises(StaleFence):
        await store.record(run, [a_record()], {})
    with pytest.raises(StaleFence):
        await store.finish(run, TurnEnd(Status.SUCCEEDED, ended_at=NOW), [a_record()], {})
    assert now_theirs.records == {}
    await store.finish(now_theirs.run, TurnEnd(Status.SUCCEEDED, ended_at=NOW), [], {})


async def test_runs_of_a_living_node_are_not_taken_over_and_those_of_a_dead_one_are(
    store: AnyStore, ground: Ground
) -> None:
    await ground.lives("alive")
    await claimed(store, 1, node="alive")
    await claimed(store, 2, node="dead")
    assert await store.take_over(node="me", now=NOW) == 1
    await ground.dies("alive")
    assert await store.take_over(node="me", now=NOW) == 1


async def test_turns_that_end_without_a_write_are_counted_and_a_record_begins_the_count_anew(
    store: AnyStore,
) -> None:
    run = await claimed(store, node="dead")
    for _ in range(3):
        await store.take_over(node="alive", now=NOW)
        (one,) = await store.claim(await store.due(now=NOW, limit=1), node="dead", now=NOW)
    assert one.run.stalled == 4
    await store.record(one.run, [a_record()], {})
    await store.take_over(node="alive", now=NOW)
    (one,) = await store.claim(await store.due(now=NOW, limit=1), node="dead", now=NOW)
    assert one.run.stalled == 1
    assert run.stalled == 1


async def test_a_waiting_run_is_due_at_its_time_and_not_before(store: AnyStore) -> None:
    run = await claimed(store)
    end = TurnEnd(
        Status.WAITING, due_at=NOW + 60, waiting_for="a while", reason=Reason("waiting", "A while.")
    )
    await store.finish(run, end, [], {})
    assert await store.due(now=NOW + 59, limit=10) == []
    assert await store.next_due(now=NOW) == NOW + 60
    assert await store.due(now=NOW + 60, limit=10) == [Job(run.id, 2)]


async def test_a_nul_in_what_came_from_outside_is_recorded(store: AnyStore) -> None:
    run = await claimed(store)
    error = {"type": "rejected", "message": "a\0b \\u0000"}
    failed = a_record("send", status=RecordStatus.FAILED, output=None, error=error, input={"with a\0b": "\0"})
    reason = Reason("failed", "It said: a\0b")
    end = TurnEnd(Status.FAILED, ended_at=NOW, reason=reason, output={"a": "\0"}, notes=["\0"])
    await store.finish(run, end, [failed], {})
    assert await store.answer_of(run.id) == (Status.FAILED, "failed", None, {"a": "\0"})
    await store.replay_failed(run.id, version=None, now=NOW)
    (again,) = await store.claim([Job(run.id, 2)], node="a", now=NOW)
    assert again.records["send"].input == {"with a\0b": "\0"}


async def test_an_end_is_final(store: AnyStore) -> None:
    run = await claimed(store)
    await store.finish(run, TurnEnd(Status.SUCCEEDED, ended_at=NOW), [], {})
    with pytest.raises(StaleFence):
        await store.finish(run, TurnEnd(Status.FAILED, ended_at=NOW), [], {})
    with pytest.raises(MoveRefused):
        await store.cancel(run.id, now=NOW)
    with pytest.raises(MoveRefused):
        await store.replay_failed(run.id, version=None, now=NOW)


async def test_a_replay_from_the_failed_step_raises_the_generation_of_what_is_known_to_have_failed(
    store: AnyStore,
) -> None:
    run = await claimed(store)

    def failed(path: str, error_type: str) -> Record:
        return a_record(
            path, status=RecordStatus.FAILED, output=None, error={"type": error_type, "message": "m"}
        )

    await store.finish(
        run,
        TurnEnd(Status.FAILED, ended_at=NOW),
        [
            a_record("done"),
            failed("refused", "rejected"),
            failed("unknown", "outcome_unknown"),
            a_record("on_failure.tell"),
        ],
        {},
    )
    await store.replay_failed(run.id, version=2, now=NOW + 5)
    (again,) = await store.claim([Job(run.id, 2)], node="a", now=NOW + 5)
    found = {path: (record.status.value, record.generation) for path, record in again.records.items()}
    assert found == {
        "done": ("succeeded", 0),
        "refused": ("waiting", 1),
        "unknown": ("waiting", 0),
        "on_failure.tell": ("waiting", 1),
    }
    assert (again.run.attempt, again.run.version) == (2, 2)


async def test_a_replay_from_the_start_is_a_new_run_of_the_event_whose_keys_go_on(store: AnyStore) -> None:
    run = await claimed(store)
    error = {"type": "unavailable", "message": "m"}
    failed = a_record("send", status=RecordStatus.FAILED, output=None, error=error)
    await store.finish(run, TurnEnd(Status.FAILED, ended_at=NOW), [failed], {})
    await store.replay_start(run.id, a_run(2), now=NOW + 5)
    (again,) = await store.claim([Job("run-0002", 1)], node="a", now=NOW + 5)
    assert again.event.id == "event-0001"
    assert again.records == {}
    assert dict(again.run.generations) == {"send": 1}


async def test_the_backlog_counts_queued_runs_from_their_rows(store: AnyStore) -> None:
    for number in range(7):
        await store.accept(an_event(number), [a_run(number)], {})
    store._backlog_counted_at = 0.0
    await store.ping()
    assert store.backlog == 7


async def test_a_version_has_one_number_however_often_it_is_saved(store: AnyStore) -> None:
    numbers = await asyncio.gather(*(store.save_version("orders", "d1", "text", now=NOW) for _ in range(5)))
    assert set(numbers) == {1}
    assert await store.save_version("orders", "d2", "other", now=NOW) == 2
    assert await store.version_source("orders", 2) == "other"
    with pytest.raises(NotFound):
        await store.version_source("orders", 3)


async def test_what_somebody_publishes_is_a_new_version_unless_it_is_the_newest(store: AnyStore) -> None:
    ada = Signed("ada", "back again")
    assert await store.save_version("orders", "d1", "text", now=NOW, signed=ada) == 1
    assert await store.save_version("orders", "d2", "other", now=NOW) == 2
    signed = [store.save_version("orders", "d1", "text", now=NOW, signed=ada) for _ in range(5)]
    assert set(await asyncio.gather(*signed)) == {3}
    assert await store.save_version("orders", "d1", "text", now=NOW) == 3  # of several the newest
    assert await store.version_source("orders", 3) == "text"
    assert await store.save_version("orders", "d2", "other", now=NOW) == 2


async def test_only_the_last_refused_requests_are_kept_and_the_others_counted(store: AnyStore) -> None:
    for number in range(10):
        await store.accept(an_event(number, disposition=Disposition.REJECTED), [], {})
    await store.accept(an_event(10), [a_run(10)], {})
    assert await store.trim_rejected(keep=4, before=0) == 6
    assert await store.trim_rejected(keep=4, before=0) == 0
    assert await store.trim_rejected(keep=4, before=NOW + 1) == 4


@pytest.mark.parametrize("old", list(Status))
@pytest.mark.parametrize("new", list(Status))
def test_only_named_moves_are_allowed(old: Status, new: Status) -> None:
    if new in MOVES[old]:
        assert move(old, new) is new
    else:
        with pytest.raises(MoveRefused):
            move(old, new)


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 20_000, bytes(range(256)) * 100, b'{"a": 1}' * 300_000])
async def test_a_body_comes_back_byte_for_byte_however_it_is_stored(store: AnyStore, body: bytes) -> None:
    await store.accept(replace(an_event(), body=body, size=len(body)), [a_run()], {})
    (one,) = await store.claim([Job("run-0001", 1)], node="a", now=NOW)
    assert one.event.body == body


async def test_each_run_of_an_event_keeps_its_item_through_turns_and_replays(store: AnyStore) -> None:
    runs = [replace(a_run(number), item=number - 1) for number in (1, 2)]
    await store.accept(an_event(), runs, {})
    jobs = await store.due(now=NOW, limit=10)
    claimed = await store.claim(jobs, node="a", now=NOW)
    assert {one.run.id: one.run.item for one in claimed} == {"run-0001": 0, "run-0002": 1}
    second = next(one.run for one in claimed if one.run.item == 1)
    await store.finish(second, TurnEnd(Status.FAILED, ended_at=NOW), [], {})
    await store.replay_failed(second.id, version=None, now=NOW)
    (again,) = await store.claim(await store.due(now=NOW, limit=10), node="a", now=NOW)
    assert (again.run.id, again.run.item) == (second.id, 1)
    await store.finish(again.run, TurnEnd(Status.SUCCEEDED, ended_at=NOW), [], {})
    await store.replay_start(second.id, a_run(3), now=NOW)
    (anew,) = await store.claim(await store.due(now=NOW, limit=10), node="a", now=NOW)
    assert (anew.run.id, anew.run.item) == ("run-0003", 1)


async def test_an_event_may_have_no_runs_and_is_accepted_all_the_same(store: AnyStore) -> None:
    admitted = await store.accept(an_event(), [], {})
    assert (admitted.disposition, admitted.run_id) == (Disposition.ACCEPTED, None)
    again = await store.accept(an_event(2), [], {}, delivery=Delivery("d1", NOW + 60, retries_failed=True))
    assert (again.disposition, again.run_id) == (Disposition.ACCEPTED, None)
    third = await store.accept(an_event(3), [], {}, delivery=Delivery("d1", NOW + 60, retries_failed=True))
    assert (third.disposition, third.event_id) == (Disposition.DUPLICATE, "event-0002")

"""What any Keeping must do: letting go of what is old, and nothing else; forgetting without a trace."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from runner.engine.history import Wanted
from runner.engine.keeping import LetGo, Terms, Traces, keep
from runner.engine.problems import Trouble
from runner.engine.runs import Disposition, NewRun, Reason, Record, RecordStatus, Status, TurnEnd
from runner.errors import NotFound
from runner.language.secrets import MASK
from runner.store import keeping as keeping_module
from runner.store.history import StoredHistory
from runner.store.keeping import StoredKeeping
from runner.store.opening import keeping_of
from runner.store.queries import Statement
from tests.conformance.stores import AnyStore, Ground
from tests.store.rows_made import START, Made

DAY = 86400.0
TERMS = Terms(events_seconds=30 * DAY, runs_seconds=30 * DAY)
LATER = START + 40 * DAY
FILE = "d" * 64


def dense(size: int) -> bytes:
    """A JSON text of about *size* bytes once it is packed."""
    return b'"' + random.Random(1).randbytes(size).hex().encode() + b'"'


@pytest.fixture
async def store(ground: Ground) -> AsyncIterator[AnyStore]:
    one = await ground.open()
    await one.save_version("orders", "d", "name: x", now=START)
    yield one
    await one.close()


@pytest.fixture
def made(store: AnyStore) -> Made:
    return Made(store)


@pytest.fixture
def keeping(store: AnyStore) -> StoredKeeping:
    return keeping_of(store)


@pytest.fixture
def history(store: AnyStore) -> StoredHistory:
    return StoredHistory(store)


async def kept(
    keeping: StoredKeeping, *, terms: Terms = TERMS, max_bytes: int = 0, now: float = LATER
) -> LetGo:
    async def terms_of(_workflow: str) -> Terms:
        return terms

    return await keep(keeping, terms_of, max_bytes=max_bytes, now=now, pause=lambda: asyncio.sleep(0))


async def events(history: StoredHistory) -> list[str]:
    return [item["id"] for item in (await history.events(Wanted(limit=1000))).items][::-1]


async def runs(history: StoredHistory) -> list[str]:
    return [item["status"] for item in (await history.runs(Wanted(limit=1000))).items][::-1]


def a_record(**changes: object) -> Record:
    values = {
        "path": "send", "kind": "action", "status": RecordStatus.SUCCEEDED, "attempts": 1,
        "started_at": START, "ended_at": START,
    }  # fmt: skip
    return Record(**{**values, **changes})  # type: ignore[arg-type]


async def test_what_ended_and_is_past_its_age_goes_and_the_rest_stays(
    made: Made, keeping: StoredKeeping, history: StoredHistory
) -> None:
    for status in Status:
        await made.run(status, records=[a_record()] if status is not Status.QUEUED else [])
    await made.event(title=None, disposition=Disposition.HELD)
    await made.event(title=None, disposition=Disposition.IGNORED)
    made.now = LATER - DAY
    await made.run(Status.SUCCEEDED)
    assert await kept(keeping) == LetGo(runs=4, events=5)
    assert await runs(history) == ["queued", "running", "waiting", "succeeded"]
    assert len(await events(history)) == 5
    assert await kept(keeping) == LetGo(runs=0, events=0)


async def test_an_event_is_kept_as_long_as_a_run_of_it(
    made: Made, keeping: StoredKeeping, history: StoredHistory
) -> None:
    await made.run(Status.SUCCEEDED)
    await kept(keeping, terms=Terms(events_seconds=DAY, runs_seconds=90 * DAY))
    assert len(await events(history)) == 1
    await kept(keeping, terms=Terms(events_seconds=90 * DAY, runs_seconds=DAY))
    assert (await runs(history), len(await events(history))) == ([], 1)
    await kept(keeping, terms=Terms(events_seconds=DAY, runs_seconds=DAY))
    assert await events(history) == []


async def test_a_run_counts_from_its_end(made: Made, keeping: StoredKeeping, history: StoredHistory) -> None:
    run_id = await made.run(Status.QUEUED)
    run = await made.claim(run_id)
    made.now = LATER - DAY
    await made.store.finish(run, _end(made.now), [], {})
    await kept(keeping)
    assert await runs(history) == ["succeeded"]


async def test_a_run_that_was_replayed_meanwhile_is_kept(
    made: Made, keeping: StoredKeeping, history: StoredHistory
) -> None:
    run_id = await made.run(Status.FAILED)
    await made.store.replay_failed(run_id, version=None, now=LATER)
    await kept(keeping)
    assert await runs(history) == ["queued"]


async def test_files_go_with_the_last_event_that_uses_them(
    made: Made, keeping: StoredKeeping, store: AnyStore
) -> None:
    first = await made.claim(await made.run(Status.QUEUED))
    second = await made.claim(await made.run(Status.QUEUED))
    await store.finish(first, _end(START + 5), [], {FILE: b"bytes"})
    await store.finish(second, _end(LATER), [], {FILE: b"bytes"})
    await kept(keeping)
    assert await store.read_file(FILE) == b"bytes"
    await kept(keeping, now=LATER + 40 * DAY)
    with pytest.raises(NotFound):
        await store.read_file(FILE)


async def test_refused_requests_that_go_by_age_are_counted(
    made: Made, keeping: StoredKeeping, store: AnyStore
) -> None:
    await made.event(title=None, disposition=Disposition.REJECTED)
    await kept(keeping)
    rows = await store.read(Statement.of("SELECT workflow, count FROM rejected_let_go"))
    assert [tuple(row) for row in rows] == [("orders", 1)]


async def test_past_the_bound_the_oldest_go_first_and_failed_ones_last(
    made: Made, keeping: StoredKeeping, history: StoredHistory
) -> None:
    body = dense(60_000)
    order = [Status.FAILED, Status.QUEUED, *[Status.SUCCEEDED] * 40]
    for status in order:
        await made.run(status, body=body)
    used = (await keeping.size()).used_bytes
    await kept(keeping, now=START + 60, max_bytes=used // 2)
    assert (await keeping.size()).used_bytes <= used // 2
    left = await runs(history)
    assert left[:2] == ["failed", "queued"]
    last = (await history.runs(Wanted(limit=1))).items[0]
    await kept(keeping, now=START + 60, max_bytes=1)
    assert last["status"] == "succeeded"
    assert await runs(history) == ["queued"]


async def test_many_go_in_many_portions_and_events_come_in_between(
    made: Made, keeping: StoredKeeping, history: StoredHistory
) -> None:
    count = 2 * keeping_module.WINDOW + 50
    await asyncio.gather(*(made.event(title=None, disposition=Disposition.IGNORED) for _ in range(count)))
    made.now = LATER
    pauses = 0

    async def pause() -> None:
        nonlocal pauses
        pauses += 1
        await made.event(title=None, disposition=Disposition.IGNORED)

    async def terms_of(_workflow: str) -> Terms:
        return TERMS

    done = await keep(keeping, terms_of, max_bytes=0, now=LATER, pause=pause)
    assert done.events == count
    assert pauses >= 2
    assert len(await events(history)) == pauses


async def test_versions_go_when_no_run_and_no_file_has_them(
    made: Made, keeping: StoredKeeping, store: AnyStore
) -> None:
    for digest in "efg":
        await store.save_version("orders", digest, "name: y", now=START)
    await store.save_version("gone", "d", "name: z", now=START)
    await made.run(Status.QUEUED)  # on version 1
    assert await keeping.let_go_versions({"orders": 3}, before=START) == 0  # too young
    assert await keeping.let_go_versions({"orders": 3}, before=LATER) == 2
    rows = await store.read(Statement.of("SELECT workflow, version FROM versions ORDER BY 1, 2"))
    assert [tuple(row) for row in rows] == [("orders", 1), ("orders", 3), ("orders", 4)]


async def test_the_newest_version_of_a_workflow_without_a_file_stays_until_its_last_event_is_gone(
    made: Made, keeping: StoredKeeping, store: AnyStore
) -> None:
    await made.event(title=None, disposition=Disposition.IGNORED)
    assert await keeping.let_go_versions({}, before=LATER) == 0
    await kept(keeping)
    assert await keeping.let_go_versions({}, before=LATER) == 1
    assert await store.newest_version("orders") is None


async def test_an_event_with_a_run_under_way_is_not_forgotten(
    made: Made, keeping: StoredKeeping, history: StoredHistory
) -> None:
    open_run = await made.run(Status.WAITING)
    await made.run(Status.FAILED)
    ids = await events(history)
    done = await keeping.forget([*ids, "no-such-event"])
    assert (done.events, done.refused) == (1, [ids[0]])
    assert (await history.run(open_run))["status"] == "waiting"


def _end(now: float) -> TurnEnd:
    return TurnEnd(Status.SUCCEEDED, ended_at=now, reason=Reason("succeeded", "Ran to its end."))


async def test_letting_go_and_starting_anew_at_once_leave_no_run_without_its_event(
    ground: Ground, made: Made, history: StoredHistory, store: AnyStore
) -> None:
    ended = [await made.run(Status.FAILED, body={"n": number}) for number in range(60)]
    other = await ground.open()
    started: list[str] = []

    async def start_anew(run_id: str, number: int) -> None:
        new = NewRun(f"{number:026}", "orders", 1, "Again", "0" * 32, None)
        with contextlib.suppress(NotFound):
            await store.replay_start(run_id, new, now=LATER)
            started.append(new.id)

    await asyncio.gather(
        kept(keeping_of(store)),
        kept(keeping_of(other)),
        *(start_anew(run_id, number) for number, run_id in enumerate(ended)),
    )
    left = (await history.runs(Wanted(limit=1000))).items
    assert sorted(item["id"] for item in left) == sorted(started)
    assert {item["event"] for item in left} == set(await events(history))
    await other.close()


async def test_a_file_that_comes_again_while_it_is_let_go_is_kept(
    ground: Ground, made: Made, store: AnyStore
) -> None:
    other = await ground.open()
    for number in range(20):
        digest = f"{number:064}"
        made.now = START + number
        old = await made.claim(await made.run(Status.QUEUED))
        await store.finish(old, _end(made.now), [], {digest: b"bytes"})
        made.now = LATER
        new = await made.claim(await made.run(Status.QUEUED))
        await asyncio.gather(kept(keeping_of(other)), store.finish(new, _end(LATER), [], {digest: b"bytes"}))
        assert await store.read_file(digest) == b"bytes"
    await other.close()


async def test_forgetting_while_others_let_go_counts_each_event_once(
    ground: Ground, made: Made, keeping: StoredKeeping, history: StoredHistory
) -> None:
    for _ in range(120):
        await made.run(Status.SUCCEEDED)
    other = await ground.open()
    wanted = await events(history)
    done, gone = await asyncio.gather(keeping.forget(wanted), kept(keeping_of(other)))
    assert done.events + gone.events == len(wanted)
    assert await events(history) == []
    await other.close()


async def test_a_problem_goes_with_the_last_run_of_it_that_is_forgotten(
    made: Made, keeping: StoredKeeping, history: StoredHistory, store: AnyStore
) -> None:
    trouble = Trouble("orders", "send", "no_mailbox", "No mailbox ada@example.com.", None, at=START)
    first = await made.run(Status.FAILED, trouble=trouble, sentence="No mailbox ada@example.com.")
    second = await made.run(Status.FAILED, trouble=trouble, sentence="No mailbox bob@example.com.")
    said = Statement.of("SELECT sentence FROM problems")
    await keeping.forget([(await history.run(first))["event"]])
    assert [row[0] for row in await store.read(said)] == ["No mailbox bob@example.com."]
    await keeping.forget([(await history.run(second))["event"]])
    assert list(await store.read(said)) == []


async def test_what_was_said_of_the_forgotten_is_masked(
    made: Made, keeping: StoredKeeping, store: AnyStore
) -> None:
    trouble = Trouble("orders", "send", "no_mailbox", "No mailbox ada@example.com.", None, at=START)
    await made.run(Status.FAILED, trouble=trouble)
    assert await keeping.erase_traces(["ada@example.com"]) is not Traces.READ
    rows = await store.read(Statement.of("SELECT sentence FROM problems"))
    assert [row[0] for row in rows] == [f"No mailbox {MASK}."]

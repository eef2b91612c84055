"""What any Keeping must do: letting go of what is old, and nothing else; forgetting without a trace."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.history import Wanted
from runner.engine.keeping import LetGo, Terms, keep
from runner.engine.runs import Disposition, Reason, Record, RecordStatus, Status, TurnEnd
from runner.errors import NotFound
from runner.store import keeping as keeping_module
from runner.store.history import SQLiteHistory
from runner.store.keeping import SQLiteKeeping
from runner.store.sqlite import SQLiteStore
from tests.store.rows_made import START, Made

DAY = 86400.0
TERMS = Terms(events_seconds=30 * DAY, runs_seconds=30 * DAY)
LATER = START + 40 * DAY
FILE = "d" * 64


def dense(size: int) -> bytes:
    """A JSON text of about *size* bytes once it is packed."""
    return b'"' + random.Random(1).randbytes(size).hex().encode() + b'"'


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    one = await SQLiteStore.open(tmp_path / "hookline.db")
    await one.save_version("orders", "d", "name: x", now=START)
    yield one
    await one.close()


@pytest.fixture
def made(store: SQLiteStore) -> Made:
    return Made(store)


@pytest.fixture
def keeping(store: SQLiteStore) -> SQLiteKeeping:
    return SQLiteKeeping(store)


@pytest.fixture
def history(store: SQLiteStore) -> SQLiteHistory:
    return SQLiteHistory(store)


async def kept(
    keeping: SQLiteKeeping, *, terms: Terms = TERMS, max_bytes: int = 0, now: float = LATER
) -> LetGo:
    async def terms_of(_workflow: str) -> Terms:
        return terms

    return await keep(keeping, terms_of, max_bytes=max_bytes, now=now, pause=lambda: asyncio.sleep(0))


async def events(history: SQLiteHistory) -> list[str]:
    return [item["id"] for item in (await history.events(Wanted(limit=1000))).items][::-1]


async def runs(history: SQLiteHistory) -> list[str]:
    return [item["status"] for item in (await history.runs(Wanted(limit=1000))).items][::-1]


def a_record(**changes: object) -> Record:
    values = {
        "path": "send", "kind": "action", "status": RecordStatus.SUCCEEDED, "attempts": 1,
        "started_at": START, "ended_at": START,
    }  # fmt: skip
    return Record(**{**values, **changes})  # type: ignore[arg-type]


async def test_what_ended_and_is_past_its_age_goes_and_the_rest_stays(
    made: Made, keeping: SQLiteKeeping, history: SQLiteHistory
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
    made: Made, keeping: SQLiteKeeping, history: SQLiteHistory
) -> None:
    await made.run(Status.SUCCEEDED)
    await kept(keeping, terms=Terms(events_seconds=DAY, runs_seconds=90 * DAY))
    assert len(await events(history)) == 1
    await kept(keeping, terms=Terms(events_seconds=90 * DAY, runs_seconds=DAY))
    assert (await runs(history), len(await events(history))) == ([], 1)
    await kept(keeping, terms=Terms(events_seconds=DAY, runs_seconds=DAY))
    assert await events(history) == []


async def test_a_run_counts_from_its_end(made: Made, keeping: SQLiteKeeping, history: SQLiteHistory) -> None:
    run_id = await made.run(Status.QUEUED)
    run = await made.claim(run_id)
    made.now = LATER - DAY
    await made.store.finish(run, _end(made.now), [], {})
    await kept(keeping)
    assert await runs(history) == ["succeeded"]


async def test_a_run_that_was_replayed_meanwhile_is_kept(
    made: Made, keeping: SQLiteKeeping, history: SQLiteHistory
) -> None:
    run_id = await made.run(Status.FAILED)
    await made.store.replay_failed(run_id, version=None, now=LATER)
    await kept(keeping)
    assert await runs(history) == ["queued"]


async def test_files_go_with_the_last_event_that_uses_them(
    made: Made, keeping: SQLiteKeeping, store: SQLiteStore
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
    made: Made, keeping: SQLiteKeeping, store: SQLiteStore
) -> None:
    await made.event(title=None, disposition=Disposition.REJECTED)
    await kept(keeping)
    rows = await store.reading.execute_fetchall("SELECT workflow, count FROM rejected_let_go")
    assert list(rows) == [("orders", 1)]


async def test_past_the_bound_the_oldest_go_first_and_failed_ones_last(
    made: Made, keeping: SQLiteKeeping, history: SQLiteHistory
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


async def test_the_file_becomes_smaller_on_disk(
    tmp_path: Path, made: Made, keeping: SQLiteKeeping, store: SQLiteStore
) -> None:
    for _ in range(100):
        await made.run(
            Status.SUCCEEDED, body=b'"' + random.Random(1).randbytes(100_000).hex().encode() + b'"'
        )
    await store.checkpoint()
    before = (tmp_path / "hookline.db").stat().st_size
    assert before > 10_000_000
    await kept(keeping)
    assert (tmp_path / "hookline.db").stat().st_size < 2_000_000
    assert (await keeping.size()).file_bytes == (tmp_path / "hookline.db").stat().st_size


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("runs_window", "INDEX runs_by_workflow (workflow=? AND number>?)"),
        ("events_window", "INDEX events_by_workflow (workflow=? AND number>?)"),
        ("oldest_window", "PRIMARY KEY (rowid>?)"),
        ("unused_versions", "COVERING INDEX runs_by_version (workflow=? AND version=?)"),
        ("delete_file_unused", "COVERING INDEX file_uses_by_digest (digest=?)"),
        ("open_run", "INDEX runs_by_event (event_id=?)"),
        ("delete_event", "COVERING INDEX runs_by_event (event_id=?)"),
    ],
)
async def test_what_is_to_go_is_found_by_an_index(store: SQLiteStore, statement: str, index: str) -> None:
    parameters = {
        "workflow": "a", "after": 0, "limit": 9, "before": 1.0, "failed_too": True, "digest": "d",
        "event_id": "e", "number": 1,
    }  # fmt: skip
    sql = f"EXPLAIN QUERY PLAN {keeping_module.SQL[statement]}"
    plan = "".join(f"{row[3]}\n" for row in await store.reading.execute_fetchall(sql, parameters))
    assert index in plan
    for table in ("events", "runs", "file_uses"):
        assert f"SCAN {table}\n" not in plan


async def test_many_go_in_many_portions_and_events_come_in_between(
    made: Made, keeping: SQLiteKeeping, history: SQLiteHistory
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
    made: Made, keeping: SQLiteKeeping, store: SQLiteStore
) -> None:
    for digest in "efg":
        await store.save_version("orders", digest, "name: y", now=START)
    await store.save_version("gone", "d", "name: z", now=START)
    await made.run(Status.QUEUED)  # on version 1
    assert await keeping.let_go_versions({"orders": 3}, before=START) == 0  # too young
    assert await keeping.let_go_versions({"orders": 3}, before=LATER) == 2
    rows = await store.reading.execute_fetchall("SELECT workflow, version FROM versions ORDER BY 1, 2")
    assert list(rows) == [("orders", 1), ("orders", 3), ("orders", 4)]


async def test_the_newest_version_of_a_workflow_without_a_file_stays_until_its_last_event_is_gone(
    made: Made, keeping: SQLiteKeeping, store: SQLiteStore
) -> None:
    await made.event(title=None, disposition=Disposition.IGNORED)
    assert await keeping.let_go_versions({}, before=LATER) == 0
    await kept(keeping)
    assert await keeping.let_go_versions({}, before=LATER) == 1
    assert await store.newest_version("orders") is None


async def test_what_is_forgotten_is_in_no_file_any_more(
    tmp_path: Path, made: Made, keeping: SQLiteKeeping, history: SQLiteHistory, store: SQLiteStore
) -> None:
    value = "ada-lovelace@example.com"
    wanted = [
        await made.run(
            Status.FAILED,
            sentence=f"send failed: no mailbox {value}",
            body={"email": value, "long": value * 500},
            title=f"Order of {value}",
            records=[a_record(input={"to": value}, output={"to": value})],
            trace=[{"path": "x", "status": "succeeded", "seen": {"payload.email": value}}],
        )
        for _ in range(30)
    ]
    other = await made.run(Status.SUCCEEDED, body={"email": "other@example.com"})
    assert _is_on_disk(tmp_path, value)
    event_ids = [(await history.run(run_id))["event"] for run_id in wanted]
    done = await keeping.forget(event_ids)
    assert (done.events, done.runs, done.refused) == (30, 30, [])
    assert await keeping.erase_traces([value])
    assert not _is_on_disk(tmp_path, value)
    assert [item["id"] for item in (await history.runs(Wanted())).items] == [other]


async def test_an_event_with_a_run_under_way_is_not_forgotten(
    made: Made, keeping: SQLiteKeeping, history: SQLiteHistory
) -> None:
    open_run = await made.run(Status.WAITING)
    await made.run(Status.FAILED)
    ids = await events(history)
    done = await keeping.forget([*ids, "no-such-event"])
    assert (done.events, done.refused) == (1, [ids[0]])
    assert (await history.run(open_run))["status"] == "waiting"


async def test_reading_pages_keeps_no_transaction_open(
    made: Made, history: SQLiteHistory, store: SQLiteStore, tmp_path: Path
) -> None:
    """The log can be emptied between any two pages: nothing that was read holds it back."""
    for _ in range(20):
        await made.run(Status.SUCCEEDED, type="orders/create")
    cursor = None
    for _ in range(3):
        page = await history.events(Wanted(limit=5, cursor=cursor, text="orders"))
        cursor = page.next
        await history.run((await history.runs(Wanted(limit=1))).items[0]["id"])
        rows = await store._writer.alone(
            lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        )
        assert rows == [(0, 0, 0)]
        assert (tmp_path / "hookline.db-wal").stat().st_size == 0


def _is_on_disk(folder: Path, text: str) -> bool:
    return any(text.encode() in path.read_bytes() for path in folder.glob("hookline.db*"))


def _end(now: float) -> TurnEnd:
    return TurnEnd(Status.SUCCEEDED, ended_at=now, reason=Reason("succeeded", "Ran to its end."))

"""What only letting go in an SQLite file does: it shrinks, and what is forgotten is in no file any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.history import Wanted
from runner.engine.keeping import Traces
from runner.engine.runs import Status
from runner.store import keeping as keeping_module
from runner.store.history import StoredHistory
from runner.store.keeping_sqlite import SQLiteKeeping
from runner.store.sqlite import SQLiteStore
from tests.conformance.test_keeping import a_record, dense, kept
from tests.store.rows_made import START, Made


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
def history(store: SQLiteStore) -> StoredHistory:
    return StoredHistory(store)


async def test_the_file_becomes_smaller_on_disk(
    tmp_path: Path, made: Made, keeping: SQLiteKeeping, store: SQLiteStore
) -> None:
    for _ in range(100):
        await made.run(Status.SUCCEEDED, body=dense(100_000))
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
        ("delete_ended_runs", "PRIMARY KEY (rowid=?)"),
        ("lock_events", "PRIMARY KEY (rowid=?)"),
        ("lock_events_named", "INDEX sqlite_autoindex_events_1 (id=?)"),
        ("lock_runs_of_events", "INDEX runs_by_event (event_id=?)"),
        ("delete_runs_of_events", "INDEX runs_by_event (event_id=?)"),
        ("delete_files_unused", "COVERING INDEX file_uses_by_digest (digest=?)"),
        ("delete_events", "COVERING INDEX runs_by_event (event_id=?)"),
    ],
)
async def test_what_is_to_go_is_found_by_an_index(store: SQLiteStore, statement: str, index: str) -> None:
    parameters = {
        "workflow": "a", "after": 0, "limit": 9, "before": 1.0, "failed_too": True,
        "digests": '["d"]', "event_ids": '["e"]', "numbers": "[1]",
    }  # fmt: skip
    sql = f"EXPLAIN QUERY PLAN {keeping_module.SQL[statement]}"
    plan = "".join(f"{row[3]}\n" for row in await store.reading.execute_fetchall(sql, parameters))
    assert index in plan
    for table in ("events", "runs", "file_uses"):
        assert f"SCAN {table}\n" not in plan


async def test_what_is_forgotten_is_in_no_file_any_more(
    tmp_path: Path, made: Made, keeping: SQLiteKeeping, history: StoredHistory, store: SQLiteStore
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
    assert await keeping.erase_traces([value]) is Traces.NONE
    assert not _is_on_disk(tmp_path, value)
    assert [item["id"] for item in (await history.runs(Wanted())).items] == [other]


async def test_reading_pages_keeps_no_transaction_open(
    made: Made, history: StoredHistory, store: SQLiteStore, tmp_path: Path
) -> None:
    """The log can be emptied between any two pages: nothing that was read holds it back."""
    for _ in range(20):
        await made.run(Status.SUCCEEDED, type="orders/create")
    cursor = None
    for _ in range(3):
        page = await history.events(Wanted(limit=5, cursor=cursor, text="orders"))
        cursor = page.next
        await history.run((await history.runs(Wanted(limit=1))).items[0]["id"])
        rows = await store.alone(
            lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        )
        assert rows == [(0, 0, 0)]
        assert (tmp_path / "hookline.db-wal").stat().st_size == 0


def _is_on_disk(folder: Path, text: str) -> bool:
    return any(text.encode() in path.read_bytes() for path in folder.glob("hookline.db*"))

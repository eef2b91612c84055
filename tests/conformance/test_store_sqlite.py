"""What only a store in a file can meet: a page bound, another process's lock, a newer schema number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.errors import StoreUnavailable
from runner.store.queries import SQL
from runner.store.sqlite import SQLiteStore
from tests.conformance.test_store import NOW, a_run, an_event


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = await SQLiteStore.open(tmp_path / "hookline.db")
    yield store
    await store.close()


async def test_a_full_disk_is_said_and_nothing_counts_as_written(store: SQLiteStore) -> None:
    pages = await store._writing.execute("PRAGMA page_count")
    (count,) = await pages.fetchone()  # type: ignore[misc]
    await store._writing.execute(f"PRAGMA max_page_count={count}")
    event = an_event()
    with pytest.raises(StoreUnavailable, match="full"):
        await store.accept(event, [a_run()], {"d" * 64: b"x" * 10**6})
    await store._writing.execute("PRAGMA max_page_count=1000000")
    await store.accept(event, [a_run()], {})
    assert len(await store.due(now=NOW, limit=10)) == 1


async def test_a_locked_database_is_said(tmp_path: Path, store: SQLiteStore) -> None:
    other = await SQLiteStore.open(tmp_path / "hookline.db")
    await store._writing.execute("PRAGMA busy_timeout=50")
    await other._writing.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.accept(an_event(), [a_run()], {})
    await other._writing.execute("ROLLBACK")
    await store.accept(an_event(), [a_run()], {})
    await other.close()


async def test_a_store_of_a_newer_hookline_is_refused(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path / "hookline.db")
    await store._writing.execute("PRAGMA user_version=999")
    await store._writing.execute("UPDATE schema_needs SET version = 999")
    await store.close()
    with pytest.raises(StoreUnavailable, match="newer one"):
        await SQLiteStore.open(tmp_path / "hookline.db")


async def test_a_hundred_thousand_waiting_runs_cost_no_look_and_the_one_that_is_due_is_found(
    store: SQLiteStore,
) -> None:
    await store.accept(an_event(), [a_run(0)], {})
    await store._writer.write(
        lambda connection: connection.execute(
            f"""
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
            INSERT INTO runs (id, event_id, workflow, version, title, seed, accepted_at, status, due_at,
                              waiting_for)
            SELECT 'waiting-' || n, 'event-0001', 'orders', 1, 'Order', '00', {NOW}, 'waiting',
                   {NOW} + 60 + n, 'a while'
            FROM numbers
            """
        )
    )
    (job,) = await store.due(now=NOW, limit=64)
    assert job.run_id == "run-0000"
    assert await store.next_due(now=NOW) == NOW + 61
    assert [job.run_id for job in await store.due(now=NOW + 62, limit=64)][1:] == ["waiting-1", "waiting-2"]
    rows = await store.reading.execute_fetchall("EXPLAIN QUERY PLAN " + SQL["due"], {"now": NOW, "limit": 64})
    assert not any("SCAN runs" in str(row[3]) and "USING" not in str(row[3]) for row in rows)
    store._backlog_counted_at = 0.0
    await store.ping()
    assert store.backlog == 1

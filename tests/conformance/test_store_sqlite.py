"""What only a store in a file can meet: a page bound, another process's lock, a newer schema number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.errors import StoreUnavailable
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
    await store.close()
    with pytest.raises(StoreUnavailable, match="newer one"):
        await SQLiteStore.open(tmp_path / "hookline.db")

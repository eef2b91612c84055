"""State on disk: pages of keys, expiry, and the bound on their number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.state import MOST_KEYS, SHARED, Delete, Effect, Increment, Once, Set
from runner.errors import Rejected
from runner.store.sqlite import SQLiteStore
from runner.store.state import StoredStates


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = await SQLiteStore.open(tmp_path / "hookline.db")
    yield store
    await store.close()


async def test_keys_come_in_pages_in_their_order_without_those_whose_time_is_over(store: SQLiteStore) -> None:
    states = StoredStates(store)
    for key in "dbca":
        await states.change("one", key, Set(key, 10 if key == "c" else None), now=0)
    first = await states.entries("one", now=10, limit=2)
    rest = await states.entries("one", now=10, after=first[-1].key, limit=2)
    assert [one.key for one in first] == ["a", "b"]
    assert [one.key for one in rest] == ["d"]
    assert await states.entry("one", "c", now=9.9)
    assert await states.entry("one", "c", now=10) is None
    assert await states.entries(SHARED, now=0) == []


async def test_an_effect_changes_once_and_hears_the_same_again(store: SQLiteStore) -> None:
    states = StoredStates(store)
    effect = Effect("event", "event.abc", "event it")
    first = [await states.change("one", "k", Increment(), now=0, effect=effect) for _ in range(3)]
    other = await states.change("one", "k", Increment(), now=0, effect=Effect("event", "event.def", "x"))
    assert (first, other) == ([1, 1, 1], 2)
    assert await states.change("one", "o", Once(), now=0, effect=effect) == 1  # the effect's own result


async def test_a_key_too_many_is_refused_until_there_is_room(store: SQLiteStore) -> None:
    states = StoredStates(store)

    insert = "INSERT INTO state (workflow, key, value, changed_at, expires_at) VALUES ('one', ?, '1', 0, ?)"
    rows = [(f"k{one:05}", 50.0 if one == 7 else None) for one in range(MOST_KEYS)]
    await store._writer.write(lambda connection: connection.executemany(insert, rows).rowcount)
    with pytest.raises(Rejected, match="one keeps 10,000 keys already; give them a `ttl`, or delete some"):
        await states.change("one", "new", Set(1), now=0)
    await states.change("one", "k00001", Set(2), now=0)
    await states.change("two", "new", Set(1), now=0)
    await states.change("one", "new", Set(1), now=50)  # k00007 is over
    with pytest.raises(Rejected):
        await states.change("one", "newer", Set(1), now=50)
    await states.change("one", "k00002", Delete(), now=50)
    await states.change("one", "newer", Set(1), now=50)

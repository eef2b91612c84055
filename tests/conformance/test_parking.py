"""What any store must do with runs that are parked at a destination."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.runs import Job, Reason, Record, RecordStatus, Run, Status, TurnEnd
from runner.store.parking import StoredParking
from runner.store.sqlite import SQLiteStore
from tests.conformance.test_store import NOW, a_run, an_event

FAR = NOW + 21_600


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = await SQLiteStore.open(tmp_path / "hookline.db")
    yield store
    await store.close()


@pytest.fixture
def parking(store: SQLiteStore) -> StoredParking:
    return StoredParking(store)


async def parked(store: SQLiteStore, number: int, place: str) -> Run:
    """A run that has waited at *place* since its first turn."""
    await store.accept(an_event(number), [a_run(number)], {})
    (claimed,) = await store.claim([Job(f"run-{number:04d}", 1)], node="a", now=NOW)
    record = Record(
        path="send", kind="action", status=RecordStatus.WAITING, attempts=2, started_at=NOW, due_at=FAR,
        parked_at=place, parked_since=NOW, parked_seconds=7.5,
    )  # fmt: skip
    end = TurnEnd(
        Status.WAITING, due_at=FAR, waiting_for=f"{place} does not answer", parked_at=place,
        reason=Reason("waiting", "It waits."),
    )  # fmt: skip
    await store.finish(claimed.run, end, [record], {})
    return claimed.run


async def due(store: SQLiteStore) -> list[str]:
    return [job.run_id for job in await store.due(now=NOW, limit=100)]


async def test_runs_are_woken_in_the_order_of_accepting_as_many_as_asked(
    store: SQLiteStore, parking: StoredParking
) -> None:
    for number in range(10):
        await parked(store, number, "one:443" if number % 2 else "two:443")
    assert await parking.places() == ["one:443", "two:443"]
    assert await due(store) == []
    assert await parking.unpark("one:443", 2, now=NOW) == 2
    assert await due(store) == ["run-0001", "run-0003"]
    assert await parking.count("one:443") == 3
    assert await parking.unpark("one:443", 10, now=NOW) == 3
    assert await parking.unpark("one:443", 10, now=NOW) == 0
    assert await due(store) == [f"run-{number:04d}" for number in (1, 3, 5, 7, 9)]
    assert await parking.places() == ["two:443"]


async def test_what_is_parked_survives_opening_again(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path / "hookline.db")
    await parked(store, 1, "one:443")
    await store.close()
    store = await SQLiteStore.open(tmp_path / "hookline.db")
    parking = StoredParking(store)
    assert await parking.places() == ["one:443"]
    await parking.unpark("one:443", 1, now=NOW)
    (claimed,) = await store.claim([Job("run-0001", 2)], node="a", now=NOW)
    record = claimed.records["send"]
    assert (record.attempts, record.parked_at, record.parked_since, record.parked_seconds) == (
        2, "one:443", NOW, 7.5,
    )  # fmt: skip
    await store.close()


async def test_a_run_that_goes_on_or_ends_is_parked_no_more(
    store: SQLiteStore, parking: StoredParking
) -> None:
    for number in range(3):
        await parked(store, number, "one:443")
    await store.cancel("run-0000", now=NOW)
    assert await parking.count("one:443") == 2
    (claimed,) = await store.claim([Job("run-0001", 2)], node="a", now=FAR)  # due by itself
    assert await parking.count("one:443") == 1
    await store.finish(claimed.run, TurnEnd(Status.SUCCEEDED, ended_at=FAR), [], {})
    assert await parking.unpark("one:443", 10, now=NOW) == 1
    assert await due(store) == ["run-0002"]


async def test_many_places_are_found_and_their_number_is_bounded(
    store: SQLiteStore, parking: StoredParking
) -> None:
    for number in range(30):
        await parked(store, number, f"host{number % 15:02d}:443")
    assert await parking.places() == [f"host{number:02d}:443" for number in range(15)]

"""What was: events as they came, what their runs gave, and texts that were tried."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.engine.runs import Disposition, Gate, NewRun, Record, RecordStatus, Status
from runner.errors import NotFound
from runner.language.basis import NO_BASIS, Basis
from runner.store.addresses import StoredAddresses
from runner.store.history import StoredHistory
from runner.store.past import StoredPast
from runner.store.sqlite import SQLiteStore
from tests.store.rows_made import Made

DAY = 86400.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    one = await SQLiteStore.open(tmp_path / "hookline.db")
    yield one
    await one.close()


@pytest.fixture
def made(store: SQLiteStore) -> Made:
    return Made(store)


@pytest.fixture
def past(store: SQLiteStore) -> StoredPast:
    return StoredPast(store)


async def test_a_text_that_is_tried_has_a_number_below_0_of_its_own(
    store: SQLiteStore, past: StoredPast
) -> None:
    published = await store.save_version("orders", "d1", "name: one", now=1.0)
    first = await past.keep_tried("orders", "d2", "name: two", Basis("defaults", {"a": 1}), now=2.0)
    second = await past.keep_tried("orders", "d3", "name: three", NO_BASIS, now=3.0)
    again = await past.keep_tried("orders", "d2", "name: two", NO_BASIS, now=4.0)
    assert (published, first, second, again) == (1, -1, -2, -1)
    assert await store.version_source("orders", -2) == "name: three"
    assert (await store.version_basis("orders", -1)).overrides == {"a": 1}
    assert await store.newest_version("orders") == 1
    assert await store.save_version("orders", "d2", "name: two", now=5.0) == 2
    with pytest.raises(NotFound):
        await store.version_source("orders", -3)


async def test_what_was_tried_goes_once_no_run_has_it_and_numbers_never_come_again(
    store: SQLiteStore, made: Made, past: StoredPast
) -> None:
    kept = await past.keep_tried("orders", "d1", "name: one", NO_BASIS, now=1.0)
    gone = await past.keep_tried("orders", "d2", "name: two", NO_BASIS, now=2.0)
    event, _none = await made.event(title=None)
    run = NewRun(made.new_id(), "orders", kept, "Tried", "0" * 32, None, mode="test")
    await store.accept(replace(await past.event(event), id=made.new_id()), [run], {})
    last = await past.keep_tried("orders", "d3", "name: three", NO_BASIS, now=3 * DAY)
    assert (kept, gone, last) == (-1, -2, -3)
    assert await store.version_source("orders", kept) == "name: one"
    assert await past.keep_tried("orders", "d4", "name: four", NO_BASIS, now=6 * DAY) == -4
    with pytest.raises(NotFound):
        await store.version_source("orders", gone)


async def test_a_renamed_workflow_takes_along_what_was_tried(store: SQLiteStore, past: StoredPast) -> None:
    await store.save_version("old", "d0", "name: zero", now=1.0)
    await past.keep_tried("old", "d1", "name: one", NO_BASIS, now=1.0)
    assert await StoredAddresses(store).rename("old", "new")
    assert await store.version_source("new", -1) == "name: one"


async def test_the_latest_events_are_those_that_were_not_refused_within_so_many_bytes(
    made: Made, past: StoredPast
) -> None:
    ids = [(await made.event(body={"id": number, "text": "x" * 100}))[0] for number in range(4)]
    await made.event(disposition=Disposition.REJECTED, title=None)
    await made.event(workflow="other")
    found = await past.latest("orders", limit=3, most_bytes=1 << 20)
    assert [one.id for one in found] == ids[:0:-1]
    assert [one.id for one in await past.latest("orders", limit=3, most_bytes=150)] == [ids[-1]]
    assert [one.id for one in await past.latest("orders", limit=3, most_bytes=1)] == [ids[-1]]


async def test_what_its_newest_run_gave_and_whether_it_is_a_sample(
    store: SQLiteStore, made: Made, past: StoredPast
) -> None:
    sent = Record(
        path="tell", kind="action", status=RecordStatus.SUCCEEDED, attempts=1, started_at=made.now,
        input={"text": "a"}, output={"ts": "1"}, ended_at=made.now,
    )  # fmt: skip
    unsent = Record(
        path="other", kind="action", status=RecordStatus.SUCCEEDED, attempts=0, started_at=made.now,
        input={"text": "b"}, ended_at=made.now,
    )  # fmt: skip
    run = await made.run(Status.SUCCEEDED, records=[sent, unsent])
    event = (await StoredHistory(store).run(run))["event"]
    assert [(one.path, one.input, one.output) for one in await past.gave(event)] == [
        ("tell", {"text": "a"}, {"ts": "1"})
    ]
    assert await past.versions(event) == {1}
    gate = Gate("received", "passed", "a sample", {"sample": "shown"})
    sample, _run = await made.event(gates=[gate])
    assert await past.samples([event, sample]) == {sample}
    with pytest.raises(NotFound):
        await past.event("nothing")

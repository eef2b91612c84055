"""What any store tells of how it is, and of what changes in it."""

from __future__ import annotations

import time

import asyncpg

from runner.engine.changes import Changes
from runner.engine.runs import Disposition, Status, TurnEnd
from runner.engine.vitals import Meter, Reading
from runner.engine.watching import Watcher
from runner.store.history import StoredHistory
from runner.store.opening import keeping_of
from runner.store.problems import StoredProblems
from runner.store.vitals import StoredGauge
from runner.store.watching import StoredWatch
from tests.conformance.stores import AnyStore, Ground, PostgresGround, SQLiteGround
from tests.store.rows_made import START, Made


async def read(store: AnyStore, now: float = START) -> Reading:
    return await StoredGauge(store, keeping_of(store)).read(now)


async def test_a_reading_counts_what_is_there(store: AnyStore) -> None:
    made = Made(store)
    for status in (Status.SUCCEEDED, Status.QUEUED, Status.QUEUED, Status.RUNNING, Status.WAITING):
        await made.run(status)
    await made.event(title=None, disposition=Disposition.HELD)
    before = await read(store)
    assert (before.queued, before.running, before.waiting, before.held) == (2, 1, 1, 1)
    assert before.due_since is None
    assert (await read(store, START + 10)).due_since == START + 2
    await made.run(Status.SUCCEEDED)
    after = await read(store)
    assert (after.events - before.events, after.finished - before.finished) == (1, 1)
    assert 0 < after.used_bytes <= after.file_bytes


async def test_the_rate_of_what_is_finished_is_that_of_the_rows(store: AnyStore) -> None:
    made = Made(store)
    meter = Meter(StoredGauge(store, keeping_of(store)), clock=lambda: made.now, steady=lambda: made.now)
    await made.run(Status.SUCCEEDED)
    await meter.sample()
    for _ in range(10):
        await made.run(Status.SUCCEEDED)
    await meter.sample()
    rate = meter.rate()
    assert rate
    assert (rate.accepted, rate.finished) == (1.0, 1.0)


async def test_who_lives_is_told_with_the_address_where_it_serves(ground: Ground, store: AnyStore) -> None:
    async with store.present("one", address="https://hookline.example.com"), store.present("two"):
        other = await ground.open()
        assert sorted((await read(other)).nodes) == ["", "https://hookline.example.com"]
        await other.close()
    assert (await read(store)).nodes == ()


async def test_free_disk_is_told_where_it_is_known(ground: Ground, store: AnyStore) -> None:
    free = (await read(store)).free_bytes
    assert free is None if isinstance(ground, PostgresGround) else free and free > 0


async def test_a_commit_of_another_process_is_noticed_and_silence_is_too(
    ground: Ground, store: AnyStore
) -> None:
    other = await ground.open()
    watch = StoredWatch(store)
    before = await watch.commits()
    await Made(other).event(title=None)
    after = await watch.commits()
    assert after != before
    if isinstance(ground, SQLiteGround):  # on a server others commit too, whom nobody tells from ours
        assert await watch.commits() == after
    await other.close()


async def test_a_transaction_that_began_early_and_ends_late_is_noticed(postgres: PostgresGround) -> None:
    store = await postgres.open()
    watch = StoredWatch(store)
    early = await asyncpg.connect(postgres.url)
    transaction = early.transaction()
    await transaction.start()
    await early.execute("INSERT INTO interests (kind) VALUES ('early')")
    await Made(store).event(title=None)
    before = await watch.commits()
    await transaction.commit()
    assert await watch.commits() != before
    await early.execute("DELETE FROM interests")
    await early.close()
    await store.close()


async def test_those_who_look_on_hear_of_events_and_of_each_move_of_a_run(
    ground: Ground, store: AnyStore
) -> None:
    other = await ground.open()
    changes, made = Changes(), Made(other)
    watcher = Watcher(StoredWatch(store), StoredHistory(store), StoredProblems(store), changes, lambda: START)
    await made.run(Status.SUCCEEDED)
    with changes.listening() as listener:
        await watcher.begin()
        run_id = await made.run(Status.QUEUED)
        await watcher.look()
        run = await made.claim(run_id)
        await watcher.look()
        await other.finish(run, TurnEnd(Status.SUCCEEDED, ended_at=made.now), [], {})
        await watcher.look()
        listener.close()
        heard = [(change.kind, change.item.get("status")) async for change in listener]
    assert heard == [("event", None), ("run", "queued"), ("run", "running"), ("run", "succeeded")]
    await other.close()


async def test_an_event_whose_number_was_taken_early_and_whose_commit_comes_late_is_told(
    postgres: PostgresGround,
) -> None:
    store = await postgres.open()
    made, watch = Made(store), StoredWatch(store)
    made.now = time.time()
    await made.event(title=None)
    newest, _runs = await watch.newest()
    early = await asyncpg.connect(postgres.url)
    transaction = early.transaction()
    await transaction.start()
    await early.execute(
        "INSERT INTO events (id, workflow, trigger, disposition, received_at, method, path, query, headers,"
        " content_type, size, source_ip, gates, body)"
        " SELECT 'early', workflow, trigger, disposition, received_at, method, path, query, headers,"
        " content_type, size, source_ip, gates, body FROM events"
    )
    late_id, _run = await made.event(title=None)
    assert (await watch.newest())[0] == newest  # what came after it waits, a moment, for it
    await transaction.commit()
    now, _runs = await watch.newest()
    assert now == newest + 2
    assert await watch.new_events(newest, to=now, limit=10) == [late_id, "early"]
    await early.close()
    await store.close()

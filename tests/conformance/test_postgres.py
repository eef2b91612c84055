"""What only a store on a server can meet: it goes away and comes back, and other processes use it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from runner.engine.runs import Disposition, Job, Status, TurnEnd
from runner.errors import StaleFence, StoreUnavailable
from runner.queue.pgqueuer import MEND_SECONDS, PgQueuerQueue
from runner.store.postgres import PostgresStore
from runner.store.queries import Statement
from tests.conformance.postgres_world import opened
from tests.conformance.stores import PostgresGround
from tests.conformance.test_admission import delivery
from tests.conformance.test_store import NOW, a_run, an_event, claimed
from tests.engine.world import Outside
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.postgres import PostgresServer

NOTE = "steps:\n  - id: it\n    action: probe.note\n    with: {text: '{{ payload }}'}\n"


def through(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}"))


async def jobs_left(store: PostgresStore) -> int:
    ((found,),) = await store.read(Statement.of("SELECT count(*) FROM pgqueuer"))
    return int(found)


async def test_an_event_goes_through_the_engine_and_leaves_no_job(
    postgres: PostgresGround, tmp_path: Path
) -> None:
    outside = Outside()
    async with opened(postgres.url, tmp_path, outside) as world:
        await world.workflow("one", NOTE)
        end = await world.ran("one", {"n": 1})
        assert end.status is Status.SUCCEEDED
        assert outside.notes == [{"n": 1}]
        store = await postgres.open()
        assert await jobs_left(store) == 0
        await store.close()


async def test_a_run_that_waited_is_taken_up_when_it_is_due(postgres: PostgresGround, tmp_path: Path) -> None:
    outside = Outside()
    async with opened(postgres.url, tmp_path, outside) as world:
        await world.workflow(
            "one",
            "steps:\n  - id: it\n    action: probe.note\n    retry: {delay: 10s, jitter: false}\n"
            "    with: {text: x, fail: unavailable, times: 1}\n",
        )
        world.now = 1_000_000.0  # by the database's clock its time came long ago; ours decides
        accepted = await world.send("one")
        assert (await world.turned(accepted.run_id)).status is Status.WAITING
        world.now = 1_000_011.0
        second = await world.turned(accepted.run_id, turns=2)
        assert second.status is Status.SUCCEEDED
        assert outside.notes == ["x"]


async def test_several_processes_share_the_runs_and_do_each_once(
    postgres: PostgresGround, tmp_path: Path
) -> None:
    outside = Outside()
    async with (
        opened(postgres.url, tmp_path, outside, only_receives=True) as door,
        opened(postgres.url, tmp_path, outside, places=4),
        opened(postgres.url, tmp_path, outside, places=4),
    ):
        await door.workflow("one", NOTE)
        await asyncio.gather(*(door.send("one", number) for number in range(60)))
        async with asyncio.timeout(20):
            while len(outside.notes) < 60:
                await asyncio.sleep(0.01)
        assert sorted(outside.notes) == list(range(60))


async def test_the_runs_of_a_process_that_is_heard_no_more_go_on_elsewhere(
    postgres: PostgresGround, tmp_path: Path
) -> None:
    outside = Outside()
    store = await postgres.open()
    async with opened(postgres.url, tmp_path, outside) as world:
        await world.workflow("one", NOTE)
        live = world.library.get("one")
        assert live
        await store.beat("dead")
        event = replace(an_event(), workflow="one")
        run = replace(a_run(), workflow="one", version=live.version, owner="dead")
        await store.accept(event, [run], {})
        end = await world.turned("run-0001")  # after a second without a sign of life
        assert end.status is Status.SUCCEEDED
    await store.close()


async def test_a_restart_of_the_database_loses_nothing_and_doubles_nothing(
    postgres: PostgresGround, server: PostgresServer, tmp_path: Path
) -> None:
    if server.process is None:
        pytest.skip("the server of TEST_DATABASE_URL is not ours to restart")
    outside = Outside()
    taken: list[int] = []
    async with opened(postgres.url, tmp_path, outside, places=4) as world:
        await world.workflow("one", NOTE)

        async def send(number: int) -> None:
            try:
                await world.send("one", number)
            except StoreUnavailable:
                return  # its sender hears 503
            taken.append(number)

        for portion in range(20):
            if portion == 10:
                server.kill()
            if portion == 12:
                await asyncio.to_thread(server.start)
            await asyncio.gather(*(send(portion * 10 + number) for number in range(10)))
        async with asyncio.timeout(30):
            while set(taken) - set(outside.notes):
                await asyncio.sleep(0.01)
        assert len(taken) >= 150
        # an effect at the moment of the fall may be done again: with the same key
        assert len(set(outside.keys)) == len(set(outside.notes))


async def test_what_was_committed_without_our_hearing_of_it_is_taken_up(
    postgres: PostgresGround, server: PostgresServer
) -> None:
    async with cutting_proxy(urlsplit(server.url).port or 5432) as proxy:
        store = await PostgresStore.open(through(postgres.url, proxy.port))
        proxy.cuts = True
        with pytest.raises(StoreUnavailable):
            await store.accept(an_event(1), [a_run(1, owner="me")], {})
        proxy.cuts = False
        await store.accept(an_event(2), [a_run(2)], {})
        proxy.cuts = True
        with pytest.raises(StoreUnavailable):
            await store.claim([Job("run-0002", 1)], node="me", now=NOW)
        proxy.cuts = False
        assert await store.due(now=NOW, limit=10) == []  # both are ours, and nobody has them
        await store.beat("me")
        await store.take_over(node="me", now=NOW)
        assert await store.due(now=NOW, limit=10) == [Job("run-0001", 2), Job("run-0002", 2)]
        await store.close()


async def test_an_end_whose_answer_was_lost_is_written_again_without_harm(
    postgres: PostgresGround, server: PostgresServer
) -> None:
    async with cutting_proxy(urlsplit(server.url).port or 5432) as proxy:
        store = await PostgresStore.open(through(postgres.url, proxy.port))
        run = await claimed(store)
        end = TurnEnd(Status.SUCCEEDED, ended_at=NOW)
        proxy.cuts = True
        with pytest.raises(StoreUnavailable):
            await store.finish(run, end, [], {})
        proxy.cuts = False
        await store.finish(run, end, [], {})
        with pytest.raises(StaleFence):
            await store.finish(run, TurnEnd(Status.SUCCEEDED, ended_at=NOW + 1), [], {})
        await store.close()


async def test_a_delivery_whose_answer_was_lost_is_a_duplicate_when_it_comes_again(
    postgres: PostgresGround, server: PostgresServer
) -> None:
    async with cutting_proxy(urlsplit(server.url).port or 5432) as proxy:
        store = await PostgresStore.open(through(postgres.url, proxy.port))
        proxy.cuts = True
        with pytest.raises(StoreUnavailable):
            await store.accept(an_event(1), [a_run(1)], {}, delivery=delivery())
        proxy.cuts = False
        again = await store.accept(an_event(2), [a_run(2)], {}, delivery=delivery())
        assert (again.disposition, again.run_id) == (Disposition.DUPLICATE, "run-0001")
        await store.close()


async def test_a_job_that_was_not_claimed_comes_again(postgres: PostgresGround) -> None:
    store = await postgres.open()
    queue = PgQueuerQueue(postgres.url)
    await store.accept(an_event(), [a_run()], {})
    job = Job("run-0001", 1)
    assert await queue.take(10) == [job]
    assert await queue.take(10) == [job]
    await queue.close()  # with the job in hand
    other = PgQueuerQueue(postgres.url)
    assert await other.take(10) == [job]
    assert len(await store.claim([job], node="a", now=NOW)) == 1
    assert await jobs_left(store) == 0
    await other.close()
    await store.close()


async def test_a_due_run_whose_job_was_lost_gets_another(postgres: PostgresGround) -> None:
    store = await postgres.open()
    await store.accept(an_event(), [a_run()], {})

    await store.execute(Statement.of("DELETE FROM pgqueuer"))
    moment = [0.0]
    queue = PgQueuerQueue(postgres.url, monotonic=lambda: moment[0])
    moment[0] += MEND_SECONDS
    assert await queue.take(10) == [Job("run-0001", 1)]
    await queue.close()
    await store.close()


async def test_a_run_that_cannot_be_due_has_no_job(postgres: PostgresGround) -> None:
    store = await postgres.open()
    run = await claimed(store, 1)
    assert await jobs_left(store) == 0
    await store.finish(run, TurnEnd(Status.WAITING, due_at=NOW + 60, waiting_for="a while"), [], {})
    assert await jobs_left(store) == 1
    await store.cancel(run.id, now=NOW)
    assert await jobs_left(store) == 0
    await store.accept(an_event(2), [a_run(2, owner="me")], {})
    assert await jobs_left(store) == 0
    assert await store.take_over(node="other", now=NOW) == 1
    assert await jobs_left(store) == 1
    await store.close()


async def test_processes_racing_for_the_tables_make_them_once(
    postgres: PostgresGround, server: PostgresServer
) -> None:
    name = f"{urlsplit(postgres.url).path[1:]}_new"
    await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    stores = await asyncio.gather(*(PostgresStore.open(server.database(name)) for _ in range(5)))
    await asyncio.gather(*(store.ping() for store in stores))
    for store in stores:
        await store.close()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_database_that_cannot_be_reached_is_said(postgres: PostgresGround) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await PostgresStore.open(through(postgres.url, 1))

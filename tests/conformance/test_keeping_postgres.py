"""What only letting go in a PostgreSQL does: used bytes are estimated, deleted ones stay in the files."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import asyncpg

from runner.engine.history import Wanted
from runner.engine.keeping import Traces
from runner.engine.runs import Disposition, Status
from runner.store.history import StoredHistory
from runner.store.keeping_postgres import PostgresKeeping
from runner.store.postgres import PostgresStore
from runner.store.queries import Statement
from tests.conformance.stores import PostgresGround
from tests.conformance.test_keeping import DAY, LATER, a_record, kept
from tests.store.rows_made import START, Made

CHANCE = random.Random(7)
ON_DISK = Statement.of(
    "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > 0"
)


async def some_history(store: PostgresStore, count: int) -> Made:
    """Runs with two steps; bodies and outputs of some hundred to some ten thousand bytes."""
    await store.save_version("orders", "d", "name: x", now=START)
    made = Made(store)

    async def one() -> None:
        text = CHANCE.randbytes(int(CHANCE.lognormvariate(7, 1))).hex()
        records = [a_record(path=path, output=text[:1000]) for path in ("look", "send")]
        await made.run(Status.SUCCEEDED, body=text, records=records)

    await asyncio.gather(*(one() for _ in range(count)))
    return made


async def measured(keeping: PostgresKeeping) -> int:
    await keeping._measure()
    return (await keeping.size()).used_bytes


async def test_what_is_used_is_what_the_tables_would_take_if_they_were_written_anew(
    postgres: PostgresGround,
) -> None:
    store = await postgres.open()
    keeping = PostgresKeeping(store)
    empty = await measured(keeping)
    await some_history(store, 600)
    for _ in range(2):  # whole; then with half of it deleted and not vacuumed
        await store.database.alone("VACUUM FULL ANALYZE")
        ((real,),) = await store.read(ON_DISK)
        used = await measured(keeping)
        assert real * 0.7 < used < real * 1.3
        ids = [item["id"] for item in (await StoredHistory(store).events(Wanted(limit=300))).items]
        before = (await keeping.size()).file_bytes
        await keeping.forget(ids)
        assert (await keeping.size()).file_bytes >= before
        assert await measured(keeping) < used * 0.7 or not ids
    assert await measured(keeping) < empty + 200_000
    await store.close()


async def test_a_part_of_a_large_table_says_what_all_of_it_takes(postgres: PostgresGround) -> None:
    store = await postgres.open()
    await some_history(store, 300)
    found = [(await store.read(Statement.of(f"SELECT live_bytes({pages})")))[0][0] for pages in (10**6, 25)]
    assert found[0] * 0.6 < found[1] < found[0] * 1.4
    await store.close()


async def test_two_processes_let_go_no_more_than_one_would(postgres: PostgresGround) -> None:
    stores = [await postgres.open() for _ in range(2)]
    keepings = [PostgresKeeping(store) for store in stores]
    made = await some_history(stores[0], 300)
    waits = await made.run(Status.WAITING)
    bound = await measured(keepings[0]) // 2

    async def receive() -> None:
        for _ in range(20):
            await made.event(title=None, disposition=Disposition.IGNORED)

    await asyncio.gather(receive(), *(kept(one, max_bytes=bound, now=START + DAY) for one in keepings))
    left = await measured(keepings[0])
    assert bound * 0.85 < left < bound * 1.05
    history = StoredHistory(stores[0])
    assert (await history.run(waits))["status"] == "waiting"
    newest = (await history.events(Wanted(limit=20))).items
    assert [item["disposition"] for item in newest] == ["ignored"] * 20
    for store in stores:
        await store.close()


async def test_what_goes_by_age_is_not_let_go_once_more_by_bytes(postgres: PostgresGround) -> None:
    store = await postgres.open()
    keeping = PostgresKeeping(store)
    made = await some_history(store, 200)
    made.now = LATER
    await made.run(Status.SUCCEEDED)
    used = await measured(keeping)
    gone = await kept(keeping, max_bytes=used // 2)
    assert (gone.runs, gone.events) == (200, 200)
    assert len((await StoredHistory(store).runs(Wanted())).items) == 1
    await store.close()


async def test_who_still_sees_what_was_deleted_keeps_it_from_being_erased(postgres: PostgresGround) -> None:
    store = await postgres.open()
    keeping = PostgresKeeping(store)
    await some_history(store, 5)
    reader = await asyncpg.connect(postgres.url)
    reading = reader.transaction(isolation="repeatable_read")
    await reading.start()
    await reader.fetch("SELECT 1 FROM events")
    ids = [item["id"] for item in (await StoredHistory(store).events(Wanted())).items]
    assert (await keeping.forget(ids)).events == 5
    assert await keeping.erase_traces([]) is Traces.READ
    assert len(await reader.fetch("SELECT 1 FROM events")) == 5
    await reading.rollback()
    await reader.close()
    assert await keeping.erase_traces([]) is Traces.BEYOND
    ((pages,),) = await store.read(Statement.of("SELECT pg_relation_size('events')"))
    assert pages == 0  # nothing but the deleted was there: the file was cut
    await store.close()


async def vacuumed(url: str, folder: Path, *words: str) -> tuple[int | None, str, str]:
    """`hookline vacuum` in a process of its own: its exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "runner.cli", "vacuum", "--database", url, *words,
        cwd=folder, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_vacuum_frees_and_only_in_full_gives_back(postgres: PostgresGround, tmp_path: Path) -> None:
    store = await postgres.open()
    keeping = PostgresKeeping(store)
    await some_history(store, 200)
    ids = [item["id"] for item in (await StoredHistory(store).events(Wanted(limit=200))).items]
    await keeping.forget(ids[1:])  # the newest stays, behind all that is free
    assert (await vacuumed(postgres.url, tmp_path, "--json"))[0] == 0
    ((before,),) = await store.read(Statement.of("SELECT pg_total_relation_size('events')"))
    async with store.present("one"):
        code, out, err = await vacuumed(postgres.url, tmp_path, "--full")
        assert (code, out) == (1, "")
        assert "nodes run on this database; stop them first" in err
    code, out, _err = await vacuumed(postgres.url, tmp_path, "--full", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["bytes_after"] < found["bytes_before"]
    ((after,),) = await store.read(Statement.of("SELECT pg_total_relation_size('events')"))
    assert after < before
    await store.close()

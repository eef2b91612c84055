"""A store copied into another: all of it, whichever of the two kinds each is, and nothing that is not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from runner.engine.runs import Job
from runner.errors import HooklineError, StoreUnavailable
from runner.store import snapshots
from runner.store.copied import NOT_COPIED, TABLES
from runner.store.copying import TableCopied, copy, source_side, target_side
from runner.store.expanding import COPYING
from runner.store.nodes import NodeLock
from runner.store.opening import open_store
from runner.store.postgres import PostgresStore
from runner.store.sqlite import SQLiteStore
from tests.cli.home import Home
from tests.conformance.databases import NewDatabase
from tests.conformance.test_store import a_run, an_event
from tests.store.everything import ROWS, fill


@pytest.fixture
async def full(tmp_path: Path) -> Path:
    """A store with rows in every table."""
    path = tmp_path / "full" / "hookline.db"
    await fill(path)
    return path


def nothing(_verb: str, _table: str, _rows: int, _total: int) -> None:
    """Nobody looks."""


async def copied(source: str, target: str, **options: Any) -> dict[str, TableCopied]:
    async with source_side(source, sqlite=Path()) as one, target_side(target, one, **options) as other:
        return {table.name: table for table in await copy(one, other, nothing)}


async def of_postgres(url: str, statement: str, *values: Any) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement, *values)
    finally:
        await connection.close()


async def test_every_table_of_both_stores_is_copied_by_its_key(new_database: NewDatabase, full: Path) -> None:
    url = await new_database()
    await (await PostgresStore.open(url)).close()
    keys = await of_postgres(
        url,
        "SELECT c.relname::text, array_agg(a.attname::text ORDER BY array_position(i.indkey, a.attnum)) "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) "
        "WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname",
    )
    documents = await of_postgres(
        url, "SELECT table_name::text, column_name::text FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type = 'jsonb'",
    )  # fmt: skip
    is_ours = {name for name, _key in keys if name not in NOT_COPIED and not name.startswith("pgqueuer")}
    assert is_ours == {table.name for table in TABLES}
    with contextlib.closing(sqlite3.connect(full)) as connection:
        names = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
        assert names - {"sqlite_sequence"} - NOT_COPIED == is_ours
        for table in TABLES:
            key = connection.execute(
                f"SELECT name FROM pragma_table_info('{table.name}') WHERE pk > 0 ORDER BY pk"
            )
            assert [name for (name,) in key] == list(table.key) == dict(keys)[table.name]
            assert {column for name, column in documents if name == table.name} == set(table.json)


async def test_there_and_back_every_table_is_the_same(
    new_database: NewDatabase, full: Path, tmp_path: Path
) -> None:
    first, second = await new_database(), await new_database()
    back = tmp_path / "back" / "hookline.db"
    there = await copied(f"sqlite:///{full}", first)
    assert min(table.rows for table in there.values()) >= ROWS - 1  # none was left out for want of rows
    assert await copied(first, second) == there
    assert await copied(second, f"sqlite:///{back}") == there
    for path in (full, back):  # what SQLite gives no other row
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT * FROM sqlite_sequence").fetchall() == [("own_events", ROWS)]
            assert connection.execute("SELECT max(number) FROM own_events").fetchone() == (ROWS - 1,)


async def test_what_is_due_is_due_there_and_numbers_go_on_behind_the_last(
    new_database: NewDatabase, full: Path
) -> None:
    url = await new_database()
    await copied(f"sqlite:///{full}", url)
    jobs = await of_postgres(url, "SELECT convert_from(payload, 'UTF8') FROM pgqueuer ORDER BY 1")
    store, old = await open_store(url, sqlite=Path()), await SQLiteStore.open(full)
    try:
        due = await old.due(now=2e9, limit=10)
        assert len(due) == 3  # of the five that have not ended, one waits for its slot and one has an owner
        assert await store.due(now=2e9, limit=10) == due
        assert [payload for (payload,) in jobs] == sorted(f"{job.run_id}:{job.turn}" for job in due)
        assert await store.take_over(node="another", now=2e9) == 1  # whose process is not here
        assert len(await store.due(now=2e9, limit=10)) == 4
        await store.accept(an_event(), [a_run()], {})
        ((last,),) = await of_postgres(url, "SELECT max(number) FROM runs")
        assert last == ROWS + 1
        (claimed,) = await store.claim([Job(due[0].run_id, due[0].turn)], node="another", now=2e9)
        assert claimed.event.gates[0].name == "size"
        ((next_one,),) = await of_postgres(
            url, "INSERT INTO own_events (kind, subject, at) VALUES ('x', 'y', 0) RETURNING number"
        )
        assert next_one == ROWS + 1  # the number of the one that is gone is not given again
    finally:
        await store.close()
        await old.close()


@pytest.mark.parametrize("way", ["there", "back"])
async def test_a_copy_that_was_killed_goes_on_where_it_was(
    new_database: NewDatabase, tmp_path: Path, way: str
) -> None:
    full, url = tmp_path / "full" / "hookline.db", await new_database()
    await fill(full, events=3_000)
    source, target = f"sqlite:///{full}", url
    if way == "back":
        await copied(source, url)
        source, target = url, f"sqlite:///{tmp_path}/back/hookline.db"
    home = Home(tmp_path)
    process = await home.start("store", "migrate", "--database", source, "--to", target)
    while not 0 < (rows := await _rows_so_far(target)) < 3_000:
        assert process.returncode is None
    process.kill()
    await process.communicate()
    left = await _rows_so_far(target)
    assert rows <= left < 3_000
    with pytest.raises(StoreUnavailable, match="not copied into it to the end"):
        await open_store(target, sqlite=Path())
    status, out, err = await home.process("store", "migrate", "--database", source, "--to", target, "--json")
    assert status == 0, err
    said = json.loads(out)
    assert {table["name"]: table["rows"] for table in said["tables"]}["events"] == 3_000
    await (await open_store(target, sqlite=Path())).close()


async def _rows_so_far(url: str) -> int:
    """The rows of the events that an unfinished copy has written."""
    with contextlib.suppress(sqlite3.OperationalError, asyncpg.UndefinedTableError):
        statement = f"SELECT note FROM {COPYING} WHERE name = 'events'"
        if url.startswith("sqlite"):
            path = url.removeprefix("sqlite:///")
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                notes = connection.execute(statement).fetchall()
        else:
            notes = await of_postgres(url, statement)
        await asyncio.sleep(0)
        return int(json.loads(notes[0][0])["rows"]) if notes else 0
    await asyncio.sleep(0)
    return 0


async def test_nothing_is_mixed(new_database: NewDatabase, full: Path, tmp_path: Path) -> None:
    url, other = await new_database(), tmp_path / "other.db"
    await fill(other)
    store = await open_store(url, sqlite=Path())
    await store.save_version("orders", "digest", "name: Orders", now=1.0)
    await store.close()
    with pytest.raises(HooklineError, match="has rows already"):
        await copied(f"sqlite:///{full}", url)
    with pytest.raises(HooklineError, match="has rows already"):
        await copied(f"sqlite:///{full}", f"sqlite:///{other}")
    with pytest.raises(HooklineError, match="name another database"):
        await copied(f"sqlite:///{full}", f"sqlite:///{full}")


async def test_an_unfinished_copy_is_gone_on_with_by_its_own_source_or_replaced(
    new_database: NewDatabase, full: Path, tmp_path: Path
) -> None:
    url, other = await new_database(), tmp_path / "other.db"
    await fill(other)

    def stops(_verb: str, table: str, _rows: int, _total: int) -> None:
        if table == "runs":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        async with source_side(f"sqlite:///{full}", sqlite=Path()) as one, target_side(url, one) as two:
            await copy(one, two, stops)
    with pytest.raises(HooklineError, match="unfinished copy of sqlite:"):
        await copied(f"sqlite:///{other}", url)
    there = await copied(f"sqlite:///{other}", url, anew=True)
    assert there["runs"].rows == ROWS


async def test_a_source_that_was_written_to_meanwhile_is_noticed(
    new_database: NewDatabase, full: Path
) -> None:
    url = await new_database()

    def writes(verb: str, table: str, _rows: int, _total: int) -> None:
        if (verb, table) == ("copy", "interests"):
            with contextlib.closing(sqlite3.connect(full)) as connection, connection:
                connection.execute("UPDATE runs SET title = 'another' WHERE number = 1")

    async with source_side(f"sqlite:///{full}", sqlite=Path()) as one, target_side(url, one) as two:
        with pytest.raises(HooklineError, match="differs from its source in runs"):
            await copy(one, two, writes)
    assert (await copied(f"sqlite:///{full}", url, anew=True))["runs"].rows == ROWS


async def test_no_server_may_live_on_what_is_copied(
    new_database: NewDatabase, full: Path, tmp_path: Path
) -> None:
    url, home = await new_database(), Home(tmp_path)
    lock = NodeLock(full.parent / "nodes", "node", address="http://127.0.0.1:8000")
    status, _out, err = await home.process("store", "migrate", "--data", str(full.parent), "--to", url)
    assert (status, "a server or worker runs on it at http://127.0.0.1:8000" in err) == (1, True)
    lock.release()
    status, _out, err = await home.process("store", "migrate", "--data", str(full.parent), "--to", url)
    assert status == 0, err
    store = await PostgresStore.open(url)
    await store.beat("node")
    back = f"sqlite:///{tmp_path}/back.db"
    status, _out, err = await home.process("store", "migrate", "--database", url, "--to", back)
    assert (status, "a server or worker runs on it" in err) == (1, True)
    await store.forget_node("node")
    await store.close()
    status, _out, err = await home.process("store", "migrate", "--database", url, "--to", back)
    assert status == 0, err


async def test_a_snapshot_of_postgresql_is_one_moment_while_it_is_written_to(
    new_database: NewDatabase, full: Path, tmp_path: Path
) -> None:
    url = await new_database()
    there = await copied(f"sqlite:///{full}", url)
    store = await open_store(url, sqlite=Path())
    accepting = list[asyncio.Task[Any]]()

    def accepts(_verb: str, _table: str, _rows: int, _total: int) -> None:
        place = len(accepting) + 1
        accepting.append(asyncio.create_task(store.accept(an_event(place), [a_run(place)], {})))

    try:
        path = tmp_path / "snapshot.db"
        contents = await snapshots.take(url, sqlite=Path(), into=path, progress=accepts)
        await asyncio.gather(*accepting)
    finally:
        await store.close()
    ((now,),) = await of_postgres(url, "SELECT count(*) FROM events")
    assert now == ROWS + len(accepting) > ROWS
    assert contents.rows == {name: table.rows for name, table in there.items()}
    assert contents.unended == 5

"""Backups of a PostgreSQL, and schemas of it that a newer Hookline brings further."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import asyncpg
import pytest

from runner.errors import StoreUnavailable
from runner.store.expanding import needs_of, scripts_in
from runner.store.postgres import PostgresStore
from runner.store.postgres_schema import MIGRATIONS, migrate
from tests.cli.home import Home
from tests.conformance.databases import NewDatabase
from tests.conformance.test_store import NOW, a_run, an_event
from tests.store.everything import ROWS, fill

KEY = "a key that is long enough for all of this"


async def test_a_backup_of_a_postgresql_goes_into_another_and_into_a_file(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    first, second = await new_database(), await new_database()
    full, home = tmp_path / "full.db", Home(tmp_path)
    home.workflow("hello")
    await fill(full)

    async def run(*words: str) -> str:
        status, out, err = await home.process(*words, HOOKLINE_KEY=KEY)
        assert status == 0, err
        return out

    await run("store", "migrate", "--database", f"sqlite:///{full}", "--to", first)
    said = json.loads(await run("backup", "today.tar.gz", "--database", first, "--json"))
    assert said["store"] == "postgresql"
    assert min(said["rows"].values()) >= ROWS - 1
    await run("restore", "today.tar.gz", "--database", second, "--workflows", "restored")
    await run("restore", "today.tar.gz", "--to-data", "data", "--only-database")
    assert (tmp_path / "restored" / "hello.yaml").exists()
    checksums = [
        json.loads(await run("store", "migrate", "--database", source, "--to", f"sqlite:///{path}", "--json"))
        for source, path in (
            (first, tmp_path / "one.db"),
            (second, tmp_path / "two.db"),
            (f"sqlite:///{tmp_path}/data/hookline.db", tmp_path / "three.db"),
        )
    ]
    assert checksums[0]["tables"] == checksums[1]["tables"] == checksums[2]["tables"]


@pytest.mark.parametrize(
    ("script", "is_usable"),
    [
        ("ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';", True),
        ("-- contracts since 9001\nALTER TABLE runs DROP COLUMN notes;", False),
    ],
)
async def test_an_older_hookline_serves_on_while_a_newer_one_expands_and_not_when_it_contracts(
    new_database: NewDatabase, tmp_path: Path, script: str, is_usable: bool
) -> None:
    url, newer = await new_database(), tmp_path / "newer"
    shutil.copytree(MIGRATIONS, newer)
    (newer / "9001_more.sql").write_text(script, encoding="utf-8")
    assert needs_of(scripts_in(newer)) == (0 if is_usable else len(scripts_in(newer)))
    old = await PostgresStore.open(url)
    await old.accept(an_event(1), [a_run(1)], {})
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await migrate(connection, newer)
    await connection.close()
    await old.accept(an_event(2), [a_run(2)], {})
    assert len(await old.due(now=NOW, limit=10)) == 2
    await old.close()
    if is_usable:
        again = await PostgresStore.open(url)
        assert len(await again.due(now=NOW, limit=10)) == 2
        await again.close()
    else:
        with pytest.raises(StoreUnavailable, match="newer one that wrote it"):
            await PostgresStore.open(url)

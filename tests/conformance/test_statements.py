"""Every statement of the stores, as each database takes it."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import asyncpg
import pytest

from runner.store import queries
from runner.store.queries import read
from tests.conformance.stores import PostgresGround, SQLiteGround

FILES = sorted(path.name for path in queries.HERE.glob("*.sql"))
OF_POSTGRES = ("postgres.sql", "keeping_postgres.sql")


def is_whole(text: str) -> bool:
    """Whether it runs as it stands: `{where}` is filled in for each list (test_lists.py)."""
    return "{" not in text.replace("'{", "")


@pytest.mark.parametrize("file", [file for file in FILES if file not in OF_POSTGRES])
async def test_sqlite_takes_each_statement(file: str, tmp_path: Path) -> None:
    store = await SQLiteGround(tmp_path).open()
    await store.close()
    connection = sqlite3.connect(tmp_path / "hookline.db")
    for name, statement in read(file).items():
        if not is_whole(statement):
            continue
        parameters = dict.fromkeys(re.findall(r":([a-z_]+)", statement))
        try:
            connection.execute(f"EXPLAIN {statement}", parameters)
        except sqlite3.Error as error:
            pytest.fail(f"{file}, {name}: {error}")
    connection.close()


@pytest.mark.parametrize("file", FILES)
async def test_postgresql_takes_each_statement(file: str, postgres: PostgresGround) -> None:
    connection = await asyncpg.connect(postgres.url)
    faults = []
    try:
        for name, statement in read(file).items():
            if not is_whole(statement.numbered):
                continue
            try:
                await connection.prepare(statement.numbered)
            except asyncpg.PostgresError as error:
                faults.append(f"{name}: {error}")
    finally:
        await connection.close()
    assert not faults, "\n".join(faults)

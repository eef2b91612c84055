"""Brings an SQLite file to the schema that this Hookline knows: numbered scripts, each once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import aiosqlite

from runner.store.expanding import COPYING, NEEDS_TABLE, judge, needs_of, scripts_in, unfinished

MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(connection: aiosqlite.Connection, folder: Path = MIGRATIONS) -> None:
    """
    Apply the migrations in *folder* that this database has not seen, each in a transaction of its own.
    One that a newer Hookline has brought further is taken as it is, if that took nothing away.

    Raises:
        StoreUnavailable: it needs a newer Hookline, or another database is being copied into it.
    """
    scripts = scripts_in(folder)
    if await _value(connection, "SELECT count(*) FROM sqlite_schema WHERE name = ?", COPYING):
        raise unfinished()
    while True:
        # one process migrates, the others wait here and then find the work done
        await connection.execute("BEGIN IMMEDIATE")
        done = await _value(connection, "PRAGMA user_version")
        if done >= len(scripts):
            await connection.execute("ROLLBACK")
            break
        text = scripts[done].read_text(encoding="utf-8")
        for statement in _statements(text):
            await connection.execute(statement)
        await connection.execute(f"PRAGMA user_version={done + 1}")
        await connection.execute(NEEDS_TABLE)
        await connection.execute("DELETE FROM schema_needs")
        await connection.execute("INSERT INTO schema_needs VALUES (?)", (needs_of(scripts[: done + 1]),))
        await connection.execute("COMMIT")
    judge(done, len(scripts), await _needs(connection) if done > len(scripts) else None)


async def _needs(connection: aiosqlite.Connection) -> int | None:
    if not await _value(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_needs'"):
        return None
    return await _value(connection, "SELECT max(version) FROM schema_needs")


async def _value(connection: aiosqlite.Connection, statement: str, *parameters: str) -> int:
    async with connection.execute(statement, parameters) as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _statements(text: str) -> list[str]:
    """The statements of a script, found by SQLite's own judgement of where one is complete."""
    statements, current = [], ""
    for line in text.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements

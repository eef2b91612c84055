"""Brings an SQLite file to the schema that this Hookline knows: numbered scripts, each once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import aiosqlite

from runner.errors import StoreUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(connection: aiosqlite.Connection) -> None:
    """
    Apply the migrations that this database has not seen, each in a transaction of its own.

    Raises:
        StoreUnavailable: the database was written by a newer Hookline.
    """
    scripts = sorted(MIGRATIONS.glob("[0-9]*.sql"))
    while True:
        # one process migrates, the others wait here and then find the work done
        await connection.execute("BEGIN IMMEDIATE")
        async with connection.execute("PRAGMA user_version") as cursor:
            row = await cursor.fetchone()
        done = int(row[0]) if row else 0
        if done >= len(scripts):
            await connection.execute("ROLLBACK")
            break
        text = scripts[done].read_text(encoding="utf-8")
        for statement in _statements(text):
            await connection.execute(statement)
        await connection.execute(f"PRAGMA user_version={done + 1}")
        await connection.execute("COMMIT")
    if done > len(scripts):
        raise StoreUnavailable(
            f"it is at schema {done}, this Hookline knows {len(scripts)}; use the newer one that wrote it"
        )


def _statements(text: str) -> list[str]:
    """The statements of a script, found by SQLite's own judgement of where one is complete."""
    statements, current = [], ""
    for line in text.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements

"""
Which store a test's engine has: a file in its folder, or, while a server is set, a database of its own
on a real PostgreSQL, the same for whoever opens the same folder again.

Databases are made once and emptied after a test: making and dropping one costs a hundred times as much.
"""

from __future__ import annotations

import os
from pathlib import Path

import asyncpg

from runner.store.postgres_schema import migrate
from tests.servers.postgres import PostgresServer

RESTARTED = """
SELECT setval(format('%I', sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE schemaname = 'public'
"""
KEPT = frozenset({"schema_version", "schema_needs", "live_size"})
FIRST = (
    "records",
    "answers",
    "calls",
    "runs",
    "file_uses",
    "tokens",
)  # what refers to others goes before them


class Databases:
    """The databases of the tests of this process; `server` None: engines have files."""

    server: PostgresServer | None = None
    used: dict[Path, str] = {}  # noqa: RUF012 - there is one test at a time
    free: list[str] = []  # noqa: RUF012 - as above
    made = 0


async def database_of(folder: Path) -> str:
    """The URL of the store of *folder*; empty where that is a file in it."""
    server = Databases.server
    if server is None:
        return ""
    if folder not in Databases.used:
        Databases.used[folder] = Databases.free.pop() if Databases.free else await _made(server)
    return server.database(Databases.used[folder])


async def empty_all() -> None:
    """Let the databases of a test that has ended be used again."""
    assert Databases.server
    for name in Databases.used.values():
        connection = await asyncpg.connect(Databases.server.database(name))
        try:
            rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            tables = [row[0] for row in rows if row[0] not in KEPT]
            tables.sort(key=lambda table: FIRST.index(table) if table in FIRST else len(FIRST))
            await connection.execute("; ".join(f"DELETE FROM {table}" for table in tables))
            await connection.execute("UPDATE live_size SET used_bytes = 0, measured_at = 0")
            await connection.execute(RESTARTED)
        finally:
            await connection.close()
    Databases.free += Databases.used.values()
    Databases.used.clear()


async def drop_all() -> None:
    """Leave nothing behind on a server that is not ours."""
    assert Databases.server
    names = [*Databases.free, *Databases.used.values()]
    await Databases.server.execute(*(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in names))
    Databases.free.clear()


async def _made(server: PostgresServer) -> str:
    Databases.made += 1
    name = f"hookline_engine_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{Databases.made}"
    await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    connection = await asyncpg.connect(server.database(name))
    try:
        async with connection.transaction():
            await migrate(connection)
    finally:
        await connection.close()
    return name

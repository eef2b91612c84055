"""
Which store a test has: a file in its folder, or, while a server is set, a database of its own
on a real PostgreSQL, the same for whoever opens the same folder again.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import asyncpg

from runner.store.postgres_schema import migrate
from tests.servers.postgres import PostgresServer

TEMPLATE = f"hookline_template_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"


class Databases:
    """The databases of one test; `server` None: its engines have files."""

    server: PostgresServer | None = None
    made: set[str] = set()  # noqa: RUF012 - there is one at a time


async def database_of(folder: Path) -> str:
    """The URL of the store of *folder*; empty where that is a file in it."""
    server = Databases.server
    if server is None:
        return ""
    name = f"engine_{hashlib.sha256(str(folder).encode()).hexdigest()[:20]}"
    if name not in Databases.made:
        await _prepare(server)
        await server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        Databases.made.add(name)
    return server.database(name)


async def drop_all() -> None:
    """Forget the databases of a test that has ended."""
    assert Databases.server
    drops = [f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in Databases.made]
    await Databases.server.execute(*drops)
    Databases.made.clear()


async def _prepare(server: PostgresServer) -> None:
    """The template, with all tables: a tenth of the time of making them anew."""
    if server.is_prepared:
        return
    await server.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)", f"CREATE DATABASE {TEMPLATE}")
    connection = await asyncpg.connect(server.database(TEMPLATE))
    try:
        async with connection.transaction():
            await migrate(connection)
    finally:
        await connection.close()
    server.is_prepared = True

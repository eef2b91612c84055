from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from runner.store.postgres_schema import migrate
from tests.conformance.databases import NewDatabase, new_databases
from tests.conformance.stores import AnyStore, Ground, PostgresGround, SQLiteGround
from tests.servers.postgres import PostgresServer, postgres_server

EMPTIED = """
DELETE FROM records; DELETE FROM runs; DELETE FROM file_uses; DELETE FROM files; DELETE FROM events;
DELETE FROM deliveries; DELETE FROM pauses; DELETE FROM nodes; DELETE FROM versions; DELETE FROM addresses;
DELETE FROM rejected_let_go; DELETE FROM sealed; DELETE FROM pgqueuer; DELETE FROM pgqueuer_log;
DELETE FROM problems; DELETE FROM notices; UPDATE live_size SET used_bytes = 0, measured_at = 0;
"""


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests of this process."""
    with postgres_server() as one:
        yield one


@pytest.fixture
async def new_database(server: PostgresServer, worker_id: str) -> AsyncIterator[NewDatabase]:
    """Makes databases without a table."""
    async with new_databases(server, worker_id) as make:
        yield make


@pytest.fixture
async def postgres(server: PostgresServer, worker_id: str) -> PostgresGround:
    """A database without a row. It is made once and emptied after: a tenth of the time of a new one."""
    name = f"hookline_test_{worker_id}"
    if not server.is_prepared:
        await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    connection = await asyncpg.connect(server.database(name))
    try:
        if not server.is_prepared:
            async with connection.transaction():
                await migrate(connection)
            server.is_prepared = True
        await connection.execute(EMPTIED)
    finally:
        await connection.close()
    return PostgresGround(server.database(name))


@pytest.fixture(params=["sqlite", "postgres"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    """Each store in turn."""
    if request.param == "sqlite":
        return SQLiteGround(tmp_path)
    found: PostgresGround = request.getfixturevalue("postgres")
    return found


@pytest.fixture
async def store(ground: Ground) -> AsyncIterator[AnyStore]:
    one = await ground.open()
    yield one
    await one.close()

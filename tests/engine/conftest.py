from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.engine.databases import Databases, drop_all
from tests.servers.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def database_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests of this process that want one."""
    with postgres_server() as one:
        yield one


@pytest.fixture(autouse=True)  # before any other opens an engine
def which_store(request: pytest.FixtureRequest) -> Iterator[str]:
    """The store of the engines that the test opens."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield "sqlite"
        return
    Databases.server = request.getfixturevalue("database_server")
    try:
        yield "postgres"
        asyncio.run(drop_all())
    finally:
        Databases.server = None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of modules that are marked `both_stores` run on each, but those that are about one."""
    if metafunc.definition.get_closest_marker("of_sqlite"):
        return
    if metafunc.definition.get_closest_marker("both_stores"):
        metafunc.parametrize("which_store", ["sqlite", "postgres"], indirect=True)

"""
What holds for all tests. Hypothesis has no limit of time for one example: a busy machine is no fault; a test
that hangs is ended by pytest's own limit. And nobody beside a test's own authorities is trusted: no test goes
out to the internet, and reading the system's certificates takes longer than most tests. Files lie in memory
where there is room: no test is about a flush that the disk refuses, and much of the time was waiting for it.

A test of `both_stores` runs twice: whatever opens a store in its folder (`tests/engine/databases.py`) gets a
file the first time, and a database on a real PostgreSQL the second.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.engine.databases import Databases, drop_all, empty_all
from tests.servers.postgres import PostgresServer, postgres_server

MEMORY = Path("/dev/shm")
ROOM_BYTES = (
    6 << 30
)  # all files of a whole run take less than one gigabyte; a container often has 64 MiB there

settings.register_profile("hookline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hookline")
os.environ["SSL_CERT_FILE"] = os.devnull
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_BYTES:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@pytest.fixture(scope="session")
def database_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests of this process that want one."""
    with postgres_server() as one:
        yield one
        if one.process is None:
            Databases.server = one
            asyncio.run(drop_all())


@pytest.fixture(autouse=True)  # before any other opens a store
def which_store(request: pytest.FixtureRequest) -> Iterator[str]:
    """The store of what the test opens."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield "sqlite"
        return
    Databases.server = request.getfixturevalue("database_server")
    try:
        yield "postgres"
        asyncio.run(empty_all())
    finally:
        Databases.server = None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of modules that are marked `both_stores` run on each, but those that are about one."""
    if metafunc.definition.get_closest_marker("of_sqlite"):
        return
    if metafunc.definition.get_closest_marker("both_stores"):
        metafunc.parametrize("which_store", ["sqlite", "postgres"], indirect=True)

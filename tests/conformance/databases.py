"""Empty PostgreSQL databases, for tests that need more than one."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from tests.servers.postgres import PostgresServer

NewDatabase: TypeAlias = Callable[[], Awaitable[str]]  # its URL


@asynccontextmanager
async def new_databases(server: PostgresServer, worker_id: str) -> AsyncIterator[NewDatabase]:
    """What makes empty databases; they are dropped afterwards."""
    count, made = itertools.count(), list[str]()

    async def make() -> str:
        name = f"hookline_copy_{worker_id}_{next(count)}"
        made.append(name)
        await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
        return server.database(name)

    try:
        yield make
    finally:
        await server.execute(*(f"DROP DATABASE {name} WITH (FORCE)" for name in made))

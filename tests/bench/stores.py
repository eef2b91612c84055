"""The processes over one store that the benchmark of PostgreSQL sets beside each other."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.bench.servers import Process, cpu_seconds, server, worker
from tests.bench.stage import KEY, Stage
from tests.servers.postgres import PostgresServer

EVERYTHING = 10**7  # a backlog that no load here fills
BY_STATUS = "SELECT status, count(*) FROM runs GROUP BY status"


@dataclass(frozen=True, slots=True)
class Contender:
    """Processes over one store; `workers` stand beside a `serve` that then executes nothing."""

    name: str
    on_postgres: bool = True
    workers: int = 0
    executes: bool = True


@dataclass(frozen=True, slots=True)
class House:
    """The processes of a contender while they run, and what their store says to a query."""

    name: str
    address: str
    nodes: list[Process]
    rows: Callable[[str], list[Any]]
    database: PostgresServer | None

    def cpu(self) -> float:
        """Processor seconds of the nodes so far."""
        return sum(node.cpu_seconds() for node in self.nodes)

    def cpu_of_database(self) -> float:
        """Processor seconds of PostgreSQL so far; 0 where there is none, or it is not ours to look at."""
        process = self.database.process if self.database else None
        return cpu_seconds(process.pid) if process else 0.0

    def memory_mib(self) -> float:
        """Resident memory of the nodes now."""
        return sum(node.memory_mib() for node in self.nodes)

    def runs(self) -> dict[str, int]:
        """How many runs there are by status."""
        return dict(self.rows(BY_STATUS))


@contextlib.contextmanager
def open_house(stage: Stage, database: PostgresServer, contender: Contender) -> Iterator[House]:
    """*contender* over a store of its own, which is gone afterwards."""
    with stage.data() as data, contextlib.ExitStack() as stack:
        environment = {**KEY, "HOOKLINE_LIMITS_BACKLOG": str(EVERYTHING)}
        if contender.on_postgres:
            url = stack.enter_context(_new_database(database))
            environment["HOOKLINE_STORE_URL"] = url
        words = ["--no-execute"] if contender.workers or not contender.executes else []
        process, address = server(data, *words, environment=environment)
        stack.callback(process.stop)
        nodes = [process]
        for number in range(contender.workers):
            nodes.append(worker(data / f"worker-{number}", environment=environment))
            stack.callback(nodes[-1].stop)

        def rows(query: str) -> list[Any]:
            return _fetched(url, query) if contender.on_postgres else _read(data, query)

        yield House(contender.name, address, nodes, rows, database if contender.on_postgres else None)


@contextlib.contextmanager
def _new_database(server: PostgresServer) -> Iterator[str]:
    """The URL of a database without tables."""
    name = f"bench_{secrets.token_hex(4)}"
    asyncio.run(server.execute(f"CREATE DATABASE {name}"))
    try:
        yield server.database(name)
    finally:
        asyncio.run(server.execute(f"DROP DATABASE {name} WITH (FORCE)"))


def _fetched(url: str, query: str) -> list[Any]:
    async def fetch() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


def _read(data: Path, query: str) -> list[Any]:
    file = data / "data" / "hookline.db"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
        return store.execute(query).fetchall()

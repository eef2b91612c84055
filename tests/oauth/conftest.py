from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import connectors
from runner.cli.safe import HeldSafe
from runner.engine.calls import call, prepare
from runner.engine.connecting import CALLBACK, Connections
from runner.engine.places import Destinations
from runner.engine.tokens import Keeper
from runner.engine.turn import Tools
from runner.evaluator.pool import EvaluatorPool
from runner.outbound import Outbound
from runner.store.sqlite import SQLiteStore
from runner.vault import Vault
from tests.servers.authorization_server import CLIENT, SECRET, Auth

HERE = "http://hookline.test"


@dataclass
class Clock:
    """A time that a test moves."""

    now: float = 1_770_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Process:
    """One process on the store: its vault, its keeper, its calls."""

    vault: Vault
    tools: Tools
    connections: Connections
    keeper: Keeper
    calls: int = field(default=0)

    async def get(self, url: str, connection: str = "crm", **inputs: Any) -> Any:
        """`http.request` over the connection, as a step makes it."""
        self.calls += 1
        prepared = prepare(
            self.tools, "http.request", connection, {"url": url, **inputs},
            key=f"evt.{self.calls}", timeout_seconds=10, readable=frozenset(),
        )  # fmt: skip
        return (await call(self.tools, prepared)).output


@asynccontextmanager
async def opened(store: SQLiteStore, clock: Clock) -> AsyncIterator[Process]:
    """Another process on *store*."""
    vault = Vault(store, b"k" * 32, {}, models=connectors.connection_model)
    await vault.load()
    outbound = Outbound(allow=["127.0.0.0/8"])
    destinations = Destinations(limit=100, clock=clock)
    keeper = Keeper(vault, outbound, destinations, clock)
    tools = Tools(
        store=store, outbound=outbound, evaluator=EvaluatorPool(), safe=HeldSafe(vault),
        action=connectors.action, clock=clock, jitter=lambda: 0.0,
        on_answer=lambda _run, _answer: None, destinations=destinations, keeper=keeper,
    )  # fmt: skip
    try:
        yield Process(vault, tools, Connections(vault, tools, connectors.chooser, HERE), keeper)
    finally:
        await keeper.close()
        await outbound.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def auth(clock: Clock) -> AsyncIterator[Auth]:
    async with Auth(clock, HERE + CALLBACK) as one:
        yield one


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    one = await SQLiteStore.open(tmp_path / "data" / "hookline.db")
    yield one
    await one.close()


@pytest.fixture
async def here(store: SQLiteStore, clock: Clock) -> AsyncIterator[Process]:
    async with opened(store, clock) as one:
        yield one


def fields_of(auth: Auth, **more: Any) -> dict[str, Any]:
    """A connection to *auth* by a person's consent, unless *more* says otherwise."""
    return {
        "kind": "oauth2",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "authorize_url": f"{auth.url}/authorize",
        "token_url": f"{auth.url}/token",
        "api_url": f"{auth.url}/api",
        "scope": "read",
        **more,
    }

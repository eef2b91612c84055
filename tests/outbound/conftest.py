from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from runner.connector import Connection, Http
from runner.outbound import Outbound
from tests.servers.http_sink import HttpSink

Client = Callable[..., Http]


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with HttpSink() as one:
        yield one


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    """A way out that may reach 127.0.0.0/8 and reads answers of at most 100,000 bytes."""
    one = Outbound(allow=["127.0.0.0/8"], max_reply_bytes=100_000)
    yield one
    await one.close()


@pytest.fixture
def client(outbound: Outbound) -> Client:
    def make(
        connection: Connection | None = None,
        idempotency_key: str | None = "evt1.step",
        timeout_seconds: float = 10,
    ) -> Http:
        return outbound.for_call(
            connection=connection, idempotency_key=idempotency_key, timeout_seconds=timeout_seconds
        )

    return make

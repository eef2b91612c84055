from __future__ import annotations

from dataclasses import replace

import pytest

from runner.store.sqlite import SQLiteStore
from tests.api.house import World
from web.app import make_app

pytestmark = pytest.mark.both_stores


async def test_a_server_that_answers_is_alive(world: World) -> None:
    answer = await world.app.test_client().get("/healthz")
    assert answer.status_code == 200
    assert await answer.get_json() == {"status": "alive"}


async def test_a_server_that_can_take_events_is_ready(world: World) -> None:
    answer = await world.app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert await answer.get_json() == {"status": "ready", "checks": {"store": "ok", "backlog": "ok"}}


async def test_a_full_backlog_is_not_ready(world: World) -> None:
    app = make_app(replace(world.house, backlog_limit=0))
    answer = await app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert (await answer.get_json())["checks"] == {"store": "ok", "backlog": "full"}


@pytest.mark.of_sqlite
async def test_a_store_that_cannot_write_is_not_ready_but_alive(world: World) -> None:
    assert isinstance(world.store, SQLiteStore)
    await world.store._writing.close()
    client = world.app.test_client()
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert (await answer.get_json())["checks"] == {"store": "unreachable", "backlog": "ok"}
    assert (await client.get("/healthz")).status_code == 200

"""`/healthz`: this process answers. `/readyz`: it can take events. Neither asks who is there."""

from __future__ import annotations

import asyncio
from functools import partial

from quart import Quart, Response

from runner.errors import StoreUnavailable
from runner.values import dumps
from web.house import House

PING_SECONDS = 2.0  # a store that needs longer is as good as gone: whoever balances load should know


def add_health(app: Quart, house: House) -> None:
    """Answer machines' checks."""
    app.add_url_rule("/healthz", "healthz", _alive)
    app.add_url_rule("/readyz", "readyz", partial(_ready, house))


async def _alive() -> Response:
    return Response('{"status":"alive"}', content_type="application/json")


async def _ready(house: House) -> Response:
    checks = {"store": await _store(house), "backlog": _backlog(house)}
    is_ready = all(found == "ok" for found in checks.values())
    body = {"status": "ready" if is_ready else "unready", "checks": checks}
    return Response(dumps(body), 200 if is_ready else 503, content_type="application/json")


async def _store(house: House) -> str:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await house.ping()
    except (StoreUnavailable, TimeoutError):
        return "unreachable"
    return "ok"


def _backlog(house: House) -> str:
    return "ok" if house.store.backlog < house.backlog_limit else "full"

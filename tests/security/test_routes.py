"""
Every route of the pages and the API, and what nobody, a viewer, a viewer who may run, an editor and an admin
get of it. The golden file is for people: whoever adds a route sees there who may use it.
UPDATE_GOLDEN=1 writes it anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal

import pytest
from quart import Quart

from runner.engine.people import Right
from tests.api.house import FROM_HERE, WORKFLOW, World, open_world
from web.auth import PUBLIC, RANK, RIGHTS_OF

GOLDEN = Path(__file__).parent / "golden" / "routes.txt"
Visitor = Literal["nobody", "viewer", "run", "editor", "admin"]
VISITORS: tuple[Visitor, ...] = ("nobody", "viewer", "run", "editor", "admin")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path, workflows={"orders": WORKFLOW}) as one:
        yield one


def _routes(app: Quart) -> Iterator[tuple[str, str, str]]:
    """Method, rule and endpoint of each."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule.rule, rule.endpoint


def _right(app: Quart, endpoint: str) -> Right | None:
    """What it asks for by the tables; None: anyone may."""
    rights: dict[str, Right] = app.extensions[RIGHTS_OF]
    return None if endpoint in PUBLIC else rights.get(endpoint, "admin")


async def test_each_route_lets_in_whom_its_table_names_and_nobody_else(world: World) -> None:
    headers = {one: {} if one == "nobody" else await world.token(one) for one in VISITORS}
    wrong = []
    for method, rule, endpoint in _routes(world.app):
        right = _right(world.app, endpoint)
        for visitor in VISITORS:
            status, location = await _asked(world.app, method, rule, {**FROM_HERE, **headers[visitor]})
            got = _outcome(status, location)
            if got not in _expected(rule, right, visitor):
                wrong.append(f"{method} {rule} as {visitor}: {status} {location}")
    assert wrong == []


async def test_the_list_of_routes_is_the_one_that_was_looked_at(world: World) -> None:
    found = sorted(
        f"{rule:55} {method:7} {_right(world.app, endpoint) or 'anyone'}"
        for method, rule, endpoint in _routes(world.app)
    )
    text = "\n".join(found) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


async def test_every_name_in_the_tables_is_a_route(world: World) -> None:
    """A misspelt endpoint would be one for admins, and what was meant would be open to nobody."""
    endpoints = {endpoint for _method, _rule, endpoint in _routes(world.app)}
    assert endpoints >= PUBLIC
    assert world.app.extensions[RIGHTS_OF].keys() <= endpoints
    assert endpoints <= world.app.extensions[RIGHTS_OF].keys() | PUBLIC


async def _asked(app: Quart, method: str, rule: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and Location of the answer; what goes on for ever is left after its beginning."""
    path = re.sub("<(?:[a-z]+:)?[a-z_]+>", "x", rule)
    async with app.test_client().request(path, method=method, headers=headers) as connection:
        await connection.send_complete()
        await connection.receive()
        await connection.disconnect()
        answer = await connection.as_response()
    return answer.status_code, answer.headers.get("Location", "")


def _outcome(status: int, location: str) -> str:
    if status in (303, 307) and location.startswith("/signin"):
        return "sign in"
    return {401: "401", 403: "403"}.get(status, "in")


def _expected(rule: str, right: Right | None, visitor: Visitor) -> set[str]:
    if rule == "/signout":
        return {"sign in"}  # it leads there
    if right is None:
        return {"in", "403"}  # a link that nobody was given is no link
    if visitor == "nobody":
        return {"401"} if rule.startswith("/api/") or rule == "/metrics" else {"sign in"}
    return {"in"} if RANK[visitor] >= RANK[right] else {"403"}

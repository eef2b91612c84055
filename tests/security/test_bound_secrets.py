"""A secret that names its hosts goes nowhere else, and what is rotated holds from the next step on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.engine.world import Outside, World, opened
from tests.servers.http_sink import HttpSink, Received

SECRET = "s3cr3t-of-example"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside(), has_vault=True) as one:
        yield one


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with HttpSink() as one:
        yield one


def asks(url: str, **inputs: str) -> str:
    given = "".join(f"      {name}: {value}\n" for name, value in inputs.items())
    return f"retry: false\nsteps:\n  - action: http.request\n    with:\n      url: '{url}'\n{given}"


async def reason(world: World, text: str) -> Any:
    await world.workflow("one", text)
    end = await world.ran("one", {})
    return end.status, end.reason.sentence if end.reason else ""


PLACES = {
    "header": {"headers": "{X-Key: '{{ secrets.KEY }}'}"},
    "body": {"method": "POST", "json": "{key: 'a{{ secrets.KEY }}b'}"},
    "query": {"query": "{key: '{{ secrets.KEY }}'}"},
}


@pytest.mark.parametrize("place", PLACES)
async def test_it_is_not_sent_to_another_host(world: World, sink: HttpSink, place: str) -> None:
    await world.vault.set_secret("KEY", SECRET, hosts=["api.example.com", "*.example.org"])

    status, sentence = await reason(world, asks(f"{sink.url}/", **PLACES[place]))

    assert status == "failed"
    assert "the secret KEY may go to api.example.com, *.example.org only, not to 127.0.0.1" in sentence
    assert "hookline secrets set KEY --host" in sentence
    assert sink.requests == []


@pytest.mark.parametrize("place", PLACES)
async def test_it_is_sent_to_its_own(world: World, sink: HttpSink, place: str) -> None:
    await world.vault.set_secret("KEY", SECRET, hosts=["127.0.0.1"])

    assert (await reason(world, asks(f"{sink.url}/", **PLACES[place])))[0] == "succeeded"

    assert len(sink.requests) == 1


async def test_no_redirect_takes_it_elsewhere(world: World, sink: HttpSink) -> None:
    """The same machine by another name is another host."""
    await world.vault.set_secret("KEY", SECRET, hosts=["127.0.0.1"])
    async with HttpSink(host="127.0.0.2") as other:
        sink.reply(307, headers={"Location": f"http://127.0.0.2:{other.port}/"})

        status, sentence = await reason(world, asks(f"{sink.url}/", **PLACES["body"]))

        assert (status, other.requests) == ("failed", [])
        assert "not to 127.0.0.2" in sentence


async def test_what_is_only_computed_with_it_is_not_bound(world: World, sink: HttpSink) -> None:
    await world.vault.set_secret("KEY", SECRET, hosts=["api.example.com"])
    signed = "{X-Signature: \"{{ hmac_sha256('text', secrets.KEY) }}\"}"

    assert (await reason(world, asks(f"{sink.url}/", headers=signed)))[0] == "succeeded"


async def test_another_secret_is_not_bound_by_it(world: World, sink: HttpSink) -> None:
    await world.vault.set_secret("KEY", SECRET, hosts=["api.example.com"])
    await world.vault.set_secret("OTHER", "another one")

    assert (await reason(world, asks(f"{sink.url}/", headers="{X: '{{ secrets.OTHER }}'}")))[0] == "succeeded"


async def test_a_rotated_connection_holds_from_the_next_step_on(world: World, sink: HttpSink) -> None:
    fields = {"kind": "bearer", "api_url": sink.url}
    await world.vault.set_connection("crm", {**fields, "token": "the-first-one"})

    async def rotate(_received: Received) -> web.Response:
        await world.vault.set_connection("crm", {**fields, "token": "the-second-one"})
        return web.json_response({})

    sink.handler = rotate
    step = "  - {action: http.request, connection: crm, with: {url: /orders}}\n"
    status, _sentence = await reason(world, f"steps:\n{step}{step}")

    assert status == "succeeded"
    assert [one.headers["authorization"] for one in sink.requests] == [
        "Bearer the-first-one",
        "Bearer the-second-one",
    ]
    assert {"the-first-one", "the-second-one"} <= world.vault.secret_values()


async def test_a_rotated_secret_holds_from_the_next_step_on(world: World, sink: HttpSink) -> None:
    await world.vault.set_secret("KEY", "the-first-one")

    async def rotate(_received: Received) -> web.Response:
        await world.vault.set_secret("KEY", "the-second-one")
        return web.json_response({})

    sink.handler = rotate
    step = "  - {action: http.request, with: {url: 'URL', headers: {X: '{{ secrets.KEY }}'}}}\n"
    assert (await reason(world, f"steps:\n{step}{step}".replace("URL", sink.url)))[0] == "succeeded"

    assert [one.headers["x"] for one in sink.requests] == ["the-first-one", "the-second-one"]


async def test_a_call_that_began_with_the_former_value_hides_it_too(world: World, sink: HttpSink) -> None:
    await world.vault.set_secret("KEY", "the-first-one")
    asked, go = asyncio.Event(), asyncio.Event()

    async def echo(received: Received) -> web.Response:
        asked.set()
        await go.wait()
        return web.json_response({"error": received.headers["x"]}, status=400)

    sink.handler = echo
    await world.workflow("one", asks(sink.url, headers="{X: '{{ secrets.KEY }}'}"))
    accepted = await world.send("one", {})
    await asked.wait()
    await world.vault.set_secret("KEY", "the-second-one")
    go.set()
    end = await world.turned(accepted.run_id)

    assert end.reason is not None
    assert "the-first-one" not in end.reason.sentence
    assert "•••" in end.reason.sentence

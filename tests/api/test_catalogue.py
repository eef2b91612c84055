"""The reference in one answer, and how large answers are packed."""

from __future__ import annotations

import gzip

import brotli

from runner.language.filters_reference import FILTERS_ABOUT
from runner.language.functions import FUNCTIONS
from runner.language.keys import STEP_KINDS
from runner.language.template_filters import FILTERS
from runner.values import loads
from tests.api.house import World

ADDRESS = "/api/v1/catalogue"


async def test_it_holds_what_an_editor_needs(world: World) -> None:
    found = await world.get(ADDRESS)
    assert {one["name"] for one in found["kinds"]} == set(STEP_KINDS)
    assert all(one["sentence"] for one in found["kinds"])
    assert {one["name"] for one in found["functions"]} == set(FUNCTIONS)
    shopify = next(one for one in found["providers"] if one["name"] == "shopify")
    assert len(shopify["setup"]) > 1
    assert shopify["secrets"] == ["SHOPIFY_SECRET"]
    assert "orders/create" in shopify["types"]
    assert found["faults"]["unknown-action"]


def test_every_filter_has_its_sentence() -> None:
    assert set(FILTERS) == {*FILTERS_ABOUT, *FUNCTIONS}


async def test_what_did_not_change_is_not_sent_again(world: World) -> None:
    client, headers = world.app.test_client(), await world.token("viewer")
    first = await client.get(ADDRESS, headers=headers)
    assert "no-store" not in first.headers["Cache-Control"]
    again = await client.get(ADDRESS, headers={**headers, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, await again.get_data()) == (304, b"")
    other = await client.get(ADDRESS, headers={**headers, "If-None-Match": '"another"'})
    assert other.status_code == 200


async def test_it_is_packed_as_the_asker_takes_it(world: World) -> None:
    client, headers = world.app.test_client(), await world.token("viewer")
    plain = await (await client.get(ADDRESS, headers=headers)).get_data(as_text=False)
    for way, unpack in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        answer = await client.get(ADDRESS, headers={**headers, "Accept-Encoding": way})
        packed = await answer.get_data(as_text=False)
        assert answer.headers["Content-Encoding"] == way
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert len(packed) < len(plain) / 4
        assert loads(unpack(packed)) == loads(plain)
        mark = answer.headers["ETag"]
        again = await client.get(ADDRESS, headers={**headers, "Accept-Encoding": way, "If-None-Match": mark})
        assert again.status_code == 304
    refused = await client.get(ADDRESS, headers={**headers, "Accept-Encoding": "br;q=0"})
    assert "Content-Encoding" not in refused.headers


async def test_what_may_hold_a_secret_is_never_packed(world: World) -> None:
    client, headers = world.app.test_client(), await world.token("admin")
    for path in ("/api/v1/workflows", "/api/v1/openapi.json", "/"):
        answer = await client.get(path, headers={**headers, "Accept-Encoding": "br, gzip"})
        assert "Content-Encoding" not in answer.headers


async def test_files_of_ours_are_packed(world: World) -> None:
    answer = await world.app.test_client().get("/static/style.css", headers={"Accept-Encoding": "br"})
    assert answer.headers["Content-Encoding"] == "br"
    assert b"--accent" in brotli.decompress(await answer.get_data())

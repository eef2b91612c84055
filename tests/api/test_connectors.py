"""Connectors from OpenAPI documents by the API: who may, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from runner.cli.making import make, shown
from runner.openapi import Wanted
from runner.values import Json
from tests.api.house import World
from tests.api.schema_check import differences
from web.api.routes import PREFIX
from web.app import make_app

PATH = f"{PREFIX}/connectors/from-openapi"
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Small API", "version": "1"},
    "servers": [{"url": "https://small.example"}],
    "paths": {"/things": {"get": {"operationId": "listThings", "tags": ["Things"]}, "trace": {}}},
}


@pytest.fixture
def making(world: World) -> World:
    """The same house, which makes connectors in its folder."""

    async def make_connector(document: str | None, wanted: Mapping[str, Json]) -> Json:
        given = {"replace": False, **wanted}
        replaces = given.pop("replace")
        content = (document or "").encode()
        return shown(*await make(content, Wanted(**given), world.folder, replace=replaces))

    world.house = replace(world.house, make_connector=make_connector)
    world.app = make_app(world.house)
    return world


async def test_a_document_becomes_a_file_and_the_deed_is_written_down(making: World) -> None:
    answer = await making.post(PATH, {"document": DOCUMENT}, role="admin")

    assert answer["name"] == "small_api"
    assert answer["actions"] == ["small_api.list_things"]
    assert answer["not_converted"][0]["operation"] == "TRACE /things"
    assert (making.folder / "connectors" / "small_api.yaml").read_text().startswith("# A connector")
    document = await making.get(f"{PREFIX}/openapi.json")
    schema = document["paths"]["/connectors/from-openapi"]["post"]["responses"]["200"]
    assert differences(answer, schema["content"]["application/json"]["schema"], document) == []
    deeds = (await making.get(f"{PREFIX}/audit", role="admin"))["items"]
    assert ("made", "connector", "small_api") in [(one["verb"], one["kind"], one["name"]) for one in deeds]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "Give `document`"),
        ({"document": DOCUMENT, "address": "https://x.example"}, 422, "Give `document`"),
        ({"document": 5}, 400, "must be an object or a text"),
        ({"document": "openapi: ["}, 422, "neither JSON nor YAML"),
        ({"document": DOCUMENT, "name": "slack"}, 422, "is a connector of Hookline itself"),
        ({"document": DOCUMENT, "name": "../x"}, 422, "cannot name a connector"),
        ({"document": DOCUMENT, "only": ["nope"]}, 422, "no operation"),
        ({"document": DOCUMENT, "tags": [1]}, 400, "each must be a text"),
    ],
)
async def test_what_is_refused(making: World, body: Json, status: int, says: str) -> None:
    answer = await making.post(PATH, body, role="admin", status=status)
    assert says in answer["detail"]
    assert not (making.folder / "connectors").exists()


async def test_it_is_for_admins_and_twice_it_is_said(making: World) -> None:
    await making.post(PATH, {"document": DOCUMENT}, role="editor", status=403)
    await making.post(PATH, {"document": DOCUMENT}, role="admin")
    answer = await making.post(PATH, {"document": DOCUMENT}, role="admin", status=422)
    assert "is there already" in answer["detail"]
    await making.post(PATH, {"document": DOCUMENT, "replace": True}, role="admin")


async def test_a_process_that_makes_none_says_so(world: World) -> None:
    await world.post(PATH, {"document": DOCUMENT}, role="admin", status=503)

"""What is said of bodies that had to be guessed, and bodies packed with Brotli, through the door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import brotli
import pytest

from runner.engine.history import Wanted
from tests.engine.world import Outside, World, opened
from tests.receiving.test_hooks import NOTE, Client, hook


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as one:
        yield one


async def test_what_had_to_be_guessed_stands_in_the_gates_and_beside_the_payload(world: World) -> None:
    path = await hook(world, NOTE)
    said = await Client(world)(path, b"caf\xe9", content_type="text/plain")
    assert said
    assert said.status == 200
    event = await world.history.event(said.json()["event"])
    (gate,) = (one for one in event["gates"] if one["name"] == "body")
    assert (gate["verdict"], gate["reason"]) == ("passed", event["notes"][0])
    assert "windows-1252" in gate["reason"]
    assert event["payload"] == "café"
    assert event["reason"] is None


async def test_repeated_keys_are_noted_for_those_who_look_and_cost_the_sender_nothing(world: World) -> None:
    path = await hook(world, NOTE)
    said = await Client(world)(path, b'{"id": 1, "id": 2}')
    assert said
    event = await world.history.event(said.json()["event"])
    assert [gate["name"] for gate in event["gates"]] == ["received", "signature"]
    assert event["payload"] == {"id": 2}
    assert event["notes"] == ['the key "id" stands more than once in an object: the last value counts']
    (listed,) = (await world.history.events(Wanted())).items
    assert "notes" not in listed


async def test_a_body_packed_with_brotli_is_read_and_a_bomb_is_not(world: World) -> None:
    path = await hook(world, NOTE)
    packed = brotli.compress(b'{"id": 1}')
    said = await Client(world)(path, packed, headers={"Content-Encoding": "br"})
    assert said
    event = await world.history.event(said.json()["event"])
    assert (event["payload"], event["size"]) == ({"id": 1}, len(packed))
    bomb = brotli.compress(bytes(20 << 20), quality=5)
    refused = await Client(world)(path, bomb, headers={"Content-Encoding": "br"})
    assert refused
    assert refused.status == 413
    (kept,) = (await world.history.events(Wanted(status="rejected"))).items
    assert "1,048,576" in kept["reason"]
    assert "1,048,576" in (await world.history.event(kept["id"]))["unreadable"]  # nor when it is looked at

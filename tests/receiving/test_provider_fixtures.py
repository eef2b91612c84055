"""
Payloads as the providers really send them, signed by us, through the way in: each arrives at its
workflow with the type and the delivery id that its provider's page names.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from runner.engine.examining import Examiner
from runner.inbound.request import Request
from tests.engine.world import Outside, World, opened
from tests.receiving.documented import DOCUMENTED, Sent
from tests.receiving.provider_senders import NOW, Published, sender
from tests.receiving.test_hooks import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAYLOADS = Path(__file__).parents[3] / "shared" / "fixtures" / "payloads"
INDEX = PAYLOADS / "index.json"
FIXTURES: list[dict[str, Any]] = json.loads(INDEX.read_bytes()) if INDEX.exists() else []
PROVIDERS = {one["provider"] for one in FIXTURES} - {"dockerhub"}  # which signs nothing
HANDSHAKES = {
    "discord/interaction.ping.json": b'{"type":1}',
    "slack/url_verification.json": b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
    "zoom/endpoint.url_validation.json": b'"plainToken":"qgg8vlvZRS6UYooatFL8Aw"',
}
NOTE = """steps:
  - action: probe.note
    with:
      text: ['{{ event.type }}', '{{ event.delivery_id }}', '{{ payload }}']
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    if not FIXTURES:
        pytest.skip("the shared fixtures are not here")
    async with opened(tmp_path_factory.mktemp("world"), Outside()) as world:
        world.now = NOW
        for name in PROVIDERS:
            # several of the payloads share one id, as examples do
            webhook = f"{{verify: {sender(name).verify}, deduplicate: false}}"
            await world.workflow(name, f"trigger: {{webhook: {webhook}}}\n{NOTE}")
        await world.workflow("dockerhub", f"trigger: {{webhook: {{verify: none}}}}\n{NOTE}")
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(world: World) -> Client:
    one = Client(world)
    for name in PROVIDERS:
        one.secrets |= sender(name).secrets
    one.app._examiner = Examiner(lambda: one.secrets, Published())
    return one


def request_of(fixture: dict[str, Any]) -> Request:
    """A payload with its headers, signed where its provider signs."""
    provider, body = fixture["provider"], (PAYLOADS / fixture["file"]).read_bytes()
    if provider == "adyen":  # the item alone is there
        body = b'{"live":"false","notificationItems":[{"NotificationRequestItem":%b}]}' % body
    headers = {name.lower(): text for name, text in fixture["headers"].items()}
    headers["content-type"] = fixture["content_type"]
    request = Request("POST", f"https://hooks.example.com/hooks/{provider}-0", headers, body)
    return sender(provider).sign(request, 0, NOW) if provider in PROVIDERS else request


@pytest.mark.parametrize("fixture", FIXTURES, ids=[one["file"] for one in FIXTURES])
async def test_a_payload_arrives_at_its_workflow_with_its_type_and_delivery_id(
    world: World, client: Client, fixture: dict[str, Any]
) -> None:
    request = request_of(fixture)
    provider = fixture["provider"]
    world.outside.notes.clear()
    said = await client(
        f"/hooks/{provider}-0",
        request.body,
        content_type=request.headers["content-type"],
        headers=dict(request.headers),
        query=request.url.partition("?")[2],
    )
    assert said
    assert said.status == 200, said.body
    if fixture["file"] in HANDSHAKES:
        assert HANDSHAKES[fixture["file"]] in said.body
        assert world.outside.notes == []
        return
    await world.quiet()
    ((kind, delivery_id, payload),) = world.outside.notes
    wanted = DOCUMENTED.get(provider)
    sent = Sent(request)
    assert (kind, delivery_id) == ((wanted[0](sent), wanted[1](sent)) if wanted else (None, None))
    assert kind or provider == "dockerhub"
    if not fixture["file"].endswith((".form", ".xml")):
        assert payload == json.loads(request.body)

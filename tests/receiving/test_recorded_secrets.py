"""By what senders prove who they are is seen by nobody who looks, and is kept for a recheck."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from runner.engine.history import Wanted
from runner.engine.rechecking import Rechecker
from runner.inbound.claim import Place
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.jwt import BearerToken
from runner.inbound.providers.provider import Scheme, Trust
from runner.inbound.request import Request
from runner.inbound.samples import sample, samples_of
from runner.inbound.tokens import Basic, Token
from runner.store.queries import Statement
from runner.store.rechecking import StoredRechecks
from runner.values import dumps
from tests.engine.world import Outside, World, opened
from tests.receiving.test_hooks import Client, Said

NOW = 1_770_000_000.0
PUBLIC = "https://hooks.example.com"
SECRET = "Tr0ub4dor-and-3/horses"
# it repeats all that it sees, which is recorded with its step
STEPS = """
title: "{{ event.query }} {{ payload | string | truncate(120) }}"
steps:
  - action: probe.note
    with: {text: "{{ event.headers }} {{ event.query }} {{ payload }}"}
  - fail: "{{ event.headers }} {{ event.query }} {{ payload }}"
"""


@dataclass(frozen=True)
class Kind:
    """A workflow's `verify`, and the scheme by which its sender shows SECRET."""

    verify: str
    scheme: Scheme
    provider: str = "github"  # of the sample


def of_row(name: str, place: int = 0, **options: str) -> Kind:
    more = "".join(f", {key}: {value}" for key, value in options.items())
    scheme = PROVIDERS[name].schemes[place]
    return Kind(f"{{provider: {name}, secret: SECRET{more}}}", getattr(scheme, "schemes", [scheme])[0], name)


KINDS = {
    "header": Kind("{token: {header: X-Key, secret: SECRET}}", Token(Place("X-Key"))),
    "prefixed": Kind(
        "{token: {header: X-Key, prefix: 'Key ', secret: SECRET}}", Token(Place("X-Key"), "Key ")
    ),
    "bearer": Kind(
        "{token: {header: Authorization, secret: SECRET}}", Token(Place("Authorization"), "Bearer ")
    ),
    "query": Kind("{token: {query: key, secret: SECRET}}", Token(Place("key", "query"))),
    "field": Kind("{token: {field: auth.key, secret: SECRET}}", Token(Place("auth.key", "field"))),
    "basic": Kind("{basic: {user: orders, secret: SECRET}}", Basic("orders")),
    "jwt": Kind(f"{{jwt: {{secret: SECRET, audience: {PUBLIC}/hooks/one-0}}}}", BearerToken()),
    "jwt-in-a-header": Kind(
        f"{{jwt: {{secret: SECRET, header: X-Token, audience: {PUBLIC}/hooks/one-0}}}}",
        BearerToken("x-token"),
    ),
    "gitlab": of_row("gitlab"),
    "telegram": of_row("telegram"),
    "cloudevents": of_row("cloudevents"),
    "cloudevents-in-the-query": of_row("cloudevents", 1),
    "microsoft-graph": of_row("microsoft-graph"),
    "wechat": of_row("wechat"),
}


@dataclass
class House:
    """A server with the workflow `one`."""

    world: World
    client: Client

    async def send(self, request: Request) -> Said:
        url = urlsplit(request.url)
        said = await self.client(
            url.path,
            request.body,
            method=request.method,
            content_type=request.header("content-type"),
            headers=dict(request.headers),
            query=url.query,
        )
        assert said
        return said

    async def seen(self) -> Mapping[str, Any]:
        """All that is shown of the last event and its run."""
        history = self.world.history
        events = (await history.events(Wanted())).items
        event = await history.event(events[0]["id"])
        runs = [await history.run(one["id"]) for one in event["runs"]]
        return {"events": events, "event": event, "runs": runs, "list": (await history.runs(Wanted())).items}


@pytest.fixture(params=["the secret is known to those who look", "only its place is"])
async def house(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """Without the secret in what is masked by value: as after its rotation, or before it was set."""
    secrets = {"SECRET": SECRET} if request.param.startswith("the secret") else {}
    async with opened(tmp_path, Outside(), secrets=secrets) as world:
        world.now = NOW
        yield House(world, Client(world))


def shown(kind: Kind) -> Request:
    """A request that shows SECRET."""
    taken = sample(kind.provider, samples_of(kind.provider)[0], now=NOW, entropy=b"").to(
        f"{PUBLIC}/hooks/one-0"
    )
    trust = Trust((SECRET,), {"audience": [f"{PUBLIC}/hooks/one-0"]})
    return kind.scheme.sign(taken, trust, now=NOW)


def hidden(kind: Kind, request: Request) -> list[str]:
    """What must be seen nowhere: the secret, and what stands for it."""
    if isinstance(kind.scheme, BearerToken):
        return [request.header(kind.scheme.header).removeprefix("Bearer ")]
    if isinstance(kind.scheme, Basic):
        return [base64.b64encode(f"orders:{SECRET}".encode()).decode(), SECRET]
    if kind.provider == "wechat":
        return [request.query["signature"]]
    return [SECRET]


@pytest.mark.parametrize("name", KINDS)
async def test_nobody_sees_what_an_accepted_sender_showed(house: House, name: str) -> None:
    kind = KINDS[name]
    await house.world.workflow("one", f"trigger: {{webhook: {{verify: {kind.verify}}}}}{STEPS}")
    house.client.secrets["SECRET"] = SECRET
    request = shown(kind)
    said = await house.send(request)
    assert said.status == 200, said.body
    await house.world.quiet()
    seen = await house.seen()
    assert seen["event"]["disposition"] == "accepted"
    assert seen["runs"][0]["status"] == "failed"
    text = json.dumps(seen, ensure_ascii=False)
    assert hidden(kind, request)[0] in str(house.world.outside.notes), "the run itself has it"
    for one in hidden(kind, request):
        assert one.lower() not in text.lower()
    assert "•••" in text
    problems = await house.world.store.read(Statement.of("SELECT sentence, cause FROM problems"))
    assert not [one for one in hidden(kind, request) if one in str(list(problems))]


@pytest.mark.parametrize("name", KINDS)
async def test_nobody_sees_what_a_refused_sender_showed_and_it_can_be_judged_again(
    house: House, name: str
) -> None:
    kind = KINDS[name]
    await house.world.workflow("one", f"trigger: {{webhook: {{verify: {kind.verify}}}}}{STEPS}")
    house.client.secrets["SECRET"] = "another"
    request = shown(kind)
    assert (await house.send(request)).status == 401
    seen = await house.seen()
    assert seen["event"]["disposition"] == "rejected"
    assert "•••" not in seen["event"]["reason"]
    text = json.dumps(seen, ensure_ascii=False)
    for one in hidden(kind, request):
        assert one.lower() not in text.lower()
    house.client.secrets["SECRET"] = SECRET
    world = house.world
    rechecks = StoredRechecks(world.store, world.clock)
    rechecker = Rechecker(world.door, rechecks, world.library, house.client.app._examiner, PUBLIC)
    assert (await rechecker.recheck("one")).counts["accepted"] == 1


async def test_a_token_stays_hidden_when_the_workflow_asks_for_another_proof(house: House) -> None:
    kind = KINDS["header"]
    await house.world.workflow("one", f"trigger: {{webhook: {{verify: {kind.verify}}}}}{STEPS}")
    house.client.secrets["SECRET"] = SECRET
    assert (await house.send(shown(kind))).status == 200
    await house.world.quiet()
    await house.world.workflow("one", f"trigger: {{webhook: {{verify: none}}}}{STEPS}")
    assert SECRET not in json.dumps(await house.seen())


async def test_the_query_of_a_get_is_its_payload_and_both_hide_the_token(house: House) -> None:
    verify = "{token: {query: key, secret: SECRET}}"
    await house.world.workflow("one", f"trigger: {{webhook: {{methods: [GET], verify: {verify}}}}}{STEPS}")
    house.client.secrets["SECRET"] = SECRET
    request = replace(shown(KINDS["query"]), method="GET", body=b"", headers={})
    request = replace(request, url=f"{request.url}&city=London")
    assert (await house.send(request)).status == 200
    await house.world.quiet()
    seen = await house.seen()
    assert seen["event"]["payload"] == {"key": "•••", "city": "London"}
    assert seen["event"]["query"] == "key=•••&city=London"
    assert SECRET not in json.dumps(seen)


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Gitlab-Token", "X-Telegram-Bot-Api-Secret-Token", "Cookie", "X-Api-Key"]
)
async def test_well_known_headers_are_hidden_whatever_the_workflow_asks_for(house: House, name: str) -> None:
    await house.world.workflow("one", f"trigger: {{webhook: {{verify: none}}}}{STEPS}")
    value = f"Bearer {SECRET}" if name == "Authorization" else SECRET
    request = Request("POST", f"{PUBLIC}/hooks/one-0?access_token={SECRET[::-1]}", {name: value}, b"{}")
    assert (await house.send(request)).status == 200
    await house.world.quiet()
    seen = await house.seen()
    assert seen["event"]["headers"][name.lower()] == "•••"
    assert seen["event"]["query"] == "access_token=•••"
    text = json.dumps([seen["event"], [one["steps"] for one in seen["runs"]]])
    assert SECRET not in text
    assert SECRET[::-1] not in text


async def test_the_servers_secrets_are_seen_nowhere_wherever_a_payload_brings_them(tmp_path: Path) -> None:
    async with opened(tmp_path, Outside(), secrets={"KEY": SECRET, "SHORT": "abc"}) as world:
        await world.workflow("one", f"trigger: {{webhook: {{verify: none}}}}{STEPS}")
        payload = {"a": f"<{SECRET}>", SECRET: 1, "b": base64.b64encode(SECRET.encode()).decode(), "c": "abc"}
        accepted = await world.send("one", payload)
        await world.turned(accepted.run_id)
        house = House(world, Client(world))
        seen = await house.seen()
    assert seen["event"]["payload"] == {
        "a": "<•••>",
        "•••": 1,
        "b": seen["event"]["payload"]["b"],
        "c": "abc",
    }
    assert "•••" in seen["event"]["payload"]["b"]
    text = dumps(seen)
    assert SECRET not in text
    assert base64.b64encode(SECRET.encode()).decode()[:12] not in text


async def test_a_secret_that_is_a_word_of_ours_hides_values_and_breaks_nothing(tmp_path: Path) -> None:
    words = {
        word.upper(): word for word in ("status", "accepted", "one", "payload", "event", "failed", "name")
    }
    async with opened(tmp_path, Outside(), secrets=words) as world:
        await world.workflow("one", "steps: [fail: 'payload of an event']\n")
        accepted = await world.send("one", {"status": "accepted"})
        await world.turned(accepted.run_id)
        seen = await House(world, Client(world)).seen()
    assert seen["event"]["workflow"] == "one"
    assert seen["event"]["disposition"] == "accepted"
    assert seen["event"]["payload"] == {"•••": "•••"}
    assert seen["runs"][0]["status"] == "failed"
    assert seen["list"][0]["reason"]["sentence"].endswith("••• of an •••")

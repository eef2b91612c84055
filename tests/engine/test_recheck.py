"""Requests that were refused are judged again with the secrets of today: accepted once, never twice."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from runner.engine.accept import new_id, reject
from runner.engine.examining import Examiner, examine
from runner.engine.library import Live
from runner.engine.pauses import Pause
from runner.engine.rechecking import Rechecked, Rechecker, at, url_of
from runner.engine.runs import Disposition, Event, Gate
from runner.store.pauses import MOST_EVENTS
from runner.store.rechecking import StoredRechecks
from tests.engine.world import NothingToFetch, Outside, World, opened

pytestmark = pytest.mark.both_stores

NOON = 1_800_000_000.0
SECRET = "not known at first"
GITHUB = """trigger:
  webhook:
    verify: {provider: github, secret: GITHUB}
    events: [orders]
steps:
  - action: probe.note
    with: {text: '{{ payload.id }}'}
"""
TIMED = """trigger:
  webhook:
    verify:
      hmac:
        header: X-Signature
        signed: '{{ timestamp }}.{{ body }}'
        timestamp: {header: X-Time}
        secret: GITHUB
steps:
  - action: probe.note
    with: {text: '{{ payload.id }}'}
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        world.now = NOON
        yield world


def github(number: int, *, delivery: str = "", kind: str = "orders") -> Event:
    """A delivery as GitHub signs it."""
    body = orjson.dumps({"id": number})
    signature = hmac.digest(SECRET.encode(), body, hashlib.sha256).hex()
    headers = {
        "content-type": "application/json",
        "x-hub-signature-256": f"sha256={signature}",
        "x-github-event": kind,
        "x-github-delivery": delivery or f"delivery-{number}",
    }
    return event(body, headers)


def event(body: bytes, headers: dict[str, str], *, received_at: float = NOON) -> Event:
    return Event(
        id=new_id(received_at), workflow="one", trigger="webhook", received_at=received_at,
        disposition=Disposition.ACCEPTED, method="POST", path="", query="", headers=headers,
        content_type="application/json", size=len(body), source_ip="192.0.2.1", body=body,
        gates=(Gate("received", "passed"),),
    )  # fmt: skip


def examiner(world: World) -> Examiner:
    return Examiner(world.tools.safe.secrets, NothingToFetch())


def rechecker(world: World) -> Rechecker:
    rechecks = StoredRechecks(world.store, world.clock)
    return Rechecker(world.door, rechecks, world.library, examiner(world), "https://hooks.example.com")


async def refused(world: World, *events: Event) -> list[str]:
    """What a server does with them while it has no secret."""
    live = world.library.get("one")
    assert live
    for one in events:
        outcome = await examine(examiner(world), live, one, url="https://x/", now=one.received_at)
        await reject(world.door, one, replace(outcome.gate, facts=at("/hooks/old")))  # type: ignore[union-attr]
    return [one.id for one in events]


def set_secret(world: World, secret: str = SECRET) -> None:
    world.tools.safe._values["GITHUB"] = secret  # type: ignore[attr-defined]


@pytest.fixture
def secretless(world: World) -> World:
    world.tools.safe._values = {}  # type: ignore[attr-defined]
    return world


def counts(done: Rechecked) -> dict[str, int]:
    return {word: count for word, count in done.counts.items() if count}


async def shown(world: World, event_id: str) -> Any:
    return await world.history.event(event_id)


async def test_what_was_refused_for_a_missing_secret_is_accepted_with_the_id_that_it_has(
    secretless: World,
) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    (event_id,) = await refused(world, github(1))
    before = await shown(world, event_id)
    assert (before["disposition"], before["runs"]) == ("rejected", [])
    assert counts(await rechecker(world).recheck("one")) == {"rejected": 1}
    set_secret(world)
    assert counts(await rechecker(world).recheck("one")) == {"accepted": 1}
    after = await shown(world, event_id)
    assert (after["disposition"], after["type"], after["delivery_id"]) == ("accepted", "orders", "delivery-1")
    assert after["reason"] is None
    (run,) = after["runs"]
    await world.turned(run["id"])
    assert world.outside.notes == [1]
    assert counts(await rechecker(world).recheck("one")) == {}
    told = next(gate["reason"] for gate in after["gates"] if gate["name"] == "signature")
    assert "judged again at 2027-01-15T08:00:00.000Z; at first: the secret" in told


async def test_two_rechecks_at_once_accept_each_request_once(secretless: World) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    await refused(world, *(github(number) for number in range(MOST_EVENTS + 20)))
    set_secret(world)
    done = await asyncio.gather(*(rechecker(world).recheck("one") for _ in range(3)))
    assert sum(one.counts["accepted"] for one in done) == MOST_EVENTS + 20
    await world.quiet()
    assert sorted(world.outside.notes) == list(range(MOST_EVENTS + 20))


async def test_retries_of_one_delivery_are_one_event_and_its_duplicates(secretless: World) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    first, second = await refused(world, github(1, delivery="d"), github(1, delivery="d"))
    set_secret(world)
    assert counts(await rechecker(world).recheck("one")) == {"accepted": 1, "duplicate": 1}
    assert (await shown(world, first))["disposition"] == "accepted"
    told = await shown(world, second)
    assert told["disposition"] == "duplicate"
    assert told["gates"][-1]["facts"]["first"] == first


async def test_a_delivery_that_was_let_in_meanwhile_is_a_duplicate(secretless: World) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    (event_id,) = await refused(world, github(7, delivery="again"))
    world.now = NOON + 60
    await world.send("one", {"id": 7}, delivery_id="again")
    set_secret(world)
    assert counts(await rechecker(world).recheck("one")) == {"duplicate": 1}
    assert (await shown(world, event_id))["runs"] == []


async def test_a_wrong_signature_stays_refused_and_the_reason_is_told(secretless: World) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    (event_id,) = await refused(world, github(1))
    set_secret(world, "another")
    done = await rechecker(world).recheck("one")
    assert counts(done) == {"rejected": 1}
    assert done.as_json()["reasons"][0]["count"] == 1
    assert (await shown(world, event_id))["disposition"] == "rejected"


async def test_a_timestamp_is_judged_at_the_time_of_receiving(secretless: World) -> None:
    world = secretless
    await world.workflow("one", TIMED)
    stale, fresh = (signed_at(NOON - 3600), signed_at(NOON - 10))
    await refused(world, stale, fresh)
    set_secret(world)
    world.now = NOON + 10 * 86400
    assert counts(await rechecker(world).recheck("one")) == {"accepted": 1, "rejected": 1}
    assert (await shown(world, fresh.id))["disposition"] == "accepted"


def signed_at(seconds: float) -> Event:
    body = b'{"id": 5}'
    time = str(int(seconds))
    signature = hmac.digest(SECRET.encode(), f"{time}.".encode() + body, hashlib.sha256).hex()
    return event(body, {"x-signature": signature, "x-time": time, "content-type": "application/json"})


async def test_what_was_refused_unread_or_for_its_address_cannot_be_judged(secretless: World) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    unread = replace(github(1), body=b"", size=0)
    await reject(world.door, unread, Gate("size", "stopped", "the body has 2,000,000 bytes"))
    await reject(world.door, github(2), Gate("address", "stopped", "192.0.2.1 is not allowed"))
    set_secret(world)
    done = await rechecker(world).recheck("one")
    assert counts(done) == {"unjudged": 2}
    assert set(done.reasons) == {
        "its body was refused unread, so there is nothing to judge",
        "192.0.2.1 is not allowed",
    }


async def test_an_event_of_a_type_that_is_not_wanted_is_ignored(secretless: World) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    (event_id,) = await refused(world, github(1, kind="push"))
    set_secret(world)
    assert counts(await rechecker(world).recheck("one")) == {"ignored": 1}
    assert (await shown(world, event_id))["runs"] == []


async def test_what_passes_while_the_workflow_is_paused_is_held(secretless: World) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    (event_id,) = await refused(world, github(1))
    set_secret(world)
    await world.pauses.pause(Pause("workflow", "one", "ada", NOON))
    await world.holding.refresh()
    assert counts(await rechecker(world).recheck("one")) == {"held": 1}
    assert (await shown(world, event_id))["disposition"] == "held"


async def test_only_those_since_then_are_judged(secretless: World) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    await refused(world, github(1), replace(github(2), received_at=NOON + 100))
    set_secret(world)
    assert counts(await rechecker(world).recheck("one", since=NOON + 50)) == {"accepted": 1}
    (done,) = await rechecker(world).recheck_all()
    assert counts(done) == {"accepted": 1}


async def test_a_full_backlog_stops_a_recheck(secretless: World) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    await refused(world, github(1))
    set_secret(world)
    full = replace(rechecker(world), door=replace(world.door, backlog_limit=0))
    done = await full.recheck("one")
    assert (done.is_full, counts(done)) == (True, {})
    assert counts(await rechecker(world).recheck("one")) == {"accepted": 1}


async def test_an_event_that_is_split_gets_a_run_for_each_item(secretless: World) -> None:
    world = secretless
    await world.workflow("one", GITHUB.replace("    events: [orders]", "    split: payload.items"))
    body = orjson.dumps({"items": [{"id": 1}, {"id": 2}]})
    signature = hmac.digest(SECRET.encode(), body, hashlib.sha256).hex()
    headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
    (event_id,) = await refused(world, event(body, headers))
    set_secret(world)
    assert counts(await rechecker(world).recheck("one")) == {"accepted": 1}
    await world.quiet()
    assert sorted(world.outside.notes) == [1, 2]
    assert len((await shown(world, event_id))["runs"]) == 2


def test_the_url_is_the_one_that_the_sender_called_or_as_it_would_be_now() -> None:
    live = Live(None, 1, "token", "")  # type: ignore[arg-type]
    asked = replace(github(1), path="a b/c", query="x=%20y")
    assert url_of(asked, live, "https://h") == "https://h/hooks/token/a%20b/c?x=%20y"
    noted = replace(asked, gates=(Gate("signature", "stopped", "", at("/webhook/a%2Fb")),))
    assert url_of(noted, live, "https://h") == "https://h/webhook/a%2Fb?x=%20y"


async def test_what_was_held_unverified_is_let_go_if_it_passes_and_stays_held_if_not(
    secretless: World,
) -> None:
    world = secretless
    await world.workflow("one", GITHUB)
    set_secret(world)
    why = Gate("file", "stopped", "the workflow had no good version")
    good, forged = github(1), replace(github(2), body=b'{"id": 3}')
    for one in (good, forged):
        held = replace(one, disposition=Disposition.HELD, gates=(*one.gates, why))
        await world.store.accept(held, [], {})
    assert counts(await rechecker(world).recheck("one")) == {"accepted": 1, "held": 1}
    assert (await shown(world, good.id))["disposition"] == "accepted"
    assert (await shown(world, forged.id))["disposition"] == "held"

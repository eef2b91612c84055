"""Refused requests judged again, as programs ask for it."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from runner.engine.runs import Disposition, Gate
from tests.api.house import WORKFLOW, World
from web.api.routes import PREFIX

pytestmark = pytest.mark.both_stores

RECHECK = f"{PREFIX}/events/recheck"
SIGNED = WORKFLOW.replace("webhook: {}", "webhook: {verify: {provider: github, secret: KEY}}")


async def refused(world: World, body: bytes = b'{"id": 1}') -> str:
    await world.write("signed", SIGNED)
    headers = {"x-hub-signature-256": f"sha256={hmac.digest(b'hush', body, hashlib.sha256).hex()}"}
    event_id, _run = await world.made.event(
        workflow="signed", body=body, title=None, disposition=Disposition.REJECTED, headers=headers,
        gates=(Gate("signature", "stopped", "the secret is not set"),),
    )  # fmt: skip
    return event_id


async def test_what_passes_now_is_accepted_once(world: World) -> None:
    event_id = await refused(world)
    (one,) = (await world.post(RECHECK, {"workflow": "signed"}))["items"]
    assert (one["rejected"], one["accepted"]) == (1, 0)
    world.secrets["KEY"] = "hush"
    items = (await world.post(RECHECK, {}))["items"]
    assert {one["workflow"]: one["accepted"] for one in items} == {"orders": 0, "signed": 1}
    assert (await world.get(f"{PREFIX}/events/{event_id}"))["disposition"] == "accepted"
    (one,) = (await world.post(RECHECK, {"workflow": "signed", "since": "24h"}))["items"]
    assert one["accepted"] == 0


async def test_who_may_only_look_may_not_and_an_unknown_workflow_is_said(world: World) -> None:
    await world.post(RECHECK, {}, role="viewer", status=403)
    await world.post(RECHECK, {"workflow": "nothing"}, status=404)
    assert (await world.post(RECHECK, {"since": "tomorrow"}, status=400))["parameter"] == "since"

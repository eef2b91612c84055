"""`hookline events recheck`: what was refused before the secret was set is let in after."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any

import pytest

from runner.engine.accept import new_id
from runner.engine.runs import Disposition, Event, Gate
from runner.store.sqlite import SQLiteStore
from tests.cli.home import HELLO, Home

NOW = 1_800_000_000.0
SIGNED = HELLO.replace("  webhook:", "  webhook:\n    verify: {provider: github, secret: KEY}")


@pytest.fixture
def refused(home: Home) -> str:
    """The id of a delivery that was refused, of the workflow `signed`."""
    home.workflow("signed", SIGNED)
    assert home("url", "signed").exit_code == 0
    body = b'{"name": "Ada"}'
    signature = hmac.digest(b"hush", body, hashlib.sha256).hex()
    event = Event(
        id=new_id(NOW), workflow="signed", trigger="webhook", received_at=NOW,
        disposition=Disposition.REJECTED, method="POST", path="", query="",
        headers={"x-hub-signature-256": f"sha256={signature}", "x-github-event": "push"},
        content_type="application/json", size=len(body), source_ip="192.0.2.1", body=body,
        gates=(Gate("signature", "stopped", "the secret is not set"),),
    )  # fmt: skip
    asyncio.run(_kept(home, event))
    return event.id


async def _kept(home: Home, event: Event) -> None:
    store = await SQLiteStore.open(home.folder / ".hookline" / "hookline.db")
    await store.accept(event, [], {})
    await store.close()


def recheck(home: Home, *words: str) -> tuple[int, Any]:
    result = home("events", "recheck", *words, "--json")
    (one,) = [one for one in json.loads(result.stdout)["items"] if one["workflow"] == "signed"]
    return result.exit_code, one


def test_what_was_refused_is_accepted_when_the_secret_is_set(home: Home, refused: str) -> None:
    status, one = recheck(home)
    assert (status, one["rejected"], one["accepted"]) == (1, 1, 0)
    assert "secret" in one["reasons"][0]["reason"]
    home("secrets", "set", "KEY", stdin="hush")
    result = home("events", "recheck", "signed")
    assert (result.exit_code, result.stdout) == (0, "signed: 1 accepted\n")
    assert "their runs begin when one does" in result.stderr
    event = json.loads(home("events", "show", refused, "--json").stdout)
    assert (event["disposition"], event["type"], len(event["runs"])) == ("accepted", "push", 1)
    assert recheck(home)[1]["accepted"] == 0


def test_nothing_refused_is_nothing_to_do(home: Home, refused: str) -> None:
    result = home("events", "recheck", "hello")
    assert (result.exit_code, result.stdout) == (0, "")
    assert recheck(home, "signed", "--since", "2030-01-01")[1]["rejected"] == 0
    assert home("events", "recheck", "hullo").exit_code == 2

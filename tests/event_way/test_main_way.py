"""
The map of the whole: a real server process, real services on loopback, one event's way through.

Read this file to see what Hookline does; every other test looks at a part of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.bench.servers import HOOKLINE, ROOT, Process, hook_path, server
from tests.servers.http_sink import HttpSink
from tests.servers.slack_api import TOKEN, SlackApi
from tests.servers.smtp import SmtpServer

STARTERS = ROOT / "workflows"
PAYLOADS = ROOT.parent / "shared" / "fixtures" / "payloads"
ENDED = {"succeeded", "failed", "filtered", "cancelled"}


@contextlib.asynccontextmanager
async def serving(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Process, str]]:
    """A server over *folder*, killed at the end if it still runs."""
    process, address = await asyncio.to_thread(
        server, folder, *arguments, environment=dict(environment or {})
    )
    try:
        yield process, address
    finally:
        process.kill()


def workflow(folder: Path, slug: str, text: str) -> None:
    (folder / "workflows").mkdir(exist_ok=True)
    (folder / "workflows" / f"{slug}.yaml").write_text(text)


def starter(folder: Path, slug: str) -> None:
    workflow(folder, slug, (STARTERS / f"{slug}.yaml").read_text())


async def command(folder: Path, *arguments: str, said: str = "") -> str:
    """What a `hookline` command over *folder*'s data prints."""
    done = await asyncio.to_thread(
        subprocess.run,
        [*HOOKLINE, *arguments, "--data", str(folder / "data")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=said,
        capture_output=True,
        text=True,
        check=True,
    )
    return str(done.stdout)


async def runs_ended(folder: Path, count: int) -> list[Any]:
    """The runs once *count* of them have ended."""
    async with asyncio.timeout(30):
        while True:
            runs = json.loads(await command(folder, "runs", "list", "--limit", "200", "--json"))["items"]
            if sum(run["status"] in ENDED for run in runs) >= count:
                return list(runs)


async def test_an_order_is_told_to_sales_and_mailed_to_the_warehouse_and_its_history_survives_a_kill(
    tmp_path: Path,
) -> None:
    starter(tmp_path, "order-to-slack-and-email")
    order = (STARTERS / "fixtures" / "shopify-order.json").read_bytes()
    async with SlackApi() as slack, SmtpServer() as smtp, aiohttp.ClientSession() as session:
        held = {
            "HOOKLINE_CONNECTION_TEAM_SLACK": json.dumps(
                {"kind": "slack", "token": TOKEN, "api_url": slack.api_url}
            ),
            "HOOKLINE_CONNECTION_MAIL": json.dumps(
                {
                    "kind": "smtp",
                    "host": "127.0.0.1",
                    "port": smtp.port,
                    "tls": "none",
                    "from": "shop@example.com",
                }
            ),
        }
        async with serving(tmp_path, environment=held) as (process, address):
            url = address + await asyncio.to_thread(hook_path, tmp_path, "order-to-slack-and-email")
            async with session.post(url, data=order, headers={"content-type": "application/json"}) as answer:
                assert answer.status == 200
                accepted = await answer.json()
            (run,) = await runs_ended(tmp_path, 1)
            assert run["status"] == "succeeded", run["reason"]
            process.kill()

        assert [message["text"] for message in slack.posted] == ["Order #1042: 120.50 EUR, 2 lines"]
        (mail,) = smtp.delivered
        assert mail.message["Subject"] == "Pack order #1042"
        assert "2 × NANO-30 Wire, 30 cm" in mail.message.get_content()

        # another process, after the kill: the history is there, and an API token opens it
        async with serving(tmp_path, environment=held) as (_process, address):
            token = (await command(tmp_path, "user", "token")).strip()
            api = f"{address}/api/v1"
            async with session.get(f"{api}/runs/{run['id']}") as answer:
                assert answer.status == 401
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(f"{api}/runs/{run['id']}", headers=headers) as answer:
                shown = await answer.json()
            assert shown["title"] == "Order #1042 · Grace"
            assert shown["event"] == accepted["event"]
            assert {step["path"]: step["status"] for step in shown["steps"] if step["kind"] == "action"} == {
                "parallel#3.sales.action#1": "succeeded",
                "parallel#3.warehouse.action#1": "succeeded",
            }
            assert TOKEN not in json.dumps(shown)


async def test_a_starter_answers_its_caller_without_any_account(tmp_path: Path) -> None:
    starter(tmp_path, "hello")
    async with serving(tmp_path) as (_process, address), aiohttp.ClientSession() as session:
        url = address + await asyncio.to_thread(hook_path, tmp_path, "hello")
        async with session.post(url, json={"name": "Ada"}) as answer:
            assert answer.status == 200
            said = await answer.json()
    assert said["greeting"] == "Hello Ada!"
    assert said["received"]["fields"] == ["name"]


async def test_a_destination_that_is_away_is_tried_again_and_then_the_run_can_be_replayed(
    tmp_path: Path,
) -> None:
    async with HttpSink() as sink, aiohttp.ClientSession() as session:
        workflow(
            tmp_path,
            "forward",
            f"""
name: Forward
trigger: {{webhook: {{}}}}
steps:
  - id: tell
    action: http.request
    retry: {{attempts: 3, delay: 10ms}}
    with: {{method: POST, url: "{sink.url}/in", json: "{{{{ payload }}}}"}}
""",
        )
        for _ in range(3):
            sink.reply(status=503)
        async with serving(tmp_path) as (_process, address):
            url = address + await asyncio.to_thread(hook_path, tmp_path, "forward")
            async with session.post(url, json={"n": 1}) as answer:
                assert answer.status == 200
            (run,) = await runs_ended(tmp_path, 1)
            assert run["status"] == "failed"
            assert "after 3 attempts" in run["reason"]["sentence"]
            await command(tmp_path, "runs", "replay", run["id"], "--yes")
            async with asyncio.timeout(10):
                while (await runs_ended(tmp_path, 1))[0]["status"] != "succeeded":
                    await asyncio.sleep(0.05)
    assert [received.json() for received in sink.requests] == [{"n": 1}] * 4


@pytest.mark.skipif(not PAYLOADS.exists(), reason="the shared payloads are not here")
async def test_every_github_payload_sent_in_a_row_arrives_exactly_once(tmp_path: Path) -> None:
    index = json.loads((PAYLOADS / "index.json").read_text())
    samples = [sample for sample in index if sample["provider"] == "github"]
    async with HttpSink() as sink, aiohttp.ClientSession() as session:
        workflow(
            tmp_path,
            "github",
            f"""
name: GitHub
trigger: {{webhook: {{}}}}
steps:
  - action: http.request
    with:
      method: POST
      url: "{sink.url}/in"
      headers: {{X-Kind: "{{{{ event.headers['x-github-event'] }}}}"}}
      json: "{{{{ payload }}}}"
""",
        )
        async with serving(tmp_path) as (_process, address):
            url = address + await asyncio.to_thread(hook_path, tmp_path, "github")
            for sample in samples:
                body = (PAYLOADS / sample["file"]).read_bytes()
                headers = {**sample["headers"], "content-type": sample["content_type"]}
                async with session.post(url, data=body, headers=headers) as answer:
                    assert answer.status == 200
            runs = await runs_ended(tmp_path, len(samples))
    assert {run["status"] for run in runs} == {"succeeded"}
    sent = sorted(
        json.dumps(json.loads((PAYLOADS / sample["file"]).read_bytes()), sort_keys=True) for sample in samples
    )
    assert sorted(json.dumps(received.json(), sort_keys=True) for received in sink.requests) == sent


async def test_sigterm_lets_the_run_in_hand_end_and_the_server_ends_well(tmp_path: Path) -> None:
    async with HttpSink() as sink, aiohttp.ClientSession() as session:
        workflow(
            tmp_path,
            "slow",
            f"""
name: Slow
trigger: {{webhook: {{}}}}
steps:
  - action: http.request
    with: {{method: POST, url: "{sink.url}/in"}}
  - action: http.request
    with: {{method: POST, url: "{sink.url}/in"}}
""",
        )
        async with serving(tmp_path) as (process, address):
            url = address + await asyncio.to_thread(hook_path, tmp_path, "slow")
            async with session.post(url, json={}) as answer:
                assert answer.status == 200
            assert await asyncio.to_thread(process.stop) == 0
        (run,) = json.loads(await command(tmp_path, "runs", "list", "--json"))["items"]
    assert (run["status"], len(sink.requests)) == ("succeeded", 2)

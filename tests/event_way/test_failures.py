"""Three in the morning: many orders fail of one cause, one message says so, one replay mends it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.servers import hook_path
from tests.event_way.test_main_way import command, runs_ended, serving, workflow
from tests.servers.slack_api import TOKEN, SlackApi
from tests.servers.smtp import SmtpServer

ORDERS = 8
ALERTS = """
name: Order alerts
trigger: {webhook: {}}
steps:
  - id: tell
    action: slack.post_message
    connection: team_slack
    with: {channel: "#lost", text: "Order {{ payload.n }}"}
"""


async def until(look: Callable[[], Any]) -> None:
    """Wait until *look()* holds."""
    async with asyncio.timeout(20):
        while not look():
            await asyncio.sleep(0.05)


async def test_orders_that_fail_of_one_cause_are_one_problem_two_messages_and_one_replay(
    tmp_path: Path,
) -> None:
    workflow(tmp_path, "alerts", ALERTS)
    async with SlackApi() as slack, SmtpServer() as smtp, aiohttp.ClientSession() as session:
        mail = {"kind": "smtp", "host": "127.0.0.1", "port": smtp.port, "tls": "none", "from": "h@x.example"}
        environment = {
            "HOOKLINE_CONNECTION_TEAM_SLACK": json.dumps(
                {"kind": "slack", "token": TOKEN, "api_url": slack.api_url}
            ),
            "HOOKLINE_CONNECTION_MAIL": json.dumps(mail),
            # the first way posts to a channel that is not there either: the second one is taken
            "HOOKLINE_NOTIFY_CONNECTION": "team_slack",
            "HOOKLINE_NOTIFY_CHANNEL": "#also-lost",
            "HOOKLINE_NOTIFY_FALLBACK_CONNECTION": "mail",
            "HOOKLINE_NOTIFY_FALLBACK_TO": "ada@example.com,bo@example.com",
        }
        async with serving(tmp_path, environment=environment) as (_process, address):
            url = address + await asyncio.to_thread(hook_path, tmp_path, "alerts")
            for number in range(ORDERS):
                async with session.post(url, json={"n": number}) as answer:
                    assert answer.status == 200
            await runs_ended(tmp_path, ORDERS)
            await until(lambda: smtp.delivered)
            (problem,) = json.loads(await command(tmp_path, "problems", "list", "--json"))["items"]
            assert (problem["step"], problem["runs"]["failed"]) == ("tell", ORDERS)

            slack.channels["#lost"] = "C0FOUND"
            slack.channels["#also-lost"] = "C0OPS"
            where = f"problem={problem['id']}"
            planned = await command(tmp_path, "runs", "replay", "--where", where, "--plan", "--json")
            plan = json.loads(planned)
            assert (plan["plan"]["safe"], plan["plan"]["included"]) == (ORDERS, ORDERS)
            token = (await command(tmp_path, "user", "token")).strip()
            replay = f"{address}/api/v1/replays/{plan['id']}"
            headers = {"Authorization": f"Bearer {token}"}
            async with session.post(f"{replay}/start", json={}, headers=headers) as answer:
                assert answer.status == 200
            await until(lambda: len(slack.posted) >= ORDERS + 1)
            async with session.get(replay, headers=headers) as answer:
                assert (await answer.json())["progress"]["succeeded"] == ORDERS

    (told,) = smtp.delivered
    assert told.recipients == ["ada@example.com", "bo@example.com"]
    assert told.message["Subject"].startswith("Problem: alerts: tell failed: Slack")
    assert f"/failures/{problem['id']}" in told.message.get_content()
    orders = [one["text"] for one in slack.posted if one["channel"] == "#lost"]
    assert sorted(orders) == [f"Order {number}" for number in range(ORDERS)]
    (closed,) = [one["text"] for one in slack.posted if one["channel"] == "#also-lost"]
    assert closed.startswith("Closed: tell failed")
    assert f"{ORDERS} runs in all. Nothing of it is left." in closed

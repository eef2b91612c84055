"""`hookline schedules`, and `hookline run` of what starts by itself."""
# ruff: noqa: E501 - files of workflows

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime

from aiohttp import web

from tests.cli.home import Home
from tests.servers.http_sink import HttpSink, Received

SCHEDULE = """name: Morning
trigger:
  schedule: {cron: "0 9 * * 1-5", timezone: Europe/Athens}
steps:
  - stop: "due {{ payload.scheduled_at | default('never') }}, before {{ payload.previous_at | default('never') }}"
"""
POLL = """name: Tickets
trigger:
  poll: {action: http.request, with: {url: "https://example.com/"}, every: 5m, items: body, id: id}
steps:
  - stop: "ticket {{ payload.id }}"
"""


def test_a_run_of_a_schedule_is_one_that_is_due_now(home: Home) -> None:
    home.workflow("morning", SCHEDULE)
    run = json.loads(home("run", "morning", "--json").stdout)
    assert re.fullmatch(r".*due 20\d\d-.*Z, before never.*", run["reason"]["sentence"])
    given = json.loads(
        home("run", "morning", "--json", "--payload", "-", stdin='{"scheduled_at": "then"}').stdout
    )
    assert "due then" in given["reason"]["sentence"]


def test_a_run_of_a_poll_needs_an_item(home: Home) -> None:
    home.workflow("tickets", POLL)
    refused = home("run", "tickets")
    assert (refused.exit_code, "give one as JSON with --payload" in refused.stderr) == (2, True)
    run = json.loads(home("run", "tickets", "--json", "--payload", "-", stdin='{"id": 7}').stdout)
    assert "ticket 7" in run["reason"]["sentence"]


def test_the_list_shows_what_comes_next(home: Home) -> None:
    home.workflow("morning", SCHEDULE)
    home.workflow("tickets", POLL)
    shown = home("schedules")
    assert shown.exit_code == 0
    assert "0 9 * * 1-5 (Europe/Athens)" in shown.stdout
    assert "morning: At 09:00 on Monday through Friday; then " in shown.stderr
    items = json.loads(home("schedules", "--json").stdout)["items"]
    assert [(one["workflow"], one["kind"], len(one["next"])) for one in items] == [
        ("morning", "schedule", 3),
        ("tickets", "poll", 0),  # no server has seen it yet
    ]


def test_a_disabled_one_says_so(home: Home) -> None:
    home.workflow("morning", SCHEDULE + "enabled: false\n")
    assert "`enabled: false`" in home("schedules").stdout


async def test_a_server_fires_within_a_second_and_asks_by_itself(home: Home) -> None:
    async with HttpSink() as sink:
        home.workflow("tick", "name: Tick\ntrigger: {schedule: {every: 1s}}\n" + call(f"{sink.url}/tick"))
        polls = f"{{action: http.request, with: {{url: '{sink.url}/list'}}, every: 10s, items: body, id: id, first: run}}"
        home.workflow("ask", f"name: Ask\ntrigger: {{poll: {polls}}}\n" + call(f"{sink.url}/item"))
        sink.handler = answer
        server = await home.start("serve", "--port", "0", HOOKLINE_NETWORK_ALLOW="127.0.0.0/8")
        try:
            async with asyncio.timeout(90):
                while {one.path for one in sink.requests} < {"/tick", "/list", "/item"}:
                    await sink.wait_for(len(sink.requests) + 1, seconds=60)
        finally:
            server.terminate()
            await server.communicate()
        ticks = [one for one in sink.requests if one.path == "/tick"]
        assert all(datetime.fromisoformat(one.json()["payload"]["scheduled_at"]) for one in ticks)
        assert [one.json()["payload"] for one in sink.requests if one.path == "/item"] == [{"id": 1}]


def call(url: str) -> str:
    return f"steps:\n  - action: http.request\n    with: {{url: '{url}', method: POST, json: {{payload: '{{{{ payload }}}}'}}}}\n"


async def answer(received: Received) -> web.Response:
    return web.json_response([{"id": 1}] if received.path == "/list" else {})

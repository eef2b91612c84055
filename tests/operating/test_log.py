"""The log: each line of a run with its ids, as text and as JSON, and each `action` on its page."""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from runner import operating
from tests.cli.home import ROOT, Home
from tests.servers.hookline_process import Running, serving
from tests.servers.http_sink import HttpSink
from tests.servers.in_thread import in_thread

ORDERS = """\
name: Orders
trigger: {webhook: {}}
steps:
  - id: tell
    action: http.request
    with: {method: POST, url: "%s/orders", json: {order: "{{ payload.order }}"}}
"""
LEVELS = {"exception": "error"}


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with in_thread(HttpSink()) as one:
        yield one


@pytest.fixture
def home(tmp_path: Path, sink: HttpSink) -> Home:
    home = Home(tmp_path)
    home.workflow("orders", ORDERS % sink.url)
    return home


def send(server: Running) -> str:
    """The id of the event."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    body = json.dumps({"order": "the-order-of-ada"})
    connection.request("POST", server.paths["orders"], body, {"content-type": "application/json"})
    event: str = json.loads(connection.getresponse().read())["event"]
    connection.close()
    return event


def until(server: Running, word: str) -> str:
    latest = time.monotonic() + 20
    while True:
        found = [line for line in server.log.read_text("utf-8").splitlines() if word in line]
        if found:
            return found[0]
        assert time.monotonic() < latest
        time.sleep(0.02)


def test_a_line_of_a_run_has_its_ids(home: Home, sink: HttpSink) -> None:
    sink.reply(422, body="no, the-order-of-ada is none")
    with serving(home, HOOKLINE_NETWORK_ALLOW="127.0.0.0/8") as server:
        event = send(server)
        line = until(server, "action=run_failed")
    assert re.search(rf" INFO runner\.engine\.worker: run 01\w+ failed: rejected .*event={event}\b", line)
    fields = dict(re.findall(r"(\w+)=(\S+)", line))
    assert fields.keys() == {"action", "run", "event", "workflow", "node"}
    assert fields["workflow"] == "orders"
    assert "the-order-of-ada" not in server.log.read_text("utf-8")


def test_as_json_each_line_is_an_object(home: Home, sink: HttpSink) -> None:
    for _ in range(10):
        sink.reply(503)
    settings = {"HOOKLINE_LOG_FORMAT": "json", "HOOKLINE_NETWORK_ALLOW": "127.0.0.0/8"}
    with serving(home, **settings) as server:
        event = send(server)
        for _ in range(4):
            send(server)
        line: dict[str, Any] = json.loads(until(server, '"circuit_opened"'))
    assert line.keys() == {
        "time", "level", "logger", "message", "action", "run", "event", "workflow", "node",
    }  # fmt: skip
    assert (line["level"], line["logger"], line["workflow"]) == ("warning", "runner.engine.places", "orders")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert event[:4] == line["event"][:4]


def said_in_the_code() -> dict[str, set[str]]:
    """The levels at which each `action` is logged anywhere in the product."""
    found: dict[str, set[str]] = {}
    for package in ("runner", "web", "connectors"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and (action := _action(node)):
                    assert isinstance(node.func, ast.Attribute)
                    found.setdefault(action, set()).add(LEVELS.get(node.func.attr, node.func.attr))
    return found


def _action(call: ast.Call) -> str | None:
    extra = next((one.value for one in call.keywords if one.arg == "extra"), None)
    if not isinstance(extra, ast.Dict):
        return None
    values = dict(zip(map(ast.unparse, filter(None, extra.keys)), extra.values, strict=True))
    value = values.get("'action'")
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def test_the_page_has_every_action_under_its_level() -> None:
    rows, level = [], ""
    for line in operating.text("log-lines").splitlines():
        if found := re.match(r"## (\w+): ", line):
            level = found[1].lower()
        elif found := re.match(r"\| `(\w+)` \| .+ \|$", line):
            rows.append((found[1], level))
    assert {action: {level} for action, level in rows} == said_in_the_code()
    assert len(rows) == len({action for action, _level in rows})

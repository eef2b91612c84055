"""The metrics of a server at work, and the alert rules made of them, as Prometheus' own tools judge them."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from runner import operating
from tests.cli.home import Home
from tests.servers.hookline_process import Running, serving
from tests.servers.http_sink import HttpSink
from tests.servers.in_thread import in_thread
from tests.servers.promtool import promtool

HERE = Path(__file__).parent
ORDERS = """\
name: Orders
trigger:
  webhook:
    deduplicate: {key: payload.id}
steps:
  - id: many
    template: "{%% for n in range(3) %%}{{ n }}{%% endfor %%}"
  - id: tell
    action: http.request
    with: {method: POST, url: "%s/orders", json: {id: "{{ payload.id }}"}}
"""


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with in_thread(HttpSink()) as one:
        yield one


@pytest.fixture
def home(tmp_path: Path, sink: HttpSink) -> Home:
    home = Home(tmp_path)
    home.workflow("orders", ORDERS % sink.url)
    return home


def asked(server: Running, method: str, path: str, body: str | None = None, **headers: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status < 500, content
    return content


def samples(text: str) -> dict[str, float]:
    return {
        sample.name + "".join(f"[{key}={sample.labels[key]}]" for key in sorted(sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def busy(home: Home, server: Running) -> str:
    """What `/metrics` says once 20 orders ran, one was a duplicate, and one was no JSON."""
    path = server.paths["orders"]
    for number in [*range(20), 7]:
        asked(server, "POST", path, json.dumps({"id": number}), **{"content-type": "application/json"})
    asked(server, "POST", path, "{", **{"content-type": "application/json"})
    token = home("user", "token", "--name", "prometheus", "--role", "viewer").stdout.strip()
    latest = time.monotonic() + 20
    while True:
        text = asked(server, "GET", "/metrics", Authorization=f"Bearer {token}").decode()
        if samples(text).get("hookline_runs_ended_total[status=succeeded][workflow=orders]") == 20:
            return text
        assert time.monotonic() < latest, text
        time.sleep(0.05)


def test_a_busy_server_tells_of_every_part_of_the_way(home: Home, sink: HttpSink) -> None:
    sink.reply(429, headers={"Retry-After": "0"})
    with serving(home, HOOKLINE_NETWORK_ALLOW="127.0.0.0/8") as server:
        text = busy(home, server)
    assert promtool("check", "metrics", stdin=text.encode()) == (0, "")
    read = samples(text)
    assert read["hookline_received_total[disposition=accepted][workflow=orders]"] == 20
    assert read["hookline_received_total[disposition=duplicate][workflow=orders]"] == 1
    assert read["hookline_received_total[disposition=rejected][workflow=orders]"] == 1
    assert read["hookline_events_total"] == 22
    assert read["hookline_accept_seconds_count[workflow=orders]"] == 21
    assert 0 < read["hookline_accept_seconds_sum[workflow=orders]"] < 20
    assert read["hookline_queue_wait_seconds_count[workflow=orders]"] == 20
    assert read["hookline_run_seconds_count[workflow=orders]"] == 20
    assert read["hookline_calls_total[action=http.request][outcome=succeeded]"] == 20
    assert read["hookline_calls_total[action=http.request][outcome=unavailable]"] == 1
    assert read["hookline_call_seconds_count[action=http.request]"] == 21
    assert read["hookline_retries_total[workflow=orders]"] == 1
    assert read["hookline_destinations[state=well]"] == 1
    assert read["hookline_problems_open[kind=runs]"] == 0
    assert read["hookline_evaluator_restarts_total"] == 0
    assert read["process_resident_memory_bytes"] > 1_000_000
    assert sum(name.startswith("hookline_build_info[python=3.") for name in read) == 1
    used = set(re.findall(r"\bhookline_[a-z_]+", json.dumps([rule["expr"] for rule in rules()])))
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {name.removesuffix("_total") for name in used} <= families


def test_each_of_several_workers_tells_of_itself(home: Home) -> None:
    with serving(home, HOOKLINE_SERVER_WORKERS="2", HOOKLINE_NETWORK_ALLOW="127.0.0.0/8") as server:
        token = home("user", "token", "--name", "prometheus", "--role", "viewer").stdout.strip()
        workers: set[str] = set()
        latest = time.monotonic() + 30
        while workers != {"0", "1"}:
            assert time.monotonic() < latest, workers
            text = asked(server, "GET", "/metrics", Authorization=f"Bearer {token}").decode()
            workers |= set(re.findall(r'hookline_loop_lag_seconds\{worker="(\d)"\}', text))
    assert promtool("check", "metrics", stdin=text.encode()) == (0, "")


def rules() -> list[dict[str, object]]:
    (group,) = yaml.safe_load(operating.text("alerts.yml"))["groups"]
    found: list[dict[str, object]] = group["rules"]
    return found


def test_the_alert_rules_are_right(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(operating.text("alerts.yml"), encoding="utf-8")
    status, said = promtool("check", "rules", "--lint-fatal", "alerts.yml", folder=tmp_path)
    assert (status, "15 rules found" in said) == (0, True), said


def test_each_alert_fires_when_it_should_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(operating.text("alerts.yml"), encoding="utf-8")
    shutil.copy(HERE / "alerts.test.yml", tmp_path)
    status, said = promtool("test", "rules", "alerts.test.yml", folder=tmp_path)
    assert status == 0, said
    tested = (HERE / "alerts.test.yml").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in rules() if str(rule["alert"]) not in tested] == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_says_what_to_do_and_leads_to_its_part_of_the_page(rule: dict[str, object]) -> None:
    annotations = rule["annotations"]
    assert isinstance(annotations, dict)
    assert annotations.keys() == {"summary", "description", "action", "runbook_url"}
    address = urlsplit(annotations["runbook_url"])
    assert address.path == "/docs/operating/alerts"
    assert address.fragment == str(rule["alert"]).lower()
    assert f"\n## {rule['alert']}\n" in operating.text("alerts")

"""Traces: from a sender's `traceparent` through run and steps to the requests they make, over OTLP/HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.cli.home import ROOT, Home
from tests.servers.hookline_process import Running, serving
from tests.servers.http_sink import HttpSink
from tests.servers.in_thread import in_thread
from tests.servers.otlp_collector import OtlpCollector, Seen
from tests.servers.raw_peer import unused_port

TRACE, SENDER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOING_ON = {"traceparent": f"00-{TRACE}-{SENDER}-01", "tracestate": "shop=7"}
PAYLOAD, SECRET = "the-order-of-ada", "s3cret-of-the-shop"
ORDERS = """\
name: Orders
trigger: {webhook: {}}
steps:
  - id: tell
    action: http.request
    with:
      method: POST
      url: "%s/orders"
      headers: {X-Key: "{{ secrets.SHOP_KEY }}"}
      json: {order: "{{ payload.order }}"}
"""
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "50", "HOOKLINE_NETWORK_ALLOW": "127.0.0.0/8",
         "HOOKLINE_SECRET_SHOP_KEY": SECRET}  # fmt: skip


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with in_thread(HttpSink()) as one:
        yield one


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with in_thread(OtlpCollector()) as one:
        yield one


@pytest.fixture
def home(tmp_path: Path, sink: HttpSink) -> Home:
    home = Home(tmp_path)
    home.workflow("orders", ORDERS % sink.url)
    return home


def sent(server: Running, **headers: str) -> int:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    body = json.dumps({"order": PAYLOAD})
    connection.request("POST", server.paths["orders"], body, {"content-type": "application/json", **headers})
    status = connection.getresponse().status
    connection.close()
    return status


def until(sink: HttpSink, count: int) -> None:
    latest = time.monotonic() + 30
    while len(sink.requests) < count:
        assert time.monotonic() < latest
        time.sleep(0.01)


def one(spans: list[Seen]) -> Seen:
    (found,) = spans
    return found


def test_one_trace_leads_from_the_sender_to_what_the_run_calls(
    home: Home, sink: HttpSink, collector: OtlpCollector
) -> None:
    with serving(home, HOOKLINE_TELEMETRY_ENDPOINT=collector.url, HOOKLINE_TELEMETRY_SERVICE_NAME="shop",
                 HOOKLINE_TELEMETRY_HEADERS="X-Tenant=7", **QUICK) as server:  # fmt: skip
        assert sent(server, **GOING_ON) == 200
        run = one(collector.until("run orders"))
    request, accept = one(collector.named("POST /hooks/{token}")), one(collector.named("accept"))
    turn, step = one(collector.named("turn")), one(collector.named("step tell"))
    call = one([seen for seen in collector.spans if seen.name == "POST"])
    assert {seen.trace for seen in collector.spans} == {TRACE}
    assert len(collector.spans) == 6
    chain = [(request, SENDER), (accept, request.span), (run, request.span), (turn, run.span),
             (step, turn.span), (call, step.span)]  # fmt: skip
    assert [(seen.name, seen.parent) for seen, _parent in chain] == [(seen.name, up) for seen, up in chain]
    assert (request.kind, call.kind, step.kind) == ("server", "client", "internal")
    assert sink.requests[0].headers["traceparent"] == f"00-{TRACE}-{call.span}-01"
    assert sink.requests[0].headers["tracestate"] == "shop=7"
    assert request.attributes["http.response.status_code"] == 200
    assert (call.attributes["server.port"], call.attributes["http.response.status_code"]) == (sink.port, 200)
    assert run.attributes["hookline.run.status"] == "succeeded"
    assert step.attributes["hookline.step.kind"] == "http.request"
    assert run.began <= turn.began <= step.began <= call.began < call.ended <= step.ended <= turn.ended
    assert {seen.service for seen in collector.spans} == {"shop"}
    assert {received.headers["x-tenant"] for received in collector.requests} == {"7"}
    said = b"".join(received.body for received in collector.requests)
    token = server.paths["orders"].rpartition("/")[2]
    assert not any(word.encode() in said for word in (PAYLOAD, SECRET, token))


def test_a_run_goes_on_in_its_trace_after_its_process_died(
    home: Home, sink: HttpSink, collector: OtlpCollector
) -> None:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **QUICK}
    sink.reply(503)
    with serving(home, **settings) as server:
        assert sent(server) == 200
        until(sink, 1)
        server.kill()
    with serving(home, **settings):
        until(sink, 2)
        run = one(collector.until("run orders"))
    first, second = (received.headers["traceparent"].split("-") for received in sink.requests)
    assert first[1] == second[1] == run.trace
    assert first[2] != second[2]
    assert run.service == "hookline"
    assert collector.named("turn")[-1].parent == run.span


def test_a_called_run_is_part_of_its_callers_trace(
    home: Home, sink: HttpSink, collector: OtlpCollector
) -> None:
    home.workflow(
        "orders",
        "name: Orders\ntrigger: {webhook: {}}\nsteps:\n  - id: ship\n    call: ship\n",
    )
    home.workflow("ship", "name: Ship\ntrigger: {manual: {}}\nsteps:\n  - transform: {a: '`1`'}\n")
    with serving(home, HOOKLINE_TELEMETRY_ENDPOINT=collector.url, **QUICK) as server:
        assert sent(server, **GOING_ON) == 200
        child, caller = one(collector.until("run ship")), one(collector.until("run orders"))
    assert child.trace == caller.trace == TRACE
    assert child.parent in {seen.span for seen in collector.named("step ship")}


def test_a_failure_is_a_code_and_no_sentence(home: Home, sink: HttpSink, collector: OtlpCollector) -> None:
    sink.reply(422, body=PAYLOAD)
    with serving(home, HOOKLINE_TELEMETRY_ENDPOINT=collector.url, **QUICK) as server:
        assert sent(server) == 200
        run = one(collector.until("run orders"))
    assert run.is_error
    assert (run.attributes["error.type"], run.parent) == ("rejected", one(collector.named("POST /")).span)
    call = one([seen for seen in collector.spans if seen.name == "POST"])
    assert (call.is_error, call.attributes["error.type"]) == (True, "422")
    assert PAYLOAD.encode() not in b"".join(received.body for received in collector.requests)


def test_what_is_not_sampled_is_passed_on_as_that_and_not_told(
    home: Home, sink: HttpSink, collector: OtlpCollector
) -> None:
    with serving(home, HOOKLINE_TELEMETRY_ENDPOINT=collector.url, HOOKLINE_TELEMETRY_SAMPLING="0",
                 **QUICK) as server:  # fmt: skip
        assert sent(server) == 200
        assert sent(server, traceparent=f"00-{TRACE}-{SENDER}-00") == 200
        until(sink, 2)
        assert sent(server, **GOING_ON) == 200  # its sender decided
        collector.until("run orders")
    assert {seen.trace for seen in collector.spans} == {TRACE}
    assert len(collector.named("run orders")) == 1
    flags = sorted(received.headers["traceparent"][-2:] for received in sink.requests)
    assert flags == ["00", "00", "01"]


def test_a_collector_that_is_away_disturbs_no_run(home: Home, sink: HttpSink) -> None:
    endpoint = f"http://127.0.0.1:{unused_port()}"
    with serving(home, HOOKLINE_TELEMETRY_ENDPOINT=endpoint, **QUICK) as server:
        assert [sent(server) for _ in range(5)] == [200] * 5
        until(sink, 5)
        latest = time.monotonic() + 30
        while "action=spans_lost" not in server.log.read_text("utf-8"):
            assert time.monotonic() < latest
            time.sleep(0.05)
    assert server.log.read_text("utf-8").count("spans") == 2  # its line, and its action


def test_nothing_of_it_is_there_where_it_is_off(home: Home, sink: HttpSink) -> None:
    with serving(home, **QUICK) as server:
        assert sent(server, **GOING_ON) == 200
        until(sink, 1)
    assert "traceparent" not in sink.requests[0].headers
    look = (
        "import sys, runner.cli.running, runner.cli.pages, runner.outbound\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout.strip() == "[]"

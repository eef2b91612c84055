"""A worker that serves nothing else tells Prometheus of itself, where it is told to."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.home import HELLO, ROOT, Home
from tests.servers.promtool import promtool
from tests.servers.raw_peer import unused_port

END_SECONDS = 30


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.workflow("hello", HELLO.replace("    answer: result\n", "    methods: [POST]\n"))
    return home


@contextmanager
def started(home: Home, *words: str) -> Iterator[None]:
    """`hookline *words*`, ready, and ended well."""
    process = subprocess.Popen(
        [sys.executable, "-m", "runner.cli", *words], cwd=home.folder, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        yield
        process.terminate()
        assert process.wait(END_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def asked(port: int, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def until_open(port: int) -> None:
    latest = time.monotonic() + 20
    while True:
        try:
            assert asked(port, "GET", "/healthz") == (200, b"alive\n")
            return
        except OSError:
            assert time.monotonic() < latest
            time.sleep(0.02)


def test_a_worker_tells_of_the_runs_that_it_ended(home: Home) -> None:
    server, worker = unused_port(), unused_port()
    path = home("url", "hello").stdout.strip().removeprefix("http://127.0.0.1:8000")
    token = home("user", "token", "--role", "viewer").stdout.strip()
    with (
        started(home, "serve", "--no-execute", "--port", str(server)),
        started(home, "worker", "--metrics", f"127.0.0.1:{worker}"),
    ):
        until_open(worker)
        for _ in range(3):
            body = json.dumps({"name": "Ada"})
            assert asked(server, "POST", path, body, **{"content-type": "application/json"})[0] == 200
        assert asked(worker, "GET", "/metrics")[0] == 401
        assert asked(worker, "GET", "/metrics", Authorization="Bearer hl_wrong")[0] == 401
        assert asked(worker, "POST", "/metrics")[0] == 405
        assert asked(worker, "GET", "/runs")[0] == 404
        latest = time.monotonic() + 20
        while True:
            status, text = asked(worker, "GET", "/metrics", Authorization=f"Bearer {token}")
            assert status == 200
            families = {one.name: one for one in text_string_to_metric_families(text.decode())}
            ended = sum(sample.value for sample in families["hookline_runs_ended"].samples)
            if ended == 3:
                break
            assert time.monotonic() < latest
            time.sleep(0.05)
    assert "hookline_build_info" in families
    assert promtool("check", "metrics", stdin=text) == (0, "")


@pytest.mark.parametrize("address", ["9464", "127.0.0.1:", "127.0.0.1:99999", "host:http"])
def test_an_address_that_is_none_is_refused(home: Home, address: str) -> None:
    found = home("worker", "--metrics", address)
    assert found.exit_code == 2
    assert "write for example 127.0.0.1:9464" in found.stderr

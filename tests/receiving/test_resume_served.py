"""A workflow that waits, at a real server over HTTP: answered, killed in the middle, answered again."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cli.home import ROOT, Home
from tests.servers.hookline_process import serving

WAITING = """\
name: Waiting
trigger: {webhook: {answer: {wait: 10s}}}
output: "[steps.called, steps.asked]"
steps:
  - respond: {body: {called: "{{ resume_url('called') }}", asked: "{{ resume_url('asked') }}"}}
  - id: called
    wait_for: {callback: {}}
  - id: asked
    wait_for: {approval: {message: "Go on with {{ steps.called }}?"}}
"""


def _call(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def _until(home: Home, run_id: str, status: str) -> Any:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        shown = json.loads(home("runs", "show", run_id, "--json").stdout)
        if shown["status"] == status and (status != "waiting" or shown["waiting"]):
            return shown
        time.sleep(0.05)
    raise AssertionError(f"the run does not become {status}")


def test_a_run_waits_over_a_kill_and_goes_on_with_each_answer_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.workflow("waiting", WAITING)
    environment = {"HOOKLINE_PUBLIC_URL": "https://hooks.example.com"}
    with serving(home, **environment) as server:
        status, text = _call(server.port, "POST", server.paths["waiting"], {"x": 1})
        assert status == 200
        urls = {name: urlsplit(url).path for name, url in json.loads(text).items()}
        assert text.count("https://hooks.example.com/resume/") == 2
        run_id = json.loads(home("runs", "list", "--json").stdout)["items"][0]["id"]
        status, page = _call(server.port, "GET", urls["called"], accept="text/html")
        assert (status, "Continue?" in page) == (200, True)
        assert _call(server.port, "GET", "/static/style.css")[0] == 200  # what the page loads is there
        assert _call(server.port, "POST", urls["called"], "the callback")[0] == 200
        shown = _until(home, run_id, "waiting")
        while "approval" not in shown["waiting"]["for"]:
            shown = _until(home, run_id, "waiting")
        assert shown["waiting"]["for"] == "asked waits for an approval: Go on with the callback?"

    _killed_while_waiting(home, environment)

    with serving(home, **environment) as server:
        assert _call(server.port, "POST", urls["called"], "again")[0] == 409
        status, page = _call(server.port, "GET", urls["asked"], accept="text/html")
        assert (status, "Go on with the callback?" in page) == (200, True)
        assert _call(server.port, "POST", urls["asked"], {"choice": "approve"})[0] == 200
        shown = _until(home, run_id, "succeeded")
        assert shown["output"] == [
            "the callback",
            {"choice": "approve", "by": "link", "comment": None},
        ]
        assert _call(server.port, "POST", urls["asked"], {"choice": "reject"})[0] == 410
        assert _call(server.port, "POST", "/resume/nothing", {})[0] == 404


def _killed_while_waiting(home: Home, environment: dict[str, str]) -> None:
    """A server that starts on the data and is killed without warning."""
    process = subprocess.Popen(
        [sys.executable, "-m", "runner.cli", "serve", "--port", "0"],
        cwd=home.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

"""
Requests that Schemathesis makes of the API's own description, good ones and wrong ones, to a server in a
process of its own: no answer is another than the description says. What is excepted, and why, stands in
schemathesis.toml. The requests are the same each time, and nothing leaves this machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from tests.cli.home import ROOT, Home
from tests.servers.hookline_process import Running, serving

MANUAL = "name: By hand\ntrigger: {webhook: {}, manual: {}}\nsteps: [{stop: enough}]\n"
ASKS = "name: Asks\ntrigger: {webhook: {}}\nsteps: [{id: ok, wait_for: {approval: {message: Really?}}}]\n"
BROKEN = "name: Broken\ntrigger: {webhook: {}}\nsteps:\n  - action: nothing.at_all\n"
SETTLE_SECONDS = 20
OFTEN = 0.6  # how much of the time an id is one that exists


@dataclass(frozen=True)
class Api:
    """A server with a few workflows, events and runs, and its description in a file."""

    address: str
    admin: str
    viewer: str
    spare: str  # the id of a token that nobody uses: one may be revoked
    description: Path

    def get(self, path: str) -> Any:
        """What an admin gets."""
        asking = Request(f"{self.address}{path}", headers={"Authorization": f"Bearer {self.admin}"})
        with urlopen(asking, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = Home(tmp_path_factory.mktemp("schemathesis"))
    home.workflow("hello")
    home.workflow("manual", MANUAL)
    home.workflow("asks", ASKS)
    admin, viewer = _token(home, "admin"), _token(home, "viewer")
    _token(home, "editor")
    with serving(home) as server:
        home.workflow("broken", BROKEN)
        _send(server, "hello", {"name": "Ada"})
        _send(server, "asks", {"order": 1042})
        _send(server, "hello", {"nobody": True})
        description = home.folder / "openapi.json"
        one = Api(f"http://127.0.0.1:{server.port}/api/v1", admin, viewer, "", description)
        _wait_until_all_have_run(one)
        description.write_text(json.dumps(one.get("/openapi.json")), encoding="utf-8")
        spare = next(token["id"] for token in one.get("/tokens")["items"] if token["role"] == "editor")
        yield replace(one, spare=spare)


def test_an_admin_meets_nothing_that_is_not_described(api: Api, tmp_path: Path) -> None:
    said = _schemathesis(api, api.admin, tmp_path, "--phases", "coverage,fuzzing", "--max-examples", "1")
    assert said.returncode == 0, said.stdout + said.stderr


def test_a_viewer_reads_nothing_that_is_not_described(api: Api, tmp_path: Path) -> None:
    words = ("--phases", "fuzzing", "--max-examples", "1", "--include-method", "GET")
    said = _schemathesis(api, api.viewer, tmp_path, *words)
    assert said.returncode == 0, said.stdout + said.stderr


def test_head_and_options_have_no_body(api: Api) -> None:
    connection = HTTPConnection(urlsplit(api.address).netloc, timeout=10)
    for method, path in (("HEAD", "/runs"), ("HEAD", "/nothing"), ("HEAD", "/live"), ("OPTIONS", "/runs")):
        headers = {"Authorization": f"Bearer {api.viewer}"}
        connection.request(method, f"/api/v1{path}", headers=headers)
        answer = connection.getresponse()
        assert answer.status == (404 if path == "/nothing" else 200)
        assert answer.read() == b""
        assert (method == "OPTIONS") == ("Allow" in answer.headers)
    connection.close()


def test_what_is_not_as_described_would_be_found(api: Api, tmp_path: Path) -> None:
    """The description is bent at three places, and each is said."""
    document = json.loads(api.description.read_text(encoding="utf-8"))
    document["components"]["schemas"]["Me"]["properties"]["role"] = {"type": "integer"}
    del document["paths"]["/runs"]["get"]["responses"]["400"]
    (words,) = document["paths"]["/find"]["get"]["parameters"]
    words["schema"] = {"type": "string", "minLength": 1000}
    bent = tmp_path / "bent.json"
    bent.write_text(json.dumps(document), encoding="utf-8")
    names = ("me", "list_runs", "find")
    only = [word for name in names for word in ("--include-operation-id", name)]
    said = _schemathesis(replace(api, description=bent), api.admin, tmp_path, "--phases", "coverage", *only)
    assert said.returncode == 1, said.stdout + said.stderr
    for sentence in ("Response violates schema: 1", "Undocumented status code: 1", "request rejected: 1"):
        assert sentence in said.stdout


def _schemathesis(api: Api, token: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Schemathesis as whoever has *token*, by schemathesis.toml and what is there to be found."""
    settings = folder / "schemathesis.toml"
    shared = (ROOT / "schemathesis.toml").read_text(encoding="utf-8")
    settings.write_text(f"{shared}\n{_found(api, token)}", encoding="utf-8")
    command = Path(sys.executable).with_name("schemathesis")
    return subprocess.run(
        [command, "--config-file", settings, "run", api.description, "--url", api.address, "--no-color",
         "--generation-deterministic", "--continue-on-failure", "--request-timeout", "10", *words],
        cwd=folder, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip


def _found(api: Api, token: str) -> str:
    """Settings: who asks, and the ids that exist, by the part of the address that has them."""
    ids = {
        "workflows": ["hello", "manual", "asks", "broken"],
        "events": [one["id"] for one in api.get("/events")["items"]],
        "runs": [one["id"] for one in api.get("/runs")["items"]],
        "problems": [one["id"] for one in api.get("/problems")["items"]],
        "approvals": [one["id"] for one in api.get("/approvals")["items"]],
        "samples": ["shopify", "github"],
    }
    cursors = [api.get(f"/{name}?limit=1")["next"] for name in ("events", "runs")]
    lines = ["[auth.openapi.token]", f'bearer = "{token}"', "[dictionaries]"]
    lines += [f"{name} = {{ values = {json.dumps(values)} }}" for name, values in ids.items() if values]
    lines += [f"cursors = {{ values = {json.dumps(cursors)} }}"]
    lines += ["[parameters]", f'"query.cursor" = {{ dictionary = "cursors", probability = {OFTEN} }}']
    for name, values in ids.items():
        if values:
            binding = f'{{ dictionary = "{name}", probability = {OFTEN} }}'
            lines += _operation(f'include-path-regex = "^/{name}/[{{]id"', {"path.id": binding})
    # a token that revokes itself would see nothing more
    lines += _operation('include-operation-id = "revoke_token"', {"path.id": f'"{api.spare}"'})
    return "\n".join(lines) + "\n"


def _operation(which: str, parameters: Mapping[str, str]) -> list[str]:
    given = ", ".join(f'"{name}" = {value}' for name, value in parameters.items())
    return ["[[operations]]", which, f"parameters = {{ {given} }}"]


def _token(home: Home, role: str) -> str:
    made = home("user", "token", "--role", role, "--name", f"a {role}")
    assert made.exit_code == 0, made.stderr
    return made.stdout.strip()


def _send(server: Running, slug: str, payload: Mapping[str, Any]) -> None:
    body = json.dumps(payload).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", server.paths[slug], body, headers)
    assert connection.getresponse().status in {200, 500}  # 500: its run failed, as it shall
    connection.close()


def _wait_until_all_have_run(api: Api) -> None:
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        if {"succeeded", "failed", "waiting"} == {one["status"] for one in api.get("/runs")["items"]}:
            return
    raise AssertionError("the runs did not end")

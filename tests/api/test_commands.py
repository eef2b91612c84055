"""What the API has for commands that ask a server: addresses, samples to send, state, pauses, forgetting."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.schema_check import differences
from tests.cli.home import HELLO, Home
from tests.servers.hookline_process import serving

SIGNED = """name: Signed
trigger: {webhook: {verify: {provider: github, secret: GITHUB}}}
steps: [{stop: fine}]
"""


@dataclass(frozen=True)
class Served:
    """A server and its description."""

    url: str
    home: Home
    tokens: dict[str, str]
    document: Any

    def ask(self, method: str, path: str, *, role: str = "admin", **given: Any) -> tuple[int, Any]:
        """Status and JSON of an answer; of a GET or DELETE *given* is the query, else the body."""
        is_query = method in ("GET", "DELETE")
        query = f"?{urlencode(given)}" if is_query and given else ""
        request = urllib.request.Request(
            f"{self.url}{path}{query}",
            None if is_query else json.dumps(given).encode(),
            {"Authorization": f"Bearer {self.tokens[role]}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = Home(tmp_path_factory.mktemp("commands"))
    home.workflow("hello", HELLO)
    home.workflow("signed", SIGNED)
    home("secrets", "set", "GITHUB", stdin="hush")
    home("connections", "set", "team", "--kind", "slack", stdin='{"token": "xoxb-hush"}')
    tokens = {
        role: home("user", "token", "--role", role).stdout.strip() for role in ("viewer", "editor", "admin")
    }
    with serving(home) as running:
        url = f"http://127.0.0.1:{running.port}/api/v1"
        with urllib.request.urlopen(
            urllib.request.Request(
                f"{url}/openapi.json", None, {"Authorization": f"Bearer {tokens['viewer']}"}
            )
        ) as answer:
            document = json.load(answer)
        yield Served(url, home, tokens, document)


CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("GET", "/workflows/{id}/addresses", "viewer", {}),
    ("POST", "/workflows/{id}/addresses", "editor", {"rotate": True, "keep": "7d", "also": "/webhook/a"}),
    ("POST", "/workflows/{id}/addresses", "editor", {"not_at": "/webhook/a"}),
    ("POST", "/workflows/{id}/letter", "editor", {"type": "push"}),
    ("PUT", "/state/entry", "editor", {"workflow": "hello", "key": "a/b ü", "value": {"n": 1}, "ttl": "1h"}),
    ("PUT", "/state/entry", "editor", {"key": "shared", "value": 2}),
    ("GET", "/state", "editor", {"workflow": "hello"}),
    ("GET", "/state", "editor", {"limit": 1}),
    ("GET", "/state/entry", "editor", {"workflow": "hello", "key": "a/b ü"}),
    ("DELETE", "/state/entry", "editor", {"workflow": "hello", "key": "a/b ü"}),
    ("POST", "/pauses", "editor", {"kind": "connection", "name": "team", "for": "1h", "why": "a move"}),
    ("POST", "/pauses", "editor", {"kind": "host", "name": "API.example.com"}),
    ("GET", "/pauses", "viewer", {}),
    ("POST", "/pauses/resume", "editor", {"kind": "connection", "name": "team"}),
    ("POST", "/forget", "admin", {"where": ["workflow=hello", "before=1d"], "plan": True}),
    ("POST", "/forget", "admin", {"where": ["payload.email=ada@example.com"], "with_open": True}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "role", "given"), CALLS)
def test_each_answer_is_as_described_and_for_its_role_alone(
    served: Served, method: str, path: str, role: str, given: dict[str, Any]
) -> None:
    address = path.replace("{id}", "signed")
    if role != "viewer":
        below = {"editor": "viewer", "admin": "editor"}[role]
        assert served.ask(method, address, role=below, **given)[0] == 403
    status, answer = served.ask(method, address, role=role, **given)
    assert status == 200, answer
    described = served.document["paths"][path][method.lower()]["responses"]["200"]
    schema = described["content"]["application/json"]["schema"]
    assert differences(answer, schema, served.document) == []


@pytest.mark.parametrize(
    ("method", "path", "given", "status", "sentence"),
    [
        ("GET", "/workflows/nope/addresses", {}, 404, "There is no workflow nope."),
        ("POST", "/workflows/hello/addresses", {"keep": "7d"}, 422, "it goes with rotate"),
        ("POST", "/workflows/hello/addresses", {"also": "/api/x"}, 422, "/api"),
        ("POST", "/workflows/hello/addresses", {"not_at": "/x"}, 404, "does not answer at /x"),
        ("POST", "/workflows/hello/letter", {}, 422, "names no provider"),
        ("POST", "/workflows/signed/letter", {"type": "nope"}, 404, "nope"),
        ("GET", "/state/entry", {"key": "nope"}, 404, 'there is no state "nope" shared by all.'),
        ("DELETE", "/state/entry", {"key": "x", "workflow": "hello"}, 404, 'no state "x" of hello.'),
        ("PUT", "/state/entry", {"key": "large", "value": "x" * 70_000}, 413, "more than"),
        ("PUT", "/state/entry", {"key": "large"}, 400, "value is missing"),
        ("POST", "/pauses", {"kind": "connection", "name": "taem"}, 404, "did you mean"),
        ("POST", "/pauses", {"kind": "moon", "name": "x"}, 400, "must be one of"),
        ("POST", "/pauses/resume", {"kind": "host", "name": "never"}, 404, "is not paused"),
        ("POST", "/forget", {"where": []}, 400, "a list of 1 to"),
        ("POST", "/forget", {"where": ["colour=red"]}, 422, "nothing to look for"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_problem_in_a_sentence(
    served: Served, method: str, path: str, given: dict[str, Any], status: int, sentence: str
) -> None:
    got, problem = served.ask(method, path, **given)
    assert (got, sentence.lower() in problem["detail"].lower()) == (status, True), problem


def test_a_letter_passes_the_door_once_it_is_sent(served: Served) -> None:
    _, letter = served.ask("POST", "/workflows/signed/letter", type="push")
    request = urllib.request.Request(
        letter["url"], base64.b64decode(letter["body"]), letter["headers"], method=letter["method"]
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["status"] == "accepted"


def test_what_is_done_by_the_api_stands_in_the_audit_log(served: Served) -> None:
    served.ask("PUT", "/state/entry", key="watched", value=1)
    served.ask("POST", "/pauses", kind="host", name="audited.example.com", why="to see")
    served.ask("POST", "/forget", where=["type=none"])
    _, page = served.ask("GET", "/audit")
    deeds = [(one["verb"], one["kind"], one["name"]) for one in page["items"]]
    assert {
        ("set", "state", "watched"),
        ("paused", "host", "audited.example.com"),
        ("forgot", "event", ""),
    } <= {*deeds}

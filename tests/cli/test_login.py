"""`hookline login`, and how a command with `--server` speaks: its token, what it is told and tells."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.cli.home import HELLO, Home
from tests.servers.certificates import issue
from tests.servers.forward_proxy import ForwardProxy
from tests.servers.hookline_process import Running, serving
from tests.servers.http_sink import HttpSink
from tests.servers.in_thread import in_thread

MANUAL = """name: Refund
trigger:
  manual: {inputs: {type: object, properties: {order: {type: string}, cents: {type: integer}}}}
steps:
  - fail: nothing to refund
    if: payload.cents == 0
output: payload
"""
TOKEN = "hl_no_such_token"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Running]]:
    home = Home(tmp_path_factory.mktemp("login"))
    home.workflow("hello", HELLO)
    home.workflow("refund", MANUAL)
    with serving(home) as server:
        yield home, server


@pytest.fixture
def served(running: tuple[Home, Running]) -> tuple[Home, str]:
    home, server = running
    return home, f"http://127.0.0.1:{server.port}"


@pytest.fixture
def kept(tmp_path: Path) -> dict[str, Any]:
    """Where this test's user keeps what is theirs."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def token(home: Home, *words: str) -> str:
    return home("user", "token", *words).stdout.strip()


def test_a_login_is_tried_kept_for_the_user_alone_used_and_forgotten(
    served: tuple[Home, str], kept: dict[str, Any], tmp_path: Path
) -> None:
    home, url = served
    secret = token(home, "--name", "laptop", "--role", "viewer", "--may-run")
    assert home("runs", "list", "--server", url, **kept).exit_code == 2
    done = home("login", f"{url}/", stdin=f"{secret}\n", **kept)
    assert (done.exit_code, done.stdout) == (0, f"Logged in to {url} as laptop (viewer, may run)\n")
    path = tmp_path / "config" / "hookline" / "logins.json"
    assert json.loads(path.read_text()) == {url: secret}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    told = json.loads(home("login", url, "--json", stdin=secret, **kept).stdout)
    assert told == {
        "server": url, "version": "0.1.0", "name": "laptop", "role": "viewer", "may_run": True,
        "rights": ["view", "run"],
    }  # fmt: skip
    assert home("runs", "list", "--server", url, **kept).exit_code == 0
    assert home("runs", "list", HOOKLINE_SERVER=url, **kept).exit_code == 0
    assert home("logout", url, **kept).exit_code == 0
    assert json.loads(path.read_text()) == {}
    again = home("logout", url, **kept)
    assert (again.exit_code, again.stderr) == (2, f"hookline: no token is kept for {url}\n")


def test_a_token_that_is_none_is_not_kept_and_never_repeated(
    served: tuple[Home, str], kept: dict[str, Any], tmp_path: Path
) -> None:
    home, url = served
    for given, status in ((TOKEN, 2), ("", 2), (f"{TOKEN} and more", 2), ("hl_ü", 2)):
        result = home("login", url, stdin=given, **kept)
        assert result.exit_code == status
        assert "hl_no" not in result.output
    assert not (tmp_path / "config").exists()
    refused = home("runs", "list", "--server", url, HOOKLINE_TOKEN=TOKEN)
    assert refused.exit_code == 2
    assert refused.stderr == (
        f"hookline: {url} does not know this token; `hookline login {url}` keeps another\n"
    )


def test_a_file_that_others_can_read_is_not_used(
    served: tuple[Home, str], kept: dict[str, Any], tmp_path: Path
) -> None:
    home, url = served
    home("login", url, stdin=token(home), **kept)
    path = tmp_path / "config" / "hookline" / "logins.json"
    path.chmod(0o644)
    result = home("runs", "list", "--server", url, **kept)
    assert (result.exit_code, f"chmod 600 {path}" in result.stderr) == (1, True)


def test_without_a_token_the_way_to_one_is_said(served: tuple[Home, str], kept: dict[str, Any]) -> None:
    home, url = served
    result = home("events", "list", "--server", url, **kept)
    assert result.stderr == (
        f"hookline: there is no token for {url}; `hookline login {url}` keeps one, "
        "or HOOKLINE_TOKEN holds it\n"
    )


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("hookline.example.com", "is no address of a server; write for example https://hookline.example.com"),
        ("https://hl_hush@hookline.example.com", "a token does not belong into an address"),
        ("https://example.com/?x=1", "an address has neither ? nor #"),
        ("https://[::1", "--server: "),
        ("ftp://hl_hush@example.com", "example.com is no address"),
    ],
)
def test_what_is_no_address_is_said_without_a_token_in_it(home: Home, address: str, sentence: str) -> None:
    result = home("runs", "list", "--server", address, HOOKLINE_TOKEN=TOKEN)
    assert (result.exit_code, sentence in result.stderr, "hush" in result.stderr) == (2, True, False)


def test_what_the_role_does_not_allow_is_refused_and_changes_nothing(served: tuple[Home, str]) -> None:
    home, url = served
    viewer = token(home, "--role", "viewer")
    result = home("secrets", "set", "KEY", "--server", url, stdin="hush", HOOKLINE_TOKEN=viewer)
    assert (result.exit_code, result.stderr) == (
        1,
        f"hookline: {url} refuses this: your role does not allow this\n",
    )
    assert json.loads(home("secrets", "list", "--json").stdout)["items"] == []


def test_data_that_is_named_goes_before_the_environment_and_not_with_an_address(home: Home) -> None:
    home("user", "token")
    nowhere: dict[str, Any] = {"HOOKLINE_SERVER": "http://127.0.0.1:1", "HOOKLINE_TOKEN": TOKEN}
    assert home("runs", "list", "--data", ".hookline", **nowhere).exit_code == 0
    assert home("runs", "list", **nowhere).exit_code == 1
    both = home("runs", "list", "--data", ".hookline", "--server", "http://127.0.0.1:1")
    assert (both.exit_code, "give one" in both.stderr) == (2, True)
    assert home("actions", "--workflows", "workflows", **nowhere).exit_code == 0
    assert home("actions", **nowhere).exit_code == 1


def test_a_server_that_does_not_answer_is_said(home: Home) -> None:
    result = home("runs", "list", "--server", "http://127.0.0.1:1", HOOKLINE_TOKEN=TOKEN)
    assert result.exit_code == 1
    assert result.stderr.startswith("hookline: nothing answers at http://127.0.0.1:1 (")


@pytest.mark.parametrize(
    ("reply", "status", "sentence"),
    [
        ({"status": 200, "body": b"<html>"}, 1, "is not Hookline's API"),
        ({"status": 404, "body": b"<html>"}, 1, "is not Hookline's API (status 404)"),
        ({"status": 302, "headers": {"Location": "https://else.example.com/"}}, 2, "sends us to https://else.example.com/"),
        ({"status": 502, "json": {"detail": "The gateway is closed."}}, 1, "the gateway is closed"),
        ({"status": 422, "json": {"detail": "limit: no."}}, 2, "hookline: limit: no\n"),
        ({"status": 409, "json": {"detail": "It is over."}}, 1, "hookline: It is over\n"),
        ({"status": 503, "json": {"detail": "Try again."}}, 1, "hookline: Try again\n"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_said(
    home: Home, reply: dict[str, Any], status: int, sentence: str
) -> None:
    with in_thread(HttpSink()) as sink:
        sink.reply(reply.pop("status"), **reply)
        result = home("runs", "list", "--server", sink.url, HOOKLINE_TOKEN=TOKEN)
        assert (result.exit_code, sentence.lower() in result.stderr.lower()) == (status, True), result.stderr
        (asked,) = sink.requests
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"


def test_a_server_that_is_too_old_is_said_with_both_versions(home: Home) -> None:
    async def old(asked: Any) -> web.StreamResponse:
        if asked.path.endswith("/openapi.json"):
            return web.json_response({"info": {"version": "0.0.9"}, "paths": {"/runs": {"get": {}}}})
        return web.json_response({"detail": "There is nothing at this address."}, status=404)

    with in_thread(HttpSink()) as sink:
        sink.handler = old
        result = home("state", "list", "--shared", "--server", sink.url, HOOKLINE_TOKEN=TOKEN)
        assert (result.exit_code, result.stderr) == (
            1, f"hookline: {sink.url} runs Hookline 0.0.9, which cannot do this; this command is of 0.1.0\n",
        )  # fmt: skip


def test_a_certificate_is_verified(home: Home, tmp_path: Path) -> None:
    authority = issue(tmp_path, "authority")
    server = issue(tmp_path, "server", authority)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(server.certificate_path, server.key_path)
    with in_thread(HttpSink(tls=tls)) as sink:
        url = f"https://127.0.0.1:{sink.port}"
        result = home("runs", "list", "--server", url, HOOKLINE_TOKEN=TOKEN)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"hookline: the certificate of {url} is not trusted here: ")
        assert not sink.requests
        sink.reply(200, json={"items": [], "next": None})
        trusting: dict[str, Any] = {"HOOKLINE_TOKEN": TOKEN, "SSL_CERT_FILE": str(authority.certificate_path)}
        assert home("runs", "list", "--server", url, **trusting).exit_code == 0


def test_the_proxy_of_the_environment_is_used(home: Home) -> None:
    with in_thread(HttpSink()) as sink:
        names = {"hookline.example.com:80": sink.port}
        with in_thread(ForwardProxy(names)) as proxy:
            sink.reply(200, json={"items": [], "next": None})
            result = home(
                "runs", "list", "--server", "http://hookline.example.com",
                HOOKLINE_TOKEN=TOKEN, http_proxy=f"http://127.0.0.1:{proxy.port}", no_proxy="",
            )  # fmt: skip
            assert (result.exit_code, len(proxy.asked), len(sink.requests)) == (0, 1, 1), result.stderr


@pytest.mark.parametrize("live", [True, False])
def test_a_run_is_started_and_watched_to_its_end(served: tuple[Home, str], live: bool) -> None:
    home, url = served
    given: dict[str, Any] = {
        "HOOKLINE_TOKEN": token(home, "--name", "by ci", "--role", "viewer", "--may-run")
    }
    words = [
        "run",
        "refund",
        *(["--live"] if live else []),
        "--input",
        "order=1042",
        "--json",
        "--server",
        url,
    ]
    good = home(*words, "--input", "cents=5", **given)
    run = json.loads(good.stdout)
    assert (good.exit_code, run["status"], run["output"]) == (0, "succeeded", {"order": "1042", "cents": 5})
    found = home("runs", "show", run["id"], "--server", url, **given)
    assert found.exit_code == (0 if live else 2)
    bad = home(*words, "--input", "cents=0", **given)
    assert (bad.exit_code, json.loads(bad.stdout)["status"]) == (1, "failed")
    assert home(*words, "--input", "cents=many", **given).exit_code == 2


@pytest.mark.parametrize("kind", ["runs", "events"])
def test_a_tail_tells_what_was_and_what_comes(served: tuple[Home, str], kind: str) -> None:
    home, url = served
    given: dict[str, Any] = {"HOOKLINE_TOKEN": token(home, "--role", "viewer")}

    async def tailed() -> None:
        assert (await home.process("run", "hello", "--live"))[0] == 1
        tail = await home.start(
            kind, "tail", "--workflow", "hello", "--since", "1h", "--json", "--server", url, **given
        )
        assert tail.stdout is not None
        first = json.loads(await tail.stdout.readline())
        status, out, _ = await home.process("run", "hello", "--live", "--json")
        made = json.loads(out)["id" if kind == "runs" else "event"]
        while (told := json.loads(await tail.stdout.readline()))["id"] != made:
            assert told["id"] > first["id"]
        tail.send_signal(signal.SIGINT)
        _out, err = await tail.communicate()
        assert (status, tail.returncode, err) == (1, 0, b"")

    asyncio.run(tailed())


def test_replays_are_planned_started_and_followed(served: tuple[Home, str]) -> None:
    home, url = served
    given: dict[str, Any] = {"HOOKLINE_TOKEN": token(home)}
    home.workflow("broken", "name: Broken\ntrigger: {webhook: {}}\nsteps: [{fail: no}]\n")
    for _ in range(3):
        home("run", "broken", "--live")
    planned = json.loads(
        home(
            "runs", "replay", "--where", "workflow=broken", "--plan", "--json", "--server", url, **given
        ).stdout
    )
    assert planned["plan"]["included"] == 3
    home.workflow("broken", "name: Broken\ntrigger: {webhook: {}}\nsteps: [{stop: mended}]\n")
    assert home("replays", "start", planned["id"], "--server", url, **given).exit_code == 0
    followed = home("replays", "show", planned["id"], "--follow", "--json", "--server", url, **given)
    assert json.loads(followed.stdout)["progress"]["started"] == 3
    assert "of 3 started" in followed.stderr

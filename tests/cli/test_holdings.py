"""Secrets, connections, people, addresses: what a server holds."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime

import pytest

from tests.cli.home import Home
from tests.servers.http_sink import HttpSink


def test_a_secret_is_listed_by_name_and_never_shown(home: Home) -> None:
    result = home("secrets", "set", "SHOPIFY_SECRET", stdin="hush hush\n")
    assert (result.exit_code, result.stdout) == (0, "")
    page = json.loads(home("secrets", "list", "--json").stdout)
    assert [(one["name"], one["hosts"]) for one in page["items"]] == [("SHOPIFY_SECRET", None)]
    assert page["next"] is None
    assert "hush" not in home("secrets", "list").output
    assert home("secrets", "delete", "SHOPIFY_SECRET").exit_code == 0
    assert home("secrets", "delete", "SHOPIFY_SECRET").exit_code == 2


@pytest.mark.parametrize(
    ("given", "kept"), [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a ")]
)
async def test_one_line_break_at_the_end_is_no_part_of_a_secret(home: Home, given: str, kept: str) -> None:
    async with HttpSink() as sink:
        home.workflow(
            "sends",
            "name: Sends\ntrigger: {webhook: {}}\nsteps:\n  - action: http.request\n"
            f"    with: {{method: POST, url: '{sink.url}', json: {{key: '{{{{ secrets.KEY }}}}'}}}}\n",
        )
        await _set_secret(home, given)
        status, out, _err = await home.process(
            "run", "sends", "--live", HOOKLINE_NETWORK_ALLOW="127.0.0.1/32"
        )
        assert status == 0, out
        assert sink.requests[0].json() == {"key": kept}


async def _set_secret(home: Home, value: str) -> None:
    result = await asyncio.to_thread(home, "secrets", "set", "KEY", stdin=value.encode())
    assert result.exit_code == 0, result.output


def test_programs_hear_what_was_changed(home: Home) -> None:
    for words, stdin in (
        (("secrets", "set", "KEY"), "x"),
        (("secrets", "delete", "KEY"), ""),
        (("connections", "set", "KEY", "--kind", "slack"), '{"token": "xoxb-hush"}'),
        (("connections", "delete", "KEY"), ""),
    ):
        result = home(*words, "--json", stdin=stdin)
        assert (json.loads(result.stdout), result.stderr) == ({"name": "KEY", "changed": True}, "")


def test_a_bad_name_and_an_empty_value_are_wrong_usage(home: Home) -> None:
    assert home("secrets", "set", "NO-DASH", stdin="x").exit_code == 2
    assert home("secrets", "set", "EMPTY", stdin="\n").exit_code == 2
    assert home("secrets", "set", "BYTES", stdin=b"\xff").exit_code == 2


def test_a_connection_is_read_as_json_and_listed_by_kind(home: Home) -> None:
    result = home("connections", "set", "team", "--kind", "slack", stdin='{"token": "xoxb-hush"}')
    assert result.exit_code == 0
    listed = home("connections", "list", "--json")
    (one,) = json.loads(listed.stdout)["items"]
    assert (one["name"], one["kind"], one["state"]) == ("team", "slack", "untried")
    assert "hush" not in listed.output
    assert home("connections", "delete", "team").exit_code == 0
    assert home("connections", "delete", "team").exit_code == 2


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("slak", "{}"), ("slack", "not json xoxb-hush"), ("slack", '{"tokn": "xoxb-hush"}'), ("slack", "[]")],
)
def test_a_connection_that_cannot_be_is_refused_without_its_credentials(
    home: Home, kind: str, fields: str
) -> None:
    result = home("connections", "set", "team", "--kind", kind, stdin=fields)
    assert result.exit_code == 2
    assert result.stderr.startswith("hookline: ")
    assert "hush" not in result.output


async def test_a_connection_is_tried_by_the_way_of_sending(home: Home) -> None:
    async with HttpSink() as sink:
        fields = json.dumps({"kind": "slack", "token": "xoxb-hush", "api_url": sink.url})
        given = {"HOOKLINE_CONNECTION_TEAM": fields, "HOOKLINE_NETWORK_ALLOW": "127.0.0.1/32"}
        for _ in range(2):
            sink.reply(200, json={"ok": True, "team": "Team", "user": "bot"})
        await asyncio.to_thread(home, "user", "token")
        status, out, _err = await home.process("connections", "test", "team", **given)
        assert (status, bool(out.strip())) == (0, True)
        assert sink.requests[0].headers["authorization"] == "Bearer xoxb-hush"
        status, out, _err = await home.process("connections", "test", "team", "--json", **given)
        tried = json.loads(out)
        assert (status, tried["name"], tried["works"], bool(tried["said"])) == (0, "team", True, True)
        for _ in range(2):
            sink.reply(200, json={"ok": False, "error": "invalid_auth"})
        status, _out, err = await home.process("connections", "test", "team", **given)
        assert status == 1
        assert "invalid_auth" in err or "token" in err
        status, out, _err = await home.process("connections", "test", "team", "--json", **given)
        assert (status, json.loads(out)["works"]) == (1, False)
        assert (await home.process("connections", "test", "nope", **given))[0] == 2


def test_the_kinds_show_their_fields(home: Home) -> None:
    kinds = json.loads(home("connections", "kinds", "--json").stdout)["items"]
    assert {"slack", "smtp"} <= {one["kind"] for one in kinds}
    assert "token" in home("connections", "kinds").stdout


def test_the_catalogue_shows_inputs_output_and_an_example(home: Home) -> None:
    actions = json.loads(home("actions", "slack", "--json").stdout)["items"]
    action = next(one for one in actions if one["name"] == "slack.post_message")
    assert {"channel", "text"} <= action["inputs"]["properties"].keys()
    assert {"channel", "ts"} <= action["output"]["properties"].keys()
    assert action["connection_kinds"] == ["slack"]
    shown = home("actions").stdout
    assert "http.request\n" in shown
    assert "email.send\n" in shown
    assert home("actions", "slak").exit_code == 2


def test_the_schema_is_printed(home: Home) -> None:
    schema = json.loads(home("schema", "workflow").stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert home("schema").stdout == home("schema", "workflow").stdout == home("schema", "--json").stdout


def test_a_token_stands_alone_and_is_listed_without_its_text(home: Home) -> None:
    token = home("user", "token", "--name", "deploy", "--role", "editor", "--days", "90").stdout
    assert token.startswith("hl_")
    assert token.count("\n") == 1
    listed = home("user", "list", "--json").stdout
    (one,) = json.loads(listed)["items"]
    assert (one["name"], one["role"]) == ("deploy", "editor")
    assert token.strip() not in listed


def test_a_token_for_programs_comes_with_what_it_is_for_and_when_it_ends(home: Home) -> None:
    for_ever = json.loads(home("user", "token", "--json").stdout)
    assert for_ever.pop("token").startswith("hl_")
    assert for_ever == {"name": "command line", "role": "admin", "expires_at": None}
    before = time.time()
    ends = json.loads(home("user", "token", "--days", "1", "--json").stdout)["expires_at"]
    assert 0 <= datetime.fromisoformat(ends).timestamp() - before - 86400 + 0.001 <= 60


def test_a_sign_in_link_stands_alone_at_the_public_address(home: Home) -> None:
    link = home("user", "link", HOOKLINE_PUBLIC_URL="https://hooks.example.com/").stdout
    assert link.startswith("https://hooks.example.com/start/hl_")
    link = json.loads(home("user", "link", "--json", HOOKLINE_PUBLIC_URL="https://hooks.example.com").stdout)
    assert link.keys() == {"url"}
    assert link["url"].startswith("https://hooks.example.com/start/hl_")


def test_an_address_stands_alone_and_stays_until_it_is_changed(home: Home) -> None:
    first = home("url", "hello", HOOKLINE_PUBLIC_URL="https://hooks.example.com")
    assert first.stdout.startswith("https://hooks.example.com/hooks/")
    assert home("url", "hello", HOOKLINE_PUBLIC_URL="https://hooks.example.com").stdout == first.stdout
    changed = home("url", "hello", "--rotate", HOOKLINE_PUBLIC_URL="https://hooks.example.com")
    assert changed.stdout != first.stdout
    shown = home("url", "hello", "--json", HOOKLINE_PUBLIC_URL="https://hooks.example.com").stdout
    url = changed.stdout.strip()
    addresses = [{"url": url, "kind": "own", "until": None}]
    assert json.loads(shown) == {"workflow": "hello", "url": url, "addresses": addresses, "warnings": []}


def test_the_address_of_a_file_with_faults_stays_as_long_as_the_server_knows_the_workflow(home: Home) -> None:
    first = home("url", "hello").stdout
    home.workflow("hello", "name: Broken\n")
    shown = home("url", "hello")
    assert (shown.exit_code, shown.stdout) == (0, first)
    assert "has faults now" in shown.stderr
    changed = home("url", "hello", "--rotate").stdout
    assert changed != first
    (home.folder / "workflows" / "hello.yaml").unlink()
    assert home("url", "hello").stdout == changed


def test_there_is_no_address_where_no_version_was_ever_good(home: Home) -> None:
    home.workflow("broken", "name: Broken\n")
    result = home("url", "broken")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "workflows/broken.yaml:1:1" in result.stderr


def test_the_address_of_an_unknown_workflow_is_answered_with_the_nearest(home: Home) -> None:
    result = home("url", "hullo")
    assert result.exit_code == 2
    assert 'did you mean "hello"?' in result.stderr

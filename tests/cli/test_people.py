from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from tests.cli.home import Home


def _log(home: Home) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(home.folder / ".hookline" / "hookline.db")) as database:
        return database.execute("SELECT who_key, verb, kind, name FROM audit ORDER BY number").fetchall()


def test_people_are_added_listed_given_another_role_and_removed(home: Home) -> None:
    link = home("user", "add", "Ada@Example.com", "--role", "admin", "--name", "Ada Lovelace")
    assert link.stdout.startswith("http://127.0.0.1:8000/start/hl_")
    assert link.stdout.count("\n") == 1
    assert home("user", "add", "grace@example.com", "--role", "viewer", "--may-run").exit_code == 0
    people = json.loads(home("user", "list", "--json").stdout)["items"]
    assert [(one["kind"], one["email"], one["name"], one["may_run"]) for one in people] == [
        ("user", "ada@example.com", "Ada Lovelace", True),
        ("user", "grace@example.com", "grace", True),
    ]
    shown = home("user", "list").stdout
    assert "viewer, may run" in shown
    assert home("user", "role", "grace@example.com", "editor").exit_code == 0
    assert "editor" in home("user", "list").stdout
    assert home("user", "remove", "grace@example.com").exit_code == 0
    assert "grace" not in home("user", "list").stdout


def test_what_cannot_be_done_says_why(home: Home) -> None:
    home("user", "add", "ada@example.com", "--role", "admin")
    again = home("user", "add", "ADA@example.com", "--role", "viewer")
    assert again.exit_code != 0
    assert "ada@example.com is somebody's already" in again.output
    assert home("user", "add", "ada", "--role", "viewer").exit_code == 2
    last = home("user", "remove", "ada@example.com")
    assert "only admin" in last.output
    unknown = home("user", "link", "bob@example.com")
    assert "there is nobody with the email bob@example.com" in unknown.output


def test_a_link_without_an_email_is_the_only_admins(home: Home) -> None:
    first = home("user", "link").stdout
    assert "/start/hl_" in first
    home("user", "add", "ada@example.com", "--role", "admin")
    assert "/start/hl_" in home("user", "link").stdout
    home("user", "add", "grace@example.com", "--role", "admin")
    which = home("user", "link")
    assert which.exit_code != 0
    assert "ada@example.com, grace@example.com" in which.output
    assert "/start/hl_" in home("user", "link", "grace@example.com").stdout


def test_a_token_is_taken_back(home: Home) -> None:
    home("user", "token", "--name", "deploy")
    (token,) = json.loads(home("user", "list", "--json").stdout)["items"]
    assert home("user", "remove", token["id"]).exit_code == 0
    assert json.loads(home("user", "list", "--json").stdout)["items"] == []
    assert home("user", "remove", token["id"]).exit_code != 0


def test_what_is_done_at_the_command_line_is_written_down_with_the_systems_user(home: Home) -> None:
    home("user", "add", "ada@example.com", "--role", "admin")
    home("secrets", "set", "KEY", stdin="a value of the secret")
    home("secrets", "delete", "KEY")
    home("connections", "set", "team", "--kind", "slack", stdin=json.dumps({"token": "xoxb-secret"}))
    home("connections", "delete", "team")
    home("pause", "hello", "--why", "a look")
    home("resume", "hello")
    home("events", "recheck")
    log = _log(home)
    assert [one[1:] for one in log] == [
        ("added", "user", "ada@example.com"),
        ("set", "secret", "KEY"),
        ("deleted", "secret", "KEY"),
        ("set", "connection", "team"),
        ("deleted", "connection", "team"),
        ("paused", "workflow", "hello"),
        ("resumed", "workflow", "hello"),
        ("rechecked", "workflow", "all"),
    ]
    assert all(one[0].startswith("os:") for one in log)
    with (home.folder / ".hookline" / "hookline.db").open("rb") as file:
        content = file.read()
    assert b"xoxb-secret" not in content
    assert b"a value of the secret" not in content

"""`hookline pause`, `hookline resume` and `hookline events release`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.home import HELLO, Home

Ran = Callable[..., Any]


def held(home: Home, run: Any) -> str:
    """Make the event of a run one that is held, as if it had come while the workflow was paused."""
    with sqlite3.connect(home.folder / ".hookline" / "hookline.db") as connection:
        connection.execute("DELETE FROM records WHERE run_id = ?", [run["id"]])
        connection.execute("DELETE FROM runs WHERE id = ?", [run["id"]])
        connection.execute("UPDATE events SET disposition = 'held' WHERE id = ?", [run["event"]])
    connection.close()
    event: str = run["event"]
    return event


def pauses(home: Home) -> list[Any]:
    items: list[Any] = json.loads(home("pause", "--json").stdout)["items"]
    return items


def test_a_workflow_is_paused_listed_and_resumed(home: Home, ran: Ran) -> None:
    ran()
    result = home("pause", "hello", "--why", "the shop moves")
    assert (result.exit_code, result.stdout) == (
        0,
        "The workflow hello is paused until: hookline resume hello\n",
    )
    (one,) = pauses(home)
    assert (one["kind"], one["name"], one["until"], one["why"]) == (
        "workflow",
        "hello",
        None,
        "the shop moves",
    )
    assert one["by"]
    heading, row = home("pause").stdout.splitlines()
    assert heading.split() == ["KIND", "NAME", "UNTIL", "BY", "WHY"]
    assert "the shop moves" in row
    result = home("resume", "hello")
    assert (result.exit_code, result.stdout) == (0, "The workflow hello is resumed\n")
    assert "No server runs on this data now" in result.stderr
    assert pauses(home) == []


def test_a_pause_for_a_time_says_when_it_ends(home: Home, ran: Ran) -> None:
    ran()
    made = json.loads(home("pause", "hello", "--for", "1h", "--json").stdout)
    assert made["until"] > made["at"]
    assert "UTC" in home("pause", "hello", "--for", "1h").stdout
    assert home("pause", "hello", "--for", "an hour").exit_code == 2


def test_a_host_and_a_connection_can_be_paused_too(home: Home, ran: Ran) -> None:
    ran()
    connection = '{"kind": "slack", "webhook_url": "https://hooks.slack.com/services/T0/B0/x"}'
    assert home("pause", "--host", "API.example.com").exit_code == 0
    assert home("pause", "--connection", "team", HOOKLINE_CONNECTION_TEAM=connection).exit_code == 0
    assert [(one["kind"], one["name"]) for one in pauses(home)] == [
        ("host", "api.example.com"),
        ("connection", "team"),
    ]
    assert home("resume", "--host", "api.example.com").exit_code == 0


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["pause", "helo"], 2, 'there is no workflow "helo" in workflows; did you mean "hello"?'),
        (["pause", "--connection", "mail"], 2, 'there is no connection "mail" in this server'),
        (["pause", "hello", "--host", "a.example"], 2, "name one thing"),
        (["resume"], 2, "name one thing"),
        (["resume", "hello"], 2, "the workflow hello is not paused"),
        (["events", "release", "helo"], 1, 'there is no workflow "helo"'),
        (["events", "release", "01kz2v3nd8z5rjq0v6a7t4m9xe"], 1, "there is no event"),
    ],
)
def test_what_cannot_be_done_is_said(
    home: Home, ran: Ran, words: list[str], status: int, sentence: str
) -> None:
    ran()
    result = home(*words)
    assert result.exit_code == status
    assert sentence in result.stderr


def test_held_events_are_released_by_workflow_or_one_by_one(home: Home, ran: Ran) -> None:
    one, two, three = (held(home, ran(payload=f'{{"name": "{n}"}}')) for n in range(3))
    result = home("events", "release", two)
    assert (result.exit_code, result.stdout) == (0, f"{two}: 1 event released\n")
    assert "No server runs on this data now" in result.stderr
    result = home("events", "release", "hello", "--json")
    assert json.loads(result.stdout) == {"items": [{"name": "hello", "released": 2}], "next": None}
    runs = json.loads(home("runs", "list", "--status", "queued", "--json").stdout)["items"]
    assert [run["event"] for run in runs] == [three, one, two]
    result = home("events", "release", two, one)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"event {two} is accepted; only a held one can be released" in result.stderr


def test_a_run_by_hand_is_no_duplicate_and_not_held(home: Home, ran: Ran) -> None:
    text = HELLO.replace("answer: result", "answer: result\n    deduplicate: {key: payload.name}")
    home.workflow("hello", "enabled: false\nconcurrency: {limit: 1, when_full: drop}\n" + text)
    assert [ran()["status"] for _ in range(2)] == ["succeeded", "succeeded"]

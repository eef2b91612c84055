"""`hookline events` and `hookline runs` over a data folder."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.home import HELLO, Home

Ran = Callable[..., Any]


def test_lists_are_pages_of_items_newest_first(home: Home, ran: Ran) -> None:
    ids = [ran()["id"] for _ in range(3)]
    first = json.loads(home("runs", "list", "--json", "--limit", "2").stdout)
    assert [one["id"] for one in first["items"]] == ids[:0:-1]
    rest = json.loads(home("runs", "list", "--json", "--cursor", first["next"]).stdout)
    assert [one["id"] for one in rest["items"]] == ids[:1]
    assert rest["next"] is None


def test_lists_are_narrowed_by_workflow_status_and_time(home: Home, ran: Ran) -> None:
    home.workflow("other")
    good, bad = ran(), ran("other", "{}")

    def ids(*words: str) -> list[str]:
        return [one["id"] for one in json.loads(home("runs", "list", "--json", *words).stdout)["items"]]

    assert ids("--workflow", "hello") == [good["id"]]
    assert ids("--status", "failed") == [bad["id"]]
    assert ids("--since", "1h") == [bad["id"], good["id"]]
    assert ids("--since", "2100-01-01") == []
    events = json.loads(home("events", "list", "--json", "--workflow", "other").stdout)["items"]
    assert [one["id"] for one in events] == [bad["event"]]


def test_a_list_for_people_is_a_table_and_says_when_there_is_more(home: Home, ran: Ran) -> None:
    ran()
    last = ran()
    result = home("runs", "list", "--limit", "1")
    heading, row = result.stdout.splitlines()
    assert heading.split() == ["RUN", "ACCEPTED", "WORKFLOW", "STATUS", "TITLE"]
    assert row.startswith(last["id"])
    assert "--cursor " in result.stderr


def test_showing_a_run_begins_with_the_reason(home: Home, ran: Ran) -> None:
    run = ran(payload="{}")
    shown = home("runs", "show", run["id"])
    assert shown.stdout.startswith("failed: fail#2 failed: nobody is there\n")
    assert json.loads(home("runs", "show", run["id"], "--json").stdout) == run


def test_showing_an_event_begins_with_what_became_of_it(home: Home, ran: Ran) -> None:
    run = ran(payload='{"name": "Ada"}')
    shown = home("events", "show", run["event"]).stdout
    assert shown.startswith("accepted: 1 run of hello\n")
    assert f"run {run['id']} succeeded: Hello" in shown
    assert '    "name": "Ada"' in shown


@pytest.mark.parametrize("kind", ["runs", "events"])
def test_what_is_not_there_is_said_with_exit_status_2(home: Home, ran: Ran, kind: str) -> None:
    ran()
    result = home(kind, "show", "nope")
    assert result.exit_code == 2
    assert result.stderr == f"hookline: there is no {kind.removesuffix('s')} nope\n"
    assert home(kind, "list", "--cursor", "nope").exit_code == 2
    assert home(kind, "list", "--since", "yesterday").exit_code == 2


def test_a_failed_run_goes_on_from_its_failed_step_on_the_mended_workflow(home: Home, ran: Ran) -> None:
    run = ran(payload="{}")
    home.workflow("hello", HELLO.replace("if: payload.name == null", "if: payload.gone"))
    result = home("runs", "replay", run["id"], "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["items"] == [{"id": run["id"], "attempt": 2}]
    again = json.loads(home("runs", "show", run["id"], "--json").stdout)
    assert (again["status"], again["version"], again["attempt"]) == ("queued", 2, 2)
    assert "No server runs on this data now" in home("runs", "replay", ran()["id"], "--from", "start").stderr


def test_a_replay_from_the_start_is_a_new_run_of_the_same_event(home: Home, ran: Ran) -> None:
    run = ran()
    result = home("runs", "replay", run["id"], "--from", "start", "--version", "original", "--json")
    (started,) = json.loads(result.stdout)["items"]
    assert started["replay_of"] == run["id"]
    new = json.loads(home("runs", "show", started["id"], "--json").stdout)
    assert (new["event"], new["status"]) == (run["event"], "queued")


def test_one_run_that_cannot_be_replayed_does_not_stop_the_others(home: Home, ran: Ran) -> None:
    good, bad = ran(), ran(payload="{}")
    result = home("runs", "replay", "nope", good["id"], bad["id"])
    assert result.exit_code == 1
    assert result.stdout == f"{bad['id']} goes on from its failed step, attempt 2\n"
    assert "there is no run nope" in result.stderr
    assert f"run {good['id']} cannot be replayed: it is succeeded" in result.stderr


def test_a_queued_run_is_cancelled_at_once_and_an_ended_one_not(home: Home, ran: Ran) -> None:
    run = ran(payload="{}")
    home("runs", "replay", run["id"])
    result = home("runs", "cancel", run["id"])
    assert (result.exit_code, result.stdout) == (0, f"{run['id']} is cancelled\n")
    assert home("runs", "cancel", run["id"]).exit_code == 1


@pytest.mark.parametrize("kind", ["runs", "events"])
async def test_a_tail_shows_what_comes_until_it_is_interrupted(home: Home, kind: str) -> None:
    assert (await home.process("run", "hello", "--live"))[0] == 1
    tail = await home.start(kind, "tail", "--since", "1h", "--json")
    assert tail.stdout is not None
    first = json.loads(await tail.stdout.readline())
    assert (await home.process("run", "hello", "--live"))[0] == 1
    second = json.loads(await tail.stdout.readline())
    tail.send_signal(signal.SIGINT)
    _out, err = await tail.communicate()
    assert (tail.returncode, err) == (0, b"")
    assert first["id"] < second["id"]
    assert second["workflow"] == "hello"


def test_showing_an_event_tells_what_had_to_be_guessed(home: Home, ran: Ran) -> None:
    run = ran(payload='{"name": "Ada", "name": "Grace"}')
    shown = home("events", "show", run["event"]).stdout
    assert 'note: the key "name" stands more than once in an object: the last value counts\n' in shown
    event = json.loads(home("events", "show", run["event"], "--json").stdout)
    assert (event["payload"], len(event["notes"])) == ({"name": "Grace"}, 1)

"""`hookline events forget`, `--where` of the lists, and redaction on the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from runner.engine.runs import Status
from runner.store.sqlite import SQLiteStore
from tests.cli.home import HELLO, Home
from tests.store.rows_made import Made

Ran = Callable[..., Any]
ADA = '{"name": "Ada Lovelace"}'


def ids(home: Home, kind: str, *words: str) -> list[str]:
    return [one["id"] for one in json.loads(home(kind, "list", "--json", *words).stdout)["items"]]


def test_lists_are_narrowed_by_a_field_of_the_payload(home: Home, ran: Ran) -> None:
    ada, bob = ran(payload=ADA), ran(payload='{"name": "Bob"}')
    assert ids(home, "runs", "--where", "payload.name=Bob") == [bob["id"]]
    assert ids(home, "events", "--where", "payload.name=Ada Lovelace") == [ada["event"]]
    result = home("runs", "list", "--where", "name=Bob")
    assert result.exit_code == 2
    assert result.stderr.startswith('hookline: --where: "name" is nothing to look for')
    assert home("runs", "list", "--where", "workflow=hello", "--workflow", "hello").exit_code == 2


def test_forgetting_says_what_it_would_touch_and_asks(home: Home, ran: Ran) -> None:
    ran(payload=ADA)
    ran(payload='{"name": "Bob"}')
    where = ("--where", "payload.name=Ada Lovelace")
    assert home("events", "forget", *where, "--plan").stdout.startswith(
        "1 event with 1 run of hello, received"
    )
    assert home("events", "forget", *where, stdin="n\n").exit_code == 1
    assert len(ids(home, "events")) == 2
    result = home("events", "forget", *where, stdin="y\n")
    assert (result.exit_code, result.stdout) == (0, "1 event with 1 run are forgotten.\n")
    assert len(ids(home, "events")) == len(ids(home, "runs")) == 1
    assert home("events", "forget", *where).stdout == "No event is like that.\n"
    for file in (home.folder / ".hookline").glob("hookline.db*"):
        assert b"Ada Lovelace" not in file.read_bytes()


def test_forgetting_everything_by_mistake_is_refused(home: Home, ran: Ran) -> None:
    ran()
    result = home("events", "forget", "--yes")
    assert result.exit_code == 2
    assert "say what is to be forgotten" in result.stderr
    assert (
        home("events", "forget", "--where", "before=2020-01-01", "--yes").stdout == "No event is like that.\n"
    )


def test_what_is_under_way_is_refused_unless_it_may_be_cancelled(home: Home, ran: Ran) -> None:
    ran()

    async def one_that_waits() -> None:
        store = await SQLiteStore.open(home.folder / ".hookline" / "hookline.db")
        await Made(store).run(Status.WAITING, workflow="hello")
        await store.close()

    asyncio.run(one_that_waits())
    (waiting,) = json.loads(home("runs", "list", "--status", "waiting", "--json").stdout)["items"]
    where = ("--where", "workflow=hello", "--yes", "--json")
    result = home("events", "forget", *where)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["open"] == [waiting["event"]]
    assert ids(home, "runs") == [waiting["id"]]
    result = home("events", "forget", *where, "--with-open")
    assert (result.exit_code, json.loads(result.stdout)["events"]) == (0, 1)
    assert ids(home, "runs") == []


def test_what_a_workflow_redacts_is_hidden_here_too(home: Home, ran: Ran) -> None:
    home.workflow("hello", HELLO + "title: 'For {{ payload.name }}'\nredact: [payload.name]\n")
    run = ran(payload=ADA)
    for words in (
        ("runs", "list"), ("events", "list"), ("runs", "show", run["id"]), ("events", "show", run["event"]),
    ):  # fmt: skip
        for result in (home(*words), home(*words, "--json")):
            assert result.exit_code == 0
            assert "Lovelace" not in result.output

"""`hookline run`: rehearsed or live."""

from __future__ import annotations

import json

import pytest

from tests.cli.home import HELLO, Home
from tests.servers.http_sink import HttpSink

CALLS = """\
name: Calls
trigger: {webhook: {}}
steps:
  - parallel:
      one:
        - id: told
          action: http.request
          retry: {delay: 1h}
          with:
            url: URL
            method: POST
            headers: {X-Key: "{{ secrets.KEY }}"}
            json: {said: "{{ payload.text }}"}
"""
SEES = """\
name: Sees
trigger: {webhook: {}}
steps:
  - transform: payload
output: run.test
"""


def test_a_rehearsal_shows_the_trace_and_the_answer(home: Home) -> None:
    result = home("run", "hello", "--payload", "-", stdin='{"name": "Ada"}')
    assert result.exit_code == 0
    assert result.stdout.startswith("succeeded: ")
    assert 'answered: {"body": {"hello": "Ada"}' in result.stdout


def test_a_rehearsal_needs_and_leaves_no_data_folder(home: Home) -> None:
    home("run", "hello")
    assert not (home.folder / ".hookline").exists()


def test_state_is_kept_for_the_rehearsal_alone(home: Home) -> None:
    home.workflow(
        "counts",
        "name: Counts\ntrigger: {webhook: {}}\nsteps:\n"
        "  - {id: first, action: state.once, with: {key: a}}\n"
        "  - {filter: steps.first}\n"
        "  - {id: n, action: state.increment, with: {key: n}}\noutput: steps.n\n",
    )
    for _ in range(2):
        assert json.loads(home("run", "counts", "--json").stdout)["output"] == 1


async def test_a_rehearsal_calls_nothing_and_shows_what_it_would_send(home: Home) -> None:
    async with HttpSink() as sink:
        home.workflow("calls", CALLS.replace("URL", sink.url))
        status, out, _err = await home.process(
            "run", "calls", "--payload", "event.json", "--json", HOOKLINE_NETWORK_ALLOW="127.0.0.0/8"
        )
        assert sink.requests == []
    run = json.loads(out)
    assert (status, run["status"], run["mode"]) == (0, "succeeded", "test")
    assert run["calls"] == {"parallel#1.one.told": "http.request"}
    assert run["reason"]["sentence"] == "Ran to its end; live it makes 1 call."
    (told,) = [step for step in run["steps"] if step["id"] == "told"]
    assert told["input"]["json"] == {"said": "hi"}
    assert told["input"]["headers"] == {"X-Key": "{{ secrets.KEY }}"}
    assert told["output"] is None


@pytest.mark.parametrize(("words", "mode"), [((), "test"), (("--live",), "live")])
def test_a_workflow_sees_whether_its_run_is_a_test(home: Home, words: tuple[str, ...], mode: str) -> None:
    home.workflow("sees", SEES)
    run = json.loads(home("run", "sees", "--json", *words).stdout)
    assert (run["mode"], run["output"]) == (mode, mode == "test")


@pytest.mark.parametrize(
    ("name", "text", "payload"),
    [
        ("a.urlencoded", "a=1&b=2", {"a": "1", "b": "2"}),
        ("a.ndjson", '{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("a.CSV", "a,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
        ("a.xml", "<a>1</a>", {"a": "1"}),
        ("a.json", '{"a": 1}', {"a": 1}),
    ],
    ids=["form", "json lines", "table", "xml", "json"],
)
def test_a_payload_is_read_by_its_suffix(home: Home, name: str, text: str, payload: object) -> None:
    home.workflow("sees", SEES.replace("run.test", "payload"))
    (home.folder / name).write_text(text)
    run = json.loads(home("run", "sees", "--json", "--payload", name).stdout)
    assert run["output"] == payload


async def test_live_calls_the_actions_with_the_secrets_and_keeps_the_run(home: Home) -> None:
    async with HttpSink() as sink:
        home.workflow("calls", CALLS.replace("URL", sink.url))
        status, out, err = await home.process(
            "run",
            "calls",
            "--live",
            "--json",
            "--header",
            "X-Topic: a",
            "--payload",
            "event.json",
            HOOKLINE_NETWORK_ALLOW="127.0.0.0/8",
            HOOKLINE_SECRET_KEY="opensesame",
        )
        assert (status, err) == (0, "")
        assert [one.headers["x-key"] for one in sink.requests] == ["opensesame"]
    run = json.loads(out)
    assert "opensesame" not in out
    assert (await home.process("runs", "show", run["id"]))[0] == 0
    event = json.loads((await home.process("events", "show", run["event"], "--json"))[1])
    assert event["headers"]["x-topic"] == "a"


async def test_a_run_that_begins_to_wait_says_for_what_and_fails(home: Home) -> None:
    async with HttpSink() as sink:
        sink.reply(503)
        home.workflow("calls", CALLS.replace("URL", sink.url))
        status, out, _err = await home.process(
            "run",
            "calls",
            "--live",
            "--payload",
            "event.json",
            HOOKLINE_NETWORK_ALLOW="127.0.0.0/8",
            HOOKLINE_SECRET_KEY="opensesame",
        )
    assert status == 1
    assert out.startswith("waiting: parallel#1.one.told is tried again at ")


def test_a_failed_run_is_exit_status_1_and_the_reason_comes_first(home: Home) -> None:
    result = home("run", "hello", "--payload", "-", stdin="{}")
    assert result.exit_code == 1
    assert result.stdout.startswith("failed: fail#2 failed: nobody is there\n")


def test_an_unknown_workflow_is_answered_with_the_nearest(home: Home) -> None:
    result = home("run", "helo")
    assert result.exit_code == 2
    assert result.stderr == 'hookline: there is no workflow "helo" in workflows; did you mean "hello"?\n'


def test_a_file_with_faults_is_not_run(home: Home) -> None:
    home.workflow("hello", HELLO.replace("payload.name\n", "payload.[\n", 1))
    result = home("run", "hello")
    assert result.exit_code == 1
    assert "workflows/hello.yaml:7:" in result.stderr


@pytest.mark.parametrize("header", ["nothing", ": x"])
def test_a_header_that_is_none_is_wrong_usage(home: Home, header: str) -> None:
    assert home("run", "hello", "--header", header).exit_code == 2


def test_a_body_that_cannot_be_read_is_said(home: Home) -> None:
    result = home("run", "hello", "--payload", "-", "--header", "Content-Type: application/json", stdin="{")
    assert result.exit_code == 1
    assert "the body is not JSON" in result.stderr


def test_what_a_sender_wrote_cannot_speak_to_the_terminal(home: Home) -> None:
    home.workflow("hello", HELLO.replace("name: Hello", 'name: Hello\ntitle: "{{ payload.name }}"', 1))
    result = home("run", "hello", "--payload", "-", stdin=json.dumps({"name": "\x1b[2Jgone"}))
    assert "\x1b" not in result.stdout
    assert "?[2Jgone" in result.stdout


def test_of_an_event_that_is_split_the_first_item_is_rehearsed(home: Home) -> None:
    split = "trigger: {webhook: {split: payload.items}}\nsteps: [transform: payload]\noutput: payload\n"
    home.workflow("batch", f"name: Batch\n{split}")
    result = home("run", "batch", "--payload", "-", "--json", stdin='{"items": ["a", "b"]}')
    assert json.loads(result.stdout)["output"] == "a"
    assert "`split` gives 2 items; this is the run of the first." in result.stderr
    result = home("run", "batch", "--payload", "-", stdin='{"items": []}')
    assert result.exit_code != 0
    assert "`split` gives no items" in result.stderr
    result = home("run", "batch", "--payload", "-", stdin='{"items": 5}')
    assert "`split` gives a number, and not a list: payload.items" in result.stderr

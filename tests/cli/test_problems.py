"""`hookline problems`, `hookline replays` and `hookline runs replay --where` over a data folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tests.cli.home import HELLO, Home

Ran = Callable[..., Any]


def said(home: Home, *words: str) -> Any:
    result = home(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_problem_is_listed_shown_seen_and_dismissed(home: Home, ran: Ran) -> None:
    runs = [ran(payload="{}")["id"] for _ in range(2)]
    (one,) = said(home, "problems", "list")["items"]
    assert (one["workflow"], one["step"], one["runs"]["failed"]) == ("hello", "fail#2", 2)
    shown = home("problems", "show", one["id"])
    assert shown.stdout.startswith("open: fail#2 failed: nobody is there\n")
    assert runs[0] in shown.stdout
    assert f"hookline runs replay --where problem={one['id']} --plan" in shown.stderr
    listed = said(home, "runs", "list", "--problem", one["id"])["items"]
    assert [each["id"] for each in listed] == runs[::-1]
    assert said(home, "problems", "seen", one["id"])["items"][0]["seen"]["by"]
    assert home("problems", "list").stdout.splitlines()[1].split()[4] == "seen"
    assert home("problems", "dismiss", one["id"]).exit_code == 2  # a note is asked for
    result = home("problems", "dismiss", one["id"], "--note", "a test shop")
    assert (result.exit_code, result.stdout) == (0, f"{one['id']} is dismissed\n")
    assert said(home, "problems", "list", "--status", "open")["items"] == []
    again = home("problems", "dismiss", one["id"], "--note", "a test shop")
    assert (again.exit_code, again.stdout) == (1, "")


def test_a_plan_says_what_would_happen_and_changes_nothing(home: Home, ran: Ran) -> None:
    run = ran(payload="{}")
    shown = home("runs", "replay", "--where", "workflow=hello status=failed since=2h", "--dry-run")
    assert shown.exit_code == 0
    assert shown.stdout == "1 run safe: known to have failed, nothing in doubt\n"
    assert said(home, "replays", "list")["items"] == []
    plan = said(
        home, "runs", "replay", "--where", "workflow=hello", "--plan", "--rate", "30/m", "--first", "0"
    )
    assert (plan["status"], plan["rate"], plan["first"]) == ("planned", 0.5, 0)
    assert said(home, "runs", "show", run["id"])["status"] == "failed"


def test_a_filter_that_means_nothing_is_wrong_usage_and_one_that_finds_nothing_fails(
    home: Home, ran: Ran
) -> None:
    ran()
    assert home("runs", "replay", "--where", "flow=hello").exit_code == 2
    assert home("runs", "replay").exit_code == 2
    assert home("runs", "replay", "--where", "workflow=hello", "--rate", "fast").exit_code == 2
    nothing = home("runs", "replay", "--where", "workflow=hello")
    assert (nothing.exit_code, nothing.stderr) == (1, "There is nothing to replay.\n")


def test_a_replay_is_started_paused_and_stopped(home: Home, ran: Ran) -> None:
    ran(payload="{}")
    result = home("runs", "replay", "--where", "workflow=hello", "--yes")
    assert result.exit_code == 0
    assert "is running: 0 of 1 started" in result.stdout
    assert "No server runs on this data now" in result.stderr
    (one,) = said(home, "replays", "list", "--status", "running")["items"]
    assert home("replays", "pause", one["id"]).stdout.startswith(f"replay {one['id']} is paused")
    assert said(home, "replays", "start", one["id"])["status"] == "running"
    assert said(home, "replays", "stop", one["id"])["status"] == "stopped"
    assert home("replays", "pause", one["id"]).exit_code == 1
    assert home("replays", "show", "nothing").exit_code == 2


def test_a_version_without_a_recorded_step_is_refused_for_a_named_run_too(home: Home) -> None:
    first = (
        "name: Web\nsteps:\n  - id: ask\n    action: http.request\n    with: {url: 'http://127.0.0.1:1/'}\n"
    )
    home.workflow("web", f"trigger: {{webhook: {{}}}}\n{first}")
    run = json.loads(home("run", "web", "--live", "--json").stdout)
    assert run["status"] == "failed"  # a private address, which is refused
    home.workflow("web", f"trigger: {{webhook: {{}}}}\n{first.replace('id: ask', 'id: other')}")
    result = home("runs", "replay", run["id"])
    assert result.exit_code == 1
    assert "version 2 has no step ask" in result.stderr
    assert "--run-missing" in result.stderr
    assert home("runs", "replay", run["id"], "--run-missing").exit_code == 0


async def test_a_running_server_carries_a_replay_out(home: Home, ran: Ran) -> None:
    runs = [await asyncio.to_thread(ran, payload="{}") for _ in range(3)]
    home.workflow("hello", HELLO.replace("if: payload.name == null", "if: payload.gone"))
    server = await home.start("serve", "--port", "0")
    try:
        assert server.stdout is not None
        assert (await server.stdout.readline()).startswith(b"ready")
        code, out, _err = await home.process("runs", "replay", "--where", "workflow=hello", "--yes", "--json")
        assert code == 0
        replay = json.loads(out)["id"]
        code, out, _err = await home.process("replays", "show", replay, "--follow", "--json")
        assert json.loads(out)["progress"]["succeeded"] == len(runs)
        _code, out, _err = await home.process("problems", "list", "--json")
        assert [one["status"] for one in json.loads(out)["items"]] == ["closed"]
    finally:
        server.terminate()
        await server.communicate()

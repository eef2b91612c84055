"""`hookline run` of a workflow that waits: shown at once in a rehearsal, left to the server with --live."""

from __future__ import annotations

import json

from tests.cli.home import Home

WAITS = """\
name: Reminder
trigger: {webhook: {}}
output: steps.text
steps:
  - id: first
    wait: 14d
  - id: polls
    repeat: {until: "index == `2`", every: 1h}
    steps: [{template: "{{ now() }}"}]
  - id: text
    template: "{{ date_diff(now(), run.started_at) // 3600 }}"
"""
ASKS = WAITS.replace(
    "  - id: text\n",
    "  - id: ok\n    wait_for: {approval: {message: Really?}}\n    timeout: 2d\n  - id: text\n",
)


def test_a_rehearsal_goes_through_waits_as_if_their_time_had_come(home: Home) -> None:
    home.workflow("reminder", WAITS)
    result = home("run", "reminder", "--json")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert shown["output"] == 14 * 24 + 2
    assert [step["path"] for step in shown["steps"] if step["kind"] == "wait"] == [
        "first", "polls{0}!every", "polls{1}!every",
    ]  # fmt: skip


def test_a_rehearsal_stops_where_a_person_is_asked(home: Home) -> None:
    home.workflow("asks", ASKS)
    result = home("run", "asks")
    assert result.exit_code == 1
    assert result.stdout.startswith("waiting: ok waits for an approval: Really?, until ")
    assert "A rehearsal does not go on later." in result.stderr


def test_live_the_run_waits_for_the_server(home: Home) -> None:
    home.workflow("reminder", WAITS)
    result = home("run", "reminder", "--live", "--json")
    shown = json.loads(result.stdout)
    assert shown["status"] == "waiting"
    assert shown["waiting"]["for"].startswith("first waits until ")

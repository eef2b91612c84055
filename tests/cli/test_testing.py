"""`hookline test`: cases tried, reported, updated, and made out of real runs."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.cli.home import ROOT, Home

FLOW = """\
name: Order
trigger: {webhook: {}}
redact: [payload.email, payload.card]
steps:
  - id: big
    filter: payload.total > 10
  - id: count
    action: state.increment
    with: {key: "{{ payload.email }}"}
  - switch:
      - when: payload.email == 'x'
        steps: [{stop: x}]
      - steps:
          - id: mail
            template: "{{ payload.email | upper }} pays {{ payload.total }} with {{ payload.card }}"
"""
TESTS = """\
cases:
  - name: a big order is counted
    event: {payload: {total: 11, email: a@example.com, card: 7}}
    expect: {status: succeeded, steps: {count: 1}}

  - name: a small one is not   # really
    event: {payload: {total: 1}}
    expect: {status: succeeded}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Home:
    one = Home(tmp_path)
    one.workflow("order", FLOW)
    (tmp_path / "workflows" / "order.test.yaml").write_text(TESTS)
    return one


def file_of(shop: Home) -> Path:
    return shop.folder / "workflows" / "order.test.yaml"


def test_every_starter_passes_and_all_of_its_steps_are_reached() -> None:
    done = Home(ROOT)("test", "workflows", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["summary"]["failed"] == report["summary"]["not_tried"] == 0
    assert [one for one in report["coverage"] if one["unreached"]] == []
    starters = {one.stem for one in (ROOT / "workflows").glob("*.yaml") if ".test" not in one.name}
    assert {one["workflow"] for one in report["coverage"]} == {
        one for one in starters if not one.startswith("_")
    }


def test_a_hundred_cases_take_less_than_two_seconds(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.workflow("order", FLOW)
    cases = [
        f"  - {{name: case {n}, event: {{payload: {{total: {n}, email: a, card: 1}}}}}}" for n in range(100)
    ]
    (tmp_path / "workflows" / "order.test.yaml").write_text("\n".join(["cases:", *cases, ""]))
    home("test")  # the imports
    began = time.process_time()
    assert home("test").exit_code == 0
    assert time.process_time() - began < 2


def test_what_differs_is_shown_with_its_place_and_what_was_not_reached(shop: Home) -> None:
    done = shop("test")
    assert done.exit_code == 1
    said = re.sub(r"\(\d+ ms\)|in [\d.]+ s", "…", done.stdout)
    assert said == (
        "workflows/order.test.yaml\n"
        "  passed  a big order is counted …\n"
        "  failed  a small one is not …\n"
        "          workflows/order.test.yaml:6:5\n"
        "          status: expected succeeded, got filtered\n"
        "          filtered: Stopped on purpose at big: payload.total was 1; it must be more than 10.\n"
        "  5 of 7 steps and cases were reached; not: switch#3.case#1\n"
        "1 case passed, 1 failed …\n"
    )
    assert "\x1b[" in shop("test", color=True).stdout


def test_long_texts_differ_line_by_line(shop: Home) -> None:
    shop.workflow("order", 'name: A\ntrigger: {webhook: {}}\nsteps: [{template: "a\\nb\\nc"}]\n')
    file_of(shop).write_text('cases: [{name: a, expect: {output: "a\\nx\\nc"}}]\n')
    shown = [line.strip() for line in shop("test").stdout.splitlines()]
    at = shown.index("output:")
    assert shown[at + 1 : at + 5] == ["a", "- x", "+ b", "c"]


def test_an_error_that_did_not_end_the_run_is_shown_where_a_case_fails(shop: Home) -> None:
    steps = "steps: [{template: '{{ payload.total.x + 1 }}', on_error: continue}, {transform: payload.total}]"
    shop.workflow("order", f"name: A\ntrigger: {{webhook: {{}}}}\n{steps}\n")
    file_of(shop).write_text("cases: [{name: a, event: {payload: {total: 1}}, expect: {status: failed}}]\n")
    assert "template#1 failed (expression): " in shop("test").stdout
    (case,) = json.loads(shop("test", "--json").stdout)["items"]
    assert [(one["path"], one["type"]) for one in case["failures"]] == [("template#1", "expression")]


def test_texts_that_differ_only_in_their_ends_say_so(shop: Home) -> None:
    shop.workflow("order", 'name: A\ntrigger: {webhook: {}}\nsteps: [{template: "a\\nb\\n"}]\n')
    file_of(shop).write_text('cases: [{name: a, expect: {output: "a\\nb"}}]\n')
    assert r'only the line ends differ: expected …"a\nb", got …"a\nb\n"' in shop("test").stdout


def test_cases_are_picked_by_a_part_of_their_names(shop: Home) -> None:
    done = shop("test", "-k", "big")
    assert done.exit_code == 0
    assert "1 case passed" in done.stdout
    assert "reached" not in done.stdout
    assert shop("test", "-k", "huge").exit_code == 2


def test_a_workflow_or_its_test_file_can_be_named(shop: Home) -> None:
    assert "1 case passed" in shop("test", "workflows/order.yaml").stdout
    assert "1 case passed" in shop("test", "workflows/order.test.yaml").stdout
    missing = shop("test", "workflows/ordr.yaml")
    assert missing.exit_code == 2
    assert 'did you mean "order.test.yaml"?' in missing.stderr


def test_programs_hear_the_same(shop: Home) -> None:
    report = json.loads(shop("test", "--json").stdout)
    assert (report["summary"]["passed"], report["summary"]["failed"]) == (1, 1)
    failed = report["items"][1]
    assert (failed["name"], failed["line"], failed["verdict"]) == ("a small one is not", 6, "failed")
    assert failed["differences"] == [
        {"where": "status", "expected": "succeeded", "got": "filtered", "message": ""}
    ]
    assert report["coverage"][0]["unreached"] == ["switch#3.case#1"]


def test_a_ci_reads_a_junit_report(shop: Home) -> None:
    assert shop("test", "--junit", "report.xml").exit_code == 1
    root = ET.parse(shop.folder / "report.xml").getroot()
    suite = root[0]
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("order", "2", "1")
    failure = suite[1].find("failure")
    assert failure is not None
    assert failure.get("message") == "status: expected succeeded, got filtered"


def test_a_file_with_faults_is_not_tried_and_check_finds_them_too(shop: Home) -> None:
    file_of(shop).write_text(
        "cases:\n  - {name: a, event: {file: fixtures/a.json}}\n  - {name: b, expect: {steps: {bog: 1}}}\n"
    )
    done = shop("test", "--junit", "report.xml")
    assert done.exit_code == 1
    assert 'did you mean "big"?' in done.stdout
    assert "fixtures/a.json cannot be read" in done.stdout
    assert "0 cases passed, 1 file not tried" in done.stdout
    assert ET.parse(shop.folder / "report.xml").getroot()[0].get("errors") == "1"
    checked = json.loads(shop("check", "--json").stdout)
    assert {one["code"] for one in checked} == {"unknown-step", "no-fixture"}
    assert shop("check", "workflows/order.test.yaml").exit_code == 1


def test_a_test_of_no_workflow_is_a_fault(shop: Home) -> None:
    file_of(shop).rename(shop.folder / "workflows" / "ordre.test.yaml")
    assert (
        'there is no ordre.yaml beside it, whose tests these would be; did you mean "order"?'
        in shop("test").stdout
    )


def test_an_update_writes_what_came_and_says_so(shop: Home) -> None:
    done = shop("test", "--update")
    assert done.exit_code == 0
    assert file_of(shop).read_text() == TESTS.replace("{status: succeeded}\n", "{status: filtered}\n")
    assert "workflows/order.test.yaml: a small one is not: wrote expect.status: filtered" in done.stderr


def ran(shop: Home, payload: dict[str, Any]) -> Any:
    """A run of the history."""
    words = ("run", "order", "--live", "--json", "--payload", "-")
    return json.loads(shop(*words, stdin=json.dumps(payload)).stdout)


MISSING = "0a" * 13
PERSON = {"total": 20, "email": "grace@hopper.example", "card": 4111222233334444}


def test_a_run_becomes_a_case_that_passes_and_holds_nothing_that_is_redacted(shop: Home) -> None:
    run = ran(shop, PERSON)
    done = shop("test", "--from-run", run["id"], "--write")
    assert done.exit_code == 0, done.output
    text = file_of(shop).read_text()
    assert text.startswith(TESTS)
    assert "hopper" not in text.lower()
    assert "4111" not in text
    assert "person1@example.com" in text
    assert shop("test", "-k", run["id"]).exit_code == 0


def test_a_case_of_a_run_is_printed_as_a_test_file(shop: Home) -> None:
    run = ran(shop, PERSON)
    said = shop("test", "--from-run", run["id"]).stdout
    assert said.startswith("cases:\n  - name: as run ")
    file_of(shop).write_text(said)
    assert shop("test").exit_code == 0
    assert (
        json.loads(shop("test", "--from-run", run["id"], "--json").stdout)["expect"]["status"] == "succeeded"
    )


def test_where_what_is_redacted_decides_the_run_it_is_said(shop: Home) -> None:
    shop.workflow("order", FLOW.replace("payload.total > 10", "payload.email == 'grace@hopper.example'"))
    done = shop("test", "--from-run", ran(shop, PERSON)["id"])
    assert "the run ended as succeeded, and its case as filtered" in done.stderr


def test_a_recorded_event_is_tried_again_and_nothing_redacted_is_shown(shop: Home) -> None:
    event = ran(shop, PERSON)["event"]
    file_of(shop).write_text(f"cases: [{{name: again, event: {event}, expect: {{steps: {{mail: x}}}}}}]\n")
    done = shop("test")
    assert done.exit_code == 1
    assert 'steps.mail: expected x, got "••• pays 20 with •••"' in done.stdout
    assert "hopper" not in done.output.lower()
    updated = shop("test", "--update")
    assert "not updated" in updated.stderr
    assert "x}}" in file_of(shop).read_text()


def test_an_event_that_is_not_recorded_is_a_fault(shop: Home) -> None:
    ran(shop, PERSON)
    file_of(shop).write_text(f"cases: [{{name: again, event: {MISSING}}}]\n")
    assert f"there is no recorded event {MISSING}" in shop("test").stdout


def test_a_run_that_is_not_there_is_wrong_usage(shop: Home) -> None:
    ran(shop, PERSON)
    assert shop("test", "--from-run", MISSING).exit_code == 2
    assert shop("test", "--write").exit_code == 2

"""The `manual` trigger, calls and forms on the command line."""

from __future__ import annotations

import json

import pytest

from tests.cli.home import Home

REFUND = """\
name: Refund
trigger:
  manual:
    public: true
    inputs:
      type: object
      required: [order]
      properties: {order: {type: integer}, why: {type: string, default: none}, tags: {type: array}}
steps:
  - id: seen
    transform: payload
output: steps.seen
"""


def inputs(home: Home, *words: str, stdin: bytes = b"") -> object:
    result = home("run", "refund", "--json", *words, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["output"]


def test_inputs_are_read_as_the_schema_wants_them(home: Home) -> None:
    home.workflow("refund", REFUND)
    assert inputs(home, "--input", "order=7", "--input", "why=12", "--input", "tags=[1]") == {
        "order": 7, "why": "12", "tags": [1],
    }  # fmt: skip
    assert inputs(home, "--payload", "-", "--input", "order=8", stdin=b'{"order": 7, "why": "x"}') == {
        "order": 8, "why": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "refund does not take these inputs: order is missing"),
        (("--input", "order=x"), "order must be a whole number"),
        (("--input", "order"), "write NAME=VALUE, not order"),
    ],
)
def test_inputs_that_are_wrong_are_said_and_nothing_runs(
    home: Home, words: tuple[str, ...], said: str
) -> None:
    home.workflow("refund", REFUND)
    result = home("run", "refund", *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_workflow_without_manual_takes_no_inputs(home: Home) -> None:
    home.workflow("hello")
    result = home("run", "hello", "--input", "a=b")
    assert (result.exit_code, "hello has no `manual` trigger" in result.stderr) == (2, True)


def test_a_rehearsal_calls_nobody_and_says_so(home: Home) -> None:
    home.workflow("refund", REFUND)
    home.workflow("asks", "name: A\ntrigger: {manual: {}}\nsteps: [{call: refund, with: {order: 1}}]\n")
    result = home("run", "asks", "--json")
    shown = json.loads(result.stdout)
    assert (shown["status"], shown["steps"][0]["output"]) == ("succeeded", None)
    assert shown["notes"] == ["call#1: refund was not called; its output is null here"]


def test_the_address_of_the_form_is_printed(home: Home) -> None:
    home.workflow("refund", REFUND)
    home.workflow("hello")
    alone = home("url", "refund")
    assert "/forms/" in alone.stdout
    assert home("url", "refund", "--form").stdout == alone.stdout
    both = REFUND.replace("trigger:\n", "trigger:\n  webhook: {}\n")
    home.workflow("refund", both)
    assert "/hooks/" in home("url", "refund").stdout
    assert home("url", "refund", "--form").stdout == alone.stdout
    kinds = [one["kind"] for one in json.loads(home("url", "refund", "--json").stdout)["addresses"]]
    assert kinds == ["own", "form"]
    assert home("url", "refund", "--rotate", "--form").stdout != alone.stdout
    refused = home("url", "hello", "--form")
    assert refused.exit_code != 0
    assert "hello has no public form" in refused.stderr


def test_check_follows_calls_over_the_folder(home: Home) -> None:
    home.workflow("one", "name: A\ntrigger: {manual: {}}\nsteps: [{call: two}]\n")
    home.workflow("two", "name: B\ntrigger: {manual: {}}\nsteps: [{call: one}]\n")
    result = home("check", "workflows/one.yaml", "--json")
    assert result.exit_code == 1
    (fault,) = json.loads(result.stdout)
    assert (fault["code"], fault["path"], fault["where"]) == (
        "call-circle",
        "workflows/one.yaml",
        "steps[0].call",
    )
    assert [one["code"] for one in json.loads(home("check", "--json").stdout)] == ["call-circle"] * 2

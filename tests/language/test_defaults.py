"""`_defaults.yaml`: what the workflows of a folder have in common, and vars that the server sets."""

from __future__ import annotations

from typing import Any

import pytest

from runner.language.basis import NO_BASIS, Basis
from runner.language.defaults import check_defaults
from runner.language.load import Loaded, load
from runner.language.redact import redact_of
from runner.language.schema import defaults_schema
from tests.language.small_catalogue import CATALOGUE

OWN = """\
name: x
trigger: {webhook: {}}
vars: {channel: '#ops', limit: 5}
steps:
  - {id: a, filter: payload}
"""
ALL = """\
timezone: Europe/Athens
tags: [shop]
title: "{{ payload.id }}"
retry: {attempts: 3}
retention: {events: 9d, runs: 8d}
redact: [payload.card]
concurrency: {limit: 1, key: payload.id}
on_failure:
  - {id: tell, template: "{{ error.step }}"}
  - action: slack.post_message
    connection: team-slack
    with: {channel: "{{ vars.channel }}", text: "{{ steps.tell }}: {{ run.title }}"}
"""


def read(text: str, defaults: str = "", **overrides: Any) -> Loaded:
    basis = Basis(defaults, overrides, "workflows/_defaults.yaml")
    return load(text, path="workflows/x.yaml", slug="x", catalogue=CATALOGUE, basis=basis)


def said(loaded: Loaded) -> list[str]:
    return [str(one) for one in loaded.faults]


def test_a_workflow_takes_what_it_does_not_say_itself() -> None:
    loaded = read(OWN, ALL)
    assert said(loaded) == []
    workflow = loaded.workflow
    assert workflow
    assert (workflow.timezone, workflow.tags, workflow.retry.attempts) == ("Europe/Athens", ("shop",), 3)
    assert (workflow.retention.events_seconds, workflow.retention.runs_seconds) == (9 * 86400, 8 * 86400)
    assert [one.text for one in workflow.redact] == ["payload.card"]
    assert workflow.concurrency
    assert workflow.concurrency.limit == 1
    assert workflow.title
    assert [step.key for step in workflow.on_failure] == ["tell", "action#2"]


def test_its_own_key_wins_whole() -> None:
    workflow = read(OWN + "tags: [own]\nretry: {delay: 9s}\non_failure: [stop: x]\n", ALL).workflow
    assert workflow
    assert workflow.tags == ("own",)
    assert (workflow.retry.attempts, workflow.retry.delay_seconds) == (None, 9)
    assert [step.kind for step in workflow.on_failure] == ["stop"]


def test_a_version_carries_the_defaults_only_where_something_of_them_is_taken() -> None:
    plain, with_some = read(OWN), read(OWN, "tags: [shop]\n")
    assert plain.workflow
    assert with_some.workflow
    assert plain.workflow.digest != with_some.workflow.digest
    assert with_some.basis.defaults == "tags: [shop]\n"
    own = OWN + "tags: [own]\n"
    alone, beside = read(own), read(own, "tags: [shop]\n")
    assert alone.workflow
    assert beside.workflow
    assert alone.workflow.digest == beside.workflow.digest
    assert beside.basis.defaults == ""
    assert alone.basis == NO_BASIS or not alone.basis.overrides


def test_what_was_taken_is_enough_to_read_it_again() -> None:
    first = read(OWN, ALL, limit=7, other=1)
    again = load(OWN, path="x.yaml", slug="x", catalogue=CATALOGUE, basis=first.basis)
    assert first.workflow
    assert again.workflow
    assert again.workflow.digest == first.workflow.digest
    assert again.workflow.vars == first.workflow.vars == {"channel": "#ops", "limit": 7}


@pytest.mark.parametrize(
    ("defaults", "place", "says"),
    [
        ("tagz: [a]\n", "1:1: tagz", "did you mean"),
        ("steps: [stop: x]\n", "1:1: steps", "it stands in each workflow's own file"),
        ("timezone: Mars\n", "1:11: timezone", "Mars"),
        ("title: '{{ payload.x'\n", "1:9: title", ""),
        ("- a\n", "1:1", "a mapping of what the folder's workflows have in common; it is a list"),
        ("on_failure:\n  - template: '{{ steps.a }}'\n", "2:25: on_failure[0].template", "no workflow's own"),
        ("on_failure:\n  - filter: outcomes.a.status\n", "2:22: on_failure[0].filter", "no workflow's own"),
        ("on_failure:\n  - template: '{{ vars.limt }}'\n", "2:24: on_failure[0].template", "defined in x"),
        ("on_failure:\n  - {id: a, stop: x}\n", "2:10: on_failure[0].id", "taken by a step of x, in line 5"),
        ("redact: [steps.a.card]\n", "1:10: redact[0]", "there is no step of that id"),
        ("title: '{{ steps.a }}'\n", "1:18: title", "has no value here"),
        ("retention: {events: 1d, runs: 2d}\n", "1:12: retention.events", "kept as long as a run"),
        ("on_failure:\n  - action: slack.pots_message\n", "2:13: on_failure[0].action", "no action"),
    ],
)
def test_a_fault_in_it_has_its_own_path_and_lines(defaults: str, place: str, says: str) -> None:
    loaded = read(OWN, defaults)
    found = [one for one in said(loaded) if one.startswith(f"workflows/_defaults.yaml:{place}: ")]
    assert found, said(loaded)
    assert says in found[0]
    assert all(one.path == "workflows/_defaults.yaml" for one in loaded.faults)
    assert (loaded.workflow is None) == any(one.severity == "error" for one in loaded.faults)


def test_its_faults_are_found_without_any_workflow_apart_from_those_of_vars() -> None:
    def check(text: str) -> list[tuple[str, int]]:
        return [(one.code, one.line) for one in check_defaults(text, "_defaults.yaml", CATALOGUE)]

    assert check(ALL) == []
    assert check("tagz: [a]\ntimezone: Mars\n") == [("unknown-key", 1), ("zone", 2)]
    assert check("on_failure:\n  - template: '{{ steps.order }} {{ vars.any }}'\n") == [("unknown-step", 2)]


def test_an_empty_one_says_nothing() -> None:
    assert said(read(OWN, "# nothing yet\n")) == []
    assert [one.code for one in check_defaults("# nothing yet\n", "_defaults.yaml", CATALOGUE)] == []


def test_what_it_hides_is_hidden_where_the_workflow_names_nothing_itself() -> None:
    def paths(text: str) -> list[str]:
        return [one.text for one in redact_of(text, ALL) or ()]

    assert paths(OWN) == ["payload.card"]
    assert paths(OWN + "redact: [payload.mail]\n") == ["payload.mail"]
    assert redact_of("name: [", ALL) is None


def test_its_schema_knows_its_keys() -> None:
    schema = defaults_schema(CATALOGUE)
    assert "on_failure" in schema["properties"]
    assert "steps" not in schema["properties"]
    assert schema["additionalProperties"] is False


def test_the_server_sets_vars_that_the_file_declares_and_no_others() -> None:
    loaded = read(OWN, limit=7, channel="#test", other=True)
    assert said(loaded) == []
    assert loaded.workflow
    assert loaded.workflow.vars == {"channel": "#test", "limit": 7}
    assert loaded.workflow.overridden == {"channel": "#ops", "limit": 5}
    assert loaded.basis.overrides == {"channel": "#test", "limit": 7}
    plain = read(OWN)
    assert plain.workflow
    assert plain.workflow.digest != loaded.workflow.digest


def test_a_value_of_another_kind_is_a_warning() -> None:
    (fault,) = read(OWN, limit="7").faults
    assert (fault.severity, fault.line, fault.where) == ("warning", 3, "vars.limit")
    assert "gives `vars.limit` a text, and the file a number" in fault.message

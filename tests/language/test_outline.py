"""The steps of a text by their paths, whatever is wrong with it."""

from __future__ import annotations

import connectors
from runner.engine.paths import steps_by_path
from runner.inbound.providers import provider_infos
from runner.language.catalogue import Catalogue
from runner.language.load import load
from runner.language.outline import outline
from tests.workbench.desk import CATALOGUE

TEXT = """\
name: All kinds
trigger: {webhook: {}}
steps:
  - filter: payload
  - id: each
    for_each: payload.lines
    steps:
      - {id: line, template: "{{ item }}"}
      - {steps: [{stop: x}]}
  - switch:
      - when: payload.a
        steps: [{id: in_case, transform: payload}]
      - steps: [{filter: payload.b}]
  - parallel:
      one: [{id: in_branch, template: a}]
      two: [{stop: b}]
  - id: risky
    action: http.request
    with: {url: "https://a.example.com"}
    on_error: [{id: mend, template: sorry}]
  - {repeat: {until: "true"}, steps: [{id: round, template: r}]}
on_failure:
  - {id: told, template: "{{ error.message }}"}
"""


def test_its_paths_are_those_of_the_workflow() -> None:
    loaded = load(TEXT, path="a.yaml", slug="a", catalogue=CATALOGUE)
    assert loaded.workflow is not None, loaded.faults
    by_path = steps_by_path(loaded.workflow)
    found = outline(TEXT)
    assert [one.path for one in found] == list(by_path)
    assert [(one.kind, one.line, one.id) for one in found] == [
        (step.kind, step.place.line, step.id) for step in by_path.values()
    ]


def test_faults_name_a_step_as_the_outline_does() -> None:
    broken = TEXT.replace("template: sorry", "template: '{{'").replace("payload.b}", "'payload.['}")
    catalogue = Catalogue(connectors.catalogue_actions(), providers=provider_infos())
    faults = load(broken, path="a.yaml", slug="a", catalogue=catalogue).faults
    wheres = {one.where for one in outline(broken)}
    errors = [one for one in faults if one.severity == "error"]
    assert len(errors) == 2
    assert all(any(fault.where.startswith(f"{one}.") for one in wheres) for fault in errors)


def test_what_is_broken_has_its_place_too() -> None:
    found = outline("steps:\n  - {id: Big Order, actoin: x}\n  - 7\n  - {id: ok, stop: x}\n")
    assert [(one.path, one.kind, one.position) for one in found] == [("step#1", None, 1), ("ok", "stop", 3)]
    assert outline("a: [") == outline("") == outline("steps: 3") == []

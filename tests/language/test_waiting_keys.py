"""The steps that wait and `repeat`: what a good file becomes, and every fault with its place and mend."""
# ruff: noqa: E501 - a table is read by its lines

from __future__ import annotations

import pytest

from runner.language.faults import Fault
from runner.language.load import load
from runner.language.workflow import ForEach, Repeat, Wait, WaitFor, Workflow
from tests.language.small_catalogue import CATALOGUE

HEAD = "name: x\ntrigger: {webhook: {}}\nsteps:\n"


def faults_of(text: str) -> tuple[Fault, ...]:
    """The faults of a file whose steps are *text*; its first line is line 4."""
    return load(HEAD + text, path="w.yaml", slug="w", catalogue=CATALOGUE).faults


def read(text: str) -> Workflow:
    loaded = load(HEAD + text, path="w.yaml", slug="w", catalogue=CATALOGUE)
    assert loaded.workflow, list(map(str, loaded.faults))
    return loaded.workflow


LOOP = "- repeat: {until: payload}\n  steps:\n"

# fmt: off
TABLE = [
    ("- wait: 10\n", "type", "4:9", "steps[0].wait", "write the unit: 10s"),
    ("- wait: soon\n", "duration", "4:9", "steps[0].wait", "30s, 15m, 2h or 7d"),
    ("- wait: '{{ vars.pause }}'\n", "duration", "4:9", "steps[0].wait", "wait: {until: \"{{ date_add(now(), '2d') }}\"}"),
    ("- wait: 0s\n", "duration", "4:9", "steps[0].wait", "longer than nothing"),
    ("- wait: 367d\n", "limit", "4:9", "steps[0].wait", "at most 366 days"),
    ("- wait: {}\n", "missing-key", "4:9", "steps[0].wait", "`until` is missing"),
    ("- wait: {until: tomorrow}\n", "date", "4:17", "steps[0].wait.until", "for a time from now write `wait: 10m`"),
    ("- wait: {until: '{{ payload.a b }}'}\n", "expression", "4:31", "steps[0].wait.until", "does not fit here"),
    ("- wait: {until: '{{ payroll.a }}'}\n", "unknown-name", "4:21", "steps[0].wait.until", "did you mean"),
    ("- wait: {days: 2}\n", "unknown-key", "4:10", "steps[0].wait.days", "`wait: 2d`"),
    ("- wait: 1m\n  wait_for: {callback: {}}\n", "kind", "5:3", "steps[0].wait_for", "a step does one thing"),
    ("- delay: 5m\n", "unknown-key", "4:3", "steps[0].delay", "`wait: 10m` waits"),
    ("- wait_for_trigger: x\n", "unknown-key", "4:3", "steps[0].wait_for_trigger", "`wait_for: {callback: {}}`"),
    ("- while: payload\n  steps: [{wait: 1m}]\n", "unknown-key", "4:3", "steps[0].while", "`repeat: {until: <JMESPath>}`"),
    ("- id: a\n  wait_for: callback\n", "type", "5:13", "steps[0].wait_for", "a mapping of callback or approval"),
    ("- wait_for: {}\n", "wait-for", "4:13", "steps[0].wait_for", "`callback: {}`, or `approval: {message: …}`"),
    ("- id: a\n  wait_for: {callback: {}, approval: {message: x}}\n", "wait-for", "5:13", "steps[0].wait_for", "make a step of each"),
    ("- id: a\n  wait_for: {callback: {}, timeout: 2d}\n", "unknown-key", "5:28", "steps[0].wait_for.timeout", "`timeout` stands beside `wait_for`"),
    ("- wait_for: {callback: {}}\n", "missing-id", "4:3", "steps[0].wait_for", "give it an `id`"),
    ("- id: a\n  wait_for: {callback: {methods: [FETCH]}}\n", "value", "5:35", "steps[0].wait_for.callback.methods[0]", "FETCH is not an HTTP method"),
    ("- id: a\n  wait_for: {callback: {methods: [POST, HEAD]}}\n", "value", "5:41", "steps[0].wait_for.callback.methods[1]", "HEAD only looks"),
    ("- id: a\n  wait_for: {callback: {methods: POST}}\n", "type", "5:34", "steps[0].wait_for.callback.methods", "write [POST]"),
    ("- id: a\n  wait_for: {callback: {}}\n  timeout: 400d\n", "limit", "6:12", "steps[0].timeout", "at most 366 days"),
    ("- wait_for: {approval: {}}\n", "missing-key", "4:24", "steps[0].wait_for.approval", "`message` is missing"),
    ("- wait_for: {approval: {message: x, options: [a]}}\n", "unknown-key", "4:37", "steps[0].wait_for.approval.options", "`choices`"),
    ("- wait_for: {approval: {message: x, choices: [1]}}\n", "type", "4:47", "steps[0].wait_for.approval.choices", 'quote it: "1"'),
    ("- wait_for: {approval: {message: x, choices: a}}\n", "type", "4:46", "steps[0].wait_for.approval.choices", "write [a]"),
    ("- wait_for: {approval: {message: x, choices: []}}\n", "value", "4:46", "steps[0].wait_for.approval.choices", "the list is empty"),
    ("- wait_for: {approval: {message: x, choices: [a, a]}}\n", "value", "4:50", "steps[0].wait_for.approval.choices[1]", "given twice"),
    ("- wait_for: {approval: {message: x, choices: ['{{ payload }}']}}\n", "value", "4:47", "steps[0].wait_for.approval.choices[0]", "written out"),
    ("- wait_for: {approval: {message: x, assignees: [' ']}}\n", "value", "4:49", "steps[0].wait_for.approval.assignees[0]", "the text is empty"),
    ("- template: \"{{ resume_url('ok') }}\"\n- id: o\n  wait_for: {callback: {}}\n", "unknown-step", "4:29", "steps[0].template", 'no step has the id "ok"'),
    ("- template: \"{{ resume_url('a') }}\"\n- id: a\n  wait: 1m\n", "not-awaited", "4:29", "steps[0].template", "it has no `wait_for`"),
    ("- template: '{{ resume_url(payload.id) }}'\n", "expression", "4:14", "steps[0].template", "written out"),
    ("- template: '{{ resume_url }}'\n", "expression", "4:14", "steps[0].template", "written out"),
    ("- template: \"{{ resume_url('l') }}\"\n- for_each: payload\n  steps: [{id: l, wait_for: {callback: {}}}]\n", "step-hidden", "4:29", "steps[0].template", "an address for each item"),
    ("- repeat: 3\n  steps: [{wait: 1m}]\n", "type", "4:11", "steps[0].repeat", "a mapping of until, at_most and every"),
    ("- repeat: {at_most: 3}\n  steps: [{wait: 1m}]\n", "missing-key", "4:11", "steps[0].repeat", "`until` is missing"),
    ("- repeat: {until: payload}\n", "missing-key", "4:3", "steps[0]", "`steps` is missing"),
    ("- repeat: {until: payload, at_most: 1001}\n  steps: [{wait: 1m}]\n", "limit", "4:37", "steps[0].repeat.at_most", "at most 1,000 rounds"),
    ("- repeat: {until: payload, at_most: 0}\n  steps: [{wait: 1m}]\n", "value", "4:37", "steps[0].repeat.at_most", "a whole number from 1"),
    ("- repeat: {until: payload, every: 3}\n  steps: [{wait: 1m}]\n", "type", "4:35", "steps[0].repeat.every", "write the unit: 3s"),
    ("- repeat: {until: payload, every: 400d}\n  steps: [{wait: 1m}]\n", "limit", "4:35", "steps[0].repeat.every", "at most 366 days"),
    ("- repeat: {count: 3, until: payload}\n  steps: [{wait: 1m}]\n", "unknown-key", "4:12", "steps[0].repeat.count", "`at_most`"),
    ("- repeat: {until: steps.b}\n  steps: [{id: a, wait: 1m}]\n", "unknown-step", "4:25", "steps[0].repeat.until", 'no step has the id "b"'),
    ("- repeat: {until: =}\n  steps: [{wait: 1m}]\n", "operator", "4:19", "steps[0].repeat.until", "="),
    (LOOP + "    - {id: a, transform: payload}\n- transform: steps.a\n", "step-hidden", "7:20", "steps[1].transform", "inside steps[0]"),
    ("- transform: previous\n", "unknown-name", "4:14", "steps[0].transform", "it stands inside `repeat`"),
    ("- transform: index\n", "unknown-name", "4:14", "steps[0].transform", "`for_each` and `repeat`"),
    (LOOP + "    - respond: {body: x}\n", "respond", "6:16", "steps[0].steps[0].respond", "cannot stand in a loop"),
]
# fmt: on


@pytest.mark.parametrize(("text", "code", "place", "where", "words"), TABLE)
def test_a_fault_has_its_place_and_the_way_out(
    text: str, code: str, place: str, where: str, words: str
) -> None:
    faults = faults_of(text)
    found = [one for one in faults if one.code == code and f"{one.line}:{one.column}" == place]
    assert [one.where for one in found] == [where], "\n".join(f"{one.code} {one}" for one in faults)
    assert words in str(found[0])


def test_a_title_has_no_address_to_tell() -> None:
    text = f"title: \"{{{{ resume_url('a') }}}}\"\n{HEAD}- id: a\n  wait_for: {{callback: {{}}}}\n"
    (fault,) = load(text, path="w.yaml", slug="w", catalogue=CATALOGUE).faults
    assert fault.code == "before-run"


def test_what_a_good_file_becomes() -> None:
    workflow = read("""
- wait: 1h30m
- wait: {until: "{{ payload.due }}"}
- wait: {until: 2026-05-03}
- id: tell
  template: "{{ resume_url('ok') }} {{ resume_url('asked') }}"
- id: ok
  wait_for: {callback: {methods: [PUT, GET]}}
  timeout: 2d
- id: asked
  wait_for: {approval: {message: "Go, {{ payload.name }}? {{ resume_url('asked') }}"}}
- id: pages
  repeat: {until: steps.page.next == null && previous != steps.page, at_most: 7, every: 3s}
  steps:
    - id: page
      transform: "{next: payload.next, index: index, before: previous}"
    - id: again
      wait_for: {callback: {}}
      on_error:
        - template: "{{ resume_url('again') }}"
""")
    for_time, for_date, for_day, _tell, ok, asked, pages = (step.body for step in workflow.steps)
    assert for_time == Wait(5400.0)
    assert isinstance(for_date, Wait)
    assert for_date.until
    assert isinstance(for_day, Wait)
    assert ok == WaitFor(("PUT", "GET"))
    assert workflow.steps[4].timeout_seconds == 2 * 86400
    assert isinstance(asked, WaitFor)
    assert asked.approval
    assert (asked.approval.choices, asked.approval.assignees) == (("approve", "reject"), ())
    assert isinstance(pages, Repeat)
    assert (pages.at_most, pages.every_seconds, len(pages.steps)) == (7, 3.0, 2)
    assert workflow.awaited == {"ok": "ok", "asked": "asked", "again": "pages{*}.again"}


def test_a_hundred_rounds_are_the_most_unless_it_says_otherwise() -> None:
    (step,) = read(LOOP + "    - wait: 1m\n").steps
    assert isinstance(step.body, Repeat)
    assert (step.body.at_most, step.body.every_seconds) == (100, None)


def test_steps_that_wait_are_found_wherever_they_stand() -> None:
    workflow = read("""
- switch:
    - when: payload
      steps: [{id: a, wait_for: {callback: {}}}]
- parallel:
    side:
      - for_each: payload
        steps:
          - repeat: {until: payload}
            steps:
              - steps: [{id: b, wait_for: {callback: {}}}]
          - wait: 1m
            on_error: [{id: c, wait_for: {approval: {message: x}}}]
- wait: 1m
  on_error: [{id: d, wait_for: {callback: {}}}]
""")
    assert isinstance(workflow.steps[1].body.branches["side"][0].body, ForEach)  # type: ignore[union-attr]  # it is a parallel
    assert workflow.awaited == {
        "a": "switch#1.case#1.a",
        "b": "parallel#2.side.for_each#1[*].repeat#1{*}.steps#1.b",
        "c": "parallel#2.side.for_each#1[*].wait#2!error.c",
        "d": "wait#3!error.d",
    }

"""What is wrong with a test file is said with its place and the way out."""

from __future__ import annotations

import pytest

from tests.workbench.desk import faults

FLOW = """\
trigger: {webhook: {}, manual: {}}
vars: {limit: 3}
steps:
  - id: order
    transform: payload
  - id: tell
    action: slack.post_message
    connection: team
    with: {channel: "#a", text: "{{ payload.a }}"}
  - id: ask
    wait_for: {approval: {message: Go?, choices: [go, stay]}}
    timeout: 1h
"""


@pytest.mark.parametrize(
    ("case", "code", "where", "hint"),
    [
        ("mocks: {}", "unknown-key", "mocks", "given"),
        ("expects: {}", "unknown-key", "expects", '"expect"'),
        ("event: {fil: a.json}", "event", "event", "payload: {…}"),
        ("event: {payload: 1, file: a.json}", "event", "event.payload", "keep one"),
        ("event: {trigger: poll}", "event", "event.trigger", "webhook, manual"),
        ("event: {headers: [a]}", "type", "event.headers", ""),
        ("event: {item: -1}", "value", "event.item", ""),
        ("event: 7", "type", "event", "recorded event"),
        ("now: soon", "moment", "now", "2026-05-03T09:00:00Z"),
        ("vars: {limt: 3}", "unknown-var", "vars.limt", '"limit"'),
        ("secrets: {A: b}", "unknown-secret", "secrets.A", "names none"),
        ("strict: yes", "type", "strict", "write true"),
        ("given: {slack.post_mesage: 1}", "unknown-name", "given.slack.post_mesage", '"slack.post_message"'),
        ("given: {email.send: 1}", "unknown-name", "given.email.send", "known here"),
        ("given: {order: 1}", "given", "given.order", "expect"),
        ("given: {tell: []}", "value", "given.tell", "an answer"),
        ("given: {tell: {error: timout}}", "error-type", "given.tell.error", '"timeout"'),
        ("given: {tell: {error: {type: no}}}", "error-type", "given.tell.error.type", "rejected"),
        ("given: {tell: {error: {code: 1}}}", "unknown-key", "given.tell.error.code", "status"),
        ("given: {tell: {error: {status: 200}}}", "value", "given.tell.error.status", ""),
        ("given: {tell: {after: 5}}", "duration", "given.tell.after", "30s"),
        ("given: {tell: {error: timeout, result: 1}}", "given", "given.tell.result", "keep one"),
        ("given: {tell: {after: 5s, ts: 1}}", "given", "given.tell.after", "result: {…}"),
        ("given: {ask: {choice: goo}}", "approval", "given.ask", '"go"'),
        ("given: {ask: go}", "approval", "given.ask", "{choice: go}"),
        ("expect: {status: succeded}", "value", "expect.status", '"succeeded"'),
        ("expect: {result: 1}", "unknown-key", "expect.result", "`output`"),
        ("expect: {steps: {ordr: 1}}", "unknown-step", "expect.steps.ordr", '"order"'),
        ("expect: {steps: [order]}", "type", "expect.steps", "{<id>: …}"),
        ("expect: {outcomes: {tell: failed}}", "type", "expect.outcomes.tell", "{status: failed}"),
        ("expect: {outcomes: {tell: {status: fail}}}", "value", "expect.outcomes.tell.status", "failed"),
        ("expect: {actions: {tell: 1}}", "type", "expect.actions", "write a list"),
        ("expect: {actions: [{tell: {}, order: {}}]}", "type", "expect.actions[0]", "- slack"),
        ("expect: {actions: [tel]}", "unknown-name", "expect.actions[0]", '"tell"'),
        ("expect: {actions: [order]}", "expect", "expect.actions[0]", "steps: {order: …}"),
        (
            "expect: {actions: [tell: {chanel: a}]}",
            "unknown-input",
            "expect.actions[0].tell.chanel",
            '"channel"',
        ),
        (
            "expect: {actions: {exactly: [tell: {chanel: a}]}}",
            "unknown-input",
            "expect.actions[0].tell.chanel",
            '"channel"',
        ),
        ("expect: {answer: {code: 1}}", "unknown-key", "expect.answer.code", "status"),
        ("expect: {reason: {text: a}}", "unknown-key", "expect.reason.text", "sentence"),
        ("expect: {notes: a}", "type", "expect.notes", ""),
        ("expect: {runs: a}", "type", "expect.runs", ""),
    ],
)
def test_each_fault_of_a_case_has_its_place_and_its_way_out(
    case: str, code: str, where: str, hint: str
) -> None:
    (found,) = faults(FLOW, f"cases:\n  - name: a\n    {case}\n")
    assert (found.code, found.where) == (code, f"cases[0].{where}")
    assert hint in found.hint
    assert (found.path, found.line) == ("flow.test.yaml", 3)


@pytest.mark.parametrize(
    ("text", "code", "where", "hint"),
    [
        ("cases: []\ntests: []", "unknown-key", "tests", "`cases`"),
        ("cases: {}", "type", "cases", ""),
        ("cases:\n  - expect: {}", "missing-key", "cases[0]", "as a sentence"),
        ("cases:\n  - {name: a}\n  - {name: a}", "duplicate-case", "cases[1].name", "its own"),
        ("cases: [\n", "syntax", "cases[0]", ""),
    ],
)
def test_each_fault_of_a_file_has_its_place_and_its_way_out(
    text: str, code: str, where: str, hint: str
) -> None:
    (found,) = faults(FLOW, text)
    assert (found.code, found.where) == (code, where)
    assert hint in found.hint


def test_all_faults_are_said_at_once() -> None:
    text = (
        "cases:\n  - {name: a, now: x, given: {x: 1}, expect: {steps: {y: 1}}}\n  - {name: b, strikt: true}"
    )
    assert [one.line for one in faults(FLOW, text)] == [2, 2, 2, 3]

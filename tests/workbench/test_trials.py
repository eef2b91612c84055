"""Cases of workflows: what comes in, what is given, and what is judged."""

from __future__ import annotations

import time

import pytest

from tests.workbench.desk import told, tried

CALLS = """\
steps:
  - id: ask
    action: http.request
    with: {url: "https://a.example.com/{{ payload.id }}", headers: {X-Key: "{{ secrets.KEY }}"}}
    timeout: 10s
    retry: {for: 1h, delay: 1m, jitter: false}
    on_error: continue
  - id: seen
    transform: {status: steps.ask.status, at: now()}
"""


def test_an_action_gives_what_is_given_and_is_called_with_secrets_as_their_names() -> None:
    (one,) = tried(
        CALLS,
        """\
cases:
  - name: it
    now: 2026-05-03T09:00:00Z
    event: {payload: {id: 7}}
    given: {http.request: {status: 200}}
    expect:
      status: succeeded
      steps: {seen: {exactly: {status: 200, at: "2026-05-03T09:00:00.000Z"}}}
      actions:
        - ask: {exactly: {url: https://a.example.com/7, headers: {X-Key: "{{ secrets.KEY }}"}}}
""",
    )
    assert not one.findings
    assert one.performance.reached == {"ask", "seen"}


def test_retries_and_timeouts_pass_on_the_cases_own_clock() -> None:
    began = time.monotonic()
    late, gone, refused = tried(
        CALLS,
        """\
cases:
  - name: late and then back
    event: {payload: {id: 7}}
    given:
      ask:
        - {after: 11s}
        - error: {status: 503, retry_after: 5m}
        - {after: 2s, result: {status: 201}}
    expect:
      steps: {seen: {status: 201, at: "2026-01-01T09:06:12.000Z"}}
      outcomes: {ask: {status: succeeded, attempts: 3}}
  - name: gone for good
    event: {payload: {id: 7}}
    given: {ask: {error: unavailable}}
    expect:
      outcomes: {ask: {status: failed, error: {type: unavailable}}}
  - name: refused
    event: {payload: {id: 7}}
    given: {ask: {error: {status: 404, message: no such thing}}}
    expect:
      outcomes: {ask: {status: failed, attempts: 1, error: {type: rejected, message: no such thing}}}
""",
    )
    assert told(late) == told(gone) == told(refused) == []
    assert 3000 < gone.performance.seconds <= 3600
    assert time.monotonic() - began < 10


def test_what_is_given_is_found_by_path_then_by_id_then_by_action() -> None:
    (one,) = tried(
        """\
steps:
  - id: each
    for_each: "`[1, 2, 3]`"
    steps:
      - id: get
        action: http.request
        with: {url: "https://a.example.com/{{ item }}"}
  - id: other
    action: http.request
    with: {url: https://b.example.com}
""",
        """\
cases:
  - name: all of them
    given:
      "each[1].get": path
      get: [first, second]
      http.request: action
    expect:
      steps: {each: [first, path, second], other: action, "each[2].get": second}
""",
    )
    assert not one.findings


def test_a_call_that_is_not_given_gives_null_and_fails_a_strict_case() -> None:
    text = "steps: [{action: http.request, with: {url: 'https://a.example.com'}}]"
    plain, strict = tried(text, "cases: [{name: a, event: {payload: 1}}, {name: b, strict: true}]")
    assert told(plain) == []
    assert told(strict) == ["given"]
    assert "http.request was called" in strict.findings[0].sentence


def test_calls_match_in_their_order_and_exactly_where_that_is_said() -> None:
    flow = """\
steps:
  - {id: one, action: http.request, with: {url: https://a.example.com/1}}
  - {id: two, action: http.request, with: {url: https://a.example.com/2}}
  - {id: three, action: http.request, with: {url: https://a.example.com/3}}
"""
    found = tried(
        flow,
        """\
cases:
  - {name: a part in order, expect: {actions: [one, {http.request: {url: https://a.example.com/3}}]}}
  - {name: not in order, expect: {actions: [three, one]}}
  - {name: none at all, expect: {actions: []}}
  - {name: the whole, expect: {actions: {exactly: [one, two, three]}}}
  - {name: not the whole, expect: {actions: {exactly: [one, two]}}}
  - {name: other inputs, expect: {actions: [{three: {url: https://a.example.com/4}}]}}
""",
    )
    assert list(map(told, found)) == [
        [],
        ["actions[1].one"],
        ["actions[0].http.request", "actions[1].http.request", "actions[2].http.request"],
        [],
        ["actions[2].http.request"],
        ["actions[0].three.url"],
    ]


def test_a_run_that_fails_is_not_unnoticed() -> None:
    silent, said = tried(
        "steps: [{fail: 'no, {{ payload.who }}'}]",
        """\
cases:
  - {name: silent, event: {payload: {who: Ada}}}
  - {name: said, event: {payload: {who: Ada}}, expect: {status: failed, reason: "no, Ada"}}
""",
    )
    assert told(silent) == ["status"]
    assert told(said) == []


def test_waits_are_over_at_once_and_answers_come_when_they_are_given() -> None:
    flow = """\
steps:
  - id: nap
    wait: 3d
  - id: ask
    wait_for: {approval: {message: "Go?", choices: [go, stay]}}
    timeout: 1d
    on_error: continue
  - id: at
    transform: now()
"""
    answered, silent = tried(
        flow,
        """\
cases:
  - name: answered
    given: {ask: {after: 2h, result: {choice: go}}}
    expect:
      steps: {ask: {choice: go, by: test}, at: "2026-01-04T11:00:00.000Z"}
  - name: silent
    expect:
      steps: {ask: null, at: "2026-01-05T09:00:00.000Z"}
      outcomes: {ask: {status: failed, error: {type: timeout}}}
""",
    )
    assert told(answered) == told(silent) == []


def test_a_run_waits_for_an_answer_that_nobody_gives() -> None:
    (one,) = tried(
        "steps: [{id: back, wait_for: {callback: {}}}]", "cases: [{name: a, expect: {status: waiting}}]"
    )
    assert not one.findings


def test_a_called_workflow_ends_with_what_is_given() -> None:
    good, bad = tried(
        "steps: [{id: sub, call: other, with: {n: '{{ payload.n }}'}}]",
        """\
cases:
  - name: good
    event: {payload: {n: 1}}
    given: {other: {total: 3}}
    expect: {output: {total: 3}, actions: [{other: {n: 1}}]}
  - name: bad
    event: {payload: {n: 1}}
    given: {sub: {error: it broke}}
    expect: {status: failed, reason: it broke}
""",
    )
    assert told(good) == told(bad) == []


def test_a_call_that_is_not_waited_for_shows_its_inputs_too() -> None:
    (one,) = tried(
        "steps: [{id: sub, call: other, wait: false, with: {n: '{{ payload.n }}'}}]",
        """\
cases:
  - name: it
    event: {payload: {n: 1}}
    given: {other: 01jq6h3v9t0m8e2c5x7k4n1b6d}
    expect: {output: 01jq6h3v9t0m8e2c5x7k4n1b6d, actions: {exactly: [{other: {n: 1}}]}}
""",
    )
    assert told(one) == []


def test_state_is_kept_in_memory_and_can_be_there_before() -> None:
    first, later = tried(
        "steps: [{id: count, action: state.increment, with: {key: seen}}]",
        """\
cases:
  - {name: first, strict: true, expect: {steps: {count: 1}, state: {seen: 1}}}
  - {name: later, state: {seen: 6}, expect: {output: 7, state: {seen: 7}}}
""",
    )
    assert told(first) == told(later) == []


def test_the_door_judges_types_and_forms_but_no_signatures() -> None:
    flow = """\
trigger:
  webhook:
    verify: {provider: github, secret: KEY}
    events: [push]
    schema: {type: object, required: [ref]}
steps:
  - transform: event.type
"""
    found = tried(
        flow,
        """\
cases:
  - {name: wanted, event: {payload: {ref: x}, headers: {X-GitHub-Event: push}}, expect: {output: push}}
  - {name: other, event: {payload: {ref: x}, headers: {X-GitHub-Event: ping}}, expect: {status: ignored}}
  - {name: said, event: {payload: {ref: x}, type: push}, expect: {status: succeeded}}
  - name: wrong form
    event: {payload: {}, type: push, headers: {X-GitHub-Event: push}}
    expect: {status: rejected, reason: ref, answer: {status: 422}}
  - name: wrong method
    event: {payload: {ref: x}, method: PUT, headers: {X-GitHub-Event: push}}
    expect: {status: rejected, answer: {status: 405}}
""",
    )
    assert list(map(told, found)) == [[]] * 5


def test_each_kind_of_body_becomes_a_payload() -> None:
    found = tried(
        "trigger: {webhook: {methods: [POST, GET]}}\nsteps: [{transform: payload}]",
        """\
cases:
  - {name: json, event: {file: a.json}, expect: {output: {a: 1}}}
  - {name: xml, event: {file: a.xml}, expect: {output: {a: {b: "1"}}}}
  - name: query
    event: {method: GET, query: {a: [1, 2], b: true}}
    expect: {output: {a: ["1", "2"], b: "true"}}
  - name: form
    event: {body: a=1&a=2, headers: {Content-Type: application/x-www-form-urlencoded}}
    expect: {output: {a: ["1", "2"]}}
  - {name: nothing, expect: {output: null}}
""",
        {"a.json": b'{"a": 1}', "a.xml": b"<a><b>1</b></a>"},
    )
    assert list(map(told, found)) == [[]] * 5


def test_the_other_triggers_have_their_payloads() -> None:
    flow = """\
trigger:
  schedule: {every: 1h}
  manual: {inputs: {type: object, required: [who], properties: {who: {type: string}, n: {default: 2}}}}
steps:
  - transform: {payload: payload, by: event.trigger}
"""
    found = tried(
        flow,
        """\
cases:
  - name: on time
    now: 2026-05-03T09:00:00+02:00
    expect: {output: {by: schedule, payload: {scheduled_at: "2026-05-03T07:00:00.000Z"}}}
  - name: by hand
    event: {trigger: manual, payload: {who: Ada}}
    expect: {output: {by: manual, payload: {who: Ada, n: 2}}}
  - name: not so
    event: {trigger: manual, payload: {}}
    expect: {status: rejected, reason: who}
""",
    )
    assert list(map(told, found)) == [[]] * 3


def test_of_a_split_event_one_run_is_followed() -> None:
    found = tried(
        "trigger: {webhook: {split: payload.items}}\nsteps: [{transform: payload.n}]",
        """\
cases:
  - {name: first, event: {payload: {items: [{n: 1}, {n: 2}]}}, expect: {output: 1, runs: 2}}
  - {name: second, event: {payload: {items: [{n: 1}, {n: 2}]}, item: 1}, expect: {output: 2}}
  - {name: none, event: {payload: {items: []}}, expect: {status: accepted, runs: 0}}
  - {name: no list, event: {payload: {items: 1}}, expect: {status: rejected, answer: {status: 422}}}
""",
    )
    assert list(map(told, found)) == [[]] * 4


@pytest.mark.parametrize(
    ("trigger", "steps", "answer"),
    [
        ("answer: accepted", "- transform: payload", "{status: 200, body: {status: accepted}}"),
        (
            "answer: {status: 202, body: 'thanks {{ payload.who }}'}",
            "- stop: done",
            "{status: 202, body: thanks Ada}",
        ),
        ("answer: result", "- transform: payload.who", "{status: 200, body: Ada}"),
        (
            "answer: result",
            "- respond: {status: 201, body: {a: 1}}\n  - wait: 1d",
            "{status: 201, body: {a: 1}}",
        ),
        ("answer: result", "- fail: no", "{status: 500, body: {status: failed}}"),
        ("answer: result", "- filter: payload.none", "{status: 200, body: {status: filtered}}"),
        (
            "answer: result",
            "- wait: 1h\n  - respond: {body: late}",
            "{status: 202, body: {status: accepted}}",
        ),
    ],
)
def test_the_sender_hears_what_it_would_hear(trigger: str, steps: str, answer: str) -> None:
    (one,) = tried(
        f"trigger: {{webhook: {{{trigger}}}}}\nsteps:\n  {steps}",
        f"""\
cases:
  - name: a
    event: {{payload: {{who: Ada}}}}
    expect: {{status: {_end(steps)}, answer: {answer}}}
""",
    )
    assert not one.findings


def _end(steps: str) -> str:
    return "failed" if "fail:" in steps else "filtered" if "filter:" in steps else "succeeded"


def test_a_template_that_would_not_end_is_an_error_of_its_case_alone() -> None:
    endless, next_one = tried(
        """\
steps:
  - template: >-
      {% for a in range(payload.n) %}{% for b in range(payload.n) %}{{ a * b }}{% endfor %}{% endfor %}
""",
        """\
cases:
  - {name: endless, event: {payload: {n: 9999}}, expect: {status: failed, reason: expression}}
  - {name: next, event: {payload: {n: 1}}, expect: {status: succeeded}}
""",
    )
    assert told(endless) == told(next_one) == []


def test_a_case_is_the_same_each_time() -> None:
    flow = "steps: [{transform: {id: uuid(), now: now(), event: event.id, run: run.id}}]"
    text = "cases: [{name: a}]"
    assert tried(flow, text)[0].performance.output == tried(flow, text)[0].performance.output

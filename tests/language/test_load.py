"""A whole file: what a good one becomes, and how all faults of a bad one read."""

from __future__ import annotations

import hashlib
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.language.faults import Fault, render_fault
from runner.language.load import load
from runner.language.workflow import (
    NO_RETRY,
    Action,
    Answer,
    Fail,
    Filter,
    ForEach,
    Group,
    Parallel,
    Place,
    Respond,
    Retry,
    Stop,
    Switch,
    TemplateStep,
    Transform,
    Webhook,
    Workflow,
)  # fmt: skip
from tests.language.small_catalogue import CATALOGUE

GOOD = """\
name: Order alerts
description: Tell sales about big orders.
title: "Order {{ payload.name }}"
tags: [sales, shop]
timezone: Europe/Athens
timeout: 10m
retry: {for: 2h, attempts: none, delay: 1s, on: [network, 429, 5xx]}

trigger:
  webhook:
    methods: [POST, PUT]
    answer: {wait: 60s}
    max_body: 2 MiB
    max_file: 1000

vars:
  threshold: 100
  names: {a: "1"}

steps:
  - id: big
    filter: to_number(payload.total_price) >= vars.threshold

  - id: order
    name: The order
    transform:
      id: payload.id
      skus: payload.line_items[].sku

  - parallel:
      sales:
        - action: slack.post_message
          connection: team-slack
          with: {channel: "#sales", text: "Order {{ steps.order.id }}"}
          retry: false
      warehouse:
        - id: told
          action: http.request
          with:
            url: https://example.com
            headers: {Authorization: "Bearer {{ secrets.TOKEN }}"}
          timeout: 5s
          after_crash: stop
          on_error: continue

  - id: lines
    for_each: payload.line_items
    as: line
    concurrency: 4
    on_item_error: continue
    steps:
      - if: line.price > `1`
        template: "{{ line.sku }} {{ index }}"

  - switch:
      - when: steps.big
        steps: [respond: {status: 201, body: {ok: true}}]
      - steps: [fail: "no {{ payload.id }}"]

  - steps: [transform: steps.order.id]
    on_error:
      - transform: error.message

  - stop: done

on_failure:
  - action: slack.post_message
    connection: team-slack
    with: {channel: "#ops", text: "{{ error.message }}"}

output: steps.lines
"""


@pytest.fixture(scope="module")
def good() -> Workflow:
    loaded = load(GOOD, path="workflows/order.yaml", slug="order", catalogue=CATALOGUE)
    assert loaded.faults == ()
    assert loaded.workflow is not None
    return loaded.workflow


def test_the_top_of_a_file_becomes_the_workflow(good: Workflow) -> None:
    assert (good.slug, good.name, good.description) == (
        "order",
        "Order alerts",
        "Tell sales about big orders.",
    )
    assert good.digest == hashlib.sha256(GOOD.encode()).hexdigest()
    assert good.tags == ("sales", "shop")
    assert good.timezone == "Europe/Athens"
    assert good.timeout_seconds == 600
    assert good.vars == {"threshold": 100, "names": {"a": "1"}}
    assert good.retry == Retry(for_seconds=7200, delay_seconds=1, on=frozenset({"network", "429", "5xx"}))
    assert good.webhook == Webhook(
        methods=("POST", "PUT"),
        answer=Answer(mode="result", wait_seconds=60),
        max_body_bytes=2 * 1024 * 1024,
        max_file_bytes=1000,
    )
    assert good.title is not None
    assert good.title.source == "Order {{ payload.name }}"
    assert good.output is not None
    assert good.output.source == "steps.lines"


def test_each_step_has_its_kind_key_and_place(good: Workflow) -> None:
    assert [(one.key, one.kind, one.place) for one in good.steps] == [
        ("big", "filter", Place(21, 5)),
        ("order", "transform", Place(24, 5)),
        ("parallel#3", "parallel", Place(30, 5)),
        ("lines", "for_each", Place(46, 5)),
        ("switch#5", "switch", Place(55, 5)),
        ("steps#6", "steps", Place(60, 5)),
        ("stop#7", "stop", Place(64, 5)),
    ]
    assert good.steps[1].label == "The order"


def test_each_step_has_its_body(good: Workflow) -> None:
    check, order, branches, loop, switch, group, stop = (one.body for one in good.steps)
    assert isinstance(check, Filter)
    assert check.test.source == "to_number(payload.total_price) >= vars.threshold"
    assert isinstance(order, Transform)
    assert order.shape.source == {"id": "payload.id", "skus": "payload.line_items[].sku"}
    assert isinstance(branches, Parallel)
    assert list(branches.branches) == ["sales", "warehouse"]
    assert isinstance(loop, ForEach)
    assert (loop.items.source, loop.name, loop.concurrency, loop.on_item_error) == (
        "payload.line_items", "line", 4, "continue",
    )  # fmt: skip
    assert isinstance(loop.steps[0].body, TemplateStep)
    assert loop.steps[0].condition is not None
    assert loop.steps[0].condition.source == "line.price > `1`"
    assert isinstance(switch, Switch)
    assert [one.when.source if one.when else None for one in switch.cases] == ["steps.big", None]
    assert isinstance(switch.cases[0].steps[0].body, Respond)
    assert switch.cases[0].steps[0].body.shape.source == {"status": 201, "body": {"ok": True}}
    assert isinstance(switch.cases[1].steps[0].body, Fail)
    assert isinstance(group, Group)
    assert group.steps[0].key == "transform#1"
    assert isinstance(good.steps[5].on_error, tuple)
    assert isinstance(stop, Stop)


def test_an_action_has_its_inputs_and_modifiers(good: Workflow) -> None:
    branches = good.steps[2].body
    assert isinstance(branches, Parallel)
    (sales,), (warehouse,) = branches.branches.values()
    assert sales.retry == NO_RETRY
    assert isinstance(sales.body, Action)
    assert (sales.body.action, sales.body.connection) == ("slack.post_message", "team-slack")
    assert isinstance(warehouse.body, Action)
    assert warehouse.body.inputs is not None
    assert warehouse.body.inputs.drop_null
    assert warehouse.body.inputs.secret_names == {"TOKEN"}
    assert (warehouse.id, warehouse.timeout_seconds) == ("told", 5)
    assert (warehouse.after_crash, warehouse.on_error, warehouse.retry) == ("stop", "continue", None)


def test_the_inputs_that_an_action_marks_as_html_are_escaped() -> None:
    text = (
        "name: x\ntrigger: {webhook: {}}\nsteps:\n- action: email.send\n  connection: mail\n"
        "  with: {to: a@example.com, subject: s, html: '{{ payload.x }}'}\n"
    )
    workflow = load(text, path="w.yaml", slug="w", catalogue=CATALOGUE).workflow
    assert workflow is not None
    assert isinstance(workflow.steps[0].body, Action)
    assert workflow.steps[0].body.inputs is not None
    assert workflow.steps[0].body.inputs.html == {"html"}


@pytest.mark.parametrize(
    ("answer", "mode", "seconds"),
    [("accepted", "accepted", 20), ("result", "result", 20), ("{wait: 2m}", "result", 120)],
)
def test_a_sender_gets_what_answer_says(answer: str, mode: str, seconds: float) -> None:
    text = f"name: x\ntrigger: {{webhook: {{answer: {answer}}}}}\nsteps: [filter: payload]\n"
    workflow = load(text, path="w.yaml", slug="w", catalogue=CATALOGUE).workflow
    assert workflow is not None
    assert workflow.webhook is not None
    assert (workflow.webhook.answer.mode, workflow.webhook.answer.wait_seconds) == (mode, seconds)


def test_a_fixed_answer_needs_no_steps() -> None:
    text = "name: x\ntrigger: {webhook: {answer: {status: 204, headers: {X-A: '{{ payload.a }}'}}}}\n"
    workflow = load(text, path="w.yaml", slug="w", catalogue=CATALOGUE).workflow
    assert workflow is not None
    assert workflow.steps == ()
    assert workflow.webhook is not None
    assert workflow.webhook.answer.fixed is not None
    assert workflow.webhook.answer.fixed.source == {"status": 204, "headers": {"X-A": "{{ payload.a }}"}}


def test_a_file_with_warnings_only_has_a_workflow() -> None:
    text = "name: x\ntrigger: {webhook: {}}\nsteps: [filter: 5]\n"
    loaded = load(text, path="w.yaml", slug="w", catalogue=CATALOGUE)
    assert [one.severity for one in loaded.faults] == ["warning"]
    assert loaded.workflow is not None


def shown(text: str) -> str:
    loaded = load(text, path="workflows/order.yaml", slug="order", catalogue=CATALOGUE)
    assert loaded.workflow is None
    return "\n".join(render_fault(one, text) for one in loaded.faults)


def test_a_file_of_a_beginner_reads_like_this() -> None:
    text = dedent("""\
        name: Order alerts
        on: push
        trigger:
          webhook:
            verify: shopify
        steps:
          - id: big
            filter: total_price > 100
          - action: slack.post_mesage
            connection: team-slack
            with:
              chanel: "#sales"
              text: {{ steps.big }}
        """)
    assert shown(text) == dedent("""\
        workflows/order.yaml:2:1: on: `on` is not known here; in Hookline: `trigger: {webhook: {…}}` says what starts a run
        2 | on: push
          | ^
        workflows/order.yaml:5:13: trigger.webhook.verify: Shopify needs `secret`; write {provider: shopify, secret: SHOPIFY_SECRET}, where the secret is written by its name on the server
        5 |     verify: shopify
          |             ^
        workflows/order.yaml:8:13: steps[0].filter: there is no `total_price` here; did you mean `payload.total_price`?
        8 |     filter: total_price > 100
          |             ^
        workflows/order.yaml:9:13: steps[1].action: no action "slack.post_mesage"; did you mean "slack.post_message"?
        9 |   - action: slack.post_mesage
          |             ^
        workflows/order.yaml:13:13: steps[1].with.text: unquoted, {{ begins a mapping in YAML; quote it: text: "{{ steps.big }}"
        13 |       text: {{ steps.big }}
           |             ^""")  # noqa: E501 - as a terminal shows it


def test_a_file_with_faults_in_every_corner_reads_like_this() -> None:
    text = dedent("""\
        name: Refunds
        trigger: {webhook: {methods: [post], answer: result}}
        timeout: 30
        steps:
          - for_each: payload.refunds
            as: refund
            steps:
              - id: told
                action: slack.post_message
                with: {channel: "#ops", text: 'It''s {{ refnd.id }}', blocks: none}
          - respond:
              body: "{{ steps.told }}"
          - filter: payload.currency == "EUR"
            retry: false
        """)
    assert shown(text) == dedent("""\
        workflows/order.yaml:2:31: trigger.webhook.methods[0]: post is not an HTTP method; write POST
        2 | trigger: {webhook: {methods: [post], answer: result}}
          |                               ^
        workflows/order.yaml:3:10: timeout: `timeout` must be a duration such as 30s, 15m or 2h; it is the number 30; write the unit: 30s
        3 | timeout: 30
          |          ^
        workflows/order.yaml:9:9: steps[0].steps[0]: slack.post_message needs a connection; write `connection: team-slack`
        9 |         action: slack.post_message
          |         ^
        workflows/order.yaml:10:49: steps[0].steps[0].with.text: there is no `refnd` here; did you mean `refund`?
        10 |         with: {channel: "#ops", text: 'It''s {{ refnd.id }}', blocks: none}
           |                                                 ^
        workflows/order.yaml:10:71: steps[0].steps[0].with.blocks: `blocks`: Input should be a valid list
        10 |         with: {channel: "#ops", text: 'It''s {{ refnd.id }}', blocks: none}
           |                                                                       ^
        workflows/order.yaml:12:23: steps[1].respond.body: `steps.told` is inside steps[0] and not seen from here; refer to the step around it, whose output holds what came of it
        12 |       body: "{{ steps.told }}"
           |                       ^
        workflows/order.yaml:13:33: steps[2].filter: there is no `EUR` here; double quotes name a field; text stands in single quotes: 'EUR'
        13 |   - filter: payload.currency == "EUR"
           |                                 ^
        workflows/order.yaml:14:5: steps[2].retry: `retry` does not belong to a step with `filter`; it stands beside `action`
        14 |     retry: false
           |     ^""")  # noqa: E501 - as a terminal shows it


def fault(line: int, column: int, message: str = "wrong") -> Fault:
    return Fault("w.yaml", line, column, "", "x", "error", message)


def test_the_caret_stands_under_wide_characters_and_in_long_lines() -> None:
    assert render_fault(fault(1, 4), "注文: x\n").splitlines()[1:] == ["1 | 注文: x", "  |      ^"]
    long = render_fault(fault(1, 301), "a" * 300 + "!" + "b" * 300).splitlines()
    assert len(long[1]) < 120
    assert long[1][long[2].index("^")] == "!"


def test_a_file_cannot_speak_to_the_terminal() -> None:
    shown = render_fault(fault(1, 1, "no \x1b[31m"), "\x1b[2J\x07: x\n")
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_a_fault_past_the_end_shows_no_line() -> None:
    assert render_fault(fault(9, 1), "a\n") == "w.yaml:9:1: wrong"


def test_a_file_of_200_steps_is_read_whole() -> None:
    text = "name: x\ntrigger: {webhook: {}}\nsteps:\n  - {id: s0, transform: payload.a}\n" + "".join(
        f"  - id: s{number}\n    if: steps.s{number - 1} > `{number}`\n"
        f"    template: '{{{{ steps.s0 }}}} {number}'\n"
        for number in range(1, 200)
    )
    workflow = load(text, path="w.yaml", slug="w", catalogue=CATALOGUE).workflow
    assert workflow is not None
    assert [one.key for one in workflow.steps] == [f"s{number}" for number in range(200)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("name: x\n" + "".join(f"k{number}: 1\n" for number in range(20_000)), id="unknown keys"),
        pytest.param("steps:\n" + "- filter: 5\n" * 5_000, id="warnings"),
        pytest.param("vars:\n" + "".join(f"  k{number}: x #y\n" for number in range(5_000)), id="comments"),
        pytest.param("".join(f"k{number}: 'x' == y\n" for number in range(5_000)), id="quotes"),
        pytest.param("a: 1\n" * 5_000, id="duplicates"),
    ],
)  # fmt: skip
def test_a_file_that_is_nothing_but_faults_ends_soon(text: str) -> None:
    loaded = load(text, path="w.yaml", slug="w", catalogue=CATALOGUE)
    assert loaded.workflow is None
    assert any(one.severity == "error" for one in loaded.faults)
    assert len(loaded.faults) <= 1001


LINES = st.lists(st.sampled_from(GOOD.splitlines()), max_size=25).map("\n".join)
CUT = st.tuples(st.integers(0, len(GOOD)), st.integers(0, 40), st.text(max_size=5)).map(
    lambda cut: GOOD[: cut[0]] + cut[2] + GOOD[cut[0] + cut[1] :]
)
JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["name", "trigger", "webhook", "answer", "steps", "on_failure", "filter", "action",
                         "with", "switch", "when", "parallel", "for_each", "as", "respond", "status", "id",
                         "retry", "on", "on_error", "vars", "tags", "methods", "title", "output", "if"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.one_of(st.text(max_size=80), LINES, CUT, JSON_LIKE.map(repr)))
def test_no_text_whatever_raises_and_a_workflow_comes_of_no_error(text: str) -> None:
    loaded = load(text, path="w.yaml", slug="w", catalogue=CATALOGUE)
    errors = [one for one in loaded.faults if one.severity == "error"]
    assert (loaded.workflow is None) == bool(errors)
    assert [(one.line, one.column) for one in loaded.faults] == sorted(
        (one.line, one.column) for one in loaded.faults
    )
    assert all(render_fault(one, text) for one in loaded.faults)

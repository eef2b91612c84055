"""The value of one expression where a step stands."""

from __future__ import annotations

import pytest

from tests.workbench.looker import Looker

TEXT = """\
vars: {limit: 100}
steps:
  - filter: payload.total > 1000
  - id: order
    transform: {number: payload.name, lines: payload.lines}
  - id: each
    for_each: steps.order.lines
    steps:
      - {id: line, template: "{{ item.sku }}"}
  - id: last
    template: "x"
"""
PAYLOAD = {"total": 80, "name": "#1", "customer": {"name": "Ada"}, "lines": [{"sku": "A"}, {"sku": "B"}]}


@pytest.fixture
def look() -> Looker:
    return Looker(TEXT, PAYLOAD)


def test_a_value_with_its_kind_and_on_one_line(look: Looker) -> None:
    found = look.evaluate("payload.lines[].sku")
    assert (found["value"], found["type"], found["shown"]) == (["A", "B"], "list", '["A","B"]')
    assert look.evaluate("Hi {{ payload.customer.name }}", kind="template")["shown"] == "Hi Ada"
    assert look.evaluate("payload.total")["type"] == "number"


def test_steps_before_are_seen_though_a_filter_would_stop(look: Looker) -> None:
    assert look.evaluate("steps.order.number", at="last")["value"] == "#1"
    assert look.evaluate("item.sku", at="each.line")["value"] == "A"
    assert look.evaluate("vars.limit", at="order")["value"] == 100


def test_a_condition_says_what_it_saw(look: Looker) -> None:
    found = look.evaluate("payload.total > vars.limit && payload.name == '#1'", kind="condition")
    assert (found["value"], found["type"]) == (False, "true or false")
    assert {one["path"]: one["value"] for one in found["used"]} == {
        "payload.total": 80, "vars.limit": 100, "payload.name": "#1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "kind"), [("payload.custmer.name", "expression"), ("{{ payload.custmer.name }}", "template")]
)
def test_an_unknown_name_has_the_nearest_as_its_mend(look: Looker, source: str, kind: str) -> None:
    fault = look.evaluate(source, kind=kind)["fault"]
    assert fault["message"] == "There is no `custmer` in this event."
    assert fault["hint"] == "The nearest is `customer`."
    fix = fault["fix"]
    assert (source[: fix["from"]] + fix["text"] + source[fix["to"] :]).count("payload.customer.name") == 1


def test_what_may_be_missing_is_no_fault(look: Looker) -> None:
    assert "fault" not in look.evaluate("payload.discount || '0'")
    assert "fault" not in look.evaluate("{{ payload.discount | default('0') }}", kind="template")


def test_what_cannot_be_compiled_says_where(look: Looker) -> None:
    fault = look.evaluate("payload.total >")["fault"]
    assert fault["severity"] == "error"
    assert fault["column"] > 1
    assert look.evaluate("{{ payload.name", kind="template")["fault"]["line"] == 1
    assert look.evaluate("nme", kind="expression")["fault"]["message"].startswith("There is no `nme` here")


def test_the_step_in_hand_may_be_broken(look: Looker) -> None:
    broken = Looker(TEXT.replace('template: "x"', 'template: "{{ x"'), PAYLOAD)
    assert broken.evaluate("steps.order.number", at="last")["value"] == "#1"


def test_a_secret_is_dots(look: Looker) -> None:
    assert look.evaluate("k={{ secrets.API_KEY }}", kind="template")["value"] == "k=•••"


def test_what_is_large_is_cut(look: Looker) -> None:
    large = Looker(TEXT, {**PAYLOAD, "lines": [{"sku": "x" * 100}] * 5000})
    found = large.evaluate("payload.lines")
    assert found["is_cut"]
    assert len(found["value"]) < 5000
    assert len(found["shown"]) <= 400

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.language.differences import UNSEEN, sentences
from runner.values import dumps

OLD = """name: Orders
trigger:
  webhook:
    verify: {provider: shopify, secret: A}
vars: {top: 100}
steps:
  - id: big
    filter: payload.total >= vars.top
  - id: order
    transform: {id: payload.id}
  - name: Tell sales
    action: probe.note
    with: {text: hello}
  - parallel:
      left:
        - id: one
          template: a
      right:
        - id: two
          template: b
"""


def test_equal_texts_have_no_difference() -> None:
    assert sentences(OLD, OLD) == []


def test_a_comment_is_said_to_be_one() -> None:
    assert sentences(OLD, f"# why\n{OLD}") == [UNSEEN]


def test_the_order_of_keys_is_no_change_of_meaning() -> None:
    assert sentences("vars: {a: 1, b: 2}\n", "vars: {b: 2, a: 1}\n") == [UNSEEN]


def test_a_text_that_cannot_be_read_is_said() -> None:
    (said,) = sentences(OLD, OLD + "steps: [")
    assert "cannot be read" in said


def test_steps_added_removed_moved_and_changed_are_told_by_their_names() -> None:
    new = OLD.replace("  - id: order\n    transform: {id: payload.id}\n", "")
    assert sentences(OLD, new) == ['Removed the step "order".']
    assert sentences(new, OLD) == ['Added the step "order" after "big".']
    moved = OLD.replace("  - id: big\n    filter: payload.total >= vars.top\n", "").replace(
        "  - name: Tell", "  - id: big\n    filter: payload.total >= vars.top\n  - name: Tell"
    )
    assert sentences(OLD, moved) in (
        ['Moved the step "big" after "order".'],
        ['Moved the step "order" as the first step.'],
    )
    changed = OLD.replace("text: hello", "text: goodbye, to: x")
    assert sentences(OLD, changed) == [
        'Changed the step "Tell sales": `with.text` from "hello" to "goodbye" and `with.to` added: "x".'
    ]


def test_a_step_of_a_branch_that_changes_its_branch_is_moved() -> None:
    new = OLD.replace("        - id: two\n          template: b\n", "        - stop: x\n").replace(
        "          template: a\n", "          template: a\n        - id: two\n          template: b\n"
    )
    said = sentences(OLD, new)
    assert 'Moved the step "two" after "one".' in said
    assert "Added a stop step in a parallel step, first." in said


def test_the_trigger_vars_and_name_are_told() -> None:
    new = OLD.replace("name: Orders", "name: Big orders").replace("secret: A", "secret: B")
    new = new.replace("top: 100", "top: 150") + "timeout: 5m\n"
    assert sentences(OLD, new) == [
        'Renamed from "Orders" to "Big orders".',
        'Changed the trigger: `webhook.verify.secret` from "A" to "B".',
        "Changed `vars.top` from 100 to 150.",
        'Added `timeout`: "5m".',
    ]
    other = OLD.replace(
        "  webhook:\n    verify: {provider: shopify, secret: A}\n", "  schedule: {every: 1h}\n"
    )
    assert sentences(OLD, other) == ["Added the trigger schedule.", "Removed the trigger webhook."]


def test_a_number_that_became_a_text_or_a_truth_is_a_change() -> None:
    assert sentences("a: 1\n", 'a: "1"\n') == ['Changed `a` from 1 to "1".']
    assert sentences("a: 1\n", "a: true\n") == ["Changed `a` from 1 to true."]
    assert sentences("a: null\n", "b: null\n") == ["Added `b`: null.", "Removed `a`."]


STEP = st.fixed_dictionaries(
    {"filter": st.sampled_from(["x", "y", "z"])}, optional={"id": st.sampled_from(["p", "q", "r", "s"])}
)


@given(st.lists(STEP, max_size=6), st.lists(STEP, max_size=6))
def test_something_is_said_of_each_pair_of_texts_that_differ(old: list[object], new: list[object]) -> None:
    one, other = dumps({"steps": old}), dumps({"steps": new})
    said = sentences(one, other)
    assert (said == []) == (one == other)
    assert all(sentence.endswith(".") for sentence in said)
    assert (said == [UNSEEN]) == (one != other and old == new)  # the steps' keys come in any order


def test_a_big_workflow_is_compared_at_once() -> None:
    steps = "".join(f"  - id: s{i}\n    template: {i}\n" for i in range(2000))
    other = "".join(f"  - id: s{i}\n    template: {i}\n" for i in reversed(range(2000)))
    said = sentences(f"name: a\nsteps:\n{steps}", f"name: a\nsteps:\n{other}")
    assert len(said) == 50
    assert said[-1] == "And 1950 more changes."

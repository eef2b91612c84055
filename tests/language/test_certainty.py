"""When a step may not have run, and when nothing is said of it because the file minds it."""

from __future__ import annotations

import pytest

from runner.language.load import load
from tests.language.small_catalogue import CATALOGUE

HEAD = "name: x\ntrigger: {webhook: {}}\nsteps:\n- {id: a, if: payload.a, transform: {x: payload.x}}\n"


def said(steps: str, *, head: str = HEAD) -> list[str]:
    loaded = load(head + steps, path="x.yaml", slug="x", catalogue=CATALOGUE)
    assert loaded.workflow, loaded.faults
    return [one.message for one in loaded.faults if one.code == "may-not-run"]


@pytest.mark.parametrize(
    "step",
    [
        "- template: '{{ steps.a.x }}'\n",
        "- transform: steps.a.x\n",
        "- transform: {b: steps.a}\n",
        "- {if: payload.b, template: '{{ steps.a.x }}'}\n",
        "- parallel: {one: [{template: '{{ steps.a.x }}'}]}\n",
    ],
)
def test_a_step_with_an_if_may_not_have_run(step: str) -> None:
    assert said(step) == ["`steps.a` may not have run: it has an `if`"]


@pytest.mark.parametrize(
    "step",
    [
        "- template: \"{{ steps.a.x | default('') }}\"\n",
        "- template: '{% if steps.a %}yes{% endif %}'\n",
        "- template: '{{ steps.a is defined }}'\n",
        "- transform: steps.a.x || 'none'\n",
        "- transform: coalesce(steps.a.x, 'none')\n",
        "- transform: steps.a == null\n",
        "- filter: steps.a.x > 3\n",
        "- {if: steps.a, template: '{{ steps.a.x }}'}\n",
        "- {if: payload.a, template: '{{ steps.a.x }}'}\n",
        "- {if: \"outcomes.a.status == 'succeeded'\", template: '{{ steps.a.x }}'}\n",
        "- {if: steps.a, steps: [{template: '{{ steps.a.x }}'}]}\n",
        "- filter: steps.a\n- template: '{{ steps.a.x }}'\n",
        "- switch: [{when: steps.a, steps: [{template: '{{ steps.a.x }}'}]}]\n",
        "- template: '{{ outcomes.a.status }}'\n",
    ],
)
def test_nothing_is_said_where_the_file_minds_it(step: str) -> None:
    assert said(step) == []


def test_a_filter_that_stands_later_minds_nothing() -> None:
    assert said("- template: '{{ steps.a.x }}'\n- filter: steps.a\n")


def test_inside_of_the_branch_it_has_run() -> None:
    head = "name: x\ntrigger: {webhook: {}}\nsteps:\n"
    inside = (
        "- switch:\n  - when: payload.a\n    steps:\n    - {id: b, transform: {x: payload.x}}\n"
        "    - template: '{{ steps.b.x }}'\n"
    )
    assert said(inside, head=head) == []
    outside = f"{inside}- template: '{{{{ steps.b.x }}}}'\n"
    assert said(outside, head=head) == ["`steps.b` may not have run: it stands in a branch of `switch`"]


def test_in_on_failure_any_step_may_not_have_run() -> None:
    head = "name: x\ntrigger: {webhook: {}}\nsteps:\n- {id: b, transform: {x: payload.x}}\n"
    reason = "the run may have failed before it"
    assert said("on_failure:\n- template: '{{ steps.b.x }}'\n", head=head) == [
        f"`steps.b` may not have run: {reason}"
    ]
    assert said("on_failure:\n- template: \"{{ steps.b.x | default('?') }}\"\n", head=head) == []


def test_it_is_said_once_for_each_place() -> None:
    assert len(said("- template: '{{ steps.a.x }} {{ steps.a.y }}'\n- transform: steps.a.x\n")) == 2

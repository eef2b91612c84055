"""How much of a workflow its cases reach."""

from __future__ import annotations

from runner.workbench.coverage import coverage
from tests.workbench.desk import workflow

FLOW = """\
steps:
  - id: route
    switch:
      - {when: payload.a, steps: [{id: one, transform: payload}]}
      - {when: payload.b, steps: [{id: two, transform: payload}, {id: three, transform: payload}]}
  - id: each
    for_each: payload.items
    steps:
      - id: inner
        action: http.request
        with: {url: https://a.example.com}
        on_error: [{id: mend, stop: x}]
on_failure: [{id: tell, transform: error}]
"""


def test_steps_and_ways_are_counted_and_the_outermost_are_named() -> None:
    found = coverage(workflow(FLOW), ["route", "route.case#1.one", "each", "each[0].inner", "each[7].inner"])
    assert (found.total, found.reached) == (10, 5)
    assert found.unreached == ("route.case#2", "each.inner!error.mend", "on_failure.tell")


def test_nothing_hides_what_stands_inside_of_it_alone() -> None:
    assert coverage(workflow(FLOW), []).unreached == ("route", "each", "on_failure.tell")


def test_all_of_it() -> None:
    paths = ["route", "route.case#1.one", "route.case#2.two", "route.case#2.three", "each", "each[0].inner"]
    found = coverage(workflow(FLOW), [*paths, "each[0].inner!error.mend", "on_failure.tell"])
    assert found.reached == found.total
    assert found.unreached == ()

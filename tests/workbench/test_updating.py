"""`--update`: what came takes the place of what was expected; the rest of the file stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.language.source import compose
from runner.workbench.updating import Edit, appended, edits_of, updated
from runner.workbench.writing import flow, lines
from tests.workbench.desk import told, tried

TRAPS = ["yes", "012", "1e3", "a: b", "x #y", "- a", "{{ a }}", "~", "", " a ", "0x1", "a:", "\u2028"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.sampled_from(TRAPS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


def read(text: str) -> Any:
    source = compose(text, path="a.yaml")
    assert not source.faults, source.faults
    assert source.root is not None
    return source.root.plain()


@given(JSON)
def test_what_is_written_is_read_as_what_it_was(value: Any) -> None:
    assert read(f"a: {flow(value)}\n") == {"a": value}
    assert read("\n".join(lines({"a": value}, room=20)) + "\n") == {"a": value}


def test_only_what_differs_is_touched() -> None:
    text = """\
# before
cases:
  - name: a     # its name
    event: {payload: {n: 2, list: [1, 2]}}
    expect:
      steps: {twice:   5, same: 2}   # five?

      # of the whole
      output:
        list: [1]
        n: 3  # behind
"""
    steps = """\
steps:
  - {id: twice, transform: payload.n * 2}
  - {id: same, transform: payload.n}
  - {transform: payload}
"""
    (one,) = tried(steps, text)
    new = updated(text, edits_of(one, 0))
    assert new == text.replace("  5,", "  4,").replace("[1]\n", "[1, 2]\n").replace("n: 3", "n: 2")
    assert told(tried(steps, new)[0]) == []


@pytest.mark.parametrize(
    "expect",
    [
        "",
        ", expect: {}",
        ", expect: {status: filtered}",
        ", expect: {reason: x, title: y}",
        ", expect: {steps: {a: {x: {y: 1}}, b: 1}}",
        ", expect: {steps: {a: {exactly: {x: 1, z: 3}}}}",
        ", expect: {actions: []}",
        ", expect: {actions: [{http.request: {url: x}}]}",
        ", expect: {actions: {exactly: [http.request, http.request, http.request]}}",
        ", expect: {answer: {status: 500, body: {a: 1}, headers: {Content-Type: x}}, output: [1], runs: 3}",
        ", expect: {outcomes: {a: {status: failed}}, notes: [x]}",
    ],
)
def test_a_case_that_was_updated_passes(expect: str) -> None:
    steps = """\
trigger: {webhook: {answer: result}}
steps:
  - id: a
    action: http.request
    with: {url: https://a.example.com}
  - id: b
    action: http.request
    with: {url: https://b.example.com, json: {a: 1, b: [1, "2"]}}
"""
    given = (
        "given: {a: {x: 1, y: {z: 2}}, b: {k: 'a long text of many words, which does not fit into a line'}}"
    )
    for text in (f"cases: [{{name: c, {given}{expect}}}]\n", _block(given, expect)):
        (one,) = tried(steps, text)
        if one.findings or not one.case.expect:
            new = updated(text, edits_of(one, 0))
            assert told(tried(steps, new)[0]) == [], new


def _block(given: str, expect: str) -> str:
    """The same case in lines of its own."""
    lines_ = ["cases:", "  - name: c", f"    {given}"]
    if expect:
        inner = read(f"a: {expect.removeprefix(', expect: ')}")["a"]
        lines_ += (
            ["    expect:", *(f"      {one}" for one in lines(inner, room=30))]
            if inner
            else ["    expect: {}"]
        )
    return "\n".join([*lines_, "", "  # behind all", ""])


def test_a_failure_that_nobody_expected_is_written_before_the_rest() -> None:
    text = "cases:\n  - name: a\n    expect:\n      steps: {x: null}\n"
    (one,) = tried("steps: [{id: x, transform: payload}, {fail: no}]", text)
    new = updated(text, edits_of(one, 0))
    assert new == "cases:\n  - name: a\n    expect:\n      status: failed\n      steps: {x: null}\n"


def test_edits_of_several_cases_do_not_disturb_each_other() -> None:
    text = "cases:\n  - {name: a, expect: {output: 1}}\n  - {name: b, expect: {output: 10}}\n"
    edits = [Edit(("cases", 0, "expect", "output"), "longer"), Edit(("cases", 1, "expect", "output"), [1])]
    assert updated(text, edits) == text.replace("output: 10", "output: [1]").replace(
        "output: 1}", "output: longer}"
    )


def test_a_case_is_appended_behind_the_last_and_before_what_follows() -> None:
    text = "cases:\n  - name: a\n    expect: {output: 1}\n# the end\n"
    new = appended(text, {"name": "b", "expect": {"output": 2}})
    assert (
        new
        == "cases:\n  - name: a\n    expect: {output: 1}\n\n  - name: b\n    expect: {output: 2}\n# the end\n"
    )
    with pytest.raises(ValueError, match="by hand"):
        appended("cases: [{name: a}]\n", {"name": "b"})

"""`call`, `manual` and `hookline` in a file: what is read, and what is wrong before anything runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.language.calls import check_calls
from runner.language.load import Loaded, load
from runner.language.workflow import CallWorkflow
from tests.language.small_catalogue import CATALOGUE

HERE = replace(CATALOGUE, workflows={"one", "two", "three"})
STOP = "steps: [{stop: 'x'}]\n"
MANUAL = "trigger: {manual: {}}\n"


def loaded(slug: str, text: str) -> Loaded:
    return load(f"name: x\n{text}", path=f"{slug}.yaml", slug=slug, catalogue=HERE)


def said(text: str, slug: str = "one") -> list[str]:
    return [str(fault) for fault in loaded(slug, text).faults]


def folder(**texts: str) -> list[str]:
    return [str(fault) for fault in check_calls({k: (f"{k}.yaml", loaded(k, v)) for k, v in texts.items()})]


def test_a_call_waits_unless_it_says_not_to() -> None:
    workflow = loaded("one", MANUAL + "steps:\n  - call: two\n  - {call: two, wait: false}\n").workflow
    assert workflow is not None
    bodies = [step.body for step in workflow.steps]
    assert [isinstance(one, CallWorkflow) and one.waits for one in bodies] == [True, False]


def test_triggers_stand_together() -> None:
    text = "trigger: {webhook: {}, manual: {public: true}, hookline: {on: [run_failed]}}\n" + STOP
    workflow = loaded("one", text).workflow
    assert workflow is not None
    assert workflow.webhook is not None
    assert workflow.manual is not None
    assert workflow.manual.is_public
    assert workflow.hookline is not None
    assert workflow.hookline.on == ("run_failed",)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("call: tow", 'there is no workflow "tow" in this folder; did you mean "two"?'),
        ("call: one", "the workflow calls itself"),
        ("call: 'T w'", '"T w" cannot be a workflow: its id has a-z, 0-9 and -'),
        ("call: '{{ payload.x }}'", "a workflow is named, it is not filled in"),
        ("{call: two, with: hello}", "`with` must be a mapping of inputs, or one {{ … }} that gives it"),
        ("{call: two, with: {a: '{{ secrets.TOKEN }}'}}", "`secrets.TOKEN` cannot stand here"),
        ("{call: two, with: {a: '{{ steps.x }}'}}", 'no step has the id "x"'),
        ("{call: two, wait: 10m}", "`wait` must be true or false"),
        ("{call: two, retry: false}", "`retry` does not belong to a step with `call`"),
    ],
)
def test_a_call_that_cannot_be_is_a_fault(step: str, sentence: str) -> None:
    step = step if step.startswith("{") else f"{{{step}}}"
    (fault,) = said(MANUAL + f"steps: [{step}]\n")
    assert sentence in fault


@pytest.mark.parametrize(
    ("trigger", "sentence"),
    [
        ("manual: {inputs: {email: {type: string}}}", "`email` looks like a field: this is a JSON Schema"),
        ("manual: {inputs: {type: string}}", "inputs are an object"),
        ("manual: {inputs: {type: object, properties: {a: {format: textara}}}}", 'format "textara"'),
        ("manual: {schema: {}}", "in Hookline: `inputs`"),
        ("manual: {public: maybe}", "`public` must be true or false"),
        ("hookline: {}", "`on` is missing"),
        ("hookline: {on: [problem_open]}", 'no event "problem_open"; did you mean "problem_opened"?'),
        ("hookline: {on: [run_failed, run_failed]}", "given twice"),
        ("hookline: {on: run_failed}", "`on` must be a list of problem_opened"),
    ],
)
def test_a_trigger_that_cannot_be_is_a_fault(trigger: str, sentence: str) -> None:
    assert any(sentence in fault for fault in said(f"trigger: {{{trigger}}}\n{STOP}"))


def test_formats_of_forms_are_known() -> None:
    properties = "{a: {type: string, format: textarea}, b: {type: object, format: file}}"
    inputs = f"{{type: object, properties: {properties}}}"
    assert said(f"trigger: {{manual: {{inputs: {inputs}, public: true}}}}\n{STOP}") == []


def test_a_respond_has_somebody_who_waits_where_there_is_a_form() -> None:
    respond = "steps: [{respond: {body: x}}]\n"
    assert said("trigger: {webhook: {}, manual: {public: true}}\n" + respond) == []
    assert len(said("trigger: {webhook: {}, manual: {}}\n" + respond)) == 1


def test_a_circle_is_found_over_the_folder_and_whoever_leads_into_it_is_not_blamed() -> None:
    found = folder(
        one=MANUAL + "steps: [{call: two}]\n",
        two=MANUAL + "steps: [{if: payload.x, steps: [{call: three}]}]\n",
        three=MANUAL + "steps: [{call: two}]\n",
    )
    assert found == [
        (
            "two.yaml:3:40: steps[0].steps[0].call: the call leads back to where it stands: "
            "two → three → two; take one of the calls out"
        ),
        (
            "three.yaml:3:16: steps[0].call: the call leads back to where it stands: three → two → three; "
            "take one of the calls out"
        ),
    ]


def test_whom_it_calls_is_asked_what_it_takes() -> None:
    takes = (
        "trigger: {manual: {inputs: {type: object, required: [a, b], additionalProperties: false, "
        "properties: {a: {type: string, description: What it is.}, b: {default: 1}}}}}\n" + STOP
    )
    assert folder(one=MANUAL + "steps: [{call: two}]\n", two="trigger: {webhook: {}}\n" + STOP) == [
        (
            "one.yaml:3:16: steps[0].call: two has no `manual` trigger, which a call needs; "
            "write `manual: {}` under `trigger` of two"
        )
    ]
    assert folder(one=MANUAL + "steps: [{call: two}]\n", two=takes) == [
        "one.yaml:3:16: steps[0].call: two needs `a`; What it is"
    ]
    (fault,) = folder(one=MANUAL + "steps: [{call: two, with: {a: x, bb: y}}]\n", two=takes)
    assert "two has no input `bb`" in fault
    assert folder(one=MANUAL + "steps: [{call: two, with: '{{ payload }}'}]\n", two=takes) == []

"""
Work that would never end or would fill the memory: it ends in a sentence that names its place and its
bound, the process stays small, and the runs of another workflow go on meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runner.engine.runs import Status
from runner.values import dumps
from tests.engine.world import Outside, World, opened

MOST_MIB = 400  # more than what the engine had before: some evaluations of 64 MiB, and their copies
MOST_SECONDS = 30.0  # to its end on a busy machine; each bound is about a second of CPU
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]\n" for i in range(1, 12)
)
ENTITIES = "<!DOCTYPE a [" + "".join(
    f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "bbbbbbbbbb"}">' for i in range(12)
) + "]><a>&e11;</a>"  # fmt: skip
MANY = list(range(3000))
QUIET = """
steps:
  - id: n
    template: "{% for one in payload %}{{ one }};{% endfor %}"
  - action: probe.note
    with: {text: "{{ steps.n }}"}
"""

TEMPLATES = {
    "nested loops": (
        "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}"
        "{% endfor %}{% endfor %}{% endfor %}"
    ),
    "power": "{{ 9 ** 9 ** 9 ** 9 }}",
    "huge multiplication": (
        "{% macro m(n, x) %}{{ m(n - 1, x * x) if n else x }}{% endmacro %}{{ m(60, 99999) }}"
    ),
    "repeated text": "{{ 'x' * 10 ** 9 }}",
    "doubled text": "{% macro m(n, t) %}{{ m(n - 1, t ~ t) if n else t }}{% endmacro %}{{ m(60, 'xx') }}",
    "a macro of itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a macro of itself, twice": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}"
    ),
    "endless output": (
        "{% for a in range(9999) %}{% for b in range(9999) %}xxxxxxxxxxxxxx{% endfor %}{% endfor %}"
    ),
}
EXPRESSIONS = {
    "projections of projections": (
        "payload[?length($.payload[?length($.payload[?@ > `1`]) > `1`]) > `1`]",
        MANY,
    ),
    "a list for each of a list": ("map(&map(&@, $.payload), payload)", MANY),
    "a join that explodes": ("join(to_json(payload), payload[].to_string(@))", MANY),
    "a map that explodes": ("payload[].to_json($.payload)", MANY),
    "text replaced by itself": ("replace(payload, 'x', payload)", "x" * 100_000),
    "a pattern that goes back": ("regex_search(payload, '((a?){30}){30}b$')", "ab" * 50_000),
    "a pattern of its own": ("regex_match(payload, payload)", "(" * 3000),
    "yaml that laughs": ("from_yaml(payload)", LAUGHS),
    "yaml that is deep": ("from_yaml(payload)", "[" * 100_000),
    "xml entities": ("from_xml(payload)", ENTITIES),
    "xml that is deep": ("from_xml(payload)", "<a>" * 100_000),
    "markdown": ("markdown(payload)", "![" * 100_000),
    "html": ("html_to_text(payload)", "<" * 1_000_000),
    "huge numbers": ("multiply(payload, payload)", "1e999"),
    "a table of many columns": ("to_csv(payload)", [{f"k{i}": 1} for i in range(20_000)]),
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, Outside()) as world:
        await world.workflow("quiet", QUIET)
        yield world


@contextlib.asynccontextmanager
async def neighbour(world: World) -> AsyncIterator[None]:
    """The quiet workflow's runs, one after the other; at least one begins and ends within the block."""
    ended = asyncio.Event()
    before = _resident_mib()

    async def go_on() -> None:
        while True:
            end = await world.ran("quiet", [1, 2, 3])
            assert end.status is Status.SUCCEEDED
            ended.set()

    quiet = asyncio.create_task(go_on())
    try:
        began = time.monotonic()
        yield
        assert time.monotonic() - began < MOST_SECONDS
        await ended.wait()
        assert not quiet.done()
    finally:
        quiet.cancel()
        await asyncio.gather(quiet, return_exceptions=True)
    assert _resident_mib() - before < MOST_MIB


def _resident_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def refused(world: World, text: str, payload: Any = None) -> str:
    """The reason that the run of *text* failed for, while the neighbour went on."""
    await world.workflow("hostile", text)
    async with neighbour(world):
        end = await world.ran("hostile", payload)
    assert end.status is Status.FAILED, end
    assert end.reason
    return end.reason.sentence


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
async def test_a_template_ends_within_its_bound(world: World, template: str) -> None:
    sentence = await refused(world, f"steps: [{{id: burst, template: {dumps(template)}}}]\n")
    assert sentence.startswith("burst failed: ")


@pytest.mark.parametrize(("expression", "payload"), EXPRESSIONS.values(), ids=EXPRESSIONS)
async def test_an_expression_ends_within_its_bound(world: World, expression: str, payload: Any) -> None:
    sentence = await refused(world, f"steps: [{{id: burst, transform: {dumps(expression)}}}]\n", payload)
    assert sentence.startswith("burst failed: ")


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        ("[{id: f, filter: BURST}]", "f failed: "),
        ("[{id: f, if: BURST, transform: '1'}]", "f failed: if: "),
        ("[{id: f, for_each: BURST, steps: [{transform: '1'}]}]", "f failed: "),
        ("[{id: f, switch: [{when: BURST, steps: [{transform: '1'}]}]}]", "f failed: "),
        ("[{id: f, repeat: {until: BURST}, steps: [{transform: '1'}]}]", "f failed: "),
        ("[{transform: '1'}]\noutput: BURST", "output failed: "),
    ],
)
async def test_wherever_an_expression_stands_it_is_bounded(world: World, steps: str, place: str) -> None:
    burst, many = EXPRESSIONS["projections of projections"]
    assert (await refused(world, f"steps: {steps.replace('BURST', dumps(burst))}\n", many)).startswith(place)


async def test_a_loop_over_too_many_items_does_not_begin(world: World) -> None:
    loop = "steps: [{id: loop, for_each: payload, steps: [{transform: item}]}]\n"
    sentence = await refused(world, loop, list(range(10_001)))
    assert sentence == "loop failed: for_each over 10001 items; at most 10000 are allowed"


async def test_a_repeat_without_end_says_after_how_many_rounds(world: World) -> None:
    text = "steps: [{id: r, repeat: {until: '`false`', at_most: 1000}, steps: [{transform: index}]}]\n"
    assert (await refused(world, text)).startswith("r failed: after 1,000 rounds this does not hold")


async def test_loops_in_loops_end_at_the_timeout_and_hold_up_nobody(world: World) -> None:
    text = """
timeout: 2s
steps:
  - id: outer
    for_each: payload
    steps:
      - repeat: {until: index == `999`, at_most: 1000}
        steps: [{transform: "{at: now(), id: uuid()}"}]
"""
    await world.workflow("hostile", text)
    async with neighbour(world):
        runs = [await world.send("hostile", MANY) for _ in range(3)]
        before = len(world.outside.notes)
        ends = [await world.turned(run.run_id) for run in runs]
        assert len(world.outside.notes) - before > 3  # not one after the other
    for end in ends:
        assert end.reason
        assert (end.reason.code, end.reason.sentence) == ("timeout", "The run failed: not done within 2 s")


async def test_what_is_large_and_usual_is_no_runaway(world: World) -> None:
    await world.workflow(
        "large", "output: steps.s\nsteps: [{id: s, transform: 'sort_by(payload, &n)[-1].n'}]\n"
    )
    end = await world.ran("large", [{"n": n, "text": "some text"} for n in range(20_000)])
    assert (end.status, end.output) == (Status.SUCCEEDED, 19_999)


async def test_a_template_of_900_kb_is_refused_before_it_runs(world: World) -> None:
    steps = f'[{{template: "{{{{ payload }}}}{"x" * 900_000}"}}]'
    text = f"{{name: big, trigger: {{webhook: {{}}}}, steps: {steps}}}"
    (world.folder / "workflows" / "big.yaml").write_text(text)
    await world.library.reload()
    (fault,) = (str(one) for one in world.library.faults["big"])
    assert "steps[0].template: the template is longer than 64 KiB" in fault


async def test_a_circle_of_calls_ends_where_it_closes(world: World) -> None:
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        triggers = "{webhook: {}, manual: {}}"
        await world.workflow(one, f"trigger: {triggers}\nsteps: [{{id: on, call: {other}}}]\n")
    run_id = (await world.send("a")).run_id
    async with neighbour(world):
        end = await world.turned(run_id, turns=2)
    assert end.reason
    assert "the call leads back to where it came from: a → b → c → a" in end.reason.sentence

"""Templates that burst end within their bound, in a process that nobody else needs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from runner.errors import ExpressionError, LimitExceeded
from runner.evaluator.pool import EvaluatorPool
from runner.language.expressions import Expression, ExpressionShape, compile_expression, compile_shape
from runner.language.scope import Scope
from runner.language.secrets import SecretSlots
from runner.language.templates import compile_template
from runner.values import Json

NESTED = "{% set a = ['x'] %}" + "".join(
    f"{{% set {new} = [{old}, {old}] %}}"
    for old, new in zip("abcdefghijklmnopqrstuvwxyzABC", "bcdefghijklmnopqrstuvwxyzABCD", strict=True)
)

BURSTS = [
    pytest.param("{{ 7 ** 30000000 }}", id="power"),
    pytest.param("{{ 'x' * 300000000 }}", id="repeated text"),
    pytest.param("{{ 'x' | indent(300000000) }}", id="indent"),
    pytest.param("{{ [1] | batch(300000000, 'x') }}", id="batch"),
    pytest.param(
        "{% for i in range(9999) %}{% for j in range(9999) %}"
        "{% for k in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
        id="nested ranges",
    ),
    pytest.param(
        "{% macro twice(n) %}{% if n %}{{ twice(n - 1) }}{{ twice(n - 1) }}{% else %}xxxxxxxx{% endif %}"
        "{% endmacro %}{{ twice(60) }}",
        id="a macro that calls itself twice",
    ),
    pytest.param(NESTED + "{{ D == D }}", id="shared lists compared"),
    pytest.param(NESTED + "{{ D | tojson }}", id="shared lists written"),
    pytest.param(
        "{% macro m(n, t) %}{{ m(n - 1, t ~ t) if n else t }}{% endmacro %}{{ m(40, 'xxxx') }}",
        id="doubling by ~",
    ),
    pytest.param("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", id="endless macro"),
    pytest.param(
        "{% for i in range(10000) %}{% for j in range(10000) %}xxxxxxxxxx{% endfor %}{% endfor %}",
        id="endless output",
    ),
    pytest.param(
        "{% macro m() %}{% for i in range(10000) %}{% for j in range(10000) %}xxxxxxxxxxxxxxxx"
        "{% endfor %}{% endfor %}{% endmacro %}{{ m() }}",
        id="endless buffer",
    ),
]


def scope(**names: Json) -> Scope:
    return Scope(names=names, now=1767605400.0)


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[EvaluatorPool]:
    pool = EvaluatorPool(seconds=0.3)
    yield pool
    await pool.close()


@pytest.mark.parametrize("source", BURSTS)
async def test_a_burst_ends_within_its_bound_and_others_go_on(pool: EvaluatorPool, source: str) -> None:
    burst = asyncio.create_task(pool.render(compile_template(source), scope(), workflow="bad"))
    good = compile_template("{% for n in payload %}{{ n }};{% endfor %}")
    for count in range(3):
        assert await pool.render(good, scope(payload=[count]), workflow="good") == f"{count};"
    with pytest.raises(LimitExceeded):
        await burst
    assert await pool.render(good, scope(payload=[7]), workflow="bad") == "7;"


async def test_the_child_gives_what_this_process_gives(pool: EvaluatorPool) -> None:
    shape = compile_template(
        {
            "a": "{{ payload.n }}",
            "b": ["{% if payload.n %}{{ now() }}{% endif %}"],
            "c": "{{ payload.no }}",
            "big": 2**70,
        },
        drop_null=True,
    )
    seen = scope(payload={"n": 2**80, "no": None}, steps={"other": 1})
    assert await pool.render(shape, seen, workflow="w") == shape.render(seen)


async def test_half_a_surrogate_pair_travels(pool: EvaluatorPool) -> None:
    shape = compile_template("{% for n in payload %}{{ n }}{% endfor %}")
    assert await pool.render(shape, scope(payload=["a\ud800"]), workflow="w") == "a\ud800"


async def test_an_error_comes_back_with_its_message(pool: EvaluatorPool) -> None:
    shape = compile_template({"text": "{{ payload.totl }}"})
    with pytest.raises(
        ExpressionError, match=r"text: there is no field `totl` here; did you mean `total`"
    ) as caught:
        await pool.render(shape, scope(payload={"total": 1}), workflow="w")
    assert not isinstance(caught.value, LimitExceeded)


async def test_only_the_secrets_that_are_used_travel_and_come_back_as_slots(pool: EvaluatorPool) -> None:
    secrets = SecretSlots({"KEY": "abc", "OTHER": "def"})
    seen = Scope(names={}, now=0.0, secrets=secrets)
    value = await pool.render(
        compile_template("{{ sha256(secrets.KEY) }} {{ secrets.KEY }}"), seen, workflow="w"
    )
    assert secrets.filled(value) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad abc"
    with pytest.raises(ExpressionError, match="there is no secret"):
        await pool.render(compile_template("{{ secrets.NONE }}"), seen, workflow="w")


async def test_a_workflow_never_has_two_evaluations_at_once() -> None:
    pool = EvaluatorPool(seconds=0.2)
    loop = "{% for i in range(9999) %}"
    endless = compile_template(loop * 3 + "{% endfor %}" * 3)
    bad = [asyncio.create_task(pool.render(endless, scope(), workflow="bad")) for _ in range(4)]
    quick = compile_template("{% for n in payload %}{{ n }}{% endfor %}")
    await pool.render(quick, scope(payload=[1]), workflow="good")
    assert sum(one.done() for one in bad) < 4
    assert all(isinstance(one, LimitExceeded) for one in await asyncio.gather(*bad, return_exceptions=True))
    await pool.close()


async def test_a_killed_child_is_replaced(pool: EvaluatorPool) -> None:
    shape = compile_template("{% for n in payload %}{{ n }}{% endfor %}")
    assert await pool.render(shape, scope(payload=[1]), workflow="w") == "1"
    for process in pool._processes._all:
        process.kill()
        await process.wait()
    assert await pool.render(shape, scope(payload=[2]), workflow="w") == "2"


async def test_a_cancelled_evaluation_leaves_no_answer_to_the_next() -> None:
    pool = EvaluatorPool(processes=1, seconds=5)
    slow = compile_template("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}")
    shape = compile_template("{% for n in payload %}{{ n }}{% endfor %}")
    assert await pool.render(shape, scope(payload=[1]), workflow="w") == "1"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await pool.render(slow, scope(), workflow="w")
    assert await pool.render(shape, scope(payload=[3]), workflow="w") == "3"
    await pool.close()


async def test_closing_leaves_no_process() -> None:
    pool = EvaluatorPool()
    await pool.render(compile_template("{% for n in [1] %}{{ n }}{% endfor %}"), scope(), workflow="w")
    pids = [process.pid for process in pool._processes._all]
    await pool.close()
    await pool.close()
    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(ExpressionError, match="shutting down"):
        await pool.render(compile_template("{% for n in [1] %}{% endfor %}"), scope(), workflow="w")


async def test_memory_that_runs_out_is_an_error_and_the_next_evaluation_has_all_of_it() -> None:
    pool = EvaluatorPool(seconds=10, mebibytes=48, processes=1)
    heavy = compile_template(
        "{% macro m() %}{% for i in range(10000) %}{% for j in range(10000) %}{{ i }}{{ j }}"
        "{% endfor %}{% endfor %}{% endmacro %}{{ m() }}"
    )
    with pytest.raises(LimitExceeded, match="memory"):
        await pool.render(heavy, scope(), workflow="w")
    shape = compile_template("{% for n in payload %}{{ n }}{% endfor %}")
    assert await pool.render(shape, scope(payload=["x" * 1_000_000]), workflow="w") == "x" * 1_000_000
    await pool.close()


async def test_many_different_templates_do_not_fill_a_process() -> None:
    pool = EvaluatorPool(mebibytes=16, processes=1)
    for number in range(150):
        shape = compile_template("{% for n in payload %}{{ n }}{% endfor %}" * 20 + str(number))
        assert await pool.render(shape, scope(payload=[]), workflow="w") == str(number)
    await pool.close()


@pytest.mark.parametrize(
    ("compiled", "gives"),
    [
        (compile_expression("payload.rows[?n > $.vars.least].n"), [3]),
        (compile_shape({"a": "uuid()", "b": ["uuid()", 1], "c": "now()"}), None),
        (compile_shape("length(payload.rows)"), 2),
    ],
)
async def test_an_expression_gives_there_what_it_gives_here(
    pool: EvaluatorPool, compiled: Expression | ExpressionShape, gives: Json
) -> None:
    seen = scope(payload={"rows": [{"n": 1}, {"n": 3}]}, vars={"least": 2}, steps={"other": 1})
    value = await pool.evaluate(compiled, seen, workflow="w")
    assert value == compiled.evaluate(seen)
    assert gives is None or value == gives


async def test_the_error_of_an_expression_comes_back_with_its_place(pool: EvaluatorPool) -> None:
    shape = compile_shape({"a": ["to_number(payload) + `1`"]})
    with pytest.raises(ExpressionError) as here:
        shape.evaluate(scope(payload="x"))
    with pytest.raises(ExpressionError) as there:
        await pool.evaluate(shape, scope(payload="x"), workflow="w")
    assert str(there.value) == str(here.value)


async def test_many_leaves_together_have_one_bound(pool: EvaluatorPool) -> None:
    burst = compile_shape([f"payload[?length($.payload[?@ > `{n}`]) > `1`]" for n in range(200)])
    with pytest.raises(LimitExceeded):
        await pool.evaluate(burst, scope(payload=list(range(900))), workflow="w")

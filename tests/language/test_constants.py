"""What a service executes holds nothing that comes with the data: judged without a run."""

from __future__ import annotations

import pytest

import connectors
from runner.language.catalogue import Catalogue
from runner.language.load import load

HEAD = "name: One\ntrigger: {webhook: {}}\nvars: {table: orders, tables: [a]}\nsteps:\n"
CATALOGUE = Catalogue(
    connectors.catalogue_actions(),
    connections={"shop": "postgres", "old": "mysql"},
    secrets=frozenset({"KEY"}),
)


def faults(steps: str) -> list[tuple[str, str, str]]:
    found = load(HEAD + steps, path="one.yaml", slug="one", catalogue=CATALOGUE).faults
    return [(str(one.severity), one.code, str(one)) for one in found]


def step(sql: str, action: str = "postgres.query") -> str:
    connection = "shop" if action.startswith("postgres") else "old"
    return f"  - action: {action}\n    connection: {connection}\n    with: {{sql: {sql!r}, params: [1]}}\n"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t WHERE a = '{{ payload.a }}'", "{{ payload.sql }}", "SELECT {{ event.id }}",
        "SELECT {{ vars.table }}, {{ payload.a | int }}", "SELECT {{ vars[payload.a] }}",
        "SELECT 1 {% if payload.a %}WHERE a{% endif %}", "SELECT {{ run.id }}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", ["postgres.query", "postgres.execute", "mysql.query", "mysql.execute"])
def test_sql_with_data_in_it_is_a_fault(sql: str, action: str) -> None:
    ((severity, code, said),) = faults(step(sql, action))

    assert (severity, code) == ("error", "sql-from-data")
    assert "use params" in said


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT * FROM {{ vars.table }}",
        "SELECT '{{ secrets.KEY }}'",
        "SELECT {% raw %}{{ x }}{% endraw %}",
    ],
)
def test_sql_that_is_written_out_or_taken_from_vars_is_none(sql: str) -> None:
    assert faults(step(sql)) == []


def test_data_in_the_params_is_what_they_are_for() -> None:
    given = step("SELECT :a").replace("params: [1]", 'params: {a: "{{ payload.a }}"}')
    assert faults(given) == []


def test_inputs_that_are_one_expression_may_hold_sql_of_a_sender() -> None:
    def given(expression: str) -> str:
        return f"  - action: postgres.query\n    connection: shop\n    with: '{{{{ {expression} }}}}'\n"

    assert [one[1] for one in faults(given("payload"))] == ["sql-from-data"]
    assert faults(given("vars.tables")) == []


def test_the_items_of_a_loop_are_constants_where_its_list_is_one() -> None:
    def given(items: str) -> str:
        inner = step("SELECT * FROM {{ item }}").replace("\n", "\n    ")
        return f"  - for_each: {items}\n    steps:\n    {inner}".rstrip(" ")

    assert faults(given("vars.tables")) == []
    assert [one[1] for one in faults(given("payload.tables"))] == ["sql-from-data"]

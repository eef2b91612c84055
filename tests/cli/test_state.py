"""`hookline state`, and what `check` and `run` say of defaults and of vars that the server sets."""

from __future__ import annotations

import json

import pytest

from tests.cli.home import Home

ORDERS = """\
name: Orders
trigger: {webhook: {}}
vars: {limit: 5, channel: '#ops'}
steps:
  - {id: n, action: state.increment, with: {key: orders, ttl: 1d}}
  - {id: rest, template: "{{ vars.limit }}"}
output: "[steps.n, steps.rest]"
"""


@pytest.fixture
def served(home: Home) -> Home:
    """A home with a data folder."""
    home.workflow("orders", ORDERS)
    assert home("user", "token").exit_code == 0
    return home


def test_a_value_is_set_shown_listed_and_deleted(served: Home) -> None:
    assert served("state", "set", "orders", "last", '{"id": 7}', "--ttl", "1d").exit_code == 0
    assert served("state", "set", "orders", "count", "-", stdin="3\n").exit_code == 0
    assert json.loads(served("state", "get", "orders", "last").stdout) == {"id": 7}
    whole = json.loads(served("state", "get", "orders", "last", "--json").stdout)
    assert whole["expires_at"] > whole["changed_at"]
    page = json.loads(served("state", "list", "orders", "--limit", "1", "--json").stdout)
    assert [one["key"] for one in page["items"]] == ["count"]
    page = json.loads(served("state", "list", "orders", "--cursor", page["next"], "--json").stdout)
    assert [one["key"] for one in page["items"]] == ["last"]
    assert page["next"] is None
    assert "last" in served("state", "list", "orders").stdout
    result = served("state", "delete", "orders", "last", "--json")
    assert json.loads(result.stdout) == {"name": "last", "changed": True}
    assert served("state", "delete", "orders", "last").exit_code == 2
    assert served("state", "get", "orders", "last").exit_code == 2


def test_what_is_shared_is_its_own(served: Home) -> None:
    assert served("state", "set", "--shared", "k", "1").exit_code == 0
    assert json.loads(served("state", "get", "--shared", "k").stdout) == 1
    assert served("state", "get", "orders", "k").exit_code == 2
    assert [
        one["key"] for one in json.loads(served("state", "list", "--shared", "--json").stdout)["items"]
    ] == ["k"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("get", "k"), "name SLUG KEY"),
        (("get", "--shared", "orders", "k"), "name KEY beside --shared"),
        (("set", "orders", "k", "text"), "quote a text twice"),
        (("set", "orders", "", "1"), "a key has 1 to 512 characters"),
    ],
)
def test_wrong_usage_says_what_is_right(served: Home, words: tuple[str, ...], says: str) -> None:
    result = served("state", *words)
    assert result.exit_code == 2
    assert says in result.output


def test_what_is_too_large_is_refused(served: Home) -> None:
    result = served("state", "set", "orders", "k", json.dumps("x" * 70_000))
    assert result.exit_code == 1
    assert "at most 65,536" in result.stderr


async def test_runs_and_people_share_it(home: Home) -> None:
    home.workflow("orders", ORDERS)
    for number in (1, 2):
        status, out, _err = await home.process("run", "orders", "--live", "--json")
        assert (status, json.loads(out)["output"]) == (0, [number, 5])
    _status, out, _err = await home.process("state", "get", "orders", "orders")
    assert json.loads(out) == 2


def test_a_rehearsal_changes_nothing_and_has_this_servers_vars(home: Home) -> None:
    home.workflow("orders", ORDERS)
    run = json.loads(home("run", "orders", "--json", HOOKLINE_VARS_LIMIT="9").stdout)
    assert (
        run["calls"] == {}
    )  # nothing was stood in for: state is real in a rehearsal, and forgotten after it
    assert run["output"] == [1, 9]
    again = json.loads(home("run", "orders", "--json", HOOKLINE_VARS_LIMIT="9").stdout)
    assert again["output"] == [1, 9]
    assert run["overridden"] == {"limit": 9}


def test_check_reads_the_defaults_and_names_their_faults_once(home: Home) -> None:
    home.workflow("orders", ORDERS)
    home.workflow("other", ORDERS)
    (home.folder / "workflows" / "_defaults.yaml").write_text("tagz: [a]\n")
    faults = json.loads(home("check", "--json").stdout)
    assert [(one["path"], one["line"], one["code"]) for one in faults] == [
        ("workflows/_defaults.yaml", 1, "unknown-key")
    ]
    shown = home("check", "workflows/_defaults.yaml")
    assert shown.exit_code == 1
    assert "1 | tagz: [a]" in shown.stdout


def test_check_says_which_vars_this_server_sets_and_warns_of_those_that_set_nothing(served: Home) -> None:
    (served.folder / "hookline.toml").write_text(
        "[vars]\nlimit = 9\nchanel = '#x'\n[vars.orders]\nlimt = 1\n[vars.order]\nlimit = 1\n"
    )
    assert json.loads(served("check", "--json").stdout) == []
    result = served("check", "--data", ".hookline")
    assert result.exit_code == 0
    assert "vars.limit of orders is 9 here, by hookline.toml: vars.limit; its file says 5" in result.stderr
    faults = json.loads(served("check", "--data", ".hookline", "--json").stdout)
    assert {(one["path"], one["severity"]) for one in faults} == {("hookline.toml", "warning")}
    assert [(one["where"], one["message"], one["hint"]) for one in faults] == [
        ("vars.chanel", "no workflow declares a var chanel", "did you mean channel?"),
        ("vars.orders.limt", "orders declares no var limt", "did you mean limit?"),
        ("vars.order.limit", "there is no workflow order", "did you mean orders?"),
    ]


def test_the_schema_of_the_defaults_is_printed(home: Home) -> None:
    assert "on_failure" in json.loads(home("schema", "defaults").stdout)["properties"]

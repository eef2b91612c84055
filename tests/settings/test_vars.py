"""`[vars]`: values of workflows' vars on this server."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import SettingsError
from runner.settings import read_settings
from runner.settings_vars import VarOverrides


def read(folder: Path, toml: str, **environment: str) -> VarOverrides:
    (folder / "hookline.toml").write_text(toml)
    return read_settings(folder, environment).vars


def test_a_workflows_own_table_wins_over_the_one_for_all(tmp_path: Path) -> None:
    found = read(
        tmp_path, "[vars]\na = 1\nb = [true, {c = 'x'}]\n[vars.order-alerts]\na = 2\nlimits = {high = 1.5}\n"
    )
    assert found.of("other") == {"a": 1, "b": [True, {"c": "x"}]}
    assert found.of("order-alerts") == {"a": 2, "b": [True, {"c": "x"}], "limits": {"high": 1.5}}
    assert found.given("order-alerts")["a"].where == "hookline.toml: vars.order-alerts.a"


def test_the_environment_wins_and_reads_json_where_it_is_json(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "[vars]\nops_channel = 'a'\n[vars.order-alerts]\nthreshold = 2\n",
        HOOKLINE_VARS_OPS_CHANNEL="#ops",
        HOOKLINE_VARS_ORDER_ALERTS__THRESHOLD="3",
        HOOKLINE_VARS_CODE="007",
    )
    assert found.of("order-alerts") == {"ops_channel": "#ops", "threshold": 3, "code": "007"}
    assert found.given("x")["code"].where == "HOOKLINE_VARS_CODE"


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("vars = 3\n", "vars: 3 is not a table"),
        ("[vars]\na = 2026-01-01\n", "hookline.toml: vars.a: 2026-01-01 is no JSON value"),
        ("[vars]\na = nan\n", "vars.a: nan is no JSON value"),
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, toml: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read(tmp_path, toml)


def test_a_var_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HOOKLINE_VARS_A__: the var's name is missing"):
        read(tmp_path, "", HOOKLINE_VARS_A__="1")


def test_what_sets_nothing_is_told_only_where_that_is_sure(tmp_path: Path) -> None:
    found = read(tmp_path, "[vars]\na = 1\n[vars.one]\nb = 1\n")
    assert [one.message for one in found.unused({"one": ["b"]}, ["one", "has-faults"])] == []
    assert [one.message for one in found.unused({"one": ["b"]}, ["one"])] == ["no workflow declares a var a"]
    assert [one.message for one in found.unused({}, [])] == [
        "no workflow declares a var a",
        "there is no workflow one",
    ]

"""`hookline functions`: the reference of the function library on a terminal."""

from __future__ import annotations

import json

from tests.cli.home import Home


def test_the_command_line_lists_them_shows_one_and_suggests_the_nearest(home: Home) -> None:
    assert "  truncate(text, length, end='…')" in home("functions").stdout
    assert "in a template:     {{ 'Hello' | truncate(6) }}" in home("functions", "truncate").stdout
    (row,) = json.loads(home("functions", "truncate", "--json").stdout)["items"]
    assert row["jmespath"] == "truncate('Hello world', 6)"
    assert row["result"] == "Hello…"
    wrong = home("functions", "trunkate")
    assert wrong.exit_code == 2
    assert 'did you mean "truncate"?' in wrong.stderr

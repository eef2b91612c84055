"""The examples that use databases and stores of files pass their own tests."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from runner.cli import hookline


def test_the_examples_pass_their_tests() -> None:
    done = CliRunner().invoke(hookline, ["test", str(Path(__file__).parent / "data")])

    assert done.exit_code == 0, done.output

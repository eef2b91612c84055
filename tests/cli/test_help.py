"""What the command line says of itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from runner.cli import hookline
from tests.cli.home import ROOT, Home

GOLDEN = Path(__file__).parent / "golden" / "help.txt"
HEAVY = (
    "aiohttp",
    "aiosqlite",
    "cryptography",
    "hypercorn",
    "jinja2",
    "jmespath",
    "pydantic",
    "quart",
    "yaml",
)


def commands(
    group: click.Group, path: tuple[str, ...] = ("hookline",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands with the words that lead to them."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = [pytest.param(path, command, id=" ".join(path)) for path, command in commands(hookline)]


def test_the_listing_is_the_one_we_reviewed(home: Home) -> None:
    assert home("--help").stdout == GOLDEN.read_text(encoding="utf-8")


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, runner.cli; print([name for name in {HEAVY} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize(("path", "command"), ALL)
def test_every_command_has_help_with_an_example_of_itself(
    path: tuple[str, ...], command: click.Command
) -> None:
    assert command.help
    assert command.epilog
    words = command.epilog.splitlines()[2].split()
    assert tuple(words[: len(path)]) == path
    known = {name for one in command.params for name in one.opts} | {"-"}
    if not isinstance(command, click.Group):
        assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize(("path", "command"), ALL)
def test_every_command_prints_json_for_programs(path: tuple[str, ...], command: click.Command) -> None:
    if isinstance(command, click.Group) or path[-1] in {
        "serve",
        "worker",
    }:  # their `ready` line is what programs read
        return
    assert "--json" in {name for one in command.params for name in one.opts}


@pytest.mark.parametrize(("path", "command"), ALL)
def test_every_option_says_what_it_is_for(path: tuple[str, ...], command: click.Command) -> None:
    shown = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    assert [one.name for one in shown if not one.help] == []


def test_a_version_is_said(home: Home) -> None:
    assert home("--version").stdout == "hookline 0.1.0\n"


def test_an_unknown_command_is_wrong_usage(home: Home) -> None:
    assert home("wroker").exit_code == 2


def test_our_errors_are_one_sentence_without_a_traceback(home: Home) -> None:
    result = home("runs", "list", "--data", "nowhere")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "hookline: there is no database in nowhere; `hookline serve` makes one, "
        "and `--data` names another folder\n"
    )


def test_all_wrong_settings_are_named_at_once(home: Home) -> None:
    result = home("user", "token", HOOKLINE_SERVER_PROT="1", HOOKLINE_SERVER_PORT="x")
    assert result.exit_code == 2
    assert (
        "HOOKLINE_SERVER_PROT: there is no such setting; did you mean HOOKLINE_SERVER_PORT?" in result.stderr
    )
    assert "HOOKLINE_SERVER_PORT: 'x' is not a whole number" in result.stderr


def test_there_is_colour_on_a_terminal_only_and_never_where_no_color_is_set(home: Home) -> None:
    home.workflow("hello", "name: Hello\n")
    assert "\x1b[" in home("check", color=True).stdout
    assert "\x1b[" not in home("check").stdout
    assert "\x1b[" not in home("check", color=True, NO_COLOR="1").stdout

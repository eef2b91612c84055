"""`[commands]`: what the configuration allows, and what becomes of arguments."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import SettingsError
from runner.settings import commands_in, read_settings
from runner.settings_commands import Command, refusal

DEPLOY = """
[commands.deploy]
run = ["/usr/local/bin/deploy", "--to={where}", "{branch}"]
arguments = {branch = "[a-z0-9/-]+", where = "[a-z]+"}
on = ["local", "web-1"]
about = "Roll out"
timeout = "10m"
output_bytes = 1000
environment = {PATH = "/usr/bin"}
directory = "/srv"
success = [0, 3]

[commands.uptime]
run = ["uptime"]
on = "web-1"
"""


def test_what_is_allowed_is_read(tmp_path: Path) -> None:
    (tmp_path / "hookline.toml").write_text(DEPLOY)

    found = read_settings(tmp_path, {}).commands

    assert found["deploy"] == Command(
        "deploy", ("/usr/local/bin/deploy", "--to={where}", "{branch}"),
        {"branch": "[a-z0-9/-]+", "where": "[a-z]+"}, ("local", "web-1"), "Roll out", 600.0, 1000,
        {"PATH": "/usr/bin"}, "/srv", (0, 3),
    )  # fmt: skip
    assert (found["uptime"].on, found["uptime"].timeout_seconds) == (("web-1",), 60.0)
    assert commands_in(tmp_path) == found


def test_without_the_file_nothing_is_known_and_without_the_section_nothing_is_allowed(tmp_path: Path) -> None:
    assert commands_in(tmp_path) is None
    (tmp_path / "hookline.toml").write_text("timezone = 'UTC'\n")
    assert commands_in(tmp_path) == {}


def test_the_environment_allows_no_command(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HOOKLINE_COMMANDS_DEPLOY: there is no such setting"):
        read_settings(tmp_path, {"HOOKLINE_COMMANDS_DEPLOY": '["/bin/sh"]'})


@pytest.mark.parametrize(
    ("toml", "fault"),
    [
        ("commands = 3", "commands: 3 is not a table"),
        ("[commands]\ndeploy = '/bin/x'", r"commands.deploy: write a table: \[commands.deploy\]"),
        ("[commands.'De ploy']\nrun = ['/x']", "a command's name is small letters"),
        ("[commands.x]", r"commands.x.run: it is missing"),
        ("[commands.x]\nrun = '/bin/x'", "commands.x.run: .* is not a list of texts"),
        ("[commands.x]\nrun = []", "is not a list of texts"),
        ("[commands.x]\nrun = ['deploy']", "no path from the root, and no PATH is searched"),
        ("[commands.x]\nrun = ['-x']\non = 'web'", "is no program"),
        ("[commands.x]\nrun = ['{a}']\narguments = {a = 'x'}\non = 'web'", "the program itself is named"),
        ("[commands.x]\nrun = ['/x', '{a}']", "a has no pattern"),
        ("[commands.x]\nrun = ['/x', '{Branch}']", "Branch has no pattern"),
        ("[commands.x]\nrun = ['/x']\narguments = {a = 'x'}", r"`run` has no \{a\}, so it would go nowhere"),
        ("[commands.x]\nrun = ['/x', '{a}']\narguments = {a = '(?=x)'}", "is no pattern of RE2"),
        ("[commands.x]\nrun = ['/x', '{a}']\narguments = ['x']", "is not a table of names and texts"),
        ("[commands.x]\nrun = ['/x']\nruns = 1", "no key runs; did you mean run"),
        ("[commands.x]\nrun = ['/x']\non = []", 'is not "local", the name of a connection'),
        ("[commands.x]\nrun = ['/x']\ntimeout = 5", "5 is not a text"),
        ("[commands.x]\nrun = ['/x']\ntimeout = '5 minutes'", "is not a duration"),
        ("[commands.x]\nrun = ['/x']\ntimeout = '0s'", "is no time"),
        ("[commands.x]\nrun = ['/x']\noutput_bytes = 0", "is not a whole number from 1"),
        ("[commands.x]\nrun = ['/x']\nenvironment = {'A=B' = 'c'}", "is not the name of a variable"),
        ("[commands.x]\nrun = ['/x']\ndirectory = 'srv'", "'srv' is no path from the root"),
        ("[commands.x]\nrun = ['x']\non = 'web'\ndirectory = '/srv'", "the user's own folder is it"),
        ("[commands.x]\nrun = ['x', 'a\\b']\non = 'web'", "over SSH no word holds a line break"),
        ("[commands.x]\nrun = ['/x']\nsuccess = [256]", "is not a list of exit statuses"),
    ],
)
def test_what_is_wrong_is_a_fault_of_the_settings(tmp_path: Path, toml: str, fault: str) -> None:
    (tmp_path / "hookline.toml").write_text(toml)
    with pytest.raises(SettingsError, match=fault):
        read_settings(tmp_path, {})
    with pytest.raises(SettingsError, match=fault):
        commands_in(tmp_path)


def command(*run: str, **patterns: str) -> Command:
    return Command("x", ("/bin/x", *run), patterns)


@given(st.text(max_size=40))
def test_a_word_stays_one_word_whatever_is_put_in(text: str) -> None:
    one = command("{a}", "-", a="(?s).*")
    if "\0" in text or text.startswith("-"):
        with pytest.raises(ValueError, match=r"a does not fit|a begins with -"):
            one.words({"a": text})
    else:
        assert one.words({"a": text}) == ["/bin/x", text, "-"]


def test_what_is_put_in_is_not_looked_into_again() -> None:
    assert command("{a}{b}", a=".*", b=".*").words({"a": "{b}", "b": "{a}"}) == ["/bin/x", "{b}{a}"]


@pytest.mark.parametrize(
    ("run", "patterns", "given", "is_good"),
    [
        ("{a}", {"a": ".*"}, {"a": "-rf"}, False),
        ("{a}", {"a": "-?[a-z]+"}, {"a": "-rf"}, True),  # its pattern says so itself
        ("{a}", {"a": "(-|x)f"}, {"a": "-f"}, False),
        ("--to={a}", {"a": ".*"}, {"a": "-rf"}, True),  # behind what is written, it is no option
        ("{a}{b}", {"a": ".*", "b": ".*"}, {"a": "", "b": "-rf"}, False),
        ("{a}/{b}", {"a": ".+", "b": ".*"}, {"a": "x", "b": "-rf"}, True),
    ],
)
def test_an_argument_becomes_no_option_unless_its_pattern_begins_with_one(
    run: str, patterns: dict[str, str], given: dict[str, str], *, is_good: bool
) -> None:
    one = command(run, **patterns)
    if is_good:
        assert len(one.words(given)) == 2
    else:
        with pytest.raises(ValueError, match="begins with -"):
            one.words(given)


def test_all_that_is_wrong_with_arguments_is_said_without_them() -> None:
    one = command("{branch}", "{where}", branch="[a-z]+", where="[a-z]+")
    with pytest.raises(ValueError, match="where is missing") as caught:
        one.words({"branch": "s3cr3t; rm", "wher": "x"})
    said = str(caught.value)
    assert "x has no argument wher; did you mean where?" in said
    assert "branch does not fit the pattern that hookline.toml sets for it: [a-z]+" in said
    assert "s3cr3t" not in said
    with pytest.raises(ValueError, match="an argument may have 8,192"):
        one.words({"branch": "a" * 8193, "where": "x"})
    with pytest.raises(ValueError, match="it takes no arguments"):
        command().words({"a": "x"})


@pytest.mark.parametrize(
    ("name", "connection", "says"),
    [
        ("here", None, None),
        ("there", "web-1", None),
        ("both", None, None),
        ("both", "web-1", None),
        ("hear", None, 'allows no command "hear"; did you mean here'),
        ("zzz", None, "there are both, here, there"),
        ("here", "web-1", "may not run over web-1; it runs on this host, without a connection"),
        ("there", None, "runs over a connection: web-1"),
        ("there", "web-2", "may not run over web-2; it runs over web-1"),
        ("here", "local", "may not run over local"),  # a connection of that name is not this host
    ],
)
def test_a_command_runs_where_it_is_allowed(name: str, connection: str | None, says: str | None) -> None:
    places = {"here": ("local",), "there": ("web-1",), "both": ("local", "web-1")}
    commands = {one: Command(one, ("/bin/x",), on=on) for one, on in places.items()}
    found = refusal(commands, name, connection)
    assert found is None if says is None else says in str(found)


def test_a_server_that_allows_nothing_says_where_it_would() -> None:
    assert "[commands] in its hookline.toml" in str(refusal({}, "x", None))

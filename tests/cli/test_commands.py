"""The commands that `[commands]` allows: in `check`, in the catalogue, and when they are run."""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.home import Home
from tests.servers.hookline_process import serving

ALLOWED = f"""
[commands.greet]
run = ["{sys.executable}", "-c", "import sys; print('hello', *sys.argv[1:])", "{{name}}"]
arguments = {{name = "[A-Z][a-z]*"}}
about = "Greet somebody"
"""
GREETS = """\
name: Greets
trigger: {webhook: {answer: result}}
output: steps.greeted
steps:
  - id: greeted
    action: command.run
    with: {name: greet, arguments: {name: "{{ payload.name }}"}}
"""


@pytest.fixture
def allowing(home: Home) -> Home:
    (home.folder / "hookline.toml").write_text(ALLOWED)
    home.workflow("greets", GREETS)
    return home


def faults(home: Home, *words: str) -> list[dict[str, Any]]:
    return [one for one in json.loads(home("check", "--json", *words).stdout) if one["code"] == "command"]


def live(home: Home, name: str) -> Any:
    done = home("run", "greets", "--live", "--json", "--payload", "-", stdin=json.dumps({"name": name}))
    return json.loads(done.stdout)


def test_a_command_that_is_not_allowed_is_a_fault_where_the_settings_are_known(allowing: Home) -> None:
    home = allowing
    assert faults(home) == []
    home.workflow("greets", GREETS.replace("name: greet,", "name: greta,"))

    (fault,) = faults(home)

    assert (fault["severity"], fault["message"]) == ("error", 'this server allows no command "greta"')
    assert home("check").exit_code == 1
    (home.folder / "hookline.toml").unlink()
    assert faults(home) == []  # another server's settings may allow it
    (home.folder / "hookline.toml").write_text("[commands.greet]\nrun = 3\n")
    assert home("check").exit_code == 2


def test_the_catalogue_shows_what_may_be_chosen(allowing: Home) -> None:
    (action,) = json.loads(allowing("actions", "command", "--json").stdout)["items"]
    schema = json.loads(allowing("schema", "workflow").stdout)

    assert action["inputs"]["properties"]["name"]["enum"] == ["greet"]
    name = schema["$defs"]["inputs.command.run"]["properties"]["name"]
    assert name["anyOf"][0]["enum"] == ["greet"]
    (allowing.folder / "hookline.toml").unlink()
    (action,) = json.loads(allowing("actions", "command", "--json").stdout)["items"]
    assert "enum" not in action["inputs"]["properties"]["name"]


def test_it_is_run_and_its_output_is_that_of_the_step(allowing: Home) -> None:
    ran = live(allowing, "Ada")

    assert ran["status"] == "succeeded"
    assert (ran["output"]["stdout"], ran["output"]["exit_status"]) == ("hello Ada\n", 0)


def test_a_rehearsal_runs_nothing(allowing: Home) -> None:
    mark = allowing.folder / "mark"
    (allowing.folder / "hookline.toml").write_text(f'[commands.greet]\nrun = ["/bin/touch", "{mark}"]\n')
    allowing.workflow("greets", GREETS.replace(', arguments: {name: "{{ payload.name }}"}', ""))

    assert allowing("run", "greets").exit_code == 0
    assert not mark.exists()
    assert live(allowing, "Ada")["status"] == "succeeded"
    assert mark.exists()


@pytest.mark.parametrize("name", ["ada", "Ada Lovelace", "Ada; id", "-n", "$(id)", "", "A\nb"])
def test_a_sender_gets_nothing_past_the_pattern(allowing: Home, name: str) -> None:
    ran = live(allowing, name)

    assert ran["status"] == "failed"
    assert "name does not fit the pattern that hookline.toml sets for it" in ran["reason"]["sentence"]


def test_a_run_of_a_command_that_is_not_allowed_any_more_is_refused(allowing: Home, tmp_path: Path) -> None:
    """The version that the run began with is good; what may be run is what the server allows now."""
    waits = GREETS.replace("steps:\n", "steps:\n  - wait: 1ms\n")
    allowing.workflow("greets", waits)
    assert live(allowing, "Ada")["status"] in {"waiting", "succeeded"}
    (allowing.folder / "hookline.toml").write_text("")
    ran = allowing("run", "greets", "--live", "--payload", "-", stdin='{"name": "Ada"}')

    assert ran.exit_code != 0
    assert "allows no command" in ran.output


def test_a_server_runs_it_for_an_event(allowing: Home) -> None:
    allowing.workflow("greets", f"{GREETS}  - respond: {{body: '{{{{ steps.greeted.stdout }}}}'}}\n")
    with serving(allowing) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request(
            "POST", server.paths["greets"], '{"name": "Ada"}', {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        said = answer.read().decode()
        connection.close()

    assert (answer.status, said.strip()) == (200, "hello Ada")

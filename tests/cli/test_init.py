"""A new folder."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from runner.settings import FILE, Settings, known_keys, read_settings
from tests.cli.home import Home


@pytest.fixture
def made(tmp_path: Path) -> Home:
    outer = Home(tmp_path)
    assert outer("init", "automations").exit_code == 0
    return Home(tmp_path / "automations")


def test_the_first_workflow_has_no_fault_and_runs_without_an_account(made: Home) -> None:
    assert made("check").exit_code == 0
    result = made("run", "hello", "--payload", "workflows/fixtures/hello.json")
    assert result.exit_code == 0
    assert "answered: " in result.stdout


def test_what_to_do_next_is_said(tmp_path: Path) -> None:
    result = Home(tmp_path)("init", "automations")
    assert "  cd automations\n" in result.stdout
    assert "  hookline serve" in result.stdout


def test_programs_hear_where_and_which_files(tmp_path: Path) -> None:
    made = json.loads(Home(tmp_path)("init", "automations", "--json").stdout)
    folder = tmp_path / "automations"
    assert made["folder"] == str(folder.resolve())
    assert {folder / name for name in made["files"]} == {one for one in folder.rglob("*") if one.is_file()}


def test_nothing_is_overwritten(made: Home) -> None:
    file = made.folder / "workflows" / "hello.yaml"
    file.write_text("name: mine\n")
    (made.folder / "hookline.toml").unlink()
    result = made("init")
    assert result.exit_code == 2
    assert "is not overwritten" in result.stderr
    assert file.read_text() == "name: mine\n"
    assert not (made.folder / "hookline.toml").exists()


def test_the_settings_file_holds_every_setting_at_its_default(made: Home) -> None:
    path = made.folder / FILE
    assert read_settings(made.folder, {}) == Settings()
    path.write_text(re.sub(r"^#(\w+ = )", r"\1", path.read_text(), flags=re.MULTILINE))
    assert read_settings(made.folder, {}) == Settings()
    document = tomllib.loads(path.read_text())
    keys = {
        f"{name}.{key}" if isinstance(value, dict) else name
        for name, value in document.items()
        for key in (value if isinstance(value, dict) else [""])
    }
    assert keys == set(known_keys())


def test_the_data_folder_is_kept_out_of_a_repository(made: Home) -> None:
    assert (made.folder / ".gitignore").read_text() == ".hookline/\n"

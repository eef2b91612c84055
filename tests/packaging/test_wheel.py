"""The package runs where there is no checkout: pip installed it from a wheel that its sdist made."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import tomllib
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from runner import __version__, operating
from tests.packaging.installed import ROOT, Installed

LINKED = re.compile(r'(?:href|src)="(/static/[^"?#]+)')
PACKAGES = ("runner", "connectors", "web")
LEFT_OUT = (Path("web/editor"), Path("web/pictures"))  # sources and pictures for readers of the repository
MOVED = {"workflows": "runner/starters", "Dockerfile": "runner/operating/Dockerfile"}
MOVED |= {"compose.yaml": "runner/operating/compose.yaml"}


def _get(address: str) -> tuple[int, str, str]:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.status, answer.headers["content-type"], answer.read().decode()


def _wanted() -> set[str]:
    """Every file of the packages that git would keep, and where those from elsewhere land."""
    found = {
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    kept = {str(path) for path in found if not any(path.is_relative_to(one) for one in LEFT_OUT)}
    for here, there in MOVED.items():
        whole = ROOT / here
        files = [path for path in whole.rglob("*") if path.is_file()] if whole.is_dir() else []
        kept |= {f"{there}/{path.relative_to(whole)}" for path in files} or {there}
    return kept


def test_a_wheel_from_the_source_package_has_every_file_of_the_packages(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        names = set(archive.namelist())
    assert _wanted() - names == set()
    assert {name for name in names if ".dist-info/" not in name} - _wanted() == set()
    with tarfile.open(installed.source) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "requirements-server.lock", "pyproject.toml"} <= inside


def test_it_says_its_version(installed: Installed, folder: Path) -> None:
    said = installed.run("hookline", "--version", folder=folder)
    assert said.stdout == f"hookline {__version__}\n"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__


def test_it_stands_alone(installed: Installed, folder: Path) -> None:
    code = "import sys, runner; print(runner.__file__); import pytest"
    said = installed.run("python", "-c", code, folder=folder)
    assert said.stdout.startswith(str(installed.bin.parent))
    assert "No module named 'pytest'" in said.stderr  # nothing but what the wheel asks for


def test_from_nothing_to_a_first_run(installed: Installed, folder: Path) -> None:
    def hookline(*words: str) -> subprocess.CompletedProcess[str]:
        said = installed.run("hookline", *words, folder=folder)
        assert said.returncode == 0, said.stderr
        return said

    hookline("init")
    hookline("check")
    hookline("test")
    assert json.loads(hookline("actions", "--json").stdout)["items"]
    with installed.serving(["serve", "--port", "0"], folder=folder) as address:
        hook = json.loads(hookline("url", "hello", "--json").stdout)["url"]
        answer = _posted(hook, {"name": "Ada"})
        assert answer["greeting"] == "Hello Ada!"
        run = json.loads(hookline("runs", "show", answer["run"], "--json").stdout)
        assert run["status"] == "succeeded"
        status, kind, page = _get(f"{address}/signin")
        assert (status, kind.split(";")[0]) == (200, "text/html")
        assert "Sign in" in page
        linked = set(LINKED.findall(page))
        assert {path.rpartition(".")[2] for path in linked} >= {"css", "js", "svg"}
        for path in linked:
            assert _get(f"{address}{path}")[0] == 200
        assert _get(f"{address}/readyz")[0] == 200


def test_it_hands_out_what_operating_needs(installed: Installed, folder: Path) -> None:
    told = json.loads(installed.run("hookline", "operating", "--json", folder=folder).stdout)
    assert told == {"pages": list(operating.PAGES), "files": operating.shipped()}
    said = installed.run("hookline", "operating", "compose.yaml", folder=folder)
    assert said.stdout == (ROOT / "compose.yaml").read_text(encoding="utf-8")
    refused = installed.run("hookline", "operating", "hookline.servise", folder=folder)
    assert refused.returncode == 2
    assert 'did you mean "hookline.service"?' in refused.stderr


def _posted(address: str, payload: dict[str, Any]) -> dict[str, Any]:
    headers = {"content-type": "application/json"}
    asked = urllib.request.Request(address, json.dumps(payload).encode(), headers)
    with urllib.request.urlopen(asked, timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
    return found

"""
The image and the nodes of compose: there is no Docker here, so what it would run is run without it, and what
only it knows is held against the linter, the schema of compose files, our commands and our settings.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from runner import operating
from runner.cli import hookline
from runner.language.source import compose
from runner.settings import ELSEWHERE, PREFIX, Settings, known_keys
from tests.packaging import dockerfile
from tests.packaging.installed import ROOT, Installed
from tests.servers.postgres import postgres_server

DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "compose.yaml"
OURS = {PREFIX + key.replace(".", "_").upper() for key in known_keys()} | ELSEWHERE
PLACEHOLDER = re.compile(r"\$\{([A-Z_]+)(?::[-?][^}]*)?\}")
PORT = 8000


def _services() -> dict[str, Any]:
    source = compose(COMPOSE.read_text(encoding="utf-8"), path="compose.yaml")
    assert not source.faults
    assert source.root
    whole: Any = source.root.plain()
    found: dict[str, Any] = whole["services"]
    return found


def _nodes() -> dict[str, Any]:
    return {name: one for name, one in _services().items() if one["image"] == "hookline"}


def test_the_linter_finds_nothing_in_the_dockerfile(tmp_path: Path) -> None:
    lint = Path(sys.executable).with_name("hadolint")
    said = subprocess.run([lint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN pip install quart\n")
    assert subprocess.run([lint, tmp_path / "Dockerfile"], capture_output=True, check=False).returncode == 1


def test_the_image_starts_as_nobody_and_stops_when_told(installed: Installed, folder: Path) -> None:
    said = dockerfile.last_stage(DOCKERFILE)
    environment = dockerfile.environment(DOCKERFILE)
    environment.pop("PATH")
    assert {name for name in environment if name.startswith(PREFIX)} <= OURS
    assert said["USER"].split(":")[0] not in {"0", "root"}
    assert said["STOPSIGNAL"] == "SIGTERM"
    assert said["VOLUME"] == said["WORKDIR"]
    assert dockerfile.words(said["ENTRYPOINT"]) == ["hookline"]
    check = dockerfile.words(said["HEALTHCHECK"].partition(" CMD ")[2])

    def healthy(port: int) -> bool:
        own = [word.replace(str(PORT), str(port)) for word in check]
        return installed.run(*own, folder=folder).returncode == 0

    (start,) = re.findall(r"hookline (init) /data", said["RUN"])
    assert installed.run("hookline", start, str(folder), folder=folder).returncode == 0
    command = dockerfile.words(said["CMD"])
    with installed.serving([*command, "--port", "0"], folder=folder, **environment) as address:
        port = urlsplit(address).port
        assert port
        assert healthy(port)
    assert not healthy(port)


def test_what_goes_into_the_image_is_named_by_hash_or_comes_from_here() -> None:
    runs = [rest for word, rest in dockerfile.instructions(DOCKERFILE) if word == "RUN"]
    installs = [one for run in runs for one in run.split("&&") if "pip install" in one]
    assert installs
    for one in installs:
        if "--no-index" not in one:
            assert "--require-hashes" in one
            assert (ROOT / one.split("--requirement ")[1].strip()).is_file()
    kept_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    named = [line for line in kept_out if line and not line.startswith("#")]
    assert named[0] == "*"  # nothing that is not named: no key, no database, no .env
    for line in named:
        if line.startswith("!"):
            assert (ROOT / line[1:]).exists(), line
    copied = {
        word for kind, rest in dockerfile.instructions(DOCKERFILE) if kind == "COPY" for word in rest.split()
    }
    assert {one for one in copied if one.endswith(".lock")} <= {line[1:] for line in named}


def test_compose_is_a_compose_file() -> None:
    check = str(Path(sys.executable).with_name("check-jsonschema"))
    words = [check, "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


def test_each_node_is_a_command_of_ours_with_settings_of_ours() -> None:
    nodes = _nodes()
    assert len(nodes) == 2
    for one in nodes.values():
        context = click.Context(hookline)
        name, *rest = one["command"]
        command = hookline.get_command(context, name)
        assert command, name
        command.make_context(name, rest, context)  # raises where it has no such option
        assert set(one["environment"]) <= OURS
        assert {"HOOKLINE_KEY", "HOOKLINE_STORE_URL"} <= set(one["environment"])  # one vault, one store
        assert one["read_only"]
        assert one["cap_drop"] == ["ALL"]
        assert one["depends_on"]["database"]["condition"] == "service_healthy"
        assert {volume.split(":")[1] for volume in one["volumes"]} == {"/data"}
    assert nodes["serve"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]


def test_no_secret_stands_in_compose_and_the_page_makes_each() -> None:
    asked = set(PLACEHOLDER.findall(COMPOSE.read_text(encoding="utf-8")))
    secret = {"HOOKLINE_KEY", "POSTGRES_PASSWORD"}
    assert asked == secret | {"HOOKLINE_PUBLIC_URL"}
    page = operating.text("two-nodes")
    for name in asked:
        assert f'echo "{name}=' in page
    database = _services()["database"]
    url = _nodes()["serve"]["environment"]["HOOKLINE_STORE_URL"]
    parts = urlsplit(PLACEHOLDER.sub("secret", url))
    assert parts.hostname == "database"
    assert parts.username == database["environment"]["POSTGRES_USER"]
    assert parts.path == f"/{database['environment']['POSTGRES_DB']}"


def test_the_port_that_is_published_is_the_one_that_it_listens_at() -> None:
    said = dockerfile.last_stage(DOCKERFILE)
    assert said["EXPOSE"] == str(PORT)
    assert Settings().server.port == PORT
    check = dockerfile.words(said["HEALTHCHECK"].partition(" CMD ")[2])
    assert f"'127.0.0.1', {PORT}" in check[-1]


def test_the_nodes_run_over_one_database_as_compose_says(installed: Installed, folder: Path) -> None:
    here = replace(installed, bin=Path(sys.executable).parent)  # with what PostgreSQL needs beside
    assert here.run("hookline", "init", folder=folder).returncode == 0
    with postgres_server() as server:
        there = urlsplit(server.url)
        given = {"HOOKLINE_KEY": "k" * 40, "POSTGRES_PASSWORD": "none"}
        nodes = {
            name: {
                variable: PLACEHOLDER.sub(lambda found: given.get(found[1], ""), value)
                for variable, value in one["environment"].items()
            }
            for name, one in _nodes().items()
        }
        for one in nodes.values():
            before = urlsplit(one["HOOKLINE_STORE_URL"])
            one["HOOKLINE_STORE_URL"] = before._replace(netloc=there.netloc, path=there.path).geturl()
        commands = {name: one["command"] for name, one in _nodes().items()}
        serve, worker = [*commands["serve"], "--port", "0"], commands["worker"]
        with (
            here.serving(serve, folder=folder, **nodes["serve"]) as address,
            here.serving(worker, folder=folder, **nodes["worker"]),
        ):
            hook = here.run("hookline", "url", "hello", folder=folder, **nodes["serve"]).stdout.strip()
            own = f"{address}{urlsplit(hook).path}"
            asked = urllib.request.Request(own, b'{"name": "Ada"}', {"content-type": "application/json"})
            with urllib.request.urlopen(asked, timeout=30) as answer:
                assert json.load(answer)["greeting"] == "Hello Ada!"

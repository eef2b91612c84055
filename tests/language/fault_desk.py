"""
Files that have a fault, laid out in a folder and checked as `hookline check` does.

A file's text may hold lines that begin with `#!`: `#! file NAME` begins another file, `#! overrides
{…}` gives the vars that the server sets, `#! commands {…}` the commands that it allows, `#! events […]`
the payloads of the last events, `#! certificates off` a server that asks for none, `#! latin` a file that
is no UTF-8, `#! pad N` so many more characters, `#! lines N TEXT` so many more lines.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.cli.case_files import read_case_file
from runner.cli.overriding import unused_overrides
from runner.engine.checking import check_files
from runner.engine.trying import tried
from runner.language.faults import Fault
from runner.openapi import ConnectorFile
from runner.settings_commands import read_commands
from runner.settings_vars import Given, VarOverrides
from tests.language.small_catalogue import CATALOGUE

REQUEST = CATALOGUE.actions["http.request"]
ADDRESSED = replace(
    CATALOGUE,
    actions={**CATALOGUE.actions, REQUEST.name: replace(REQUEST, addresses=frozenset({"url"}))},
)  # fmt: skip
ORDER = re.compile(r"^\s*#! (?P<word>\w+)(?: (?P<rest>.*))?$")


@dataclass
class Laid:
    """The files of a piece by name, and what is around them."""

    files: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    commands: dict[str, Any] | None = None
    events: list[Any] = field(default_factory=list)
    has_certificates: bool | None = None
    is_latin: bool = False


def laid(piece: str, name: str) -> Laid:
    """What *piece* says; its text stands in the file *name* unless it says otherwise."""
    found, current = Laid(), name
    for line in piece.splitlines(keepends=True):
        order = ORDER.match(line.rstrip("\n"))
        word, rest = (order["word"], order["rest"] or "") if order else ("", "")
        if word == "file":
            current = rest
            found.files.setdefault(current, "")
        elif word == "overrides":
            found.overrides = json.loads(rest)
        elif word == "commands":
            found.commands = json.loads(rest)
        elif word == "events":
            found.events = json.loads(rest)
        elif word == "certificates":
            found.has_certificates = False
        elif word == "latin":
            found.is_latin = True
        elif word == "pad":
            found.files[current] = found.files.get(current, "") + "#" * int(rest) + "\n"
        elif word == "lines":
            count, _, text = rest.partition(" ")
            more = "".join(text.replace("N", str(one)) + "\n" for one in range(int(count)))
            found.files[current] = found.files.get(current, "") + more
        else:
            found.files[current] = found.files.get(current, "") + line
    found.files.setdefault(current, "")
    return found


def check(piece: str, folder: Path, name: str = "example.yaml") -> list[Fault]:
    """The faults of *piece*, its files laid out in *folder*; their paths are relative to that."""
    what = laid(piece, name)
    for file, text in what.files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1" if what.is_latin else "utf-8"))
    catalogue = replace(ADDRESSED, takes_client_certificates=what.has_certificates)
    if what.commands is not None:
        allowed = read_commands({"commands": what.commands}, "hookline.toml", [])
        catalogue = replace(catalogue, commands=allowed)
    given = {one: Given(value, "hookline.toml", f"vars.{one}") for one, value in what.overrides.items()}
    overrides = VarOverrides(given)
    own = [folder / one for one in what.files if one.startswith("connectors/")]
    workflows = [folder / one for one in what.files if not one.endswith((".test.yaml", ".json"))]
    checked = check_files(
        [one for one in workflows if one.name != "_defaults.yaml" and one not in own],
        catalogue,
        overrides=overrides.of,
    )
    faults = [*checked.faults]
    for one in own:
        faults += ConnectorFile(one, one.read_text(encoding="utf-8")).all_faults()
    for beside in what.files:
        if beside.endswith(".test.yaml"):
            case_file = read_case_file(folder / beside, catalogue)
            faults += case_file.with_events({}).faults
    samples = [{"payload": payload, "event": {}} for payload in what.events]
    for read, text in checked.texts.items():
        if samples and Path(read).stem in checked.loaded:
            faults += tried(checked.loaded[Path(read).stem], samples, read, text)
    faults += unused_overrides(overrides, checked.workflows, list(checked.loaded))
    inside = f"{folder}/"
    return sorted(
        dict.fromkeys(
            replace(one, path=one.path.removeprefix(inside), message=one.message.replace(inside, ""))
            for one in faults
        ),
        key=lambda one: (one.path, one.line, one.column),
    )

"""`hookline check`: every fault of workflow files, without a server and without running anything."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options import FOLDER, Place, asynchronous, example
from runner.cli.showing import note, print_json
from runner.errors import SettingsError
from runner.values import Json

if TYPE_CHECKING:
    from runner.language.catalogue import Catalogue
    from runner.language.faults import Fault
    from runner.language.workflow import Workflow

SUFFIXES = (".yaml", ".yml")
TEST = ".test.yaml"


@click.command(epilog=example("hookline check workflows/order-alerts.yaml"))
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="How the faults are printed; github makes annotations of a pull request.",
)
@click.option("--json", "as_json", is_flag=True, help="As --format json.")
@click.option("--data", type=FOLDER, help="Know the connections and secrets of this data folder too.")
@asynchronous
async def check(paths: tuple[Path, ...], form: str, as_json: bool, data: Path | None) -> None:
    """
    Find every fault of workflow files and of their tests.

    PATH is a file or a folder; ./workflows if none is given. A _defaults.yaml beside them is checked
    too. Exit status 1 if there is an error.
    """
    from runner.cli.call_faults import call_faults, siblings
    from runner.cli.case_files import read_case_file
    from runner.cli.overriding import overridden, unused_overrides
    from runner.engine.library import basis_in, text_of, workflow_files
    from runner.language.basis import DEFAULTS_FILE, NO_BASIS
    from runner.language.defaults import check_defaults
    from runner.language.faults import Fault
    from runner.language.formerly import formerly_of, taken_fault
    from runner.language.load import load
    from runner.settings_vars import VarOverrides

    form = "json" if as_json else form
    files = [file for path in paths or (Path("workflows"),) for file in _files(path)]
    catalogue = await _catalogue(data if data and data.is_dir() else None)  # noqa: ASYNC240 - nothing waits
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    overrides = Place(data, None, Path("workflows")).settings().vars if data else VarOverrides()
    workflows: list[Workflow] = []
    calling: list[Path] = []
    defaults = [file.with_name(DEFAULTS_FILE) for file in files if file.with_name(DEFAULTS_FILE).exists()]
    for file in dict.fromkeys([*files, *defaults]):
        text = text_of(file)
        if isinstance(text, str) and file.name == DEFAULTS_FILE:
            texts[str(file)] = text
            faults += check_defaults(text, str(file), catalogue)
        elif isinstance(text, str):
            texts[str(file)] = text
            basis = basis_in(file.parent, overrides.of(file.stem))
            basis = NO_BASIS if isinstance(basis, Fault) else basis  # said of the defaults themselves
            loaded = load(
                text, path=str(file), slug=file.stem, catalogue=siblings(catalogue, file), basis=basis
            )
            calling += [file] if loaded.calls else []
            faults += loaded.faults
            workflows += [loaded.workflow] if loaded.workflow else []
            faults += [
                taken_fault(text, str(file), old)
                for old in formerly_of(text)
                if old != file.stem and file.with_name(f"{old}.yaml").exists()
            ]
            faults += _misnamed(file)
        else:
            faults.append(text)
    tests = _tests(paths or (Path("workflows"),))
    for test in tests:
        case_file = read_case_file(test, catalogue)
        texts |= case_file.texts
        faults += case_file.faults
    faults += call_faults(calling, catalogue, overrides)
    known = {one.stem for folder in {file.parent for file in files} for one in workflow_files(folder)}
    faults = list(dict.fromkeys([*faults, *unused_overrides(overrides, workflows, known)]))
    {"text": _text, "json": _json, "github": _github, "sarif": _sarif}[form](faults, texts)
    is_bad = any(fault.severity == "error" for fault in faults)
    if form == "text":
        for sentence in overridden(overrides, workflows):
            note(sentence)
        note(_summary(len(files), len(tests), faults))
    if is_bad:
        raise click.exceptions.Exit(1)


def _files(path: Path) -> list[Path]:
    """The workflow files that *path* means: none where it is a test file."""
    from runner.engine.library import workflow_files

    if path.is_dir():
        return sorted([*workflow_files(path), *path.glob("*.yml")])
    if not path.exists():
        raise SettingsError(f'there is no "{path}"; name a workflow file or a folder of them')
    if path.suffix not in SUFFIXES:
        raise SettingsError(f"{path} is no workflow file: those are named <slug>.yaml")
    return [] if path.name.endswith(TEST) else [path]


def _tests(paths: Sequence[Path]) -> list[Path]:
    """The test files that *paths* mean: those of a folder, and those that are named."""
    found = [
        one
        for path in paths
        for one in (sorted(path.glob(f"*{TEST}")) if path.is_dir() else [path])
        if one.name.endswith(TEST)
    ]
    return list(dict.fromkeys(found))


async def _catalogue(data: Path | None) -> Catalogue:
    import connectors
    from runner.inbound.providers import provider_infos
    from runner.language.catalogue import Catalogue

    if data is None:
        return Catalogue(connectors.catalogue_actions(), providers=provider_infos())
    from runner.cli.house import catalogue

    async with contextlib.AsyncExitStack() as stack:
        rooms = await stack.enter_async_context(Place(data, None, Path("workflows")).opened())
        return catalogue(rooms.vault, rooms.settings.server)


def _misnamed(file: Path) -> list[Fault]:
    """A server reads `*.yaml` alone; a `.yml` would lie there in silence."""
    from runner.language.faults import Fault

    if file.suffix == ".yaml":
        return []
    message, hint = "the server does not read this file", f"name it {file.stem}.yaml"
    return [Fault(str(file), 1, 1, "", "file-name", "warning", message, hint)]


def _summary(files: int, tests: int, faults: Sequence[Fault]) -> str:
    errors = sum(fault.severity == "error" for fault in faults)
    warnings = len(faults) - errors
    found = [
        f"{count} {noun}{'s' if count != 1 else ''}"
        for count, noun in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    kinds = [
        f"{count} {noun}{'s' if count != 1 else ''}"
        for count, noun in ((files, "workflow"), (tests, "test file"))
        if count or noun == "workflow"
    ]
    return f"{' and '.join(kinds)} checked: {' and '.join(found) or 'no faults'}"


def _text(faults: Sequence[Fault], texts: Mapping[str, str]) -> None:
    for fault in faults:
        print_fault(fault, texts.get(fault.path, ""))


def print_fault(fault: Fault, text: str, *, err: bool = False) -> None:
    """Print a fault with its source line and a caret; *text* is the file's."""
    from runner.language.faults import render_fault

    head, *source = render_fault(fault, text).split("\n")
    label = click.style(f"{fault.severity}: ", fg="red" if fault.severity == "error" else "yellow", bold=True)
    click.echo(label + "\n".join([head, *source]), err=err)


def _json(faults: Sequence[Fault], _texts: Mapping[str, str]) -> None:
    print_json([fault.as_json() for fault in faults])


def _github(faults: Sequence[Fault], _texts: Mapping[str, str]) -> None:
    """Workflow commands. Source: docs.github.com, "Workflow commands for GitHub Actions"."""
    for fault in faults:
        sentence = f"{fault.message}; {fault.hint}" if fault.hint else fault.message
        sentence = f"{fault.where}: {sentence}" if fault.where else sentence
        place = f"file={_property(fault.path)},line={fault.line},col={fault.column}"
        click.echo(f"::{fault.severity} {place},title={_property(fault.code)}::{_data(sentence)}")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(faults: Sequence[Fault], _texts: Mapping[str, str]) -> None:
    """Source: SARIF 2.1.0, OASIS."""
    from runner import __version__

    rules = [{"id": code} for code in sorted({fault.code for fault in faults})]
    driver = {"name": "hookline", "version": __version__, "rules": rules}
    print_json(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": driver},
                    "columnKind": "unicodeCodePoints",
                    "results": [_result(fault) for fault in faults],
                }
            ],
        }
    )


def _result(fault: Fault) -> Json:
    sentence = f"{fault.message}; {fault.hint}" if fault.hint else fault.message
    return {
        "ruleId": fault.code,
        "level": fault.severity,
        "message": {"text": f"{fault.where}: {sentence}" if fault.where else sentence},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": Path(fault.path).as_posix()},
                    "region": {"startLine": fault.line, "startColumn": fault.column},
                }
            }
        ],
    }

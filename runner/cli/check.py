"""`hookline check`: every fault of workflow files, without a server and without running anything."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.fault_formats import print_fault, print_faults
from runner.cli.options import FOLDER, Place, asynchronous, example
from runner.cli.showing import note, print_json
from runner.errors import SettingsError

if TYPE_CHECKING:
    from runner.engine.checking import Checked
    from runner.engine.history import History
    from runner.language.catalogue import Catalogue
    from runner.language.faults import Fault
    from runner.settings_vars import VarOverrides

__all__ = ["check", "print_fault"]

SUFFIXES = (".yaml", ".yml")
TEST = ".test.yaml"


@click.command(
    epilog=example(
        "hookline check workflows/order-alerts.yaml",
        "hookline check --fix --diff",
        "hookline check --explain double-quotes",
    )
)
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
@click.option(
    "--data",
    type=FOLDER,
    help="Know the connections, secrets and last events of this data folder too.",
)
@click.option("--fix", "is_fixing", is_flag=True, help="Make the mends that are certain; the rest stays.")
@click.option("--diff", "is_diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--explain", "code", metavar="CODE", help="What a fault means, and how it is mended.")
@asynchronous
async def check(
    paths: tuple[Path, ...],
    form: str,
    as_json: bool,
    data: Path | None,
    is_fixing: bool,
    is_diff: bool,
    code: str | None,
) -> None:
    """
    Find every fault of workflow files and of their tests.

    PATH is a file or a folder; ./workflows if none is given. A _defaults.yaml beside them is checked
    too. With --data, expressions are also tried on the last events of each workflow. Exit status 1 if
    there is an error.
    """
    if code is not None:
        _explain(code, as_json=as_json)
        return
    from runner.cli.overriding import overridden

    form = "json" if as_json else form
    asked = paths or (Path("workflows"),)
    has_data = data is not None and data.is_dir()  # noqa: ASYNC240 - nothing waits
    own = _connectors(asked)
    async with _known(data if has_data else None, data, _folders(asked)) as known:
        desk = _Desk([file for path in asked for file in _files(path)], _tests(asked), known, own)
        found = await desk.found({})
        if is_fixing or is_diff:
            found = await _fixed(desk, found, writes=not is_diff)
            if is_diff:
                return
    print_faults(found.faults, found.texts, form, address=known.address)
    if form == "text":
        for sentence in overridden(known.overrides, found.checked.workflows):
            note(sentence)
        note(_summary(len(desk.files), len(desk.tests), len(own), found.faults))
    if any(fault.severity == "error" for fault in found.faults):
        raise click.exceptions.Exit(1)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the world around the files."""

    catalogue: Catalogue
    overrides: VarOverrides
    history: History | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    faults: Sequence[Fault]
    texts: Mapping[str, str]
    checked: Checked


class _Desk:
    """The files that were asked for, checked as often as they change."""

    def __init__(
        self, files: Sequence[Path], tests: Sequence[Path], known: _Known, own: Sequence[Path] = ()
    ) -> None:
        self.files = list(dict.fromkeys(files))
        self.connectors = own
        self.tests = tests
        self.known = known

    async def found(self, instead: Mapping[Path, str]) -> _Found:
        """All faults, with *instead* in place of what is on the disk."""
        from runner.cli.case_files import read_case_file
        from runner.cli.overriding import unused_overrides
        from runner.engine.checking import check_files
        from runner.engine.library import workflow_files

        known = self.known
        checked = check_files(self.files, known.catalogue, overrides=known.overrides.of, instead=instead)
        faults, texts = [*checked.faults, *await self._tried(checked)], dict(checked.texts)
        for path in self.connectors:
            texts[str(path)], found = _of_connector(path)
            faults += found
        for test in self.tests:
            case_file = read_case_file(test, known.catalogue, text=instead.get(test))
            texts |= {path: text for path, text in case_file.texts.items() if path not in texts}
            faults += case_file.faults
        folders = {file.parent for file in self.files}
        slugs = {one.stem for folder in folders for one in workflow_files(folder)}
        faults += unused_overrides(known.overrides, checked.workflows, slugs)
        return _Found(list(dict.fromkeys(faults)), texts, checked)

    async def _tried(self, checked: Checked) -> list[Fault]:
        """What the last events say."""
        from runner.engine.trying import recorded_samples, tried

        if self.known.history is None:
            return []
        found = []
        paths = {Path(path).stem: path for path in checked.texts}
        for slug, loaded in checked.loaded.items():
            samples = await recorded_samples(self.known.history, slug, time.monotonic)
            found += tried(loaded, samples, paths[slug], checked.texts[paths[slug]])
        return found


async def _fixed(desk: _Desk, found: _Found, *, writes: bool) -> _Found:
    """Make the certain mends, or show them; what is found afterwards."""
    from runner.cli.mending import mended_texts, print_diff, write

    rounds: list[_Found] = []
    changed = await mended_texts(found.texts, found.faults, lambda instead: _again(desk, rounds, instead))
    if not changed:
        note("There is nothing that can be mended for certain.")
        return found
    if not writes:
        print_diff(found.texts, changed)
        return found
    write(changed)
    note(f"mended: {', '.join(sorted(changed))}")
    return rounds[-1]


async def _again(desk: _Desk, rounds: list[_Found], instead: Mapping[Path, str]) -> Sequence[Fault]:
    rounds.append(await desk.found(instead))
    return rounds[-1].faults


def _explain(code: str, *, as_json: bool) -> None:
    """Print what the reference says of one fault."""
    from runner.language.fault_reference import explained
    from runner.language.suggest import did_you_mean

    one = explained().get(code)
    if one is None:
        hint = did_you_mean(code, explained()) or "`hookline check` names the code of each fault with --json"
        raise SettingsError(f'there is no fault "{code}"; {hint}')
    row = one.as_json()
    if as_json:
        print_json(row)
        return
    click.secho(f"{one.code}: {one.title}", bold=True)
    click.echo(f"\n{click.wrap_text(one.about, width=78)}")
    for head, colour, text in (("Wrong", "red", row["wrong"]), ("Mended", "green", row["mended"])):
        if text:
            click.secho(f"\n{head}:\n", fg=colour)
            click.echo("".join(f"    {line}\n" if line else "\n" for line in text.splitlines()), nl=False)


def _files(path: Path) -> list[Path]:
    """The workflow files that *path* means: none where it is a test file."""
    from runner.engine.library import workflow_files

    if path.is_dir():
        return sorted([*workflow_files(path), *path.glob("*.yml")])
    if not path.exists():
        raise SettingsError(f'there is no "{path}"; name a workflow file or a folder of them')
    if path.suffix not in SUFFIXES:
        raise SettingsError(f"{path} is no workflow file: those are named <slug>.yaml")
    return [] if path.name.endswith(TEST) or _is_connector(path) else [path]


def _tests(paths: Sequence[Path]) -> list[Path]:
    """The test files that *paths* mean: those of a folder, and those that are named."""
    found = [
        one
        for path in paths
        for one in (sorted(path.glob(f"*{TEST}")) if path.is_dir() else [path])
        if one.name.endswith(TEST)
    ]
    return list(dict.fromkeys(found))


def _is_connector(path: Path) -> bool:
    from runner.openapi import FOLDER

    return path.parent.name == FOLDER


def _connectors(paths: Sequence[Path]) -> list[Path]:
    """The files of connectors that *paths* mean: those of a folder, and those that are named."""
    from runner.openapi import connector_files

    found = [
        one
        for path in paths
        for one in (connector_files(path) if path.is_dir() else [path] if _is_connector(path) else [])
    ]
    return list(dict.fromkeys(found))


def _folders(paths: Sequence[Path]) -> list[Path]:
    """The folders of workflows in which *paths* stand."""
    folders = [
        path if path.is_dir() else path.parents[1] if _is_connector(path) else path.parent for path in paths
    ]
    return list(dict.fromkeys(folders))


def _of_connector(path: Path) -> tuple[str, list[Fault]]:
    """The text of a connector's file, and its faults."""
    import connectors
    from runner.engine.library import text_of
    from runner.openapi import ConnectorFile, fault_in

    text = text_of(path)
    if not isinstance(text, str):
        return "", [text]
    found = ConnectorFile(path, text).all_faults()
    if path.stem in connectors.names():
        message = f'"{path.stem}" is a connector of Hookline itself, so that this file is not read'
        found = [fault_in(path, 1, 1, "", message, f"name it {path.stem}_api{path.suffix}"), *found]
    return text, found


@contextlib.asynccontextmanager
async def _known(folder: Path | None, data: Path | None, folders: Sequence[Path]) -> AsyncIterator[_Known]:
    """
    What is known with the data in *folder*; *data* is the option, which may name one that is not there;
    *folders* are those of the workflows, whose connectors are known too.
    """
    from connectors.shelf import Shelf
    from runner.inbound.providers import provider_infos
    from runner.language.catalogue import Catalogue
    from runner.settings import commands_in
    from runner.settings_vars import VarOverrides

    overrides = Place(data, None, Path("workflows")).settings().vars if data else VarOverrides()
    if folder is None:
        actions, commands = Shelf(*folders).catalogue_actions(), commands_in(Path.cwd())
        yield _Known(Catalogue(actions, providers=provider_infos(), commands=commands), overrides)
        return
    from runner.cli.house import catalogue

    async with Place(folder, None, Path("workflows")).opened() as rooms:
        settings, shelf = rooms.settings, Shelf(*folders)
        known = catalogue(rooms.vault, settings.server, settings.commands, shelf=shelf)
        yield _Known(known, overrides, rooms.history, rooms.settings.address)


def _summary(files: int, tests: int, own: int, faults: Sequence[Fault]) -> str:
    errors = sum(fault.severity == "error" for fault in faults)
    warnings = len(faults) - errors
    found = [
        f"{count} {noun}{'s' if count != 1 else ''}"
        for count, noun in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    kinds = [
        f"{count} {noun}{'s' if count != 1 else ''}"
        for count, noun in ((files, "workflow"), (tests, "test file"), (own, "connector"))
        if count or noun == "workflow"
    ]
    named = " and ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
    return f"{named} checked: {' and '.join(found) or 'no faults'}"

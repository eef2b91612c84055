"""`hookline restore`: what a backup has, back where nothing is yet."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.backup import DATABASE, KEY, SETTINGS, WORKFLOWS, as_shown
from runner.cli.options import FOLDER, asynchronous, example, json_option, workflows_option
from runner.cli.showing import moment, note, print_json
from runner.errors import HooklineError, SettingsError

if TYPE_CHECKING:
    from runner.store.archive import Manifest
    from runner.store.snapshots import Contents


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a backup goes: None, what is left out."""

    data: Path | None
    database: str | None
    workflows: Path | None
    settings: Path | None


@click.command(epilog=example("hookline restore /backups/today.tar.gz --to-data .hookline"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--to-data", "data", type=FOLDER, help="The folder for the database and the key.")
@click.option("--database", metavar="URL", help="An empty database to copy into (postgresql://…).")
@workflows_option
@click.option("--only-database", is_flag=True, help="No workflow files and no hookline.toml.")
@json_option
@asynchronous
async def restore(
    file: Path, data: Path | None, database: str | None, workflows: Path, only_database: bool, as_json: bool
) -> None:
    """
    Bring a backup back, where nothing is yet.

    The database goes into the folder --to-data, or with --database into another one, which is empty. The key,
    if it is in FILE, goes into --to-data; workflow files into --workflows; hookline.toml into this folder,
    where there is none. Runs that had not ended go on when a server starts.
    """
    from runner.cli.moving import key_here, things, unopened
    from runner.store import archive, snapshots

    goal = Goal(
        data, database, None if only_database else workflows, None if only_database else Path(SETTINGS)
    )
    _refuse_options(goal)
    manifest = archive.check(file)
    names = frozenset(one.name for one in manifest.members)
    if DATABASE not in names:
        raise HooklineError(f"{file} is no backup of Hookline: there is no {DATABASE} in it")
    _refuse_what_is_there(goal, names)
    if data is not None:
        _make(data)
    with tempfile.TemporaryDirectory(dir=data, prefix=".restore.") as folder:
        unpacked = Path(folder) / DATABASE
        archive.unpack(file, {DATABASE: unpacked})
        contents, sealed = snapshots.look(unpacked), things(snapshots.sealed_in(unpacked))
        said = manifest.facts.get("rows", {})
        if any(said.get(name) != count for name, count in contents.rows.items()):
            raise HooklineError(f"{file} is damaged: its database has other rows than it says")
        if database is not None:
            await _copy(unpacked, database, manifest)
        _restore_files(file, names, goal)
        if database is None and data is not None:
            _place(unpacked, data / DATABASE)
    key = key_here(data if data is not None else Path(".hookline"))
    shut = unopened(key, sealed)
    if as_json:
        print_json({**as_shown(file, manifest), "not_opened": shut})
        return
    _say(manifest, contents)
    _say_key(key, manifest, opened=len(sealed) - len(shut), sealed=len(sealed), goal=goal)
    if not only_database and SETTINGS in names:
        note(f"Look through {SETTINGS} before you start: [store] url, and public_url on another machine.")


def _refuse_options(goal: Goal) -> None:
    from runner.store.opening import is_store

    if goal.data is None and goal.database is None:
        raise click.UsageError("name --to-data FOLDER, or --database URL")
    if goal.database is not None and not is_store(goal.database):
        raise SettingsError(f"--database {goal.database} is none: write postgresql://… or sqlite:///PATH")


def _refuse_what_is_there(goal: Goal, names: frozenset[str]) -> None:
    def refuse(what: str, path: Path, way_out: str) -> None:
        raise HooklineError(f"there is {what} {path}, and nothing is replaced; {way_out}")

    if goal.data is not None:
        if goal.database is None and (goal.data / DATABASE).exists():
            refuse("a database", goal.data / DATABASE, "name another folder with --to-data")
        if KEY in names and (goal.data / KEY).exists():
            refuse("a key", goal.data / KEY, "name another folder with --to-data")
    if goal.workflows is not None and any(name.startswith(WORKFLOWS) for name in names):
        first = next(goal.workflows.iterdir(), None) if goal.workflows.exists() else None
        if first is not None:
            way_out = "name an empty folder with --workflows, or leave them as they are with --only-database"
            refuse("a file", first, way_out)
    if goal.settings is not None and SETTINGS in names and goal.settings.exists():
        refuse("a file", goal.settings, "restore in another folder, or move it away first")


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _place(made: Path, path: Path) -> None:
    from runner.store.archive import sync_folder

    made.rename(path)
    sync_folder(path.parent)


def _restore_files(file: Path, names: frozenset[str], goal: Goal) -> None:
    """The key, the settings, and the workflow files, which come into their folder all at once."""
    from runner.store.archive import unpack

    places = {}
    if goal.data is not None and KEY in names:
        places[KEY] = goal.data / KEY
    if goal.settings is not None and SETTINGS in names:
        places[SETTINGS] = goal.settings
    if places:
        unpack(file, places)
    workflows = [name for name in names if name.startswith(WORKFLOWS)]
    if goal.workflows is not None and workflows:
        folder = goal.workflows.resolve()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".restore.") as beside:
            made = Path(beside) / folder.name
            unpack(file, {name: made / name.removeprefix(WORKFLOWS) for name in workflows})
            _place(made, folder)  # over an empty folder, too


async def _copy(unpacked: Path, database: str, manifest: Manifest) -> None:
    from runner.cli.moving import Said
    from runner.store.copying import copy, source_side, target_side

    digest = next(one.sha256 for one in manifest.members if one.name == DATABASE)
    name = f"the backup of {manifest.facts['made_at']} ({digest[:16]})"  # so that it can be gone on with
    said = Said()
    async with (
        source_side("", sqlite=unpacked, name=name) as source,
        target_side(database, source) as target,
    ):
        try:
            await copy(source, target, said)
        finally:
            said.over()


def _say(manifest: Manifest, contents: Contents) -> None:
    note(
        f"Restored as of {moment(manifest.facts['made_at'])} UTC: {contents.rows['events']:,} events, "
        f"{contents.rows['runs']:,} runs."
    )
    if contents.unended:
        note(
            f"{contents.unended:,} of them have not ended and go on when a server starts: "
            "make sure that the old one has ended."
        )


def _say_key(key: bytes | None, manifest: Manifest, *, opened: int, sealed: int, goal: Goal) -> None:
    from runner.cli.moving import key_id

    place = f"HOOKLINE_KEY or {goal.data / KEY}" if goal.data is not None else "HOOKLINE_KEY"
    wanted = manifest.facts.get("key_id")
    if key is None:
        is_inside = any(one.name == KEY for one in manifest.members)
        way_out = "; it is in the backup and goes into --to-data" if is_inside else ""
        note(
            f"The key is not here{way_out}. Put it into {place} before you start: a new one opens none of "
            f"the {sealed} secrets and connections, and changes every inbound address."
        )
    elif opened < sealed or (wanted is not None and key_id(key) != wanted):
        note(
            f"The key here is not the one of the backup: it opens {opened} of {sealed} secrets and "
            f"connections, and inbound addresses change. Put the right one into {place} before you start."
        )

"""`hookline backup`: all that a server is, in one file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option, workflows_option
from runner.cli.showing import note, print_json
from runner.errors import HooklineError, SettingsError
from runner.values import iso

if TYPE_CHECKING:
    from runner.store.archive import Manifest

# What a backup calls the things in it.
SETTINGS = "hookline.toml"
DATABASE = "hookline.db"
KEY = "key"
WORKFLOWS = "workflows/"

LEFT_OUT = frozenset({".git", "__pycache__"})


@click.command(epilog=example("hookline backup /backups/today.tar.gz"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@workflows_option
@data_options
@click.option("--with-key", is_flag=True, help="The key too: whoever has FILE can then read all secrets.")
@json_option
@asynchronous
async def backup(place: Place, file: Path, with_key: bool, as_json: bool) -> None:
    """
    Write all that a server is into one file, while it runs.

    FILE gets the database, the workflow files and hookline.toml. The key is not in it, so that the file alone
    opens no secret: keep a copy of it elsewhere. FILE is a tar archive. It is read again before it gets its
    name, and replaces nothing.
    """
    from runner import __version__
    from runner.cli.moving import Said, existing_store, key_here, key_id
    from runner.store import archive, snapshots
    from runner.store.opening import is_postgres

    url, database = existing_store(place)
    key = key_here(place.data)
    if with_key and key is None:
        raise SettingsError(f"there is no key: neither HOOKLINE_KEY nor {place.data / 'key'}")
    _refuse_place(file)
    said, made_at = Said(), time.time()
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
        snapshot = Path(folder) / DATABASE
        try:
            contents = await snapshots.take(url, sqlite=database, into=snapshot, progress=said)
        finally:
            said.over()
        files: dict[str, Path | bytes] = {DATABASE: snapshot, **_files_beside(place.workflows)}
        if with_key and key is not None:
            files[KEY] = key + b"\n"
        facts = {
            "hookline": __version__,
            "made_at": iso(made_at),
            "store": "postgresql" if is_postgres(url) else "sqlite",
            "schema": contents.schema,
            "rows": contents.rows,
            "unended_runs": contents.unended,
            "key_id": key_id(key) if key else None,
        }
        manifest = archive.pack(file, files, facts)
    if as_json:
        print_json(as_shown(file, manifest))
    else:
        _say(file, manifest, place.data)


def as_shown(file: Path, manifest: Manifest) -> Mapping[str, object]:
    """What `--json` says of a backup."""
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        **manifest.facts,
        "has_key": any(one.name == KEY for one in manifest.members),
        "files": [one.name for one in manifest.members],
    }


def _refuse_place(file: Path) -> None:
    if file.exists():
        raise HooklineError(f"there is a file {file} already; name another")
    if not file.parent.is_dir():
        raise SettingsError(f"there is no folder {file.parent}")


def _files_beside(workflows: Path) -> dict[str, Path | bytes]:
    """The workflow files and the settings, read at once, so that they cannot change while they are packed."""
    found: dict[str, Path | bytes] = {}
    if Path(SETTINGS).is_file():
        found[SETTINGS] = Path(SETTINGS).read_bytes()
    for path in sorted(workflows.rglob("*")):
        place = path.relative_to(workflows)
        if path.is_file() and not LEFT_OUT.intersection(place.parts):
            found[f"{WORKFLOWS}{place.as_posix()}"] = path.read_bytes()
    return found


def _say(file: Path, manifest: Manifest, data: Path) -> None:
    from runner.engine.findings import bytes_in_words

    names = [one.name for one in manifest.members]
    workflows = sum(name.startswith(WORKFLOWS) for name in names)
    rows = manifest.facts["rows"]
    note(
        f"{file}: {bytes_in_words(file.stat().st_size)}, with {rows['events']:,} events, "
        f"{rows['runs']:,} runs and {workflows} workflow file{'s' * (workflows != 1)}. "
        "It was read again and is whole."
    )
    if SETTINGS not in names:
        note(f"There is no {SETTINGS} in this folder, so there is none in it.")
    if KEY in names:
        note("The key is in it: keep it where only you can read it.")
    else:
        note(
            "The key is not in it, so that the file alone opens no secret. Keep a copy of HOOKLINE_KEY, or "
            f"of {data / 'key'}, elsewhere: without it secrets cannot be read, and inbound addresses change."
        )

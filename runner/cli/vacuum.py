"""`hookline vacuum`: the database anew without what is free in it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option
from runner.cli.showing import note, print_json
from runner.errors import HooklineError, SettingsError

if TYPE_CHECKING:
    from runner.settings import Settings


@click.command(epilog=example("hookline vacuum", "hookline vacuum --full"))
@click.option("--full", is_flag=True, help="On PostgreSQL: write its tables anew too. Stop all nodes first.")
@data_options
@json_option
@asynchronous
async def vacuum(place: Place, full: bool, as_json: bool) -> None:
    """
    Write the database anew, so that it takes no more room than it needs and shrinks by itself.

    No server may run on it meanwhile; the disk needs room for a second one. On PostgreSQL servers may go on:
    what was deleted becomes room for new rows, as autovacuum does it sooner or later, and only --full, which
    locks each table while it is written anew, gives it back to the disk.
    """
    from runner.engine.findings import bytes_in_words
    from runner.store.opening import is_postgres

    settings = place.settings()
    if is_postgres(settings.store.url):
        name = "the database"
        before, after = await _postgres(settings.store.url, is_full=full)
    else:
        name, before, after = await _file(settings, place.data)
    if as_json:
        print_json({"bytes_before": before, "bytes_after": after})
    else:
        note(f"{name}: {bytes_in_words(before)} before, {bytes_in_words(after)} now")


async def _postgres(url: str, *, is_full: bool) -> tuple[int, int]:
    """Bytes before and after."""
    from runner.store.opening import open_store
    from runner.store.postgres import PostgresStore
    from runner.store.postgres_vacuum import vacuum

    store = await open_store(url, sqlite=Path())
    assert isinstance(store, PostgresStore)
    try:
        if is_full and await store.living():
            raise HooklineError(
                "nodes run on this database; stop them first: writers would wait for all of it"
            )
        return await vacuum(store.database, is_full=is_full)
    finally:
        await store.close()


async def _file(settings: Settings, data: Path) -> tuple[str, int, int]:
    """The file, and its bytes before and after."""
    from runner.cli.house import NODES, database_path
    from runner.engine.findings import bytes_in_words
    from runner.store import inspecting
    from runner.store.nodes import living

    path = database_path(settings, data)
    if not path.exists():
        raise SettingsError(f"there is no database {path}; --data names another folder")
    if living(path.parent / NODES):
        raise HooklineError("a server runs on this data; stop it first: writers would wait for all of it")
    size = path.stat().st_size
    if shutil.disk_usage(path.parent).free < size:
        raise HooklineError(f"the disk has no room for a second one of {bytes_in_words(size)}")
    before, after = await asyncio.to_thread(inspecting.vacuum, path)
    return str(path), before, after

"""`hookline store migrate`: all data from one store into another."""

from __future__ import annotations

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option
from runner.cli.showing import note, print_json, printable
from runner.errors import SettingsError

TO = "postgresql://hookline@db.example.com/hookline"


@click.group(epilog=example(f"hookline store migrate --to {TO}"))
def store() -> None:
    """The store: where everything is kept."""


@store.command(
    epilog=example(f"hookline store migrate --to {TO}", "hookline store migrate --to sqlite:///hookline.db")
)
@data_options
@click.option("--to", "target", required=True, metavar="URL", help="postgresql://… or sqlite:///PATH, empty.")
@click.option(
    "--start-over", is_flag=True, help="Delete what an unfinished copy wrote there, and begin again."
)
@json_option
@asynchronous
async def migrate(place: Place, target: str, start_over: bool, as_json: bool) -> None:
    """
    Copy everything into another database, history included, and compare the two.

    No server or worker may run on either meanwhile. What was interrupted goes on where it was when it is
    called again. The old database stays as it is. Secrets are copied sealed: keep the same HOOKLINE_KEY.
    """
    from runner.cli.moving import Said, existing_store, key_here, refuse_living, things, unopened
    from runner.store.copied import SEALED
    from runner.store.copying import copy, moment, source_side, target_side
    from runner.store.opening import is_store

    if not is_store(target):
        raise SettingsError(f"--to {target} is no database: write postgresql://… or sqlite:///PATH")
    url, database = existing_store(place)
    await refuse_living(url, sqlite=database, why="what it accepts during the copy would be left behind")
    said = Said()
    async with (
        source_side(url, sqlite=database) as source,
        target_side(target, source, anew=start_over) as side,
    ):
        try:
            done = await copy(source, side, said)
        finally:
            said.over()
        async with moment(source):
            rows = source.rows(SEALED, ("kind", "name", "blob"), None)
            sealed = things([(kind, name, blob) async for kind, name, blob in rows])
    shut = unopened(key_here(place.data), sealed)
    if as_json:
        tables = [{"name": one.name, "rows": one.rows, "checksum": one.checksum} for one in done]
        print_json({"from": source.name, "to": side.name, "tables": tables, "not_opened": shut})
        return
    note(
        f"{sum(one.rows for one in done):,} rows of {len(done)} tables are copied; "
        "counts and checksums agree."
    )
    note(f"  from {source.name}\n  to   {side.name}")
    if shut:
        some = f"{printable(', '.join(shut[:3]))}{' …' if len(shut) > 3 else ''}"
        note(
            f"The key here does not open {len(shut)} of {len(sealed)} secrets and connections ({some}): "
            "start with the HOOKLINE_KEY of before."
        )
    note(
        "Write the new address into hookline.toml ([store] url = …) or HOOKLINE_STORE_URL, then start. "
        "Do not start a server on the old one again: what has not ended would go on at both."
    )

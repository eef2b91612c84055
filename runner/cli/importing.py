"""`hookline import`: steps from what other tools say."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option
from runner.cli.showing import note, print_json
from runner.errors import SettingsError
from runner.values import dumps

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.workbench.curl import Imported


@click.group("import", epilog=example("hookline import curl 'curl https://api.example.com/orders'"))
def import_() -> None:
    """Steps of a workflow from what other tools say."""


@import_.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=example(
        "hookline import curl 'curl https://api.example.com/orders'",
        "pbpaste | hookline import curl -",
    ),
)
@click.option("--save", is_flag=True, help="Keep the connection and the secrets that it finds.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@data_options
@json_option
@asynchronous
async def curl(place: Place, save: bool, command: tuple[str, ...], as_json: bool) -> None:
    """
    A curl command line as a step; `-` reads it from stdin, where no history keeps it.

    Its credentials become a connection, bound to the host of the address.
    """
    from runner.workbench.curl import import_curl

    found = import_curl(_text(command))
    kept: list[str] = []
    if save:
        async with place.opened(may_make=True) as rooms:
            kept = await _keep(rooms, found)
    if as_json:
        print_json({**found.as_json(), "kept": kept})
        return
    click.echo(found.yaml(), nl=False)
    for line in (*found.notes, *_ways_on(found, kept)):
        note(line)


def _text(command: tuple[str, ...]) -> str:
    if command in ((), ("-",)):
        if sys.stdin.isatty():
            raise SettingsError("give the curl command in quotes, or - and the command on stdin")
        return sys.stdin.read()
    return command[0] if len(command) == 1 else shlex.join(command)


async def _keep(rooms: Rooms, found: Imported) -> list[str]:
    """Keep what has a value and is not there yet; the names of what was kept."""
    kept = []
    one = found.connection
    if one is not None and all(one["fields"].values()) and rooms.vault.connection(one["name"]) is None:
        await rooms.vault.set_connection(one["name"], {**one["fields"], "kind": one["kind"]})
        kept.append(one["name"])
    for name, value in found.secrets.items():
        if value and name not in rooms.vault.secrets():
            await rooms.vault.set_secret(name, value, hosts=[found.host])
            kept.append(name)
    return kept


def _ways_on(found: Imported, kept: list[str]) -> list[str]:
    """What is still to be typed, without values: those are read from stdin."""
    lines = []
    one = found.connection
    if one is not None and one["name"] not in kept:
        shown = found.as_json()["connection"]["fields"]
        lines.append(f"hookline connections set {one['name']} --kind {one['kind']}   # {dumps(shown)}")
    lines += [
        f"hookline secrets set {name} --host {found.host}" for name in found.secrets if name not in kept
    ]
    if kept:
        lines.append(f"Kept: {', '.join(kept)}")
    return lines

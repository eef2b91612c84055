"""`hookline connector`: connectors without code."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options import FOLDER, Place, asynchronous, example, json_option
from runner.cli.showing import note, print_json, printable
from runner.errors import SettingsError

if TYPE_CHECKING:
    from runner.openapi import Converted

MOST_SHOWN = 20  # lines of one list
ADDRESS = re.compile(r"https?://", re.IGNORECASE)


@click.group(epilog=example("hookline connector from-openapi https://api.example.com/openapi.json"))
def connector() -> None:
    """Connectors without code, as files beside the workflows."""


@connector.command(
    "from-openapi",
    epilog=example(
        "hookline connector from-openapi openapi.yaml --name shop --tag Orders",
        "hookline connector from-openapi https://api.example.com/openapi.json --only createPet",
    ),
)
@click.argument("source", metavar="FILE|URL")
@click.option("--name", help="The connector's name; the document's title makes one if none is given.")
@click.option(
    "--to",
    "folder",
    type=FOLDER,
    default=Path("workflows"),
    show_default=True,
    help="The folder of the workflow files; the connector goes to connectors/NAME.yaml in it.",
)
@click.option("--only", multiple=True, metavar="OPERATION", help="This operation; again for more.")
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="The operations of this tag; again for more."
)
@click.option("--url", metavar="URL", help="The address of the service, in place of the document's.")
@click.option(
    "--idempotency-key",
    "header",
    metavar="HEADER",
    help="A header that the service takes so that it does a repeated POST once, although the document "
    "does not say so.",
)
@click.option("--replace", is_flag=True, help="Write a file of that name anew.")
@json_option
@asynchronous
async def from_openapi(
    source: str,
    name: str | None,
    folder: Path,
    only: tuple[str, ...],
    tags: tuple[str, ...],
    url: str | None,
    header: str | None,
    replace: bool,
    as_json: bool,
) -> None:
    """
    Make a connector from an OpenAPI 3 document; `-` reads it from stdin.

    Its operations become actions, its security schemes kinds of connections. It can be used at once:
    `hookline actions NAME` shows it, and a running server takes it up within a second. The file is for
    people to read, and may be edited.
    """
    from runner.cli.making import fetched, make, shown
    from runner.openapi import Wanted

    if ADDRESS.match(source):
        content = await fetched(source, Place(Path(".hookline"), None, folder).settings().network)
    else:
        content = _read(source)
    address = source if ADDRESS.match(source) else Path(source).name
    wanted = Wanted(name, address, only, tags, header, url)
    converted, path = await make(content, wanted, folder, replace=replace)
    if as_json:
        print_json(shown(converted, path))
    else:
        _show(converted, path)


def _read(source: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise SettingsError(f"{source} cannot be read: {error.strerror}") from None


def _show(converted: Converted, path: Path) -> None:
    click.echo(f"{path}: the connector {converted.name} with {_counted(len(converted.actions), 'action')}")
    for action in converted.actions[:MOST_SHOWN]:
        click.echo(f"  {converted.name}.{action}")
    _more(len(converted.actions))
    if converted.skipped:
        click.echo(f"{_counted(len(converted.skipped), 'operation')} could not be converted:")
        for operation, reason in converted.skipped[:MOST_SHOWN]:
            click.echo(f"  {printable(operation)}: {printable(reason)}")
        _more(len(converted.skipped))
    for one in converted.notes:
        note(printable(one))
    for kind in converted.kinds[:1]:
        note(f"Next: hookline connections set {converted.name.replace('_', '-')} --kind {kind}")
    note(f"Its inputs and outputs: hookline actions {converted.name}")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _more(count: int) -> None:
    if count > MOST_SHOWN:
        click.echo(f"  and {count - MOST_SHOWN:,} more")

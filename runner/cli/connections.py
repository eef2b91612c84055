"""`hookline connections`: accounts at services; secret fields only go in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option
from runner.cli.showing import note, print_json, print_list, say_changed
from runner.errors import ActionError, NotFound, SettingsError
from runner.values import Json, loads

if TYPE_CHECKING:
    from runner.connector import Connection

TEST_SECONDS = 30.0


@click.group(epilog=example("hookline connections set team-slack --kind slack"))
def connections() -> None:
    """The connections that workflows name: accounts at services, encrypted at rest."""


@connections.command("set", epilog=example("hookline connections set mail --kind smtp < fields.json"))
@click.argument("name")
@click.option("--kind", required=True, help="Of which kind; see: hookline connections kinds")
@data_options
@json_option
@asynchronous
async def set_(place: Place, name: str, kind: str, as_json: bool) -> None:
    """Keep a connection; its fields are read from stdin as one JSON object, or asked for."""
    import connectors

    model = connectors.connection_model(kind)
    if model is None:
        known = ", ".join(one["kind"] for one in connectors.described_kinds())
        raise SettingsError(f'there is no connection of kind "{kind}"; there are {known}')
    fields = _fields(model)
    async with place.opened(may_make=True) as rooms:
        await rooms.vault.set_connection(name, {**fields, "kind": kind})
    way_on = f"The connection {name} is kept; try it: hookline connections test {name}"
    say_changed(name, way_on, as_json=as_json)


@connections.command("list", epilog=example("hookline connections list"))
@data_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool) -> None:
    """List the connections and their kinds."""
    async with place.opened() as rooms:
        kinds = sorted(rooms.vault.connection_kinds().items())
    page = {"items": [{"name": name, "kind": kind} for name, kind in kinds], "next": None}
    if as_json:
        print_json(page)
    else:
        print_list(page, ("NAME", "KIND"), kinds)


@connections.command(epilog=example("hookline connections delete team-slack"))
@click.argument("name")
@data_options
@json_option
@asynchronous
async def delete(place: Place, name: str, as_json: bool) -> None:
    """Forget a connection."""
    async with place.opened() as rooms:
        if not await rooms.vault.delete_connection(name):
            raise NotFound(_no_connection(name))
    say_changed(name, f"The connection {name} is deleted.", as_json=as_json)


@connections.command(epilog=example("hookline connections test team-slack"))
@click.argument("name")
@data_options
@json_option
@asynchronous
async def test(place: Place, name: str, as_json: bool) -> None:
    """Try a connection by the same way as sending; exit status 1 if it does not work."""
    from runner.cli.running import open_tools
    from runner.engine.calls import test_connection

    async with place.opened() as rooms:
        connection = rooms.vault.open_connection(name)
        if connection is None:
            raise NotFound(_no_connection(name))
        async with open_tools(rooms, on_answer=lambda _run, _answer: None) as tools:
            try:
                said, works = await test_connection(tools, connection, timeout_seconds=TEST_SECONDS), True
            except ActionError as error:
                if not as_json:
                    raise
                said, works = str(error), False
    if as_json:
        print_json({"name": name, "works": works, "said": said})
    else:
        click.echo(said)
    if not works:
        raise click.exceptions.Exit(1)


@connections.command(epilog=example("hookline connections kinds"))
@json_option
def kinds(as_json: bool) -> None:
    """Show the kinds of connections and their fields."""
    import connectors
    from runner.cli.actions import show_fields

    found = connectors.described_kinds()
    if as_json:
        print_json({"items": found, "next": None})
        return
    for one in found:
        click.secho(one["kind"], bold=True, nl=False)
        click.echo(f"  {one['summary'].splitlines()[0] if one['summary'] else ''}")
        show_fields(one["fields"])
        click.echo()


def _no_connection(name: str) -> str:
    return f"there is no connection {name}; `hookline connections list` shows those there are"


def _fields(model: type[Connection]) -> dict[str, Json]:
    """The connection's fields: asked for one by one on a terminal, else one JSON object on stdin."""
    if sys.stdin.isatty():
        return _asked(model)
    try:
        fields = loads(sys.stdin.buffer.read())
    except ValueError:  # never quoted: it holds the credentials
        fields = None
    if not isinstance(fields, dict):
        raise SettingsError('stdin holds no JSON object; write for example {"token": "…"}')
    return fields


def _asked(model: type[Connection]) -> dict[str, Json]:
    schema = model.model_json_schema()
    asked: dict[str, Json] = {}
    for name, field in schema.get("properties", {}).items():
        if field.get("description"):
            note(f"{name}: {field['description']}")
        is_needed = name in schema.get("required", ())
        text = click.prompt(
            name if is_needed else f"{name} (may be empty)",
            default=None if is_needed else "",
            hide_input="password"
            in (field.get("format"), *(one.get("format") for one in field.get("anyOf", ()))),
            show_default=False,
            err=True,
        )
        if text != "":
            asked[name] = text
    return asked

"""`hookline connections`: accounts at services; secret fields only go in."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options import (
    Place,
    ask_server,
    asynchronous,
    example,
    json_option,
    person,
    server_option,
    server_options,
    workflows_option,
)
from runner.cli.showing import note, print_json, print_list, say_changed
from runner.errors import NotFound, Rejected, SettingsError
from runner.values import Json, dumps, loads

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms
    from runner.engine.connecting import Connections

MORE = ("is_fixed", "used_by", "values", "fields", "shared_with")  # what the API says of one besides


@click.group(epilog=example("hookline connections set team-slack --kind slack"))
def connections() -> None:
    """The connections that workflows name: accounts at services, encrypted at rest."""


@connections.command("set", epilog=example("hookline connections set mail --kind smtp < fields.json"))
@click.argument("name", required=False)
@click.option("--kind", help="Of which kind; see: hookline connections kinds")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="The day on which it ends, if it does.")
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="All of a file that `connections export` made; with NAME that one alone.",
)
@workflows_option
@server_options
@json_option
@asynchronous
async def set_(
    place: Place,
    name: str | None,
    kind: str | None,
    expires: datetime | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Keep a connection; its fields are read from stdin as one JSON object, or asked for."""
    if file is not None:
        await _set_from(place, file, name, as_json=as_json)
        return
    if name is None or kind is None:
        raise SettingsError("give a NAME and its --kind, or a file with --from")
    await _set_one(place, name, kind, expires, as_json=as_json)


async def _set_one(place: Place, name: str, kind: str, expires: datetime | None, *, as_json: bool) -> None:
    from connectors.shelf import Shelf
    from runner.cli.house import signed
    from runner.connector import OAuthConnection

    ends_at = None if expires is None else expires.replace(tzinfo=UTC).timestamp()

    def schema(kinds: list[Json]) -> Json:
        """That of the fields; the kinds are those of whoever is asked."""
        found = [one["fields"] for one in kinds if one["kind"] == kind]
        if not found:
            known = ", ".join(one["kind"] for one in kinds)
            raise SettingsError(f'there is no connection of kind "{kind}"; there are {known}')
        return found[0]

    async def near(rooms: Rooms, fields: Json) -> bool:
        await rooms.vault.set_connection(name, {**fields, "kind": kind}, ends_at=ends_at)
        await signed(rooms, "connection", name, kind=kind)
        waits = rooms.vault.open_connection(name)
        return isinstance(waits, OAuthConnection) and waits.waits_for_a_person()

    async def far(api: Api) -> bool:
        kinds = (await api.get("connection-kinds"))["items"]
        fields = _fields(schema(kinds))
        found = await api.put("connections", name, kind=kind, fields=fields, expires=ends_at)
        return bool(found["state"] == "unconnected")

    if place.server is None:
        fields = _fields(schema(Shelf(place.workflows).described_kinds()))
        is_waiting = await place.ask(lambda rooms: near(rooms, fields), far, may_make=True)
    else:
        is_waiting = await ask_server(place.server, far)
    way_on = "connect" if is_waiting else "test"
    say_changed(
        name, f"The connection {name} is kept; go on: hookline connections {way_on} {name}", as_json=as_json
    )


async def _set_from(place: Place, file: Path, name: str | None, *, as_json: bool) -> None:
    """
    Keep the connections of *file*, or that called *name* alone: all or, where one is wrong, none; a server
    elsewhere keeps those that stand before the wrong one.
    """
    from runner.cli.exporting import read_connections
    from runner.cli.house import signed

    found = read_connections(file)
    if name is not None:
        if name not in found:
            raise NotFound(f"{file} has no connection {name}; it has {', '.join(found)}")
        found = {name: found[name]}

    async def near(rooms: Rooms) -> None:
        faults = []
        for one, fields in found.items():
            try:
                rooms.vault.check_connection(one, fields)
            except SettingsError as fault:
                faults.append(str(fault))
        if faults:
            raise SettingsError("\n".join(faults))
        for one, fields in found.items():
            await rooms.vault.set_connection(one, fields)
            await signed(rooms, "connection", one)

    async def far(api: Api) -> None:
        for one, fields in found.items():
            given = {field: value for field, value in fields.items() if field != "kind"}
            await api.put("connections", one, kind=fields["kind"], fields=given)

    await place.ask(near, far, may_make=True)
    say_changed(name or str(file), f"Kept: {', '.join(found)}", as_json=as_json)


@connections.command("list", epilog=example("hookline connections list"))
@workflows_option
@server_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool) -> None:
    """List the connections, their kinds, and how each stands."""
    from runner.engine.connecting import shown_connection
    from runner.engine.custody import signature_of

    async def near(rooms: Rooms) -> list[Json]:
        names = sorted(rooms.vault.connection_kinds())
        return [
            {
                **shown_connection(rooms.vault, name, time.time()),
                **signature_of(rooms.vault.signed("connection", name)),
            }
            for name in names
        ]

    async def far(api: Api) -> list[Json]:
        found = await api.get("connections")
        return [{name: value for name, value in one.items() if name not in MORE} for one in found["items"]]

    items = await place.ask(near, far)
    page = {"items": items, "next": None}
    if as_json:
        print_json(page)
    else:
        rows = [(one["name"], one["kind"], one["sentence"]) for one in items]
        print_list(page, ("NAME", "KIND", "STATE"), rows)


@connections.command(epilog=example("hookline connections delete team-slack"))
@click.argument("name")
@workflows_option
@server_options
@json_option
@asynchronous
async def delete(place: Place, name: str, as_json: bool) -> None:
    """Forget a connection."""
    from runner.cli.house import noted

    async def near(rooms: Rooms) -> None:
        if not await rooms.vault.delete_connection(name):
            raise NotFound(_no_connection(name))
        await noted(rooms, "deleted", "connection", name)

    await place.ask(near, lambda api: api.delete("connections", name))
    say_changed(name, f"The connection {name} is deleted.", as_json=as_json)


@connections.command(epilog=example("hookline connections test team-slack"))
@click.argument("name")
@workflows_option
@server_options
@json_option
@asynchronous
async def test(place: Place, name: str, as_json: bool) -> None:
    """Try a connection by the same way as sending; exit status 1 if it does not work."""
    found = await place.ask(
        _with_tools(lambda asked: asked.test(name)), lambda api: api.post("connections", name, "test")
    )
    if as_json:
        print_json(found)
    elif found["works"]:
        click.echo(found["said"])
    else:
        raise Rejected(found["said"])
    if not found["works"]:
        raise click.exceptions.Exit(1)


@connections.command(epilog=example("hookline connections choices team-slack slack.post_message.channel"))
@click.argument("name")
@click.argument("what", metavar="ACTION.INPUT")
@click.option("--search", metavar="TEXT", help="Only what has this in its label.")
@click.option("--given", metavar="JSON", help="The inputs that are filled in already, as an object.")
@click.option("--cursor", help="Go on where a portion ended: its `next`.")
@workflows_option
@server_options
@json_option
@asynchronous
async def choices(
    place: Place,
    name: str,
    what: str,
    search: str | None,
    given: str | None,
    cursor: str | None,
    as_json: bool,
) -> None:
    """List what a service offers for an input: channels, boards, columns."""
    action, _, wanted = what.rpartition(".")
    if "." not in action:
        raise SettingsError(f'"{what}" names no input; write for example slack.post_message.channel')
    filled = _object(given)
    found = await place.ask(
        _with_tools(
            lambda asked: asked.choices(name, action, wanted, given=filled, search=search, cursor=cursor)
        ),
        lambda api: api.post(
            "connections", name, "choices",
            action=action, input=wanted, given=filled, search=search, cursor=cursor,
        ),
    )  # fmt: skip
    if as_json:
        print_json(found)
    else:
        rows = [(_word(one["value"]), one["label"], one["note"]) for one in found["items"]]
        print_list(found, ("VALUE", "LABEL", "NOTE"), rows)


@connections.command(epilog=example("hookline connections connect crm"))
@click.argument("name")
@workflows_option
@server_options
@json_option
@asynchronous
async def connect(place: Place, name: str, as_json: bool) -> None:
    """
    Print the address at which a person allows a connection (OAuth), in a browser.

    The server must be running: the service sends the person back to it.
    """
    begun = await place.ask(
        _with_tools(lambda asked: asked.connect(name, by=person())),
        lambda api: api.post("connections", name, "connect"),
    )
    if as_json:
        print_json(begun)
        return
    note(
        "Open this address in a browser within ten minutes, with the server running; the app at the "
        f"service has to allow {begun['callback']} as its redirect address:"
    )
    click.echo(begun["url"])


@connections.command(epilog=example("hookline connections export > connections.toml"))
@click.option("--plain", is_flag=True, help="With the values of fields that are no secrets.")
@workflows_option
@server_options
@json_option
@asynchronous
async def export(place: Place, plain: bool, as_json: bool) -> None:
    """
    Print all connections without their values, so that another server can be set up alike.

    Fill in what is left empty, then: hookline connections set --from FILE
    """
    from runner.cli.exporting import exported, exported_far, toml_of

    async def near(rooms: Rooms) -> list[Json]:
        return exported(rooms.vault, plain=plain)

    async def far(api: Api) -> list[Json]:
        return exported_far((await api.get("connections"))["items"], plain=plain)

    found = await place.ask(near, far)
    if as_json:
        print_json({"items": found, "next": None})
    else:
        click.echo(toml_of(found), nl=False)


@connections.command(epilog=example("hookline connections kinds"))
@workflows_option
@server_option
@json_option
@asynchronous
async def kinds(workflows: Path, server: str | None, as_json: bool) -> None:
    """Show the kinds of connections and their fields."""
    from connectors.shelf import Shelf
    from runner.cli.actions import show_fields

    if server is None:
        found = Shelf(workflows).described_kinds()
    else:
        found = (await ask_server(server, lambda api: api.get("connection-kinds")))["items"]
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


def _with_tools(ask: Callable[[Connections], Awaitable[Json]]) -> Callable[[Rooms], Awaitable[Json]]:
    """What *ask* gives of the connections here, with the way out that they are tried with."""

    async def near(rooms: Rooms) -> Json:
        from runner.cli.connecting import connections_of
        from runner.cli.running import open_tools

        async with open_tools(rooms, on_answer=lambda _run, _answer: None) as tools:
            return await ask(connections_of(rooms, tools))

    return near


def _object(text: str | None) -> dict[str, Json]:
    if text is None:
        return {}
    try:
        value = loads(text.encode())
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise SettingsError('--given is no JSON object; write for example {"base": "app1"}')
    return value


def _word(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value)


def _fields(schema: Json) -> dict[str, Json]:
    """The connection's fields: asked for one by one on a terminal, else one JSON object on stdin."""
    if sys.stdin.isatty():
        return _asked(schema)
    try:
        fields = loads(sys.stdin.buffer.read())
    except ValueError:  # never quoted: it holds the credentials
        fields = None
    if not isinstance(fields, dict):
        raise SettingsError('stdin holds no JSON object; write for example {"token": "…"}')
    return fields


def _asked(schema: Json) -> dict[str, Json]:
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

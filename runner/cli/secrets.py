"""`hookline secrets`: names are shown, values only go in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, example, json_option, server_options
from runner.cli.showing import print_json, print_list, say_changed
from runner.errors import NotFound, SettingsError
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms

SHOWN = ("name", "hosts", "set_at", "by")


@click.group(epilog=example("hookline secrets set SHOPIFY_SECRET"))
def secrets() -> None:
    """The secrets that workflows name, encrypted at rest."""


@secrets.command("set", epilog=example("hookline secrets set SHOPIFY_SECRET < secret.txt"))
@click.argument("name")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    help="Where an action may send it: api.example.com or *.example.com; again for more.",
)
@click.option("--any-host", is_flag=True, help="Any action may send it anywhere again.")
@server_options
@json_option
@asynchronous
async def set_(place: Place, name: str, hosts: tuple[str, ...], any_host: bool, as_json: bool) -> None:
    """
    Keep a secret; its value is read from stdin, or asked for.

    A line break at its end does not belong to it. The hosts that were named before stay, unless others
    are named now.
    """
    if hosts and any_host:
        raise SettingsError("--host and --any-host contradict each other")
    from runner.cli.house import signed

    value = _value(name)
    bounds = hosts if hosts or any_host else None

    async def near(rooms: Rooms) -> None:
        await rooms.vault.set_secret(name, value, hosts=bounds)
        await signed(rooms, "secret", name, **({"hosts": list(hosts)} if hosts else {}))

    async def far(api: Api) -> None:
        if not value:
            raise SettingsError(f"the secret {name} is empty")
        await api.put("secrets", name, value=value, hosts=None if bounds is None else list(bounds))

    await place.ask(near, far, may_make=True)
    say_changed(name, f"The secret {name} is kept.", as_json=as_json)


@secrets.command("list", epilog=example("hookline secrets list"))
@server_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool) -> None:
    """List the names of the secrets, and the hosts that they may go to."""
    from runner.engine.custody import signature_of

    async def near(rooms: Rooms) -> list[Json]:
        bounds = rooms.vault.bounds()
        return [
            {
                "name": name,
                "hosts": list(bounds[name]) if name in bounds else None,
                **signature_of(rooms.vault.signed("secret", name)),
            }
            for name in sorted(rooms.vault.secrets())
        ]

    async def far(api: Api) -> list[Json]:
        found = await api.get("secrets")
        return [{name: one[name] for name in SHOWN} for one in found["items"] if one["is_set"]]

    items = await place.ask(near, far)
    page = {"items": items, "next": None}
    if as_json:
        print_json(page)
    else:
        rows = [(one["name"], "any" if one["hosts"] is None else ", ".join(one["hosts"])) for one in items]
        print_list(page, ("NAME", "HOSTS"), rows)


@secrets.command(epilog=example("hookline secrets delete SHOPIFY_SECRET"))
@click.argument("name")
@server_options
@json_option
@asynchronous
async def delete(place: Place, name: str, as_json: bool) -> None:
    """Forget a secret."""
    from runner.cli.house import noted

    async def near(rooms: Rooms) -> None:
        if not await rooms.vault.delete_secret(name):
            raise NotFound(f"there is no secret {name}; `hookline secrets list` shows those there are")
        await noted(rooms, "deleted", "secret", name)

    await place.ask(near, lambda api: api.delete("secrets", name))
    say_changed(name, f"The secret {name} is deleted.", as_json=as_json)


def _value(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {name}", hide_input=True, err=True))
    data = sys.stdin.buffer.read()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise SettingsError(f"the value of {name} is not text (UTF-8)") from None
    return text.removesuffix("\n").removesuffix("\r")

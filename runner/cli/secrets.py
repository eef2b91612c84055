"""`hookline secrets`: names are shown, values only go in."""

from __future__ import annotations

import sys

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option
from runner.cli.showing import print_json, print_list, say_changed
from runner.errors import NotFound, SettingsError


@click.group(epilog=example("hookline secrets set SHOPIFY_SECRET"))
def secrets() -> None:
    """The secrets that workflows name, encrypted at rest."""


@secrets.command("set", epilog=example("hookline secrets set SHOPIFY_SECRET < secret.txt"))
@click.argument("name")
@data_options
@json_option
@asynchronous
async def set_(place: Place, name: str, as_json: bool) -> None:
    """
    Keep a secret; its value is read from stdin, or asked for.

    A line break at its end does not belong to it.
    """
    value = _value(name)
    async with place.opened(may_make=True) as rooms:
        await rooms.vault.set_secret(name, value)
    say_changed(name, f"The secret {name} is kept.", as_json=as_json)


@secrets.command("list", epilog=example("hookline secrets list"))
@data_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool) -> None:
    """List the names of the secrets."""
    async with place.opened() as rooms:
        names = sorted(rooms.vault.secrets())
    page = {"items": [{"name": name} for name in names], "next": None}
    if as_json:
        print_json(page)
    else:
        print_list(page, ("NAME",), [(name,) for name in names])


@secrets.command(epilog=example("hookline secrets delete SHOPIFY_SECRET"))
@click.argument("name")
@data_options
@json_option
@asynchronous
async def delete(place: Place, name: str, as_json: bool) -> None:
    """Forget a secret."""
    async with place.opened() as rooms:
        if not await rooms.vault.delete_secret(name):
            raise NotFound(f"there is no secret {name}; `hookline secrets list` shows those there are")
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

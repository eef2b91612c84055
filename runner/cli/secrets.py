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
@click.option(
    "--host",
    "hosts",
    multiple=True,
    help="Where an action may send it: api.example.com or *.example.com; again for more.",
)
@click.option("--any-host", is_flag=True, help="Any action may send it anywhere again.")
@data_options
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
    async with place.opened(may_make=True) as rooms:
        await rooms.vault.set_secret(name, value, hosts=hosts if hosts or any_host else None)
        await signed(rooms, "secret", name, **({"hosts": list(hosts)} if hosts else {}))
    say_changed(name, f"The secret {name} is kept.", as_json=as_json)


@secrets.command("list", epilog=example("hookline secrets list"))
@data_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool) -> None:
    """List the names of the secrets, and the hosts that they may go to."""
    from runner.engine.custody import signature_of

    async with place.opened() as rooms:
        names = sorted(rooms.vault.secrets())
        bounds = rooms.vault.bounds()
        signatures = {name: signature_of(rooms.vault.signed("secret", name)) for name in names}
    items = [
        {"name": name, "hosts": list(bounds[name]) if name in bounds else None, **signatures[name]}
        for name in names
    ]
    page = {"items": items, "next": None}
    if as_json:
        print_json(page)
    else:
        rows = [(name, ", ".join(bounds.get(name, ("any",)))) for name in names]
        print_list(page, ("NAME", "HOSTS"), rows)


@secrets.command(epilog=example("hookline secrets delete SHOPIFY_SECRET"))
@click.argument("name")
@data_options
@json_option
@asynchronous
async def delete(place: Place, name: str, as_json: bool) -> None:
    """Forget a secret."""
    from runner.cli.house import noted

    async with place.opened() as rooms:
        if not await rooms.vault.delete_secret(name):
            raise NotFound(f"there is no secret {name}; `hookline secrets list` shows those there are")
        await noted(rooms, "deleted", "secret", name)
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

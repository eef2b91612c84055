"""`hookline user`: API tokens and sign-in links."""

from __future__ import annotations

import time
from typing import cast, get_args

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option
from runner.cli.showing import moment, note, print_json, print_list
from runner.engine.history import Role
from runner.values import iso

DAY_SECONDS = 86400.0


@click.group(epilog=example("hookline user link"))
def user() -> None:
    """People: API tokens and sign-in links."""


@user.command(epilog=example("hookline user token --name deploy --role editor --days 90"))
@click.option("--name", default="command line", show_default=True, help="What it is for, as lists show it.")
@click.option(
    "--role",
    type=click.Choice(get_args(Role)),
    default="admin",
    show_default=True,
    help="What its holder may do.",
)
@click.option(
    "--days", type=click.FloatRange(min=0, min_open=True), help="How long it is valid; default: always."
)
@data_options
@json_option
@asynchronous
async def token(place: Place, name: str, role: str, days: float | None, as_json: bool) -> None:
    """
    Make an API token and print it alone on stdout.

    It is shown this once: only its digest is kept. Programs send it as `Authorization: Bearer`.
    """
    seconds = days * DAY_SECONDS if days else None
    async with place.opened(may_make=True) as rooms:
        now = time.time()
        made = await rooms.people.issue("api", name=name, role=cast("Role", role), seconds=seconds)
    if as_json:
        ends = iso(now + seconds) if seconds else None
        print_json({"token": made, "name": name, "role": role, "expires_at": ends})
    else:
        click.echo(made)


@user.command("list", epilog=example("hookline user list"))
@data_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool) -> None:
    """List the API tokens, never their text."""
    async with place.opened() as rooms:
        tokens = await rooms.people.tokens()
    page = {"items": tokens, "next": None}
    if as_json:
        print_json(page)
        return
    rows = [
        (one["name"], one["role"], moment(one["created_at"]), moment(one["expires_at"]) or "never")
        for one in tokens
    ]
    print_list(page, ("NAME", "ROLE", "MADE", "ENDS"), rows)


@user.command(epilog=example("hookline user link"))
@data_options
@json_option
@asynchronous
async def link(place: Place, as_json: bool) -> None:
    """Print a new sign-in link for an administrator."""
    from runner.cli.house import sign_in_link

    async with place.opened(may_make=True) as rooms:
        address = await sign_in_link(rooms)
    if as_json:
        print_json({"url": address})
    else:
        click.echo(address)
    note("Open it in a browser: it works once, within a day.")

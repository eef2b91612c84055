"""`hookline url`: where services call a workflow."""

from __future__ import annotations

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option, workflows_option
from runner.cli.showing import note, print_json
from runner.errors import HooklineError, SettingsError


@click.command(epilog=example("hookline url order-alerts"))
@click.argument("slug")
@click.option("--rotate", is_flag=True, help="Change the address first; the old one answers no more.")
@click.option("--keep", hidden=True)
@click.option("--also", hidden=True)
@workflows_option
@data_options
@json_option
@asynchronous
async def url(
    place: Place,
    slug: str,
    rotate: bool,
    keep: str | None,
    also: str | None,
    as_json: bool,
) -> None:
    """Print the inbound address of a workflow, alone on stdout."""
    for flag, value in (("--keep", keep), ("--also", also)):
        if value is not None:
            raise SettingsError(f"{flag} is not in this version; a workflow has one address at a time")
    from runner.cli.house import live_workflow

    async with place.opened(may_make=True) as rooms:
        live = await live_workflow(rooms.library, slug)
        if live.workflow.webhook is None:
            raise HooklineError(f"{slug} has no webhook, and so no address")
        if rotate:
            await rooms.store.rotate(slug)
            await rooms.library.refresh_address(slug)
            live = rooms.library.get(slug) or live
        address = rooms.url_of(live.token)
    if as_json:
        print_json({"workflow": slug, "url": address})
    else:
        click.echo(address)
    if rotate:
        note("Set this address at the service that sends: the old one answers no more.")

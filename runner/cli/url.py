"""`hookline url`: where services call a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option, workflows_option
from runner.cli.showing import note, print_json
from runner.errors import HooklineError, SettingsError

if TYPE_CHECKING:
    from runner.cli.house import Rooms


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
    async with place.opened(may_make=True) as rooms:
        hint = await _known(rooms, slug)
        rotation = await (rooms.store.rotate(slug) if rotate else rooms.store.rotation(slug))
        address = rooms.url_of(rooms.token_of(slug, rotation))
    if as_json:
        print_json({"workflow": slug, "url": address})
    else:
        click.echo(address)
    if rotate:
        note("Set this address at the service that sends: the old one answers no more.")
    if hint:
        note(hint)


async def _known(rooms: Rooms, slug: str) -> str:
    """
    What is to be said of the address of *slug*, which follows from its name and so needs no good file.

    Raises:
        HooklineError: no version of it was ever good, or it has no webhook.
    """
    from runner.cli.house import live_workflow

    hint = f"The file of {slug} is missing or has faults now; see: hookline check"
    try:
        live = await live_workflow(rooms.library, slug)
    except HooklineError:
        if await rooms.store.newest_version(slug) is None:
            raise
        return hint
    if live.workflow.webhook is None:
        raise HooklineError(f"{slug} has no webhook, and so no address")
    has_faults = any(fault.severity == "error" for fault in rooms.library.faults.get(slug, ()))
    return hint if has_faults else ""

"""`hookline url`: where services call a workflow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, example, json_option, server_options, workflows_option
from runner.cli.pause import Duration
from runner.cli.showing import moment, note, print_json
from runner.errors import HooklineError, SettingsError
from runner.values import Json, iso

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms


@click.command(
    epilog=example(
        "hookline url order-alerts",
        "hookline url order-alerts --rotate --keep 7d",
        "hookline url order-alerts --also /webhook/orders",
        "hookline url feedback --form",
    )
)
@click.argument("slug")
@click.option("--rotate", is_flag=True, help="Change the address first.")
@click.option(
    "--keep",
    type=Duration(),
    metavar="TIME",
    help="With --rotate: how long the old one answers as well (7d).",
)
@click.option("--also", metavar="PATH", help="Answer at exactly this path too, such as /webhook/orders.")
@click.option("--not-at", metavar="PATH", help="Answer at this path no more.")
@click.option("--form", is_flag=True, help="Print the address of its public form instead.")
@workflows_option
@server_options
@json_option
@asynchronous
async def url(
    place: Place,
    slug: str,
    rotate: bool,
    keep: float | None,
    also: str | None,
    not_at: str | None,
    form: bool,
    as_json: bool,
) -> None:
    """Print the inbound address of a workflow, alone on stdout."""
    from runner.cli.house import noted

    if keep is not None and not rotate:
        raise SettingsError("--keep says how long the old address answers; it goes with --rotate")

    async def near(rooms: Rooms) -> Json:
        found = await addressed(rooms, slug, rotate=rotate, keep=keep, also=also, not_at=not_at)
        if rotate:
            await noted(rooms, "changed the address of", "workflow", slug)
        return found

    async def far(api: Api) -> Json:
        if not rotate and also is None and not_at is None:
            return await api.get("workflows", slug, "addresses")
        kept = None if keep is None else f"{keep:g}s"
        return await api.post(
            "workflows", slug, "addresses", rotate=rotate or None, keep=kept, also=also, not_at=not_at
        )

    found = await place.ask(near, far, may_make=True)
    addresses = found["addresses"]
    if form and not any(one["kind"] == "form" for one in addresses):
        raise HooklineError(f"{slug} has no public form: `manual: {{public: true}}` gives it one")
    if form:
        addresses.sort(key=lambda one: one["kind"] != "form")
    if as_json:
        print_json({**found, "url": addresses[0]["url"]})
    else:
        click.echo(addresses[0]["url"])
    for hint in found["warnings"]:
        note(hint)
    if len(addresses) > 1 and not as_json and not form:
        note(f"It answers at {len(addresses) - 1} more: hookline url {slug} --json")


async def addressed(
    rooms: Rooms,
    slug: str,
    *,
    rotate: bool = False,
    keep: float | None = None,
    also: str | None = None,
    not_at: str | None = None,
) -> Json:
    """
    Where *slug* is called, after what is to be changed of it: `{workflow, url, addresses, warnings}`. *keep*:
    how many seconds the old address answers after *rotate*.

    Raises:
        SettingsError: no workflow can answer there. MoveRefused, NotFound, StoreUnavailable.
        HooklineError: there is no such workflow, or it has no address.
    """
    hints = [await _known(rooms, slug)]
    if also is not None:
        hints.append(await _add_path(rooms, slug, also))
    if not_at is not None:
        await rooms.addresses.drop_path(slug, not_at)
    if rotate:
        until = time.time() + keep if keep is not None else None
        await rooms.addresses.rotate(slug, keep_until=until)
        hints.append(_rotated(until))
    rooms.library.book.update(await rooms.addresses.all())
    addresses = _addresses(rooms, slug)
    warnings = [one for one in hints if one]
    return {"workflow": slug, "url": addresses[0]["url"], "addresses": addresses, "warnings": warnings}


async def _add_path(rooms: Rooms, slug: str, path: str) -> str:
    """
    Let it answer there; what is to be said of it.

    Raises:
        SettingsError: no workflow can answer there.
        MoveRefused: another one does.
    """
    from runner.cli.door import open_door
    from runner.cli.pages import own_names_of
    from runner.engine.address import HOOKS, PLANNED, can_be_guessed, check_path

    own = rooms.library.reserved  # of a server that runs
    if not own:
        async with open_door(rooms) as door:
            own = own_names_of(rooms, door)
    try:
        check_path(path, own=frozenset(own) | PLANNED)
    except ValueError as error:
        raise SettingsError(f"--also: {error}") from None
    owner = rooms.library.book.owner(path.removeprefix(HOOKS).split("/")[0])
    if path.startswith(HOOKS) and owner is not None:
        raise SettingsError(f"--also: {path} is an address of the workflow {owner} already")
    await rooms.addresses.add_path(slug, path)
    live = rooms.library.get(slug)
    verifies = live is not None and live.workflow.webhook and live.workflow.webhook.verification
    if verifies or not can_be_guessed(path):
        return ""
    return (
        f"{path} can be guessed, and {slug} verifies nobody: whoever finds it starts runs. "
        "`verify` in its webhook asks senders to prove who they are."
    )


def _addresses(rooms: Rooms, slug: str) -> list[Json]:
    """Its own address first, then its public form's, then those that are kept, then paths."""
    book = rooms.library.book
    live = rooms.library.get(slug)
    manual = live.workflow.manual if live else None
    found: list[Json] = []
    if live is None or live.workflow.webhook is not None:
        found.append({"url": rooms.url_of(book.token(slug)), "kind": "own", "until": None})
    if manual and manual.is_public:
        form_url = f"{rooms.settings.address}/forms/{rooms.form_token_of(book.token(slug))}"
        found.append({"url": form_url, "kind": "form", "until": None})
    found += [
        {"url": rooms.url_of(token), "kind": "kept", "until": iso(until)}
        for token, until in book.kept(slug, time.time())
    ]
    reach = book.reaches.get(slug)
    found += [
        {"url": f"{rooms.settings.address}{path}", "kind": "path", "until": None}
        for path in (reach.paths if reach else ())
    ]
    return found


def _rotated(until: float | None) -> str:
    if until is None:
        return "Set this address at the service that sends: the old one answers no more."
    return f"Set this address at the service that sends: the old one answers until {moment(iso(until))} UTC."


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
    manual = live.workflow.manual
    if live.workflow.webhook is None and not (manual and manual.is_public):
        raise HooklineError(f"{slug} has neither a webhook nor a public form, and so no address")
    has_faults = any(fault.severity == "error" for fault in rooms.library.faults.get(slug, ()))
    return hint if has_faults else ""

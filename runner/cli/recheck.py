"""`hookline events recheck`: refused requests are judged again with the secrets of today."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from runner.cli.options import (
    Place,
    When,
    asynchronous,
    example,
    json_option,
    server_options,
    workflows_option,
)
from runner.cli.showing import note, print_json, printable
from runner.values import Json, iso

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms
    from runner.engine.accept import Door
    from runner.engine.rechecking import Rechecked

WORDS = {
    "accepted": "accepted",
    "duplicate": "duplicate",
    "ignored": "ignored",
    "dropped": "dropped",
    "held": "held",
    "rejected": "refused still",
    "unjudged": "cannot be judged again",
}


@click.command(epilog=example("hookline events recheck order-alerts --since 2d"))
@click.argument("slug", required=False)
@click.option("--since", type=When(), help="Only received from then on: 2h, 7d, a date or a time.")
@workflows_option
@server_options
@json_option
@asynchronous
async def recheck(place: Place, slug: str | None, since: float | None, as_json: bool) -> None:
    """
    Judge refused and held requests again with the secrets of today.

    Those that pass are accepted, each once: of the workflow SLUG, or of all. Requests whose body was
    refused unread cannot be judged again. Exit status 1 if any is refused still.
    """
    from runner.cli.door import open_door
    from runner.cli.house import live_workflow, noted

    async def near(rooms: Rooms) -> tuple[list[Json], bool]:
        await rooms.library.reload()
        if slug is not None:
            await live_workflow(rooms.library, slug)
        async with open_door(rooms) as door:
            done = await rechecked(rooms, door, slug, since)
        accepted = sum(one.counts["accepted"] for one in done)
        await noted(rooms, "rechecked", "workflow", slug or "all", accepted=accepted)
        return [one.as_json() for one in done], bool(await rooms.store.living())

    async def far(api: Api) -> tuple[list[Json], bool]:
        found = await api.post("events", "recheck", workflow=slug, since=iso(since))
        return found["items"], True

    done, is_served = await place.ask(near, far)
    if as_json:
        print_json({"items": done, "next": None})
    else:
        _show(done)
    if any(one["backlog_full"] for one in done):
        note("The backlog is full, so some were left; do it again when runs have ended.")
    if any(one["accepted"] for one in done) and not is_served:
        note("No server runs on this data now; their runs begin when one does: hookline serve")
    if any(one["rejected"] for one in done):
        raise click.exceptions.Exit(1)


async def rechecked(
    rooms: Rooms, door: Door, slug: str | None, since: float | None, *, unjudged_alone: bool = False
) -> list[Rechecked]:
    """
    Judge what was refused of the workflow *slug*, or of all, again; of one, *unjudged_alone* or not.

    Raises:
        NotFound: there is no such workflow.
        StoreUnavailable: what was done before stands.
    """
    from runner.cli.late import open_keys
    from runner.engine.examining import Examiner
    from runner.engine.rechecking import Rechecker
    from runner.store.rechecking import StoredRechecks

    async with open_keys(rooms.settings) as keys:
        rechecker = Rechecker(
            door=door,
            rechecks=StoredRechecks(rooms.store, time.time),
            library=rooms.library,
            examiner=Examiner(rooms.safe.secrets, keys),
            public_url=rooms.settings.address,
        )
        if slug is None:
            return await rechecker.recheck_all(since=since)
        return [await rechecker.recheck(slug, since=since, unjudged_alone=unjudged_alone)]


def _show(done: list[Json]) -> None:
    found = [one for one in done if any(one[name] for name in WORDS)]
    if not found:
        note("Nothing is refused.")
    for one in found:
        counted = [f"{one[name]} {word}" for name, word in WORDS.items() if one[name]]
        click.echo(f"{one['workflow']}: {', '.join(counted)}")
        for each in one["reasons"][:5]:
            note(f"  {each['count']}: {printable(each['reason'])}")

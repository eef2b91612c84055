"""`hookline events release`: held events get their runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, example, json_option, server_options, workflows_option
from runner.cli.showing import note, print_json, printable
from runner.errors import HooklineError, LanguageError, MoveRefused, NotFound
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms
    from runner.engine.accept import Door
    from runner.engine.library import Live

ID_LENGTH = 26  # of an event's id; a slug of that length is looked for among the workflows first


@click.command(epilog=example("hookline events release order-alerts"))
@click.argument("names", metavar="SLUG or ID...", nargs=-1, required=True)
@workflows_option
@server_options
@json_option
@asynchronous
async def release(place: Place, names: tuple[str, ...], as_json: bool) -> None:
    """
    Release held events: all of a workflow in their order, or single ones.

    Each gets its run on the version of the workflow that is live now, also where the workflow is
    paused or disabled still.
    """
    from runner.cli.door import open_door
    from runner.cli.house import noted

    async def near(rooms: Rooms) -> tuple[list[Json], bool, bool]:
        await rooms.library.reload()
        async with open_door(rooms) as door:

            async def one(name: str) -> int:
                count = await _release(rooms, door, name)
                await noted(rooms, "released", "workflow", name, events=count)
                return count

            done = await _each(names, one)
            is_full = rooms.store.backlog >= door.backlog_limit
        return done, is_full, bool(await rooms.store.living())

    async def far(api: Api) -> tuple[list[Json], bool, bool]:
        known = {one["slug"] for one in (await api.get("workflows"))["items"]}
        full = []

        async def one(name: str) -> int:
            if name not in known and len(name) == ID_LENGTH:
                await api.post("events", name, "release")
                return 1
            found = await api.post("workflows", name, "release")
            full.append(found["backlog_full"])
            return _said(name, found)

        return await _each(names, one), any(full), True

    done, is_full, is_served = await place.ask(near, far)
    if as_json:
        print_json({"items": done, "next": None})
    for one in [] if as_json else done:
        count = one["released"]
        click.echo(f"{one['name']}: {count} event{'s' if count != 1 else ''} released")
    if is_full:
        note("The backlog is full, so some may be held still; release again when runs have ended.")
    if done and not is_served:
        note("No server runs on this data now; their runs begin when one does: hookline serve")
    if len(done) < len(names):
        raise click.exceptions.Exit(1)


async def _each(names: tuple[str, ...], release_one: Callable[[str], Awaitable[int]]) -> list[Json]:
    """What was released of each; one that is refused says why and does not stop the others."""
    done: list[Json] = []
    for name in names:
        try:
            done.append({"name": name, "released": await release_one(name)})
        except (NotFound, MoveRefused, LanguageError) as error:
            note(f"hookline: {printable(str(error))}")
    return done


def _said(name: str, done: Json) -> int:
    """How many were released, after saying why others are held."""
    for one in done["reasons"]:
        note(f"{name}: {one['count']} held still: {printable(one['reason'])}")
    return int(done["released"])


async def _release(rooms: Rooms, door: Door, name: str) -> int:
    """How many were released. Raises NotFound, MoveRefused, LanguageError."""
    from runner.cli.house import live_workflow
    from runner.engine.rechecking import is_unjudged
    from runner.engine.release import release as release_events

    if rooms.library.get(name) is None and len(name) == ID_LENGTH and name not in rooms.library.faults:
        event = await rooms.pauses.held_event(name)
        live = await live_workflow(rooms.library, event.workflow)
        if is_unjudged(event):
            raise MoveRefused(
                f"event {name} came before {event.workflow} had a version without faults, so nobody judged "
                f"it yet: hookline events release {event.workflow}"
            )
        return await release_events(door, rooms.pauses, live, [event])
    try:
        live = await live_workflow(rooms.library, name)
    except LanguageError:
        raise
    except HooklineError as error:
        raise NotFound(str(error)) from None
    return _said(name, await released(rooms, door, live))


async def released(rooms: Rooms, door: Door, live: Live) -> Json:
    """
    Let go of all that is held of a workflow, judging what came before it had a version: `{released, held,
    reasons: [{reason, count}], backlog_full}`. Raises StoreUnavailable: what was done before stands.
    """
    from runner.cli.recheck import rechecked
    from runner.engine.release import has_room, release_all

    slug = live.workflow.slug
    count = await release_all(door, rooms.pauses, live)
    (judged,) = await rechecked(rooms, door, slug, None, unjudged_alone=True)
    return {
        "released": count + judged.counts["accepted"],
        "held": await rooms.pauses.count_held(slug),
        "reasons": [{"reason": reason, "count": n} for reason, n in judged.reasons.most_common()],
        "backlog_full": judged.is_full or not has_room(door),
    }

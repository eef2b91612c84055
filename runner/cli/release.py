"""`hookline events release`: held events get their runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, data_options, example, json_option, workflows_option
from runner.cli.showing import note, print_json, printable
from runner.errors import HooklineError, LanguageError, MoveRefused, NotFound
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.engine.accept import Door

ID_LENGTH = 26  # of an event's id; a slug of that length is looked for among the workflows first


@click.command(epilog=example("hookline events release order-alerts"))
@click.argument("names", metavar="SLUG or ID...", nargs=-1, required=True)
@workflows_option
@data_options
@json_option
@asynchronous
async def release(place: Place, names: tuple[str, ...], as_json: bool) -> None:
    """
    Release held events: all of a workflow in their order, or single ones.

    Each gets its run on the version of the workflow that is live now, also where the workflow is
    paused or disabled still.
    """
    from runner.engine.accept import Door
    from runner.engine.answer import Callers
    from runner.evaluator.pool import EvaluatorPool
    from runner.store.nodes import living

    done: list[Json] = []
    async with place.opened() as rooms:
        await rooms.library.reload()
        await rooms.store.ping()  # reads how many runs wait
        limits = rooms.settings.limits
        evaluator = EvaluatorPool(seconds=limits.evaluation_ms / 1000, mebibytes=limits.evaluation_mib)
        door = Door(rooms.store, None, Callers(), evaluator, time.time, limits.backlog)
        try:
            for name in names:
                try:
                    done.append({"name": name, "released": await _release(rooms, door, name)})
                except (NotFound, MoveRefused, LanguageError) as error:
                    note(f"hookline: {printable(str(error))}")
            is_full = rooms.store.backlog >= limits.backlog
        finally:
            await evaluator.close()
        is_served = bool(living(rooms.store.nodes))
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


async def _release(rooms: Rooms, door: Door, name: str) -> int:
    """How many were released. Raises NotFound, MoveRefused, LanguageError."""
    from runner.cli.house import live_workflow
    from runner.engine.release import release as release_events
    from runner.engine.release import release_all

    if rooms.library.get(name) is None and len(name) == ID_LENGTH and name not in rooms.library.faults:
        event = await rooms.pauses.held_event(name)
        live = await live_workflow(rooms.library, event.workflow)
        return await release_events(door, rooms.pauses, live, [event])
    try:
        live = await live_workflow(rooms.library, name)
    except LanguageError:
        raise
    except HooklineError as error:
        raise NotFound(str(error)) from None
    return await release_all(door, rooms.pauses, live)

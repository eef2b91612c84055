"""`hookline events forget`: erase events by what they hold."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import click

from runner.cli.options import (
    Place,
    When,
    asynchronous,
    example,
    json_option,
    server_options,
    where_option,
)
from runner.cli.showing import moment, note, print_json, printable
from runner.errors import SettingsError
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms
    from runner.engine.history import Wanted

PAUSE_SECONDS = 0.1


@click.command(
    epilog=example(
        "hookline events forget --where payload.customer.email=ada@example.com",
        "hookline events forget --where workflow=order-alerts --where before=90d --yes",
    )
)
@where_option("payload.customer.email=ada@example.com", "workflow=…", "id=…", "before=90d")
@click.option("--plan", is_flag=True, help="Only say what it would touch.")
@click.option("--with-open", is_flag=True, help="Cancel runs that have not ended, and forget those too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@server_options
@json_option
@asynchronous
async def forget(
    place: Place, where: tuple[str, ...], plan: bool, with_open: bool, yes: bool, as_json: bool
) -> None:
    """Erase events with their runs, files and delivery keys, so that nothing of them is left on disk."""
    from runner.cli.house import noted
    from runner.engine import forgetting

    wanted = _wanted(where)

    def is_wanted(found: Json) -> bool:
        """Whether it shall be done: what there is was said, and a person who was asked agreed."""
        if plan or not found["events"]:
            if as_json:
                print_json(found)
            else:
                click.echo(_told(found))
            return False
        if not yes:
            note(_told(found))
            click.confirm("Erase them? There is no way back.", abort=True, err=True)
        return True

    async def near(rooms: Rooms) -> Json:
        if not is_wanted((await forgetting.touched(rooms.history, wanted)).as_json()):
            return None
        gone = await forgotten(rooms, wanted, with_open=with_open)
        # not of whom: what is forgotten shall not stand in the log
        await noted(rooms, "forgot", "event", "", events=gone["events"], runs=gone["runs"])
        return gone

    async def far(api: Api) -> Json:
        asked = {"where": list(where), "with_open": with_open}
        found = await api.post("forget", **asked, plan=True)
        for name in ("erased_from_disk", "remains", "is_to_repeat"):  # of a plan there is nothing to say
            del found[name]
        return await api.post("forget", **asked) if is_wanted(found) else None

    gone = await place.ask(near, far)
    if gone is None:
        return
    if as_json:
        print_json(gone)
    else:
        click.echo(f"{_counted(gone)} are forgotten.")
    for event_id in gone["open"]:
        note(f"event {event_id} stays: a run of it has not ended (--with-open cancels it)")
    if gone["open_events"] > len(gone["open"]):
        note(f"… and {gone['open_events'] - len(gone['open']):,} more")
    if gone["remains"]:
        note(gone["remains"])
    if gone["open_events"] or gone["is_to_repeat"]:
        raise click.exceptions.Exit(1)


async def forgotten(rooms: Rooms, wanted: Wanted, *, with_open: bool) -> Json:
    """
    Forget the events of *rooms*: `Touched.as_json()`, `erased_from_disk`, and what `remains`. Raises
    StoreUnavailable.
    """
    from runner.engine import forgetting
    from runner.engine.keeping import Traces

    await rooms.store.take_over(node="", now=time.time())  # runs of dead processes can be cancelled
    gone = await forgetting.forget(
        rooms.history,
        rooms.keeping,
        rooms.store,
        wanted,
        with_open=with_open,
        clock=time.time,
        pause=_pause,
    )
    traces = await forgetting.erase_traces(rooms.keeping, wanted, pause=_pause)
    return {
        **gone.as_json(),
        "erased_from_disk": traces is Traces.NONE,
        "remains": traces.value or None,
        "is_to_repeat": traces is Traces.READ,
    }


async def _pause() -> None:
    await asyncio.sleep(PAUSE_SECONDS)


def _wanted(where: tuple[str, ...]) -> Wanted:
    """
    What is to be forgotten.

    Raises:
        SettingsError: nothing narrows it, or a condition is none.
    """
    from runner.engine.forgetting import FIELDS
    from runner.engine.history import Wanted
    from runner.engine.where import read_where

    try:
        given: dict[str, Any] = read_where(where, fields=FIELDS)
    except ValueError as error:
        raise SettingsError(f"--where: {error}") from None
    if "before" in given:
        given["before"] = When().convert(given["before"], None, None)
    if not given:
        raise SettingsError("say what is to be forgotten: --where payload.customer.email=ada@example.com")
    return Wanted(**given)


def _counted(found: Json) -> str:
    events, runs = found["events"], found["runs"]
    return f"{events:,} event{'' if events == 1 else 's'} with {runs:,} run{'' if runs == 1 else 's'}"


def _told(found: Json) -> str:
    if not found["events"]:
        return "No event is like that."
    told = (
        f"{_counted(found)} of {printable(', '.join(found['workflows']))}, "
        f"received from {moment(found['oldest'])} to {moment(found['newest'])} UTC"
    )
    if not found["open_events"]:
        return told
    return f"{told}; of {found['open_events']:,} a run has not ended: {', '.join(found['open'])}"

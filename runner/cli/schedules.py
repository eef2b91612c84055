"""`hookline schedules`: what starts by itself, when it comes next, and why it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from runner.cli.options import Place, asynchronous, example, json_option, server_options, workflows_option
from runner.cli.showing import moment, note, print_json, print_list, printable
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.house import Rooms

COLUMNS = ("WORKFLOW", "WHAT", "NEXT (UTC)", "LAST (UTC)", "STATE")


@click.command(epilog=example("hookline schedules", "hookline schedules --workflows automations --json"))
@workflows_option
@server_options
@json_option
@asynchronous
async def schedules(place: Place, as_json: bool) -> None:
    """List what starts by itself, and what comes next."""
    from runner.cli.timing import timed_of
    from runner.engine.pauses import PauseBoard

    async def near(rooms: Rooms) -> Json:
        await rooms.library.reload()
        holding = PauseBoard(rooms.pauses)
        await holding.refresh()
        return {"items": await timed_of(rooms, holding, time.time()), "next": None}

    page = await place.ask(near, lambda api: api.get("schedules"), may_make=True)
    if as_json:
        print_json(page)
        return
    print_list(page, COLUMNS, [_row(one) for one in page["items"]])
    for one in page["items"]:
        if len(one["next"]) > 1:
            later = ", ".join(moment(at) for at in one["next"][1:])
            note(f"{one['workflow']}: {printable(one['words'])}; then {later}")


def _row(item: Json) -> tuple[str, ...]:
    zone = f" ({item['timezone']})" if item["timezone"] else ""
    last = moment(item["last"]["at"]) if item["last"] else ""
    return (
        item["workflow"],
        item["what"] + zone,
        moment(item["next"][0]) if item["next"] else "",
        last,
        _state(item),
    )


def _state(item: Json) -> str:
    if item["stopped"]:
        return str(item["stopped"])
    if item["error"]:
        return (
            f"failing: {item['error']['message']}" if item["error"]["failures"] else item["error"]["message"]
        )
    if item["skipped"]:
        return f"{item['skipped']['count']} skipped: {item['skipped']['why']}"
    return "ok" if item["last"] else "has not come yet"

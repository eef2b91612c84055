"""`hookline pause` and `hookline resume`: events are accepted and held; runs at the paused thing wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import click

from runner.cli.options import (
    Place,
    asynchronous,
    example,
    json_option,
    person,
    server_options,
    workflows_option,
)
from runner.cli.showing import moment, note, print_json, print_list, printable
from runner.engine.pauses import Kind, Pause
from runner.values import Json, duration_seconds

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms

COLUMNS = ("KIND", "NAME", "UNTIL", "BY", "WHY")


class Duration(click.ParamType[float, str]):
    """A length of time in seconds: `30m`, `1h`, `2d`."""

    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As `click.ParamType.convert`."""
        try:
            seconds = value if isinstance(value, float) else duration_seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds <= 0:
            self.fail("must be longer than nothing", param, ctx)
        return seconds


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what can be paused: a workflow by its slug, a connection or a host by their names."""
    for option in (
        click.option("--host", metavar="HOST", help="Instead of a workflow: runs that call this host."),
        click.option(
            "--connection", metavar="NAME", help="Instead of a workflow: runs that use this connection."
        ),
        click.argument("slug", required=False),
    ):
        command = option(command)
    return command


@click.command(epilog=example("hookline pause order-alerts --for 1h --why 'the shop is being moved'"))
@target_options
@click.option("--for", "seconds", type=Duration(), help="It ends by itself after this: 30m, 1h, 2d.")
@click.option("--why", default="", help="A reason, which stands at every event that is held.")
@workflows_option
@server_options
@json_option
@asynchronous
async def pause(
    place: Place,
    slug: str | None,
    connection: str | None,
    host: str | None,
    seconds: float | None,
    why: str,
    as_json: bool,
) -> None:
    """
    Pause a workflow, a connection or a host.

    Without one, list what is paused. Events of a paused workflow are accepted and held, and released
    in their order when it is resumed. Runs that need a paused connection or host wait.
    """
    if slug is None and connection is None and host is None:
        await _list(place, as_json=as_json)
        return
    from runner.cli.house import noted

    kind, name = _target(slug, connection, host)

    async def near(rooms: Rooms) -> Json:
        await _check(rooms, kind, name)
        now = time.time()
        until = now + seconds if seconds is not None else None
        made = Pause(kind, name, person(), now, why, until)
        await rooms.pauses.pause(made)
        await noted(rooms, "paused", kind, name, why=why)
        return made.as_json()

    async def far(api: Api) -> Json:
        length = None if seconds is None else f"{seconds:g}s"
        return await api.post("pauses", **{"kind": kind, "name": name, "for": length, "why": why or None})

    made = await place.ask(near, far)
    if as_json:
        print_json(made)
    else:
        ends = f"until {moment(made['until'])} UTC" if made["until"] else f"until: {_resuming(kind, name)}"
        click.echo(f"The {kind} {name} is paused {ends}")


@click.command(epilog=example("hookline resume order-alerts"))
@target_options
@server_options
@json_option
@asynchronous
async def resume(
    place: Place, slug: str | None, connection: str | None, host: str | None, as_json: bool
) -> None:
    """
    Resume what was paused; held events are released.

    They get their runs in the order of their coming, within seconds.
    """
    from runner.cli.house import noted

    kind, name = _target(slug, connection, host)

    async def near(rooms: Rooms) -> tuple[Json, bool]:
        ended = await rooms.pauses.resume(kind, name)
        await noted(rooms, "resumed", kind, name)
        return ended.as_json(), bool(await rooms.store.living())

    async def far(api: Api) -> tuple[Json, bool]:
        return await api.post("pauses", "resume", kind=kind, name=name), True

    ended, is_served = await place.ask(near, far)
    if as_json:
        print_json(ended)
    else:
        click.echo(f"The {kind} {name} is resumed")
    if kind == "workflow" and not is_served:
        note("No server runs on this data now; what was held is released when one does: hookline serve")


async def _list(place: Place, *, as_json: bool) -> None:
    async def near(rooms: Rooms) -> Json:
        return {"items": [one.as_json() for one in await rooms.pauses.current()], "next": None}

    page = await place.ask(near, lambda api: api.get("pauses"))
    if as_json:
        print_json(page)
        return
    rows = [
        (one["kind"], one["name"], moment(one["until"]) or "resumed", one["by"], one["why"])
        for one in page["items"]
    ]
    print_list(page, COLUMNS, rows)


def _target(slug: str | None, connection: str | None, host: str | None) -> tuple[Kind, str]:
    """The one thing that is named."""
    given = {"workflow": slug, "connection": connection, "host": host}
    named = [(kind, name) for kind, name in given.items() if name is not None]
    if len(named) != 1:
        raise click.UsageError("name one thing: SLUG, --connection NAME or --host HOST")
    kind, name = named[0]
    return cast("Kind", kind), name.lower() if kind == "host" else name


async def _check(rooms: Rooms, kind: Kind, name: str) -> None:
    """
    A name that is misspelt would pause nothing, in silence.

    Raises:
        NotFound: there is no such workflow or connection.
    """
    from runner.engine.library import workflow_files
    from runner.errors import NotFound
    from runner.language.suggest import did_you_mean

    if kind == "workflow":
        known = [path.stem for path in workflow_files(rooms.library.folder)]
        where = str(rooms.library.folder)
    elif kind == "connection":
        known, where = sorted(rooms.vault.connection_kinds()), "this server"
    else:
        return
    if name not in known:
        hint = did_you_mean(name, known)
        raise NotFound(f'there is no {kind} "{printable(name)}" in {where}{f"; {hint}" if hint else ""}')


def _resuming(kind: Kind, name: str) -> str:
    option = "" if kind == "workflow" else f"--{kind} "
    return f"hookline resume {option}{name}"

"""`hookline runs replay` and `hookline replays`: doing again what failed, alone or in bulk after a plan."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import click

from runner.cli.options import (
    Place,
    asynchronous,
    example,
    json_option,
    server_options,
    workflows_option,
)
from runner.cli.replay_sides import Far, Near, Side
from runner.cli.showing import moment, note, print_json, print_list, printable
from runner.errors import LanguageError, MoveRefused, NotFound
from runner.values import Json, duration_seconds

T = TypeVar("T")
COLUMNS = ("REPLAY", "CREATED", "STATUS", "PROGRESS", "RUNS")
STATUSES = ("planned", "running", "paused", "stopped", "done")
LOOK_SECONDS = 0.5
PER_SECOND = {"s": 1.0, "m": 60.0, "h": 3600.0}
CLASSES = {
    "safe": "known to have failed, nothing in doubt",
    "uncertain": "may have arrived",
    "stale": "accepted long ago",
    "refused": "cannot be replayed so",
}
INCLUDE = {"uncertain": "--include-uncertain", "stale": "--include-stale"}


class Rate(click.ParamType[float, str]):
    """Runs a second, written `10/s` or `100/m`."""

    name = "rate"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As `click.ParamType.convert`."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/([smh]))?", value)
        if found is None or float(found[1]) == 0:
            self.fail(f'"{value}" is no rate; write for example 10/s or 100/m', param, ctx)
        return float(found[1]) / PER_SECOND[found[2] or "s"]


class Length(click.ParamType[float, str]):
    """A length of time in seconds, written `7d` or `12h`."""

    name = "length"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As `click.ParamType.convert`."""
        try:
            return value if isinstance(value, float) else duration_seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(
    epilog=example(
        "hookline runs replay 01kz2v3nd8z5rjq0v6a7t4m9xe --from failed",
        "hookline runs replay --where 'workflow=orders status=failed since=2h' --plan",
    )
)
@click.argument("run_ids", metavar="[ID]...", nargs=-1)
@click.option(
    "--where",
    multiple=True,
    metavar="FILTER",
    help="All runs meant by name=value words: workflow, status, problem, since, until, step, type.",
)
@click.option(
    "--from",
    "origin",
    metavar="failed|start|STEP",
    default="failed",
    show_default=True,
    help="The same run goes on from its failed step or a named one, or a new one starts with its event.",
)
@click.option(
    "--version",
    type=click.Choice(["live", "original"]),
    default="live",
    show_default=True,
    help="On the workflow as it is now, or as it was.",
)
@click.option("--plan", "plan_only", is_flag=True, help="Only plan: `hookline replays start ID` starts it.")
@click.option("--dry-run", is_flag=True, help="Only show the plan, and keep nothing.")
@click.option("--rate", type=Rate(), help="How many runs a second: 10/s unless told otherwise.")
@click.option(
    "--first", type=click.IntRange(0, 1000), help="So many go alone first: 5 unless told otherwise."
)
@click.option("--include-uncertain", is_flag=True, help="Also runs with an effect that may have happened.")
@click.option("--include-stale", is_flag=True, help="Also runs that were accepted long ago.")
@click.option("--stale-after", type=Length(), help="How long ago that is: 7d unless told otherwise.")
@click.option(
    "--run-missing", is_flag=True, help="Also where the version lacks a recorded step or has changed it."
)
@click.option("--as-new", is_flag=True, help="Send all again as new: every effect gets a new key.")
@click.option("--yes", is_flag=True, help="Do not ask, where several are meant on a terminal.")
@workflows_option
@server_options
@json_option
@asynchronous
async def replay(
    place: Place,
    run_ids: tuple[str, ...],
    where: tuple[str, ...],
    plan_only: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **terms: Any,
) -> None:
    """
    Replay runs; what an action has done already is not done again.

    Runs that are named go on at once. With --where, --plan or any word on how, a plan is made first
    and a running server carries it out.
    """
    if bool(run_ids) == bool(where):
        raise click.UsageError("name runs, or say which ones with --where")
    bulk = ("rate", "first", "stale_after", "include_uncertain", "include_stale")
    is_bulk = where or plan_only or dry_run or any(terms[name] not in (None, False) for name in bulk)

    async def act(side: Side) -> bool:
        if not is_bulk:
            return await _at_once(side, run_ids, terms, yes=yes, as_json=as_json)
        plan = await side.plan(run_ids, where, terms, keep=not dry_run)
        return await _in_bulk(
            side, plan, plan_only=plan_only, dry_run=dry_run, yes=yes, as_json=as_json
        )  # fmt: skip

    if not await _asked(place, act):
        raise click.exceptions.Exit(1)


@click.group(epilog=example("hookline replays show 01kz2v3nd8z5rjq0v6a7t4m9xe --follow"))
def replays() -> None:
    """Replays of many runs: their plans and their progress."""


@replays.command("list", epilog=example("hookline replays list --status running"))
@click.option("--status", type=click.Choice(STATUSES), help="Only these.")
@click.option("--cursor", help="Go on where a page ended: its `next`.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many.")
@server_options
@json_option
@asynchronous
async def list_(place: Place, status: str | None, cursor: str | None, limit: int, as_json: bool) -> None:
    """List replays, the newest first."""
    page = await _asked(place, lambda side: side.page(status=status, cursor=cursor, limit=limit))
    if as_json:
        print_json(page)
    else:
        print_list(page, COLUMNS, [_row(one) for one in page["items"]])


@replays.command(epilog=example("hookline replays show 01kz2v3nd8z5rjq0v6a7t4m9xe"))
@click.argument("replay_id", metavar="ID")
@click.option("--follow", is_flag=True, help="Show its progress until it is over or pauses.")
@server_options
@json_option
@asynchronous
async def show(place: Place, replay_id: str, follow: bool, as_json: bool) -> None:
    """Show a replay: its plan and how far it is."""
    found = await _asked(place, lambda side: _follow(side, replay_id) if follow else side.show(replay_id))
    if as_json:
        print_json(found)
    else:
        _show(found)


def _mover(name: str, summary: str) -> click.Command:
    @replays.command(
        name, help=summary, epilog=example(f"hookline replays {name} 01kz2v3nd8z5rjq0v6a7t4m9xe")
    )
    @click.argument("replay_id", metavar="ID")
    @server_options
    @json_option
    @asynchronous
    async def move(place: Place, replay_id: str, as_json: bool) -> None:
        async def act(side: Side) -> Json:
            if name == "start":
                found = await side.start(replay_id)
                await side.say_if_unserved()
                return found
            return await (side.pause(replay_id) if name == "pause" else side.stop(replay_id))

        found = await _asked(place, act)
        if as_json:
            print_json(found)
        else:
            click.echo(_state(found))

    return move


start = _mover("start", "Start a planned, paused or stopped replay.")
pause = _mover("pause", "Start no more of its runs until it is started again.")
stop = _mover("stop", "End a replay; its runs under way go on.")


async def _asked(place: Place, act: Callable[[Side], Awaitable[T]]) -> T:
    return await place.ask(lambda rooms: act(Near(rooms)), lambda api: act(Far(api)))


async def _at_once(
    side: Side, run_ids: tuple[str, ...], terms: Mapping[str, Any], *, yes: bool, as_json: bool
) -> bool:
    """Replay runs that a person named; whether all of them could be."""
    origin, version = terms["origin"], terms["version"]
    place = {"start": "the start", "failed": "its failed step"}.get(origin, f"step {origin}")
    if len(run_ids) > 1 and not yes and sys.stdin.isatty():
        question = f"Replay {len(run_ids)} runs from {place} on the {version} version?"
        click.confirm(question, abort=True, err=True)
    done = []
    for run_id in run_ids:
        try:
            done.append(await side.one(run_id, terms))
        except (NotFound, MoveRefused, LanguageError) as error:
            note(f"hookline: {printable(str(error))}")
    if as_json:
        print_json({"items": done, "next": None})
    for one in [] if as_json else done:
        if one.get("replay_of"):
            click.echo(f"{one['id']} starts, a replay of {one['replay_of']}")
        else:
            click.echo(f"{one['id']} goes on from {place}, attempt {one['attempt']}")
    if done:
        await side.say_if_unserved()
    return len(done) == len(run_ids)


async def _in_bulk(
    side: Side, plan: Json, *, plan_only: bool, dry_run: bool, yes: bool, as_json: bool
) -> bool:
    """Show the plan, and, unless told otherwise, start; whether there was something and it goes well."""
    if not as_json or (not yes and sys.stdin.isatty()):
        _show_plan(plan, as_note=as_json)
    count = plan["plan"]["included"]
    if not count:
        note("There is nothing to replay.")
    if dry_run or plan_only or not count:
        if as_json:
            print_json(plan)
        elif plan_only and count:
            click.echo(f"Planned as {plan['id']}; it starts with: hookline replays start {plan['id']}")
        return bool(count)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Replay {_runs(count)}?", abort=True, err=True)
    found = await side.start(plan["id"], runs=count)
    is_served = await side.say_if_unserved()
    if is_served and sys.stderr.isatty():
        found = await _follow(side, plan["id"])
    if as_json:
        print_json(found)
    else:
        click.echo(_state(found))
    return bool(found["status"] != "paused")


async def _follow(side: Side, replay_id: str) -> Json:
    """The replay once it does not run any more; what it does meanwhile stands on stderr."""
    last = ""
    while True:
        found = await side.show(replay_id)
        line = _state(found)
        if line != last:
            note(line)
        last = line
        if found["status"] != "running":
            return found
        await asyncio.sleep(LOOK_SECONDS)


def _show(found: Json) -> None:
    click.echo(_state(found))
    click.echo()
    _show_plan(found)


def _show_plan(found: Json, *, as_note: bool = False) -> None:
    """The classes, how many runs each has, and which effects would happen again."""
    for name, meaning in CLASSES.items():
        count = found["plan"][name]
        if not count:
            continue
        left_out = name == "refused" or not _is_included(found, name)
        how = f" (left out; {INCLUDE[name]})" if left_out and name in INCLUDE else ""
        click.echo(f"{_runs(count)} {name}: {meaning}{how}", err=as_note)
        for one in [each for each in found["effects"] if each["class"] == name]:
            key = "with a new key" if one["key"] == "new" else "with its key kept"
            times = "once" if one["runs"] == 1 else f"{one['runs']} times"
            click.echo(f"    {one['step']}: {one['action']} happens again {times}, {key}", err=as_note)
    for one in found["left_out"][:10]:
        click.echo(f"  left out: {one['run']} ({one['class']}): {printable(one['why'] or '')}", err=as_note)


def _is_included(found: Json, name: str) -> bool:
    return name not in {one["class"] for one in found["left_out"]}


def _state(found: Json) -> str:
    """One line: how far it is, and why it is not going on."""
    progress = found["progress"]
    words = [f"{progress['started']} of {progress['included']} started"]
    words += [
        f"{progress[name]} {name.replace('_', ' ')}"
        for name in ("under_way", "succeeded", "failed", "waiting", "cancelled", "refused")
        if progress[name]
    ]
    why = f" {printable(found['why'])}" if found["why"] else ""
    return f"replay {found['id']} is {found['status']}: {', '.join(words)}.{why}"


def _row(found: Json) -> tuple[str, ...]:
    progress = found["progress"]
    meant = " ".join(f"{name}={value}" for name, value in (found["where"] or {}).items())
    return (
        found["id"],
        moment(found["created_at"]),
        found["status"],
        f"{progress['started']}/{progress['included']}",
        meant or _runs(len(found["runs"] or [])),
    )


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"

"""`hookline backtest`: what a changed file would have done with past events; nothing is called."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
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
from runner.errors import HooklineError, SettingsError
from runner.values import Json, iso

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms

DEFAULT_LAST = 1_000
MOST_LAST = 100_000
FAR_AT_ONCE = 2  # requests to a server, which has other things to do
JUDGED = {
    "differ": "differs", "differs": "differs", "fail": "failed", "failed": "failed", "filter": "filtered",
    "filtered": "filtered", "unknown": "unknown", "stale": "stale",
}  # fmt: skip
Judge = Callable[[Sequence[str], int], Awaitable[list[Json]]]


@click.command(
    epilog=example(
        "hookline backtest workflows/orders.yaml",
        "hookline backtest orders.yaml --since 7d --fail-on differ --fail-on fail",
        "hookline backtest orders.yaml --server https://hooks.example.com --format markdown",
    )
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--last", type=click.IntRange(1, MOST_LAST), help=f"The last N events; {DEFAULT_LAST:,} unless given."
)
@click.option("--since", type=When(), help="Only events from then on: 2h, 7d, a date or a time.")
@click.option("--events", metavar="ID,…", help="These events alone.")
@click.option("--slug", help="The workflow's, where the file is called otherwise.")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(list(JUDGED)),
    help="Exit status 1 if any event is judged so; again for more.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How it is printed; markdown is ready to be a comment.",
)
@workflows_option
@server_options
@json_option
@asynchronous
async def backtest(
    place: Place,
    file: Path,
    last: int | None,
    since: float | None,
    events: str | None,
    slug: str | None,
    fail_on: tuple[str, ...],
    form: str,
    as_json: bool,
) -> None:
    """
    Hold a changed FILE against the events that its workflow had.

    Each event goes its way through FILE and through the version that its run was pinned to, with what was
    recorded in place of every call that is the same. Nothing is called and nothing is stored.
    """
    from runner.workbench.backtests import summary_of
    from runner.workbench.reporting import lines_of, markdown, summary_line

    if events and (last or since):
        raise click.UsageError("--events names the events; --last and --since go without it")
    name = slug or file.name.removesuffix(".yaml").removesuffix(".yml")
    text = await asyncio.to_thread(file.read_text, encoding="utf-8")
    ids = [one for one in (events or "").replace(",", " ").split() if one]
    wanted = last or DEFAULT_LAST
    entries = await place.ask(
        lambda rooms: _near(rooms, name, text, ids, wanted, since),
        lambda api: _far(api, name, text, ids, wanted, since),
    )
    summary = summary_of(entries)
    if as_json or form == "json":
        print_json({"summary": summary, "events": entries})
    elif form == "markdown":
        click.echo(markdown(name, entries, summary), nl=False)
    else:
        for entry in entries:
            if entry["verdict"] != "same":
                click.echo("\n".join(printable(line) for line in lines_of(entry)) + "\n")
        click.echo(f"{len(entries):,} past events: {summary_line(summary)}")
    if any(summary[JUDGED[one]] for one in fail_on):
        raise click.exceptions.Exit(1)


async def _near(
    rooms: Rooms, slug: str, text: str, ids: Sequence[str], last: int, since: float | None
) -> list[Json]:
    """The entries, from the data here, with as many processes as there are processors."""
    from runner.cli.house import live_workflow
    from runner.cli.trying import backtests_of, open_desk
    from runner.language.faults import WorkflowInvalid

    processes = os.cpu_count() or 1
    await live_workflow(rooms.library, slug)
    async with open_desk(processes) as desk:
        backtests = backtests_of(rooms, desk)
        wanted = ids or await backtests.events(slug, last=last, since=since)

        async def judge(part: Sequence[str], lane: int) -> list[Json]:
            return await backtests.judged(slug, text, part, key=str(lane))

        try:
            return await _all(wanted, judge, processes)
        except WorkflowInvalid as error:
            lines = [f"{one.path}:{one.line}: {one.message}" for one in error.faults]
            raise HooklineError("\n".join(lines)) from None


async def _far(
    api: Api, slug: str, text: str, ids: Sequence[str], last: int, since: float | None
) -> list[Json]:
    """The entries, from a server elsewhere."""
    if not ids:
        asked = {"last": last, "since": iso(since) if since is not None else None}
        ids = (await api.get("workflows", slug, "backtest", **asked))["items"]

    async def judge(part: Sequence[str], _lane: int) -> list[Json]:
        answer = await api.post("workflows", slug, "backtest", text=text, events=list(part))
        return list(answer["events"])

    return await _all(ids, judge, FAR_AT_ONCE)


async def _all(ids: Sequence[str], judge: Judge, lanes: int) -> list[Json]:
    """What *judge* says of all *ids*, in their order, a few at a time in each of so many *lanes*."""
    from runner.workbench.backtests import MOST_AT_ONCE

    if not ids:
        raise SettingsError("there are no past events of this workflow to hold the file against")
    parts = [ids[at : at + MOST_AT_ONCE] for at in range(0, len(ids), MOST_AT_ONCE)]
    found: list[list[Json]] = [[] for _ in parts]
    left = iter(range(len(parts)))

    async def work(lane: int) -> None:
        for number in left:
            found[number] = await judge(parts[number], lane)
            _show_progress(sum(map(len, found)), len(ids))

    async with asyncio.TaskGroup() as group:
        for lane in range(min(lanes, len(parts))):
            group.create_task(work(lane))
    return [entry for part in found for entry in part]


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done:,} of {total:,} events", err=True, nl=done >= total)
    elif done >= total:
        note(f"{done:,} events")

"""`hookline runs`: what became of events, and what people do about it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from runner.cli.far import follow_live, page_of
from runner.cli.follow import follow
from runner.cli.options import (
    Place,
    When,
    asynchronous,
    example,
    json_option,
    list_options,
    server_options,
    until_interrupted,
    where_option,
)
from runner.cli.replays import replay
from runner.cli.showing import (
    moment,
    note,
    print_json,
    print_json_line,
    print_list,
    printable,
    seconds_between,
    status_word,
    value_text,
)
from runner.engine.history import Wanted
from runner.engine.runs import Status
from runner.errors import LanguageError, MoveRefused, NotFound
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms

COLUMNS = ("RUN", "ACCEPTED", "WORKFLOW", "STATUS", "TITLE")
MARKS = {"succeeded": "✓", "failed": "✗", "waiting": "…", "skipped": "-", "filtered": "-", "started": "…"}
status_option = click.option("--status", type=click.Choice([one.value for one in Status]), help="Only these.")


@click.group(epilog=example("hookline runs list --status failed --since 1d"))
def runs() -> None:
    """Runs: what became of events, and what people do about it."""


@runs.command("list", epilog=example("hookline runs list --workflow order-alerts --status failed"))
@list_options
@where_option("payload.order=1042", "type=orders/create")
@status_option
@click.option("--problem", metavar="ID", help="Only those of this problem.")
@server_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool, **narrowed: object) -> None:
    """List runs, the newest first."""
    page = await place.ask(
        lambda rooms: place.page(rooms.history.runs, narrowed), lambda api: page_of(api, "runs", narrowed)
    )
    if as_json:
        print_json(page)
    else:
        print_list(page, COLUMNS, [_row(one) for one in page["items"]])


@runs.command(epilog=example("hookline runs show 01kz2v3nd8z5rjq0v6a7t4m9xe"))
@click.argument("run_id", metavar="ID")
@server_options
@json_option
@asynchronous
async def show(place: Place, run_id: str, as_json: bool) -> None:
    """Show one run: why it is where it is, then each step."""
    run = await place.ask(lambda rooms: rooms.history.run(run_id), lambda api: api.get("runs", run_id))
    if as_json:
        print_json(run)
    else:
        show_run(run)


@runs.command(epilog=example("hookline runs tail --workflow order-alerts"))
@click.option("--workflow", metavar="SLUG", help="Only of this workflow.")
@click.option("--since", type=When(), help="Begin there, not now: 2h, 7d, a date or a time.")
@server_options
@json_option
@until_interrupted
async def tail(place: Place, workflow: str | None, since: float | None, as_json: bool) -> None:
    """Show runs as they come and as they change, until Ctrl-C."""

    async def near(rooms: Rooms) -> None:
        wanted = Wanted(workflow=workflow, since=time.time() if since is None else since)
        async for run in follow(rooms.history.runs, wanted, state=_status):
            _tell(run, as_json=as_json)

    async def far(api: Api) -> None:
        async for run in follow_live(api, "run", workflow, since, state=_status):
            _tell(run, as_json=as_json)

    await place.ask(near, far)


@runs.command(epilog=example("hookline runs cancel 01kz2v3nd8z5rjq0v6a7t4m9xe"))
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
@server_options
@json_option
@asynchronous
async def cancel(place: Place, run_ids: tuple[str, ...], as_json: bool) -> None:
    """Cancel runs: at once, or, where one is being executed, at its next step."""
    from runner.cli.house import noted

    async def near(rooms: Rooms, run_id: str) -> Json:
        status = await rooms.store.cancel(run_id, now=time.time())
        await noted(rooms, "cancelled", "run", run_id)
        return {"run": run_id, "status": status.value}

    async def far(api: Api, run_id: str) -> Json:
        found = await api.post("runs", run_id, "cancel")
        return {"run": run_id, "status": found["status"]}

    done, is_whole = await place.ask(
        lambda rooms: _each(run_ids, lambda run_id: near(rooms, run_id)),
        lambda api: _each(run_ids, lambda run_id: far(api, run_id)),
    )
    if as_json:
        print_json({"items": done, "next": None})
    for each in [] if as_json else done:
        is_over = each["status"] == Status.CANCELLED
        click.echo(f"{each['run']} {'is cancelled' if is_over else 'is cancelled at its next step'}")
    if not is_whole:
        raise click.exceptions.Exit(1)


runs.add_command(replay)


async def _each(run_ids: Sequence[str], do: Callable[[str], Awaitable[Json]]) -> tuple[list[Json], bool]:
    """What *do* gave for each of *run_ids*; one that is refused says why and does not stop the others."""
    done = []
    for run_id in run_ids:
        try:
            done.append(await do(run_id))
        except (NotFound, MoveRefused, LanguageError) as error:
            note(f"hookline: {printable(str(error))}")
    return done, len(done) == len(run_ids)


def _status(run: Json) -> str:
    return str(run["status"])


def _tell(run: Json, *, as_json: bool) -> None:
    if as_json:
        print_json_line(run)
        return
    sentence = run["reason"]["sentence"] if run["reason"] else run["title"]
    status = status_word(run["status"])
    words = moment(run["accepted_at"]), run["id"], run["workflow"], status, printable(sentence)
    click.echo("  ".join(words))


def _row(run: Json) -> tuple[str, ...]:
    return run["id"], moment(run["accepted_at"]), run["workflow"], run["status"], run["title"]


def show_run(run: Json, calls: Mapping[str, str] | None = None) -> None:
    """
    Print a run, first the reason in a sentence. *calls* names, by path, the actions that were not
    called because it is a rehearsal.
    """
    sentence = run["reason"]["sentence"] if run["reason"] else f"The run is {run['status']}."
    click.echo(f"{status_word(run['status'])}: {printable(sentence)}")
    click.echo()
    click.echo(f"{printable(run['title'])}")
    of = f", a replay of {run['replay_of']}" if run["replay_of"] else ""
    click.echo(f"run {run['id']} of {run['workflow']} version {run['version']}, attempt {run['attempt']}{of}")
    took = seconds_between(run["started_at"], run["ended_at"])
    click.echo(
        f"event {run['event']}, accepted {moment(run['accepted_at'])} UTC{f', took {took}' if took else ''}"
    )
    if run["mode"] == "shadow":
        click.echo("mode shadow: its actions are shown here and were not sent")
    for name, value in run["overridden"].items():
        click.echo(f"vars.{printable(name)} was set by the server: {printable(value_text(value))}")
    if run["waiting"]:
        until = run["waiting"]["until"]  # null: whatever it waits for wakes it
        waits = f"waits until {moment(until)} UTC" if until else "waits"
        click.echo(f"{waits}: {printable(run['waiting']['for'])}")
    click.echo()
    width = max((len(step["path"]) for step in run["steps"]), default=0)
    for step in run["steps"]:
        _show_step(step, width, calls)
    if run["answer"] is not None:
        click.echo(f"\nanswered: {printable(value_text(run['answer']))}")
    if run["output"] is not None:
        click.echo(f"\noutput: {printable(value_text(run['output']))}")
    for one in run["notes"]:
        click.echo(f"note: {printable(one)}")


def _show_step(step: Json, width: int, calls: Mapping[str, str] | None) -> None:
    status = step["status"]
    words = [
        MARKS.get(status, " "),
        step["path"].ljust(width),
        (step["kind"] or "").ljust(9),
        status_word(status or ""),
    ]
    if step["attempts"] and step["attempts"] > 1:
        words.append(f"{step['attempts']} attempts")
    took = seconds_between(step["started_at"], step["ended_at"])
    if took:
        words.append(took)
    if step["kind"] in ("action", "call") and status == "succeeded" and step["attempts"] == 0:
        words.append("not sent")
    click.echo(f"  {' '.join(words)}".rstrip())
    if calls is not None and step["path"] in calls:
        click.echo(f"      would call {calls[step['path']]} with {printable(value_text(step['input']))}")
        return
    if step["input"] is not None:
        click.echo(f"      with  {printable(value_text(step['input']))}")
    if step["output"] is not None:
        click.echo(f"      gave  {printable(value_text(step['output']))}")
    if step["error"]:
        click.echo(f"      {step['error']['type']}: {printable(step['error']['message'])}")

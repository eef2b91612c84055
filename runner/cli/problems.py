"""`hookline problems`: runs that failed or wait, grouped by workflow, step and cause."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from runner.cli.options import Place, asynchronous, example, json_option, person, server_options
from runner.cli.showing import moment, note, print_json, print_list, printable
from runner.engine.history import Wanted
from runner.errors import MoveRefused, NotFound
from runner.values import Json

if TYPE_CHECKING:
    from runner.cli.api import Api
    from runner.cli.house import Rooms

COLUMNS = ("PROBLEM", "OPENED", "WORKFLOW", "STATUS", "LEFT", "WHAT")
SHOWN_RUNS = 10
WITHOUT_RUNS = {"silent": "its sender", "poll": "its poll", "backlog": "its queue"}  # by kind: what is wrong


@click.group(epilog=example("hookline problems list --status open"))
def problems() -> None:
    """Problems: runs that failed or wait, grouped by workflow, step and cause."""


@problems.command("list", epilog=example("hookline problems list --status open"))
@click.option("--status", type=click.Choice(["open", "closed"]), help="Only these.")
@click.option("--workflow", metavar="SLUG", help="Only of this workflow.")
@click.option("--cursor", help="Go on where a page ended: its `next`.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many.")
@server_options
@json_option
@asynchronous
async def list_(place: Place, as_json: bool, **narrowed: Any) -> None:
    """List problems, the newest first."""

    async def near(rooms: Rooms) -> Json:
        try:
            return (await rooms.problems.page(**narrowed)).as_json()
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--cursor") from None

    page = await place.ask(near, lambda api: api.page("problems", **narrowed))
    if as_json:
        print_json(page)
    else:
        print_list(page, COLUMNS, [_row(one) for one in page["items"]])


@problems.command(epilog=example("hookline problems show 01kz2v3nd8z5rjq0v6a7t4m9xe"))
@click.argument("problem_id", metavar="ID")
@server_options
@json_option
@asynchronous
async def show(place: Place, problem_id: str, as_json: bool) -> None:
    """Show a problem, its runs, and what to do about them."""

    async def near(rooms: Rooms) -> tuple[Json, Json]:
        runs = await rooms.history.runs(Wanted(problem=problem_id, limit=SHOWN_RUNS))
        return await rooms.problems.show(problem_id), runs.as_json()

    async def far(api: Api) -> tuple[Json, Json]:
        problem = await api.get("problems", problem_id)
        return problem, await api.page("runs", limit=SHOWN_RUNS, problem=problem_id)

    problem, runs = await place.ask(near, far)
    if as_json:
        print_json(problem)
        return
    _show(problem)
    click.echo()
    if problem["kind"] == "silent":
        note(f"What came last: hookline events list --workflow {problem['workflow']}")
    if problem["kind"] == "poll":
        note("How it is doing: hookline schedules")
    if problem["kind"] == "backlog":
        note("What waits: hookline runs list --status queued")
    for run in runs["items"]:
        click.echo(f"  {run['id']}  {moment(run['accepted_at'])}  {run['status']}  {printable(run['title'])}")
    if runs["next"]:
        click.echo(f"  … all of them: hookline runs list --problem {problem_id}")
    if problem["status"] == "open" and problem["runs"]["failed"]:
        note(f"Replay them: hookline runs replay --where problem={problem_id} --plan")


@problems.command(epilog=example("hookline problems seen 01kz2v3nd8z5rjq0v6a7t4m9xe"))
@click.argument("problem_ids", metavar="ID...", nargs=-1, required=True)
@server_options
@json_option
@asynchronous
async def seen(place: Place, problem_ids: tuple[str, ...], as_json: bool) -> None:
    """Say that you have seen problems."""
    changed = await place.ask(
        lambda rooms: _each(problem_ids, lambda one: rooms.problems.seen(one, by=person(), now=time.time())),
        lambda api: _each(problem_ids, lambda one: api.post("problems", one, "seen")),
    )
    _tell(problem_ids, changed, "is noted as seen", as_json=as_json)


@problems.command(
    epilog=example("hookline problems dismiss 01kz2v3nd8z5rjq0v6a7t4m9xe --note 'orders of a test shop'")
)
@click.argument("problem_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--note", "reason", required=True, metavar="TEXT", help="Why its runs need nothing more.")
@server_options
@json_option
@asynchronous
async def dismiss(place: Place, problem_ids: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Close problems although runs are left, with a note that says why."""
    from runner.cli.house import noted

    if not reason.strip():
        raise click.BadParameter("say why its runs need nothing more", param_hint="--note")

    async def near(rooms: Rooms, problem_id: str) -> Json:
        done = await rooms.problems.dismiss(problem_id, by=person(), note=reason.strip(), now=time.time())
        await noted(rooms, "dismissed", "problem", problem_id, note=reason.strip())
        return done

    changed = await place.ask(
        lambda rooms: _each(problem_ids, lambda one: near(rooms, one)),
        lambda api: _each(problem_ids, lambda one: api.post("problems", one, "dismiss", note=reason.strip())),
    )
    _tell(problem_ids, changed, "is dismissed", as_json=as_json)


async def _each(problem_ids: tuple[str, ...], do: Callable[[str], Awaitable[Json]]) -> list[Json]:
    """What *do* gave for each; one that is refused says why and does not stop the others."""
    changed = []
    for problem_id in problem_ids:
        try:
            changed.append(await do(problem_id))
        except (NotFound, MoveRefused) as error:
            note(f"hookline: {printable(str(error))}")
    return changed


def _tell(problem_ids: tuple[str, ...], changed: list[Json], done: str, *, as_json: bool) -> None:
    """Print what was *done* to them. Exit status 1 if any was refused."""
    if as_json:
        print_json({"items": changed, "next": None})
    for one in [] if as_json else changed:
        click.echo(f"{one['id']} {done}")
    if len(changed) < len(problem_ids):
        raise click.exceptions.Exit(1)


def _row(problem: Json) -> tuple[str, ...]:
    return (
        problem["id"],
        moment(problem["opened_at"]),
        problem["workflow"],
        _status(problem),
        str(_left(problem)),
        problem["sentence"],
    )


def _show(problem: Json) -> None:
    runs = problem["runs"]
    click.echo(f"{_status(problem)}: {printable(problem['sentence'])}")
    click.echo()
    where = f"step {problem['step']}" if problem["step"] else "the run as a whole"
    if problem["kind"] in WITHOUT_RUNS:
        where = WITHOUT_RUNS[problem["kind"]]
    click.echo(f"problem {problem['id']} of {problem['workflow']}, {where}")
    click.echo(f"open since {moment(problem['opened_at'])} UTC" + _until(problem))
    if problem["seen"]:
        click.echo(f"seen by {printable(problem['seen']['by'])} at {moment(problem['seen']['at'])} UTC")
    if problem["kind"] in WITHOUT_RUNS:
        return
    named = [f"{runs[name]} {name.replace('_', ' ')}" for name in runs if name != "total" and runs[name]]
    total = f"{runs['total']} run{'' if runs['total'] == 1 else 's'}"
    click.echo(f"{total}{': ' if named else ''}{', '.join(named)}")
    if problem["replay"]:
        click.echo(f"replayed by {problem['replay']}")


def _until(problem: Json) -> str:
    if problem["closed_at"] is None:
        return ""
    closed = f", closed at {moment(problem['closed_at'])} UTC"
    by = problem["dismissed_by"]
    return f"{closed} by {printable(by)}: {printable(problem['note'])}" if by else closed


def _status(problem: Json) -> str:
    """As people say it: open, seen, recovering, closed."""
    if problem["status"] == "closed":
        return "closed"
    if problem["replay"] or problem["runs"]["under_way"]:
        return "recovering"
    return "seen" if problem["seen"] else "open"


def _left(problem: Json) -> int:
    runs = problem["runs"]
    return int(runs["failed"] + runs["waiting"] + runs["under_way"])

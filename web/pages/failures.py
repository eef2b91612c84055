"""Failures: what needs a person. The list of problems, one of them, and the plan of a replay of its runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from quart import g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from runner.engine.history import Wanted
from runner.engine.replays import FASTEST, FIRST, IN_DOUBT, RATE, STALE_SECONDS, Filter, Terms
from runner.errors import MoveRefused, as_sentence
from web.api import problems as api
from web.api import replays
from web.api.routes import Asked
from web.failing import (
    destination_of,
    newest_closed,
    picture_of_runs,
    sends_of,
    state_of,
    step_of,
    title_of,
    told_of,
    what_to_do,
    without_path,
)
from web.house import House
from web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.values import Json

UNANSWERED = IN_DOUBT | {"crashed"}  # codes of runs that may have arrived
SHOWN_RUNS = 10  # on the page of a problem; all stand in the list of runs
MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person ticked and typed beside a plan."""

    uncertain: bool
    stale: bool
    version: Literal["live", "original"]
    rate: float
    first: bool

    def terms(self, problem_id: str) -> Terms:
        """Those of a replay of the problem's failed runs."""
        return Terms(
            where=Filter(problem=problem_id),
            version=self.version,
            rate=self.rate,
            first=FIRST if self.first else 0,
            include_uncertain=self.uncertain,
            include_stale=self.stale,
        )


async def failures(house: House) -> str:
    """Problems, those that are open first, or the closed ones."""
    status = "closed" if request.args.get("status") == "closed" else "open"
    cursor = request.args.get("cursor") or None
    try:
        page = await house.problems.page(status=status, cursor=cursor)
    except ValueError as error:
        raise Problem(400, f"cursor: {error}.", parameter="cursor") from None
    last = None
    if not page.items and status == "open":
        last = newest_closed((await house.problems.page(status="closed", limit=20)).items)
    names = {live.workflow.slug: live.workflow.name for live in house.library.all()}
    rows = [
        {
            "problem": one,
            "state": state_of(one),
            "title": title_of(one),
            "name": names.get(one["workflow"], one["workflow"]),
            "step": step_of(house.library.get(one["workflow"]), one["step"]),
        }
        for one in page.items
    ]
    return await render_template(
        "failures.html",
        rows=rows,
        status=status,
        last=last,
        next=page.next,
        open_count=await house.problems.open_count(),
    )


async def failure(house: House, problem_id: str) -> str:
    """One problem; with `?plan` what a replay of its runs would do, which is looked at and not kept."""
    problem = await house.problems.show(problem_id)
    live = house.library.get(problem["workflow"])
    picture, span = await picture_of_runs(house, problem_id)
    runs = await house.history.runs(Wanted(problem=problem_id, limit=SHOWN_RUNS))
    in_doubt = await house.problems.in_doubt(problem_id) if problem["runs"]["failed"] else 0
    replay = await house.replays.show(problem["replay"]) if problem["replay"] else None
    chosen = _choice(request.args) if "plan" in request.args else None
    plan, refusal = (await _plan(house, problem_id, chosen)) if chosen else (None, None)
    classes = {"safe"}
    if chosen:
        classes |= {"uncertain"} if chosen.uncertain else set()
        classes |= {"stale"} if chosen.stale else set()
    return await render_template(
        "failure.html",
        problem=problem,
        title=title_of(problem, in_doubt),
        told=told_of(problem),
        step=step_of(live, problem["step"]),
        replay=replay,
        in_doubt=UNANSWERED,
        state=state_of(problem),
        todo=what_to_do(problem, in_doubt),
        destination=destination_of(house, problem),
        name=live.workflow.name if live else problem["workflow"],
        live=live,
        is_paused=house.holding.of(problem["workflow"]) is not None,
        picture=picture,
        span=span,
        runs=runs.items,
        without_path=without_path,
        choice=chosen,
        plan=plan,
        refusal=refusal,
        sends=sends_of(plan, classes) if plan else [],
        first=FIRST,
        fastest=FASTEST,
        stale_seconds=STALE_SECONDS,
        longest_note=api.LONGEST_NOTE,
    )


async def see_failure(house: House, problem_id: str) -> ResponseReturnValue:
    """Say that the person has seen it."""
    await api.seen(house, _asked(problem_id))
    return _to(problem_id)


async def try_failure(house: House, problem_id: str) -> ResponseReturnValue:
    """Let the next call of its destination go now."""
    await api.try_now(house, _asked(problem_id))
    return _to(problem_id)


async def dismiss_failure(house: House, problem_id: str) -> ResponseReturnValue:
    """Close it with a note."""
    note = (await request.form).get("note", "")
    if not note.strip() or len(note) > api.LONGEST_NOTE:
        raise Problem(400, "Say in a few words why its runs need nothing more.", parameter="note")
    await api.dismiss(house, _asked(problem_id, note=note.strip()))
    return redirect(url_for("failures"), 303)


async def replay_failure(house: House, problem_id: str) -> ResponseReturnValue:
    """Plan the replay anew, as it stands in this moment, begin it, and show how it goes."""
    chosen = _choice(await request.form)
    plan = await house.replayer.plan(chosen.terms(problem_id), by=g.person.name)
    if not plan["plan"]["included"]:
        raise Problem(409, "No run is left that would be replayed so. Nothing was sent.")
    await replays.start(house, _asked(plan["id"]))
    return redirect(url_for("replay", replay_id=plan["id"]), 303)


async def _plan(house: House, problem_id: str, chosen: Choice) -> tuple[Json | None, str | None]:
    """The plan, or why there is none."""
    try:
        return await house.replayer.plan(chosen.terms(problem_id), by=g.person.name, keep=False), None
    except MoveRefused as error:
        return None, as_sentence(error)


def _choice(given: Mapping[str, str]) -> Choice:
    version = given.get("version", "live")
    if version not in replays.VERSIONS:
        raise Problem(400, "version: live or original.", parameter="version")
    return Choice(
        uncertain="uncertain" in given,
        stale="stale" in given,
        version=cast("Literal['live', 'original']", version),
        rate=read_rate(given.get("rate") or f"{RATE:g}"),
        first="first" in given or "chosen" not in given,  # ticked unless a person took it away
    )


def read_rate(text: str) -> float:
    """Runs a second. Raises Problem: it is no such number."""
    try:
        rate = float(text) if len(text) <= MOST_DIGITS else 0.0
    except ValueError:
        rate = 0.0
    if not 0 < rate <= FASTEST:  # neither does nan
        raise Problem(400, f"Speed: a number over 0 and at most {FASTEST:g} a second.", parameter="rate")
    return rate


def _asked(thing: str, **given: Json) -> Asked:
    return Asked(thing, given, g.person)


def _to(problem_id: str) -> ResponseReturnValue:
    return redirect(url_for("failure", problem_id=problem_id), 303)

"""Runs: the list, one run with the step that one looks at, its replay, its test, and beside another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from quart import Response, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from runner.engine.history import Wanted
from runner.engine.paths import does, steps_by_path, without_indices
from runner.engine.replays import Terms
from runner.engine.runs import ENDED, Status
from runner.errors import MoveRefused, NotFound
from runner.language.outline import Outlined, outline
from runner.language.workflow import Action
from runner.values import Json, dumps
from web.api.details import show_case, write_case
from web.api.parameters import LONGEST_PATH, OF_RUNS, wanted
from web.api.routes import Asked, read_query
from web.comparing import compared
from web.display import MOST_SHOWN, pretty
from web.house import House, Version
from web.next_moves import next_moves, story
from web.pages.lists import asked_field, listed
from web.problems import Problem
from web.timeline import MOST_ITEMS, Row, chosen, excerpt, items_of, timeline
from web.workflows import workflow_items

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TABS = {
    "": "All", "running": "Running", "waiting": "Waiting", "queued": "Queued", "failed": "Failed",
    "succeeded": "Succeeded", "filtered": "Filtered", "cancelled": "Cancelled",
}  # fmt: skip
STEP_TABS = ("sent", "answer", "input", "output", "attempts", "yaml")
OTHERS = 12  # runs of the same workflow that are offered for comparing
ENDED_WORDS = frozenset(str(one) for one in ENDED)


async def runs(house: House) -> ResponseReturnValue:
    """What happened."""
    if (way := asked_field()) is not None:
        return way
    given = read_query(OF_RUNS, request.args, house.clock())
    page = await house.history.runs(wanted(given))
    counts = await house.details.run_counts(given.get("workflow"))
    words = {"event": "Of event", "problem": "Of problem", "type": "Type is"}
    return await render_template(
        "runs.html", items=page.items, list=listed(page, TABS, counts, _names(house), words=words)
    )


async def run(house: House, run_id: str) -> str:
    """One run: the whole story in a sentence, what to do next, its steps and one of them."""
    found = await house.history.run(run_id)
    source, outlined = await _text(house, found)
    rows = timeline(found, outlined, _actions(house, found))
    path = chosen(found, rows, request.args.get("step", "")[:LONGEST_PATH])
    other = await _other(house, found)
    problem = await _problem_of(house, found)
    row = _row(rows, (found["reason"] or {}).get("facts", {}).get("step"))
    return await render_template(
        "run.html",
        run=found,
        rows=rows,
        story=story(found, rows),
        next=next_moves(found, rows, g.person, problem=problem, connection=_connection(house, found, row)),
        problem=problem,
        step=await _step(house, found, rows, path, source, outlined),
        comparison=compared(found, other) if other else None,
        other=other,
        is_ended=found["status"] in ENDED_WORDS,
    )


async def run_part(house: House, run_id: str) -> Response:
    """The whole input or output of a step, as a file. Raises NotFound."""
    found = await house.history.run(run_id)
    path, part = request.args.get("step", ""), request.args.get("part", "")
    step = next((one for one in found["steps"] if one["path"] == path), None)
    if step is None or part not in ("input", "output"):
        raise NotFound("there is no such part of this run")
    value = step[part]
    text, kind = (value, "text/plain") if isinstance(value, str) else (dumps(value), "application/json")
    ending = "txt" if kind == "text/plain" else "json"
    headers = {"Content-Disposition": f'attachment; filename="{run_id}-{part}.{ending}"'}
    return Response(text.encode(errors="replace"), content_type=f"{kind}; charset=utf-8", headers=headers)


async def run_replay(house: House, run_id: str) -> str:
    """The ways in which the run can be replayed, each with what would happen again."""
    found = await house.history.run(run_id)
    _source, outlined = await _text(house, found)
    live = house.library.get(found["workflow"])
    return await render_template(
        "run_replay.html",
        run=found,
        live=live.version if live else None,
        row=_row(timeline(found, outlined, {}), (found["reason"] or {}).get("facts", {}).get("step")),
        ways={
            "failed": await _plan(house, found, "failed", "live"),
            "live": await _plan(house, found, "start", "live"),
            "original": await _plan(house, found, "start", "original"),
        },
    )  # fmt: skip


async def replay_run(house: House, run_id: str) -> ResponseReturnValue:
    """Replay the run, then show the run that goes on."""
    form = await request.form
    origin, version = form.get("from", ""), form.get("version", "live")
    if origin not in ("failed", "start"):
        raise Problem(400, "Say from where: the failed step or the start.", parameter="from")
    if version not in ("live", "original"):
        raise Problem(400, "Say with which version: the live one or the run's own.", parameter="version")
    started = await house.start_replay(
        run_id, origin="failed" if origin == "failed" else "start", version=cast("Version", version)
    )
    await house.audit(g.person, "replayed", "run", run_id, origin=origin, version=version)
    return redirect(url_for("run", run_id=started["id"]), 303)


async def cancel_run(house: House, run_id: str) -> ResponseReturnValue:
    """Cancel the run, then show it."""
    await house.store.cancel(run_id, now=house.clock())
    await house.audit(g.person, "cancelled", "run", run_id)
    return redirect(url_for("run", run_id=run_id), 303)


async def run_case(house: House, run_id: str) -> ResponseReturnValue:
    """The test that the run makes, to copy or to put into the folder; with `?file` as a file."""
    found = await house.history.run(run_id)
    case, refused = None, None
    try:
        case = await show_case(house, Asked(run_id, {}, g.person))
    except MoveRefused as error:
        refused = str(error)
    if case and "file" in request.args:
        headers = {"Content-Disposition": f'attachment; filename="{case["file"]}"'}
        return Response(case["text"], content_type="application/yaml; charset=utf-8", headers=headers)
    return await render_template("run_case.html", run=found, case=case, refused=refused, is_written=False)


async def write_run_case(house: House, run_id: str) -> str:
    """Put the test into the workflow's test file."""
    found = await house.history.run(run_id)
    case = await write_case(house, Asked(run_id, {}, g.person))
    return await render_template("run_case.html", run=found, case=case, refused=None, is_written=True)


async def run_comparing(house: House, run_id: str) -> str:
    """Which run to lay beside this one."""
    found = await house.history.run(run_id)
    others = (await house.history.runs(Wanted(workflow=found["workflow"], limit=OTHERS + 1))).items
    return await render_template(
        "run_comparing.html", run=found, others=[one for one in others if one["id"] != run_id][:OTHERS]
    )


async def _step(
    house: House, run: Json, rows: Sequence[Row], path: str | None, source: str, outlined: Sequence[Outlined]
) -> dict[str, Any] | None:
    """What is shown of the step at *path*; None where there is none."""
    if path is None:
        return None
    step = next((one for one in run["steps"] if one["path"] == path), None)
    row = _row(rows, path)
    attempts = await house.details.exchanges(run["id"], path) if step and step["kind"] == "action" else []
    steps = {one["path"]: one for one in run["steps"]}
    items = items_of(path, steps) if row and row.kind in ("for_each", "repeat") else []
    trace = next((one for one in run["trace"] if one["path"] == path and "test" in one), None)
    has = _has(step, attempts, row, source)
    tab = request.args.get("tab", "")
    first = next((one for one in STEP_TABS if has[one]), None)
    if step and step["status"] == "filtered" and has["yaml"]:
        first = "yaml"
    return {
        "path": path,
        "row": row,
        "step": step,
        "attempts": attempts,
        "items": items[:MOST_ITEMS],
        "more_items": max(0, len(items) - MOST_ITEMS),
        "test": trace,
        "tabs": [one for one in STEP_TABS if has[one]],
        "tab": tab if has.get(tab) else first,
        "lines": excerpt(source, outlined, row.line) if has["yaml"] and row and row.line else [],
        "too_long": {
            part: size
            for part in ("input", "output")
            if step and (size := len(pretty(step[part], cut=False))) > MOST_SHOWN
        },
    }


def _has(step: Json, attempts: Sequence[Json], row: Row | None, source: str) -> dict[str, bool]:
    """Which of STEP_TABS have something to show."""
    has = dict.fromkeys(STEP_TABS, False)
    has["yaml"] = bool(row and row.line and source)
    if step is None:
        return has
    is_call = step["kind"] in ("action", "call")
    has["sent"] = bool(attempts) or (is_call and step["input"] is not None)
    has["answer"] = bool(attempts) and attempts[-1]["exchanges"][-1]["answer"] is not None
    has["input"], has["output"] = step["input"] is not None, step["output"] is not None
    has["attempts"] = len(attempts) > 1 or step["attempts"] > 1
    return has


async def _text(house: House, run: Json) -> tuple[str, list[Outlined]]:
    """The text of the version that the run has, and its steps; nothing where it is gone."""
    try:
        source = await house.store.version_source(run["workflow"], run["version"])
    except NotFound:
        return "", []
    return source, outline(source)


def _actions(house: House, run: Json) -> Mapping[str, str]:
    """What the steps call, by path, where the run's version is the live one."""
    live = house.library.get(run["workflow"])
    if live is None or live.version != run["version"]:
        return {}
    return {
        path: does(step)
        for path, step in steps_by_path(live.workflow).items()
        if isinstance(step.body, Action)
    }


def _connection(house: House, run: Json, row: Row | None) -> str | None:
    live = house.library.get(run["workflow"])
    if live is None or row is None:
        return None
    step = steps_by_path(live.workflow).get(row.path)
    return step.body.connection if step and isinstance(step.body, Action) else None


async def _plan(house: House, run: Json, origin: str, version: Version) -> dict[str, Any]:
    """What such a replay would do again, or why it cannot be."""
    if run["status"] not in ENDED_WORDS or (origin == "failed" and run["status"] != Status.FAILED):
        return {"refused": "It has not failed." if origin == "failed" else "It has not ended.", "effects": []}
    terms = Terms((run["id"],), origin=origin, version=version, include_uncertain=True, include_stale=True)
    planned = await house.replayer.plan(terms, by=g.person.name, keep=False)
    why = next((one["why"] for one in planned["left_out"]), None)
    return {"refused": why if not planned["plan"]["included"] else None, "effects": planned["effects"]}


async def _other(house: House, run: Json) -> Json | None:
    """The run that is laid beside it. Raises NotFound."""
    identity = request.args.get("with", "").strip().lower()
    return await house.history.run(identity) if identity and identity != run["id"] else None


async def _problem_of(house: House, run: Json) -> str | None:
    """The id of the open problem that the run most likely stands under."""
    if run["status"] not in ("failed", "waiting"):
        return None
    step = without_indices(str((run["reason"] or {}).get("facts", {}).get("step") or ""))
    page = await house.problems.page(status="open", workflow=run["workflow"], limit=20)
    found = [one for one in page.items if one["step"] == step] or (
        [one for one in page.items if one["runs"]["waiting"]] if run["status"] == "waiting" else []
    )
    return str(found[0]["id"]) if found else None


def _row(rows: Sequence[Row], path: object) -> Row | None:
    plain = without_indices(str(path)) if path else None
    return next((row for row in rows if row.path in (path, plain)), None)


def _names(house: House) -> dict[str, str]:
    return {item["slug"]: item["name"] for item in workflow_items(house)}

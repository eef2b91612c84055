"""`hookline test --from-run`: a case out of a run of the history, printed or appended to its test file."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connectors.shelf import Shelf
from runner.cli.case_files import SUFFIX, read_case_file
from runner.cli.house import catalogue
from runner.cli.showing import note, print_json
from runner.cli.testing import try_files
from runner.errors import HooklineError, MoveRefused, NotFound, StoreUnavailable
from runner.values import Json
from runner.workbench.writing import item_lines

if TYPE_CHECKING:
    from runner.cli.house import Rooms
    from runner.cli.options import Place
    from runner.engine.runs import Event
    from runner.workbench.from_run import PastRun


def make_case(place: Place, run_id: str, *, is_written: bool, as_json: bool) -> None:
    """
    Print the case that the run *run_id* makes, or append it to its workflow's test file.

    Raises:
        HooklineError: there is no such run, or no case can be made of it; the message says why.
    """
    slug, case, was = asyncio.run(_case_at(place, run_id))
    path = place.workflows / f"{slug}{SUFFIX}"
    case, status = _with_expectations(path, case)
    if status != was:
        note(_differs(was, status))
    if as_json:
        print_json(case)
        return
    if not is_written:
        click.echo(_alone(case), nl=False)
        return
    path.write_text(_appended(path, case), encoding="utf-8")
    note(f'{path}: appended "{case["name"]}"')


async def whole_events(rooms: Rooms, ids: Collection[str]) -> dict[str, Event]:
    """The recorded events of these ids as they are stored, by id; those that are not there are left out."""
    from runner.store.bodies import each_event

    return await each_event(rooms.store.read, list(ids), lambda event: event)


async def made_case(rooms: Rooms, run_id: str, *, is_written: bool) -> Json:
    """
    The case that the run *run_id* makes, for a page: `{workflow, file, text, note}`, `text` being a test file
    of this case alone; with *is_written* it is appended to the workflow's test file.

    Raises:
        NotFound: there is no such run. MoveRefused: no case can be made of it; the message says why.
    """
    try:
        slug, case, was = await _case(rooms, run_id)
        path = rooms.library.folder / f"{slug}{SUFFIX}"
        case, status = await asyncio.to_thread(_with_expectations, path, case)
        if is_written:
            text = await asyncio.to_thread(_appended, path, case)
            await asyncio.to_thread(path.write_text, text, encoding="utf-8")
    except OSError as error:
        raise MoveRefused(f"{path.name} cannot be written: {error.strerror}") from None
    except (NotFound, StoreUnavailable):
        raise
    except HooklineError as error:
        raise MoveRefused(str(error)) from None
    said = None if status == was else _differs(was, status)
    return {"workflow": slug, "file": path.name, "text": _alone(case), "note": said}


def _differs(was: str, status: str) -> str:
    why = "the workflow changed since, or what is redacted decides it"
    return f"the run ended as {was}, and its case as {status}: {why}"


async def _case_at(place: Place, run_id: str) -> tuple[str, dict[str, Json], str]:
    async with place.opened() as rooms:
        return await _case(rooms, run_id)


async def _case(rooms: Rooms, run_id: str) -> tuple[str, dict[str, Json], str]:
    """The slug of the run's workflow, its case without expectations, and how the run ended."""
    from runner.cli.house import live_workflow
    from runner.engine.paths import steps_by_path
    from runner.language.workflow import Action, CallWorkflow
    from runner.workbench.from_run import case_of

    run, past = await _past(rooms, run_id)
    live = await live_workflow(rooms.library, run["workflow"])
    names = {}
    for path, step in steps_by_path(live.workflow).items():
        if isinstance(step.body, Action):
            names[path] = step.body.action
        elif isinstance(step.body, CallWorkflow):
            names[path] = step.body.workflow
    try:
        case = case_of(past, live.workflow, live.source, names, rooms.vault.secret_values())
    except ValueError as error:
        raise HooklineError(f"no case can be made of {run_id}: {error}") from None
    return run["workflow"], case, run["status"]


async def _past(rooms: Rooms, run_id: str) -> tuple[Json, PastRun]:
    from runner.store.bodies import payload_again
    from runner.store.history import StoredHistory
    from runner.store.queries import SQL
    from runner.workbench.from_run import PastRun

    run = await StoredHistory(rooms.store).run(run_id)
    events = await whole_events(rooms, [run["event"]])
    if run["event"] not in events:
        raise NotFound(f"the event {run['event']} of that run is not kept any more")
    event = events[run["event"]]
    ((_event, item),) = await rooms.store.read(SQL["run_for_replay"], run_id=run_id)
    return run, PastRun(run_id, event, payload_again(event), run["steps"], item)


def _with_expectations(path: Path, case: dict[str, Json]) -> tuple[dict[str, Json], str]:
    """*case* with what comes of it, and how it ends: tried as if it stood in the file."""
    from runner.workbench.updating import snapshot

    file = read_case_file(path, catalogue(None, shelf=Shelf(path.parent)), text=_alone(case))
    if file.is_bad:
        raise HooklineError("\n".join(str(one) for one in file.faults))
    (verdict,) = try_files([file])
    performance = verdict.tried[0].performance
    return {**case, "expect": snapshot(performance)}, performance.status


def _appended(path: Path, case: Json) -> str:
    """The text of the test file with *case* behind its last."""
    from runner.workbench.updating import appended

    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if not text.strip():
        return _alone(case)
    try:
        return appended(text, case)
    except ValueError as error:
        raise HooklineError(f"{path}: {error}") from None


def _alone(case: Json) -> str:
    """A test file of this case alone."""
    return "".join(f"{one}\n" for one in ["cases:", *(f"  {one}" for one in item_lines(case))])

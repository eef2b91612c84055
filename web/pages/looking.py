"""The pages that look: home, the lists of runs and events, one of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from quart import render_template, request

from runner.engine.history import Page, Wanted
from runner.engine.runs import Disposition, Status
from web.api.parameters import OF_EVENTS, OF_RUNS, wanted
from web.api.routes import read_query
from web.house import House
from web.workflows import workflow_items

LATEST = 20  # runs and events on the home page


async def home(house: House) -> str:
    """Is all well, and where are my workflows."""
    counts = await house.history.counts(since=_midnight(house))
    rows = [(item, counts.get(item["slug"], {})) for item in workflow_items(house)]
    return await render_template(
        "home.html",
        rows=sorted(rows, key=lambda row: (not row[0]["faults"], not row[1].get("failed"))),
        folder=house.library.folder,
        runs=(await house.history.runs(Wanted(limit=LATEST))).items,
        events=(await house.history.events(Wanted(limit=LATEST))).items,
    )


async def runs(house: House) -> str:
    """What happened."""
    given = read_query(OF_RUNS, request.args, house.clock())
    page = await house.history.runs(wanted(given))
    return await _list("runs.html", page, given, house, [str(one) for one in Status])


async def run(house: House, run_id: str) -> str:
    """One run: why it is where it is, then its steps."""
    found = await house.history.run(run_id)
    return await render_template("run.html", run=found)


async def events(house: House) -> str:
    """Did it arrive."""
    given = read_query(OF_EVENTS, request.args, house.clock())
    page = await house.history.events(wanted(given))
    return await _list("events.html", page, given, house, [str(one) for one in Disposition])


async def event(house: House, event_id: str) -> str:
    """One event: its gates, its runs and what was in it."""
    found = await house.history.event(event_id)
    return await render_template("event.html", event=found)


async def _list(template: str, page: Page, given: dict[str, Any], house: House, statuses: list[str]) -> str:
    kept = {name: value for name, value in request.args.items() if value and name != "cursor"}
    older = f"?{urlencode({**kept, 'cursor': page.next})}" if page.next else None
    return await render_template(
        template,
        items=page.items,
        older=older,
        is_narrowed=bool(given),
        given=request.args,
        statuses=statuses,
        slugs=[item["slug"] for item in workflow_items(house)],
    )


def _midnight(house: House) -> float:
    """When today began, where the pages' times are."""
    now = datetime.fromtimestamp(house.clock(), ZoneInfo(house.timezone))
    return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()

"""Home: is all well, and where are my workflows."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from quart import g, render_template, request

from runner.engine.history import Wanted
from runner.engine.reach import out_of_reach
from runner.engine.runs import Disposition
from runner.errors import StoreUnavailable
from runner.values import Json
from web.api.parameters import LONGEST_SEARCH
from web.frame import Banner, look, problem_sentence
from web.house import House
from web.overview import PAGE, STATES, Asked, Row, narrowed, overview, with_hours
from web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MOST_PROBLEMS = 5  # on Home; the others stand on their page
MOST_CARDS = 6  # on the first visit


async def home(house: House) -> str:
    """
    The list, and above it what needs a person.

    Raises:
        Problem: 503, the store cannot be read; it says whether events are still accepted.
    """
    try:
        return await _home(house)
    except StoreUnavailable:
        raise Problem(503, await _unreadable(house)) from None


async def _unreadable(house: House) -> str:
    try:
        await house.ping()
    except StoreUnavailable:
        goes_on = "New events are refused with 503, so that senders try again."
    else:
        goes_on = "Nothing is lost: events are still being accepted."
    return f"We could not read the list just now. {goes_on}"


async def _home(house: House) -> str:
    rows = await overview(house)
    if not rows:
        starters = await asyncio.to_thread(house.starters)
        return await render_template(
            "home_empty.html",
            cards=starters[:MOST_CARDS],
            address=house.public_url,
            reach=out_of_reach(house.public_url),
        )
    asked = Asked(
        text=request.args.get("q", "")[:LONGEST_SEARCH],
        tag=request.args.get("tag", ""),
        state=request.args.get("state", ""),
        page=_number(request.args.get("page", "")),
    )
    fitting = narrowed(rows, asked)
    first = (asked.page - 1) * PAGE
    needs = [one async for one in _needs(house, rows)]
    refused = next((one for one in needs if one["kind"] == "refused"), None)
    frame = await _with_refusal(house, refused) if refused else {}
    return await render_template(
        "home.html",
        needs=[one for one in needs if not frame or one is not refused],  # what the banner says is said
        rows=await with_hours(house, fitting[first : first + PAGE]),
        count=len(fitting),
        total=len(rows),
        asked=asdict(asked),
        states=STATES,
        tags=sorted({tag for row in rows for tag in row.item["tags"]}),
        newer=_page(asked.page - 1) if asked.page > 1 else None,
        older=_page(asked.page + 1) if first + PAGE < len(fitting) else None,
        **frame,
    )


async def _with_refusal(house: House, refused: Json) -> dict[str, Any]:
    """The frame with a banner that tells of refused events; nothing where worse is to be told."""
    frame = await look(house)
    if frame.banner and frame.banner.colour == "bad":
        return {}
    banner = Banner("bad", f"{refused['name']}: {refused['sentence']}", refused["href"], refused["verb"])
    return {"frame": frame.with_banner(banner)}


async def _needs(house: House, rows: list[Row]) -> AsyncIterator[Json]:
    """What waits for a person: `{kind, mark, name, sentence, href, verb}`, the worst first."""
    names = {row.item["slug"]: row.item["name"] for row in rows}
    page = await house.problems.page(status="open", limit=MOST_PROBLEMS)
    for one in page.items:
        yield {
            "kind": "problem",
            "mark": "open" if one["runs"]["failed"] or not one["runs"]["waiting"] else "waiting",
            "name": names.get(one["workflow"], one["workflow"]),
            "sentence": problem_sentence(one),
            "href": f"/failures/{one['id']}",
            "verb": "Look",
        }
    for row in rows:
        if row.activity.rejected and (told := await _refusals(house, row)):
            yield told
    for row in rows:
        if row.state == "faults":
            yield _faults(row)
    waiting, _rest = await house.resuming.open(limit=PAGE)
    if waiting:
        count = f"{len(waiting)}{'+' if _rest else ''}"
        yield {
            "kind": "approvals",
            "mark": "waiting",
            "name": "Approvals",
            "sentence": "1 question waits for an answer."
            if count == "1"
            else f"{count} questions wait for an answer.",
            "href": "/approvals",
            "verb": "Answer" if g.person.may("editor") else "Look",
        }


async def _refusals(house: House, row: Row) -> Json | None:
    """Of a workflow that refused its latest event: why, and how many there are."""
    slug = row.item["slug"]
    latest = (await house.history.events(Wanted(workflow=slug, limit=1))).items
    if not latest or latest[0]["disposition"] != Disposition.REJECTED:
        return None
    count = row.activity.rejected
    what = "1 event was refused" if count == 1 else f"{count:,} events were refused"
    return {
        "kind": "refused",
        "mark": "rejected",
        "name": row.item["name"],
        "sentence": f"{what}: {(latest[0]['reason'] or 'we could not accept it').rstrip('.')}.",
        "href": f"/events?workflow={slug}&status=rejected",
        "verb": "See why",
    }


def _faults(row: Row) -> Json:
    faults = [one for one in row.item["faults"] if one["severity"] == "error"]
    more = f" {len(faults) - 1} more." if len(faults) > 1 else ""
    keeps = f" Version {row.item['version']} keeps running." if row.is_kept else " Its events are held."
    return {
        "kind": "faults",
        "mark": "kept" if row.is_kept else "faults",
        "name": row.item["name"],
        "sentence": f"Line {faults[0]['line']}: {faults[0]['message'].rstrip('.')}.{more}{keeps}",
        "href": f"/workflows/{row.item['slug']}#faults",
        "verb": "See faults",
    }


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < len("100000") else 1


def _page(number: int) -> str:
    kept = {name: value for name, value in request.args.items() if value and name != "page"}
    return f"?{urlencode({**kept, 'page': number})}"

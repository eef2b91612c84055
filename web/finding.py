"""What a few typed letters find: pages, workflows, things to do with them, runs and events."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.engine.history import Wanted
from runner.engine.where import Anywhere
from runner.values import Json
from web.workflows import workflow_items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.people import Right
    from web.auth import Person
    from web.house import House

PAGES: tuple[tuple[str, str, Right], ...] = (
    ("Home", "/", "viewer"),
    ("Runs", "/runs", "viewer"),
    ("Events", "/events", "viewer"),
    ("Failures", "/failures", "viewer"),
    ("Approvals", "/approvals", "viewer"),
    ("Connections", "/connections", "editor"),
    ("New workflow", "/workflows/new", "editor"),
    ("Reference", "/docs", "viewer"),
    ("Reference: language", "/docs/language", "viewer"),
    ("Reference: actions", "/docs/actions", "viewer"),
    ("Reference: functions", "/docs/functions", "viewer"),
    ("Reference: providers of webhooks", "/docs/providers", "viewer"),
    ("Reference: faults", "/docs/faults", "viewer"),
    ("Health", "/health", "viewer"),
    ("Settings", "/settings", "viewer"),
)
IDENTITY = re.compile(r"[0-9A-Za-z]{20,32}")
MOST_OF_A_KIND = 6
LOOKING_SECONDS = 0.02  # at runs, at events and at payloads each: whoever types waits for all three
LEAST_LETTERS = 3  # from which on payloads are looked through: less is in all of them


async def found(house: House, person: Person, text: str) -> list[Json]:
    """
    `[{kind, title, detail, url}]`, the likeliest first; of no text the pages. `kind` is page, workflow,
    command, run or event. What `url` leads to does nothing by itself: a command opens its dialog.
    """
    text = text.strip()
    pages = list(_pages(person, text))
    if not text:
        return pages
    workflows = list(_workflows(house, person, text))
    happened = await _exactly(house, text) or await _runs_and_events(house, text)
    if not happened and len(text) >= LEAST_LETTERS:
        happened = await _by_payload(house, text)
    return [*workflows, *pages[:MOST_OF_A_KIND], *happened]


def _pages(person: Person, text: str) -> Iterator[Json]:
    for title, url, right in PAGES:
        if person.may(right) and text.casefold() in title.casefold():
            yield {"kind": "page", "title": title, "detail": "page", "url": url}


def _workflows(house: House, person: Person, text: str) -> Iterator[Json]:
    """Those whose name has all words of *text*, and what can be done with one: its verb counts as a word."""
    words = text.casefold().split()
    items = workflow_items(house)
    for item in items:
        name = f"{item['name']} {item['slug']} {' '.join(item['tags'])}".casefold()
        if all(word in name for word in words):
            yield {
                "kind": "workflow",
                "title": item["name"],
                "detail": "workflow",
                "url": f"/workflows/{item['slug']}",
            }
    if not person.may("editor"):
        return
    for item in items:
        name = f"{item['name']} {item['slug']}".casefold()
        for verb, path in _verbs(item):
            if any(verb.casefold().startswith(word) for word in words) and all(
                word in f"{verb} {name}".casefold() for word in words
            ):
                yield {
                    "kind": "command",
                    "title": f"{verb} {item['name']}",
                    "detail": "command",
                    "url": f"/workflows/{item['slug']}{path}",
                }


def _verbs(item: Json) -> Iterator[tuple[str, str]]:
    yield "Edit", "/edit"
    if item["version"] is None:
        return
    if item["paused"]:
        yield "Resume", "#resume"
    else:
        yield "Pause", "#pause"
    if item["manual"]:
        yield "Run", "/run"


async def _exactly(house: House, text: str) -> list[Json]:
    """The run or event of that id, or the events of that delivery."""
    if IDENTITY.fullmatch(text):
        wanted = Wanted(id=text.lower(), limit=1)
        runs, events = await house.history.runs(wanted), await house.history.events(wanted)
        if runs.items or events.items:
            return [*map(_run, runs.items), *map(_event, events.items)]
    events = await house.history.events(Wanted(delivery_id=text, limit=MOST_OF_A_KIND))
    return [_event(one) for one in events.items]


async def _runs_and_events(house: House, text: str) -> list[Json]:
    wanted = Wanted(text=text, limit=MOST_OF_A_KIND, seconds=LOOKING_SECONDS)
    runs = (await house.history.runs(wanted)).items
    seen = {one["event"] for one in runs}
    events = [one for one in (await house.history.events(wanted)).items if one["id"] not in seen]
    return [*map(_run, runs), *map(_event, events)]


async def _by_payload(house: House, text: str) -> list[Json]:
    """Runs and events of which a value of the payload is exactly that, of the newest that time allows."""
    wanted = Wanted(payload=(Anywhere(text),), limit=MOST_OF_A_KIND, seconds=LOOKING_SECONDS)
    return [_event(one) for one in (await house.history.events(wanted)).items]


def _run(item: Json) -> Json:
    detail = f"run · {item['workflow']} · {item['status']}"
    return {"kind": "run", "title": item["title"], "detail": detail, "url": f"/runs/{item['id']}"}


def _event(item: Json) -> Json:
    runs = item["runs"]
    if len(runs) == 1:
        return _run({**runs[0], "workflow": item["workflow"]})
    title = item["type"] or f"{item['method']} /{item['path']}"
    detail = f"event · {item['workflow']} · {item['disposition']}"
    return {"kind": "event", "title": title, "detail": detail, "url": f"/events/{item['id']}"}

"""The versions of a workflow's text: listed, looked at, and returned to."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from runner.engine.history import Page, write_cursor
from runner.engine.history import read_cursor as number_of
from runner.language.differences import sentences
from runner.language.lines import unified
from runner.values import Json
from web.api.parameters import CURSOR, DEFAULT_ITEMS, LIMIT
from web.api.routes import Answered, Asked, Parameter, Route
from web.api.schemas import named, page_of
from web.api.texts import OF_MESSAGE, VERSION, find, refusals, version_number
from web.api.workflow_texts import published
from web.house import House
from web.problems import Problem


async def list_versions(house: House, asked: Asked) -> Json:
    """Newest first."""
    await find(house, asked.id)
    limit = asked.given.get("limit", DEFAULT_ITEMS)
    cursor = asked.given.get("cursor")
    before = number_of(cursor) if cursor else None
    found = await house.versions.page(asked.id, before=before, limit=limit + 1)
    live = house.library.get(asked.id)
    items = [one.as_json(live=live.version if live else None) for one in found[:limit]]
    return Page(items, write_cursor(found[limit - 1].version) if len(found) > limit else None).as_json()


async def show_version(house: House, asked: Asked) -> Json:
    """With its text, and how it differs from what is live and from the one before."""
    await find(house, asked.id)
    slug, number = asked.id, _number(asked.parts["n"])
    info = await house.versions.one(slug, number)
    text = await house.store.version_source(slug, number)
    live = house.library.get(slug)
    since = await house.versions.previous(slug, number)
    before = await house.store.version_source(slug, since) if since else None
    name = f"version {number}"
    to_live = await _compared(text, live.source, name, f"version {live.version}") if live else ("", [])
    changed = await _compared(before, text, f"version {since}", name) if before is not None else ("", [])
    return {
        **info.as_json(live=live.version if live else None),
        "text": text,
        "diff": to_live[0],
        "sentences": to_live[1],
        "changed": {"since": since, "diff": changed[0], "sentences": changed[1]},
    }


async def return_to(house: House, asked: Asked) -> Answered:
    """Publish the text of an earlier version again, over whatever is live."""
    await find(house, asked.id)
    number = asked.given["version"]
    text = await house.store.version_source(asked.id, number)
    live = house.library.get(asked.id)
    said = asked.given.get("message") or f"Returned to version {number}"
    asked = replace(asked, given={**asked.given, "message": said})
    with refusals(house, asked.id):
        return await published(house, asked, asked.id, text, live.version if live else None)


async def _compared(old: str, new: str, old_name: str, new_name: str) -> tuple[str, list[str]]:
    diff = await asyncio.to_thread(unified, old, new, old_name=old_name, new_name=new_name)
    return diff, await asyncio.to_thread(sentences, old, new)


def _number(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,17}", text):
        raise Problem(404, "Versions count from 1.")
    return int(text)


ROUTES = (
    Route(
        "GET", "/workflows/{id}/versions", "list_versions", "The versions of a workflow, newest first.",
        list_versions, page_of("VersionItem"), query=(CURSOR, LIMIT), errors=(404, 410),
    ),
    Route(
        "GET", "/workflows/{id}/versions/{n}", "show_version",
        "One version: its text, and how it differs from what is live and from the one before.",
        show_version, named("Version"), errors=(404, 410),
    ),
    Route(
        "POST", "/workflows/{id}/return", "return_to_version",
        "Publish the text of an earlier version again, as a new version.",
        return_to, named("Published"), role="editor", errors=(404, 409, 410, 422),
        body=(
            Parameter("version", "Its number.", VERSION, version_number, (int,), is_required=True),
            OF_MESSAGE,
        ),
        gives={"ETag": "The version that is live now."},
    ),
)  # fmt: skip

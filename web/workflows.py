"""The workflows as JSON: live ones, those whose files have faults, and those not published yet alike."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import PurePath

from runner.engine.drafts import LATELY_SECONDS
from runner.engine.folder import why_shut
from runner.engine.library import SUFFIX, Live, text_of
from runner.errors import NotFound
from runner.language.faults import Fault
from runner.values import Json
from web.house import House


def workflow_items(house: House) -> list[Json]:
    """All, by slug, each as the API's `WorkflowItem`."""
    library = house.library
    slugs = {live.workflow.slug for live in library.all()}
    slugs |= library.faults.keys() | library.unpublished.keys()
    return [_item(house, slug, library.get(slug)) for slug in sorted(slugs)]


def workflow(house: House, slug: str) -> Json:
    """One, with its `source`. Raises NotFound."""
    live = house.library.get(slug)
    if not is_known(house, slug):
        raise NotFound(f"there is no workflow {slug}")
    return {**_item(house, slug, live), "source": live.source if live else None}


async def edited_workflow(house: House, slug: str, person: str) -> dict[str, Json]:
    """As `workflow`, with all that an editor of *person* (a key) begins from. Raises NotFound."""
    known = workflow(house, slug)
    path = house.library.folder / f"{slug}{SUFFIX}"
    text = await asyncio.to_thread(text_of, path) if await asyncio.to_thread(path.exists) else None
    why = await asyncio.to_thread(why_shut, house.library.folder)
    draft = await house.drafts.get(slug, person)
    return {
        **known,
        "file": text if isinstance(text, str) else None,
        "is_read_only": why is not None,
        "read_only_reason": why,
        "draft": draft.as_json() if draft else None,
        "others": await editing(house, slug, person),
    }


async def editing(house: House, slug: str, person: str) -> list[Json]:
    """Who else has a draft of the workflow that changed lately."""
    since = house.clock() - LATELY_SECONDS
    return [one.as_json() for one in await house.drafts.others(slug, person, since=since)]


def is_known(house: House, slug: str) -> bool:
    """Whether there is such a workflow, live or not."""
    library = house.library
    return library.get(slug) is not None or slug in library.faults or slug in library.unpublished


def _item(house: House, slug: str, live: Live | None) -> dict[str, Json]:
    webhook = live.workflow.webhook if live else None
    pause = house.holding.of(slug)
    pause = pause if pause and not pause.is_over(house.clock()) else None
    faults = house.library.faults.get(slug, ())
    name = house.library.unpublished.get(slug)  # None: it has a file
    if live:
        url = house.url_of(live) if webhook else None
    else:  # whatever comes there is held until it is published
        url = f"{house.public_url}/hooks/{house.library.book.token(slug)}" if name else None
    return {
        "slug": slug,
        "name": live.workflow.name if live else name or slug,
        "description": live.workflow.description if live else "",
        "tags": list(live.workflow.tags) if live else [],
        "version": live.version if live else None,
        "state": _state(live, faults, is_paused=pause is not None),
        "url": url,
        "methods": list(webhook.methods) if webhook else [],
        "manual": bool(live and live.workflow.manual),
        "form": house.form_url_of(live) if live else None,
        "enabled": live.workflow.enabled if live else False,
        "paused": pause.as_json() if pause else None,
        "mode": live.workflow.mode if live else "live",
        "overridden": {
            name: {"file": value, "server": live.workflow.vars[name]}
            for name, value in live.workflow.overridden.items()
        }
        if live
        else {},
        "faults": [shown_fault(fault) for fault in faults],
    }


def _state(live: Live | None, faults: Sequence[Fault], *, is_paused: bool) -> str:
    """What to look at first: a file with errors, before what holds its events."""
    if any(one.severity == "error" for one in faults):
        return "faults"
    if live is None:
        return "draft"
    return "paused" if is_paused or not live.workflow.enabled else "live"


def shown_fault(fault: Fault) -> Json:
    """With the file's name alone: where its folder lies is the server's business."""
    return {**fault.as_json(), "path": PurePath(fault.path).name}

"""The workflows of the folder as JSON, live ones and those whose files have faults alike."""

from __future__ import annotations

from pathlib import PurePath

from runner.engine.library import Live
from runner.errors import NotFound
from runner.language.faults import Fault
from runner.values import Json
from web.house import House


def workflow_items(house: House) -> list[Json]:
    """All, by slug, each as the API's `WorkflowItem`."""
    slugs = {live.workflow.slug for live in house.library.all()} | house.library.faults.keys()
    return [_item(house, slug, house.library.get(slug)) for slug in sorted(slugs)]


def workflow(house: House, slug: str) -> Json:
    """One, with its `source`. Raises NotFound."""
    live = house.library.get(slug)
    if live is None and slug not in house.library.faults:
        raise NotFound(f"there is no workflow {slug}")
    return {**_item(house, slug, live), "source": live.source if live else None}


def _item(house: House, slug: str, live: Live | None) -> dict[str, Json]:
    webhook = live.workflow.webhook if live else None
    pause = house.holding.of(slug)
    return {
        "slug": slug,
        "name": live.workflow.name if live else slug,
        "description": live.workflow.description if live else "",
        "tags": list(live.workflow.tags) if live else [],
        "version": live.version if live else None,
        "url": house.url_of(live) if live and webhook else None,
        "methods": list(webhook.methods) if webhook else [],
        "manual": bool(live and live.workflow.manual),
        "form": house.form_url_of(live) if live else None,
        "enabled": live.workflow.enabled if live else False,
        "paused": pause.as_json() if pause and not pause.is_over(house.clock()) else None,
        "mode": live.workflow.mode if live else "live",
        "overridden": {
            name: {"file": value, "server": live.workflow.vars[name]}
            for name, value in live.workflow.overridden.items()
        }
        if live
        else {},
        "faults": [_fault(fault) for fault in house.library.faults.get(slug, ())],
    }


def _fault(fault: Fault) -> Json:
    """With the file's name alone: where its folder lies is the server's business."""
    return {**fault.as_json(), "path": PurePath(fault.path).name}

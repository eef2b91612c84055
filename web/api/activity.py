"""What the API says of how busy the workflows are: what Home shows."""

from __future__ import annotations

from dataclasses import replace

from runner.values import Json
from web.activity import Activity, hours_of, todays
from web.api.routes import Asked, Route
from web.api.schemas import NUMBER, TEXT, TEXT_OR_NULL, TIME, TIME_OR_NULL, many, thing
from web.house import House
from web.overview import sentence
from web.workflows import workflow_items


async def list_activity(house: House, _asked: Asked) -> Json:
    """All in one page, by slug."""
    slugs = [item["slug"] for item in workflow_items(house)]
    today = await todays(house)
    since, hours = await hours_of(house, slugs)
    items = []
    for slug in slugs:
        live = house.library.get(slug)
        activity = replace(today.get(slug, Activity()), since=since, hours=tuple(hours[slug]))
        items.append({"workflow": slug, "does": sentence(live) if live else "", **activity.as_json()})
    return {"items": items, "next": None}


ROUTES = (
    Route(
        "GET", "/activity", "list_activity",
        "How busy each workflow is. What it does in a line, its runs of today (since midnight in the zone of "
        "the server) and of the last 24 hours, and how many events are held now or were refused within "
        "24 hours.",
        list_activity,
        thing({
            "items": many(thing({
                "workflow": TEXT,
                "does": {**TEXT, "description": "From where to where; empty where no version is known."},
                "runs": {**NUMBER, "description": "That were accepted today."},
                "failed": {**NUMBER, "description": "How many of those failed."},
                "last_at": TIME_OR_NULL,
                "last_status": TEXT_OR_NULL,
                "held": NUMBER,
                "rejected": NUMBER,
                "hours": many(thing({"since": TIME, "runs": NUMBER, "failed": NUMBER})),
            })),
            "next": TEXT_OR_NULL,
        }),
    ),
)  # fmt: skip

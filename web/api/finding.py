"""What the API finds for a person who types: the palette's answer."""

from __future__ import annotations

from runner.values import Json
from web.api.parameters import LONGEST_SEARCH
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import TEXT, many, thing
from web.finding import found
from web.house import House


async def find(house: House, asked: Asked) -> Json:
    """The likeliest first."""
    return {"items": await found(house, asked.person, asked.given.get("q", ""))}


def _text(text: str, _now: float) -> str:
    if len(text) > LONGEST_SEARCH:
        raise ValueError(f"at most {LONGEST_SEARCH} characters")
    return text


ROUTES = (
    Route(
        "GET", "/find", "find",
        "Pages, workflows, runs and events by title, id, delivery id or a value of the payload, and what can "
        "be done with a workflow. Nothing is done by opening a `url`.",
        find,
        thing({
            "items": many(thing({
                "kind": {"enum": ["page", "workflow", "command", "run", "event"]},
                "title": TEXT,
                "detail": {**TEXT, "description": "What it is, and of which workflow."},
                "url": {**TEXT, "description": "A path on this server."},
            })),
        }),
        query=(
            Parameter(
                "q", "Words of a name, an id, a delivery id, or a whole value.",
                {"type": "string", "maxLength": LONGEST_SEARCH}, _text,
            ),
        ),
    ),
)  # fmt: skip

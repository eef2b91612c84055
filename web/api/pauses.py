"""What the API does to workflows as a whole: pause and resume."""

from __future__ import annotations

from runner.engine.pauses import Pause
from runner.errors import NotFound
from runner.values import Json, duration_seconds
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import named
from web.house import House
from web.workflows import workflow

LONGEST_WHY = 500  # characters: it stands at every event that is held


async def pause(house: House, asked: Asked) -> Json:
    """Hold the workflow's events from now on."""
    _find(house, asked.id)
    now = house.clock()
    seconds = asked.given.get("for")
    until = now + seconds if seconds is not None else None
    why = asked.given.get("why", "")
    await house.pauses.pause(Pause("workflow", asked.id, asked.person.name, now, why, until))
    await house.holding.refresh()
    return workflow(house, asked.id)


async def resume(house: House, asked: Asked) -> Json:
    """End the pause; what was held is released in its order, within seconds."""
    _find(house, asked.id)
    await house.pauses.resume("workflow", asked.id)
    await house.holding.refresh()
    return workflow(house, asked.id)


def _find(house: House, slug: str) -> None:
    if house.library.get(slug) is None and slug not in house.library.faults:
        raise NotFound(f"there is no workflow {slug}")


def _duration(text: str, _now: float) -> float:
    seconds = duration_seconds(text)
    if seconds <= 0:
        raise ValueError("must be longer than nothing")
    return seconds


def _why(text: str, _now: float) -> str:
    if len(text) > LONGEST_WHY:
        raise ValueError(f"at most {LONGEST_WHY} characters")
    return text


ROUTES = (
    Route(
        "POST", "/workflows/{id}/pause", "pause_workflow",
        "Pause a workflow: its events are held until it is resumed.",
        pause, named("Workflow"), role="editor", errors=(404,),
        body=(
            Parameter(
                "for", "How long, such as `1h`; until it is resumed unless given.",
                {"type": "string"}, _duration,
            ),
            Parameter(
                "why", "A reason, for whoever wonders.",
                {"type": "string", "maxLength": LONGEST_WHY}, _why,
            ),
        ),
    ),
    Route(
        "POST", "/workflows/{id}/resume", "resume_workflow",
        "Resume a paused workflow: the events that were held are released in their order.",
        resume, named("Workflow"), role="editor", errors=(404,),
    ),
)  # fmt: skip

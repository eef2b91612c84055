"""What the API does to workflows as a whole: pause and resume."""

from __future__ import annotations

from runner.engine.pauses import Pause
from runner.values import Json, duration_seconds
from web.api.parameters import OF_LENGTH
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import NUMBER, TEXT, many, named, thing
from web.api.texts import find
from web.house import House
from web.workflows import workflow

LONGEST_WHY = 500  # characters: it stands at every event that is held


async def pause(house: House, asked: Asked) -> Json:
    """Hold the workflow's events from now on."""
    await find(house, asked.id)
    now = house.clock()
    seconds = asked.given.get("for")
    until = now + seconds if seconds is not None else None
    why = asked.given.get("why", "")
    await house.pauses.pause(Pause("workflow", asked.id, asked.person.name, now, why, until))
    await house.holding.refresh()
    await house.audit(asked.person, "paused", "workflow", asked.id, why=why)
    return workflow(house, asked.id)


async def resume(house: House, asked: Asked) -> Json:
    """End the pause; what was held is released in its order, within seconds."""
    await find(house, asked.id)
    await house.pauses.resume("workflow", asked.id)
    await house.holding.refresh()
    await house.audit(asked.person, "resumed", "workflow", asked.id)
    return workflow(house, asked.id)


async def release(house: House, asked: Asked) -> Json:
    """Let go of what is held, paused or not."""
    await find(house, asked.id)
    done = await house.release(asked.id)
    if done["released"]:
        await house.audit(asked.person, "released", "workflow", asked.id, events=done["released"])
    return done


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
        pause, named("Workflow"), role="editor", errors=(404, 410),
        body=(
            Parameter(
                "for", "How long, such as `1h`; until it is resumed unless given.",
                OF_LENGTH, _duration,
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
        resume, named("Workflow"), role="editor", errors=(404, 410),
    ),
    Route(
        "POST", "/workflows/{id}/release", "release_workflow",
        "Release the events that are held, in their order, also where the workflow is paused; those that "
        "came before its first version are judged first.",
        release,
        thing(
            {
                "released": {**NUMBER, "description": "Events that were accepted."},
                "held": {**NUMBER, "description": "Events that are held still."},
                "reasons": many(thing({"reason": TEXT, "count": NUMBER})),
                "backlog_full": {"type": "boolean", "description": "Some are left: do it again later."},
            }
        ),
        role="run", errors=(404, 410),
    ),
)  # fmt: skip

"""What the API does to workflows, connections and hosts as a whole: pause and resume."""

from __future__ import annotations

from typing import get_args

from runner.engine.pauses import Kind, Pause
from runner.errors import NotFound
from runner.language.suggest import did_you_mean
from runner.values import Json, duration_seconds
from web.api.connections import custody_of
from web.api.parameters import OF_LENGTH, word_of
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import NUMBER, TEXT, many, named, page_of, thing
from web.api.texts import find
from web.house import House
from web.workflows import workflow

KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST_NAME = 253  # characters: of a host's name
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


async def list_pauses(house: House, _asked: Asked) -> Json:
    """All in one page."""
    return {"items": [one.as_json() for one in await house.pauses.current()], "next": None}


async def pause_thing(house: House, asked: Asked) -> Json:
    """The pause."""
    kind, name, why = asked.given["kind"], _name(asked), asked.given.get("why", "")
    await _check(house, kind, name)
    now, seconds = house.clock(), asked.given.get("for")
    until = now + seconds if seconds is not None else None
    made = Pause(kind, name, asked.person.name, now, why, until)
    await house.pauses.pause(made)
    await house.holding.refresh()
    await house.audit(asked.person, "paused", kind, name, why=why)
    return made.as_json()


async def resume_thing(house: House, asked: Asked) -> Json:
    """The pause that ended."""
    kind, name = asked.given["kind"], _name(asked)
    ended = await house.pauses.resume(kind, name)
    await house.holding.refresh()
    await house.audit(asked.person, "resumed", kind, name)
    return ended.as_json()


async def release(house: House, asked: Asked) -> Json:
    """Let go of what is held, paused or not."""
    await find(house, asked.id)
    done = await house.release(asked.id)
    if done["released"]:
        await house.audit(asked.person, "released", "workflow", asked.id, events=done["released"])
    return done


def _name(asked: Asked) -> str:
    name: str = asked.given["name"]
    return name.lower() if asked.given["kind"] == "host" else name


async def _check(house: House, kind: Kind, name: str) -> None:
    """A name that is misspelt would pause nothing, in silence. Raises Problem, NotFound."""
    if kind == "workflow":
        await find(house, name)
    elif kind == "connection" and name not in (known := custody_of(house).names()):
        hint = did_you_mean(name, sorted(known))
        raise NotFound(f'there is no connection "{name}" in this server{f"; {hint}" if hint else ""}')


def _thing(text: str, _now: float) -> str:
    if not 0 < len(text) <= LONGEST_NAME:
        raise ValueError(f"1 to {LONGEST_NAME} characters")
    return text


def _duration(text: str, _now: float) -> float:
    seconds = duration_seconds(text)
    if seconds <= 0:
        raise ValueError("must be longer than nothing")
    return seconds


def _why(text: str, _now: float) -> str:
    if len(text) > LONGEST_WHY:
        raise ValueError(f"at most {LONGEST_WHY} characters")
    return text


OF_FOR = Parameter("for", "How long, such as `1h`; until it is resumed unless given.", OF_LENGTH, _duration)
OF_WHY = Parameter(
    "why", "A reason, for whoever wonders.", {"type": "string", "maxLength": LONGEST_WHY}, _why
)
OF_THING = (
    Parameter(
        "kind", "What it is.", {"type": "string", "enum": list(KINDS)}, word_of(KINDS), is_required=True
    ),
    Parameter(
        "name", "A workflow's slug, a connection's name, or a host.",
        {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}, _thing, is_required=True,
    ),
)  # fmt: skip
ROUTES = (
    Route(
        "GET", "/pauses", "list_pauses", "What is paused: workflows, connections, hosts.",
        list_pauses, page_of("Pause"),
    ),
    Route(
        "POST", "/pauses", "pause",
        "Pause a workflow, whose events are held, or a connection or a host, whose runs wait.",
        pause_thing, named("Pause"), role="editor", errors=(404, 410), body=(*OF_THING, OF_FOR, OF_WHY),
    ),
    Route(
        "POST", "/pauses/resume", "resume",
        "Resume what was paused: held events are released in their order, runs go on.",
        resume_thing, named("Pause"), role="editor", errors=(404,), body=OF_THING,
    ),
    Route(
        "POST", "/workflows/{id}/pause", "pause_workflow",
        "Pause a workflow: its events are held until it is resumed.",
        pause, named("Workflow"), role="editor", errors=(404, 410),
        body=(OF_FOR, OF_WHY),
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

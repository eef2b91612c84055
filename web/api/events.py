"""What the API does to one event: let it go, and do its work again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import BacklogFull, MoveRefused, NotSplit
from web.api.routes import Asked, Route
from web.api.schemas import named
from web.problems import Problem

if TYPE_CHECKING:
    from runner.values import Json
    from web.auth import Person
    from web.house import House


async def replay(house: House, asked: Asked) -> Json:
    """The event whose runs began: the same one, or, of one that came to nothing, its copy."""
    return await house.history.event(await replayed(house, asked.id, asked.person))


async def release(house: House, asked: Asked) -> Json:
    """The event as it is afterwards."""
    await released(house, asked.id, asked.person)
    return await house.history.event(asked.id)


async def replayed(house: House, event_id: str, person: Person) -> str:
    """
    Do the work of an event again; the id of the event that has the new runs.

    Raises:
        NotFound, MoveRefused, StoreUnavailable; Problem: its copy finds no room.
    """
    event = await house.history.event(event_id)
    if event["runs"]:
        under_way = [one for one in event["runs"] if one["status"] in ("queued", "running", "waiting")]
        if under_way:
            raise MoveRefused(f"its run {under_way[0]['id']} is still {under_way[0]['status']}")
        origins = _origins([await house.history.run(one["id"]) for one in event["runs"]])
        for run_id in origins:
            await house.start_replay(run_id, origin="start", version="live")
        target = event_id
    else:
        try:
            target = (await house.event_desk.repeat(event_id, by=person.name)).event_id
        except BacklogFull as error:
            raise Problem(503, f"{error}.", headers={"Retry-After": "5"}) from None
        except NotSplit as error:
            raise Problem(409, f"{error}.") from None
    await house.audit(person, "replayed", "event", event_id, as_event=target)
    return target


async def released(house: House, event_id: str, person: Person) -> None:
    """
    Let go of a held event.

    Raises:
        NotFound, MoveRefused, StoreUnavailable.
    """
    await house.event_desk.release(event_id)
    await house.audit(person, "released", "event", event_id)


def _origins(runs: list[Json]) -> list[str]:
    """The last run of each line of replays: of an event that was split there are several."""
    replayed_ones = {one["replay_of"] for one in runs if one["replay_of"]}
    return [one["id"] for one in runs if one["id"] not in replayed_ones]


ROUTES = (
    Route(
        "POST", "/events/{id}/replay", "replay_event",
        "Do an event's work again on the live version: its runs from the start, or, where it came to "
        "nothing, a copy of it.",
        replay, named("Event"), role="run", errors=(404, 409),
    ),
    Route(
        "POST", "/events/{id}/release", "release_event", "Let go of a held event, paused or not.",
        release, named("Event"), role="run", errors=(404, 409),
    ),
)  # fmt: skip

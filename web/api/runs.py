"""What the API does to runs: cancel and replay."""

from __future__ import annotations

from runner.values import Json
from web.api.parameters import word_of
from web.api.replays import AS_NEW, OF_ORIGIN, RUN_MISSING, read_origin
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import named
from web.house import House

VERSIONS = ("live", "original")


async def cancel(house: House, asked: Asked) -> Json:
    """The run as it is afterwards: one that is running ends at its next step."""
    await house.store.cancel(asked.id, now=house.clock())
    await house.audit(asked.person, "cancelled", "run", asked.id)
    return await house.history.run(asked.id)


async def replay(house: House, asked: Asked) -> Json:
    """The run that goes on."""
    origin, version = asked.given.get("from", "failed"), asked.given.get("version", "live")
    more = {name: asked.given[name] for name in ("run_missing", "as_new") if name in asked.given}
    started = await house.start_replay(asked.id, origin=origin, version=version, **more)
    await house.audit(asked.person, "replayed", "run", asked.id, origin=origin, version=version)
    return await house.history.run(started["id"])


ROUTES = (
    Route(
        "POST", "/runs/{id}/cancel", "cancel_run",
        "Cancel a run; one that is running ends at its next step.",
        cancel, named("Run"), role="run", errors=(404, 409),
    ),
    Route(
        "POST", "/runs/{id}/replay", "replay_run",
        "Replay a run: from its failed step the same run goes on, from the start a new one begins.",
        replay, named("Run"), role="run", errors=(404, 409),
        body=(
            Parameter(
                "from", "`failed`: from the failed step. `start`: from the start, as a new run. Else the id "
                "of a step at the top level: the run goes on from there.",
                OF_ORIGIN, read_origin,
            ),
            Parameter(
                "version", "The version of the workflow: `live`, or the one that the run had.",
                {"type": "string", "enum": list(VERSIONS), "default": "live"}, word_of(VERSIONS),
            ),
            RUN_MISSING, AS_NEW,
        ),
    ),
)  # fmt: skip

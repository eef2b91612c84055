"""What the API does to refused requests: judge them again."""

from __future__ import annotations

from runner.values import Json
from web.api.parameters import OF_MOMENT, OF_WORKFLOW, WHEN, moment
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import page_of
from web.house import House


async def recheck(house: House, asked: Asked) -> Json:
    """What became of those of each workflow."""
    workflow = asked.given.get("workflow")
    done = await house.recheck(workflow=workflow, since=asked.given.get("since"))
    accepted = sum(one["accepted"] for one in done)
    await house.audit(asked.person, "rechecked", "workflow", workflow or "all", accepted=accepted)
    return {"items": done, "next": None}


ROUTES = (
    Route(
        "POST", "/events/recheck", "recheck_events",
        "Judge refused and held requests again with the secrets of today; those that pass are accepted, "
        "each once.",
        recheck, page_of("Rechecked"), role="editor", errors=(404,),
        body=(
            OF_WORKFLOW,
            Parameter("since", f"Only received at or after this time: {WHEN}", OF_MOMENT, moment),
        ),
    ),
)  # fmt: skip

"""What starts a run of a workflow: `POST /workflows/<slug>/run`."""

from __future__ import annotations

from runner.errors import InputsRefused
from runner.values import Json
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import TEXT, thing
from web.house import House
from web.problems import Problem


async def run_workflow(house: House, asked: Asked) -> Json:
    """Start a run by the workflow's `manual` trigger; the answer comes when it is on disk."""
    try:
        started = await house.start_run(asked.id, asked.given.get("inputs"), by=asked.person.name)
    except InputsRefused as refused:
        faults = [{"input": name, "message": said} for name, said in refused.faults]
        raise Problem(422, f"{refused}.", faults=faults) from None
    await house.audit(asked.person, "ran", "workflow", asked.id, run=started["id"])
    return started


ROUTES = (
    Route(
        "POST", "/workflows/{id}/run", "run_workflow",
        "Start a run with these inputs; needs a `manual` trigger, and begins though the workflow is paused.",
        run_workflow, thing({"id": TEXT, "event": TEXT, "workflow": TEXT}),
        role="run", errors=(404, 409, 422),
        body=(
            Parameter(
                "inputs", "What the run is started with, by the trigger's JSON Schema: its `payload`.",
                {"type": "object"}, lambda given, _now: given, (dict,),
            ),
        ),
    ),
)  # fmt: skip

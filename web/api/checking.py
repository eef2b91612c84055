"""What is wrong with the text of a workflow: `POST /workflows/<slug>/check`."""

from __future__ import annotations

import re

from runner.language.keys import SLUG_PATTERN
from runner.values import Json
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import many, named, thing
from web.house import House
from web.problems import Problem


async def check_workflow(house: House, asked: Asked) -> Json:
    """Judge a text as if it were the workflow's file, and on the workflow's last events."""
    if not re.fullmatch(SLUG_PATTERN, asked.id):
        raise Problem(404, f"There can be no workflow {asked.id}: an id has a-z, 0-9 and -.")
    faults = await house.check(asked.given["text"], asked.id)
    return {"faults": [one.as_json() for one in faults]}


ROUTES = (
    Route(
        "POST", "/workflows/{id}/check", "check_workflow",
        "Find every fault of a text, as if it were the file of this workflow; nothing is saved. `fix` stands "
        "where a mend is certain; `code` is explained at /docs/faults.",
        check_workflow, thing({"faults": many(named("Fault"))}),
        role="editor", errors=(404, 413),
        body=(
            Parameter(
                "text", "The text, at most 1 MiB.", {"type": "string"}, lambda given, _now: given,
                is_required=True,
            ),
        ),
    ),
)  # fmt: skip

"""Forgetting by the API: events erased by what they hold, after a look at what that would touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.engine.forgetting import FIELDS
from runner.engine.history import Wanted
from runner.engine.where import read_where
from web.api.parameters import moment
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import NUMBER, TEXT, TEXT_OR_NULL, many, thing
from web.problems import Problem

if TYPE_CHECKING:
    from runner.values import Json
    from web.house import House

MOST_CONDITIONS = 20


async def forget(house: House, asked: Asked) -> Json:
    """What was forgotten, or would be."""
    if house.forget is None:
        raise Problem(503, "This process erases nothing.")
    is_plan = asked.given.get("plan", False)
    with_open = asked.given.get("with_open", False)
    done = await house.forget(asked.given["where"], with_open=with_open, is_plan=is_plan)
    if not is_plan:
        # not of whom: what is forgotten shall not stand in the log
        await house.audit(asked.person, "forgot", "event", "", events=done["events"], runs=done["runs"])
    return {"erased_from_disk": None, "remains": None, "is_to_repeat": False, **done}


def _where(given: Any, now: float) -> Wanted:
    if not given or len(given) > MOST_CONDITIONS or not all(isinstance(one, str) for one in given):
        raise ValueError(
            f"a list of 1 to {MOST_CONDITIONS} conditions, such as payload.email=ada@example.com"
        )
    found = read_where(given, fields=FIELDS)
    if "before" in found:
        found["before"] = moment(found["before"], now)
    return Wanted(**found)


def _switch(name: str, summary: str) -> Parameter:
    return Parameter(name, summary, {"type": "boolean", "default": False}, lambda given, _now: given, (bool,))


ROUTES = (
    Route(
        "POST", "/forget", "forget_events",
        "Erase events by what they hold, with their runs, files and delivery keys, from the disk too.",
        forget,
        thing(
            {
                "events": NUMBER, "runs": NUMBER,
                "open_events": {**NUMBER, "description": "Those of which a run has not ended: they stay."},
                "open": {**many(TEXT), "description": "The first of these."},
                "workflows": many(TEXT), "oldest": TEXT_OR_NULL, "newest": TEXT_OR_NULL,
                "erased_from_disk": {
                    "type": ["boolean", "null"],
                    "description": "Whether no trace is left in the database's files; null: only a plan.",
                },
                "remains": {**TEXT_OR_NULL, "description": "What may be left, and where, in a sentence."},
                "is_to_repeat": {"type": "boolean", "description": "Whether once more erases that too."},
            }
        ),
        role="admin",
        body=(
            Parameter(
                "where", "Conditions that must all hold: `payload.customer.email=…`, `workflow=…`, `id=…`, "
                "`type=…`, `delivery_id=…`, `before=90d`.",
                {"type": "array", "items": {"type": "string", "pattern": "="}, "minItems": 1,
                 "maxItems": MOST_CONDITIONS},
                _where, (list,), is_required=True,
            ),
            _switch("plan", "Only say what it would touch."),
            _switch("with_open", "Cancel runs that have not ended, and forget those too."),
        ),
    ),
)  # fmt: skip

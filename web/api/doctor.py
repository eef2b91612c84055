"""What the doctor finds, for programs: `hookline doctor` on the server itself."""

from __future__ import annotations

from runner.engine.findings import counted
from runner.values import Json
from web.api.routes import Asked, Route
from web.api.schemas import NUMBER, TEXT, TEXT_OR_NULL, many, thing
from web.house import House


async def show_doctor(house: House, _asked: Asked) -> Json:
    """Everything that was looked at, in the order of looking."""
    findings = await house.doctor() if house.doctor else ()
    return {**counted(findings), "findings": [one.as_json() for one in findings]}


ROUTES = (
    Route(
        "GET", "/doctor", "show_doctor",
        "What is wrong with this installation. Settings, key, disk, database, workflows, connections and "
        "nodes are looked at anew, which takes a second or two; `mend` says what to do.",
        show_doctor,
        thing({
            "ok": NUMBER,
            "warning": {**NUMBER, "description": "What works, and one day will not or may not."},
            "error": {**NUMBER, "description": "What does not work."},
            "findings": many(thing({
                "name": {**TEXT, "description": "What was looked at."},
                "state": {"enum": ["ok", "warning", "error"]},
                "sentence": TEXT,
                "mend": {**TEXT_OR_NULL, "description": "A command, or what to do; null where it is well."},
            })),
        }),
        role="admin",
    ),
)  # fmt: skip

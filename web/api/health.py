"""How the server is, for programs: the numbers of the page Health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.api.routes import Asked, Route
from web.api.schemas import NUMBER, TEXT, TIME, TIME_OR_NULL, either_null, many, named, thing
from web.wellness import health

if TYPE_CHECKING:
    from runner.values import Json
    from web.house import House

FLOAT = {"type": "number"}
FLOAT_OR_NULL = {"type": ["number", "null"]}
NUMBER_OR_NULL = {"type": ["integer", "null"]}

SCHEMAS: dict[str, Json] = {
    "Health": thing(
        {
            "state": {"enum": ["well", "busy", "trouble"]},
            "why": {**TEXT, "description": "In a sentence."},
            "backlog": {**NUMBER, "description": "Runs that wait to begin."},
            "backlog_limit": {**NUMBER, "description": "At so many new events are refused."},
            "queued": {
                **NUMBER_OR_NULL,
                "description": "This and what follows is null where it is not known yet.",
            },
            "running": NUMBER_OR_NULL,
            "waiting": {**NUMBER_OR_NULL, "description": "For a time, an answer or a destination."},
            "held": {**NUMBER_OR_NULL, "description": "Events that wait for a person or a pause's end."},
            "oldest_waiting_seconds": {
                **FLOAT_OR_NULL,
                "description": "Since the oldest run could have begun.",
            },
            "accepted_per_second": {**FLOAT_OR_NULL, "description": "Events over the last minute."},
            "finished_per_second": {**FLOAT_OR_NULL, "description": "Runs over the last minute."},
            "rates": {
                **many(thing({"since": TIME, "accepted": FLOAT, "finished": FLOAT})),
                "description": "A second, for each minute of the last hour that this process has seen.",
            },
            "store": either_null(
                thing(
                    {
                        "used_bytes": NUMBER,
                        "file_bytes": NUMBER,
                        "free_bytes": {
                            **NUMBER_OR_NULL,
                            "description": "On its disk; null: on another machine.",
                        },
                        "max_bytes": {**NUMBER, "description": "Past it the oldest go; 0: no bound."},
                        "kept": {
                            "type": "object",
                            "additionalProperties": TEXT,
                            "description": "How long, by what: `{runs: 30d}`.",
                        },
                    }
                )
            ),
            "nodes": {**many(TEXT), "description": "Addresses of the processes on this store."},
            "up_since": {**TIME_OR_NULL, "description": "Of the process that answers."},
            "loop_lag_seconds": {**FLOAT_OR_NULL, "description": "How late its event loop is."},
            "checks": many(
                thing(
                    {
                        "name": TEXT,
                        "state": {"enum": ["well", "warn", "bad"]},
                        "sentence": TEXT,
                        "mend": either_null(thing({"verb": TEXT, "href": TEXT})),
                    }
                )
            ),
            "destinations": many(
                thing(
                    {
                        "name": {
                            **TEXT,
                            "description": "A host, with its port where it is not the usual one.",
                        },
                        "state": {
                            "enum": ["down", "back", "well"],
                            "description": "down: nothing is sent until `next_at`; back: little by little.",
                        },
                        "since": TIME_OR_NULL,
                        "next_at": TIME_OR_NULL,
                        "under_way": NUMBER,
                        "has_parked": {"type": "boolean", "description": "Whether runs wait for it."},
                        "connections": many(TEXT),
                    }
                )
            ),
        }
    )
}


async def show_health(house: House, _asked: Asked) -> Json:
    """All of it."""
    return await health(house)


ROUTES = (
    Route(
        "GET", "/health", "show_health",
        "How the server is: backlog, rates, store, checks with their mends, and destinations.",
        show_health, named("Health"),
    ),
)  # fmt: skip

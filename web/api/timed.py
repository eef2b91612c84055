"""What the API shows of schedules and polls."""

from __future__ import annotations

from runner.values import Json
from web.api.routes import Asked, Route
from web.api.schemas import page_of
from web.house import House


async def list_schedules(house: House, _asked: Asked) -> Json:
    """All in one page: a folder has hundreds at most."""
    return {"items": await house.timed(), "next": None}


ROUTES = (
    Route(
        "GET", "/schedules", "list_schedules",
        "What starts by itself: schedules and polls, when they come next, and why one does not.",
        list_schedules, page_of("ScheduleItem"),
    ),
)  # fmt: skip

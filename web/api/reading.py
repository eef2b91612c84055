"""What the API shows: workflows, events, runs, actions."""

from __future__ import annotations

from runner.values import Json
from web.api.parameters import OF_EVENTS, OF_RUNS, wanted
from web.api.routes import Asked, Route
from web.api.schemas import named, page_of
from web.house import House
from web.workflows import workflow_items


async def list_workflows(house: House, _asked: Asked) -> Json:
    """All in one page: a folder has hundreds at most."""
    return {"items": workflow_items(house), "next": None}


async def list_events(house: House, asked: Asked) -> Json:
    """Newest first."""
    return (await house.history.events(wanted(asked.given))).as_json()


async def show_event(house: House, asked: Asked) -> Json:
    """With its payload and gates."""
    return await house.history.event(asked.id)


async def list_runs(house: House, asked: Asked) -> Json:
    """Newest first."""
    return (await house.history.runs(wanted(asked.given))).as_json()


async def show_run(house: House, asked: Asked) -> Json:
    """With its steps."""
    return await house.history.run(asked.id)


async def list_actions(house: House, _asked: Asked) -> Json:
    """All in one page."""
    return {"items": house.actions(), "next": None}


ROUTES = (
    Route(
        "GET", "/workflows", "list_workflows",
        "All workflows, also those whose files have faults and those that were never published.",
        list_workflows, page_of("WorkflowItem"),
    ),
    Route(
        "GET", "/events", "list_events", "Events, newest first. A page may hold fewer items than asked for.",
        list_events, page_of("EventItem"), query=OF_EVENTS,
    ),
    Route(
        "GET", "/events/{id}", "show_event", "One event: what was received, and what became of it.",
        show_event, named("Event"), errors=(404,),
    ),
    Route(
        "GET", "/runs", "list_runs", "Runs, newest first. A page may hold fewer items than asked for.",
        list_runs, page_of("RunItem"), query=OF_RUNS,
    ),
    Route(
        "GET", "/runs/{id}", "show_run", "One run with its steps.",
        show_run, named("Run"), errors=(404,),
    ),
    Route(
        "GET", "/actions", "list_actions", "The actions that steps can call.",
        list_actions, page_of("Action"),
    ),
)  # fmt: skip

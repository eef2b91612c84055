"""The API's own description, built from the routes. Source: the OpenAPI Specification 3.1.1."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from runner import __version__
from runner.values import Json
from web.api.approvals import ROUTES as APPROVALS
from web.api.checking import ROUTES as CHECKING
from web.api.connections import ROUTES as CONNECTIONS
from web.api.connections import SCHEMAS as CONNECTION_SCHEMAS
from web.api.importing import ROUTES as IMPORTING
from web.api.pauses import ROUTES as PAUSES
from web.api.problems import ROUTES as PROBLEMS
from web.api.reading import ROUTES as READING
from web.api.rechecking import ROUTES as RECHECKING
from web.api.replays import ROUTES as REPLAYS
from web.api.routes import PREFIX, Asked, Parameter, Route
from web.api.runs import ROUTES as RUNS
from web.api.schemas import COMPONENTS
from web.api.starting import ROUTES as STARTING
from web.api.timed import ROUTES as TIMED
from web.auth import cookie_name
from web.house import House

ALWAYS = (401, 503)  # what every route may answer


async def describe(house: House, _asked: Asked) -> Json:
    """The description of all routes, of this one too."""
    return document(ROUTES, house.public_url, cookie=cookie_name(house))


ROUTES: tuple[Route, ...] = (
    *READING,
    *RUNS,
    *RECHECKING,
    *PROBLEMS,
    *REPLAYS,
    *PAUSES,
    *TIMED,
    *APPROVALS,
    *CONNECTIONS,
    *IMPORTING,
    *STARTING,
    *CHECKING,
    Route("GET", "/openapi.json", "openapi", "This description.", describe, {"type": "object"}),
)


def document(routes: Sequence[Route], public_url: str, *, cookie: str) -> Json:
    """The OpenAPI document of *routes*, served at *public_url*; *cookie* is the session's name."""
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Hookline",
            "version": __version__,
            "summary": "Workflows, the events they got and the runs that came of them.",
        },
        "servers": [{"url": public_url + PREFIX}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": {**COMPONENTS, **CONNECTION_SCHEMAS},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`hookline user token` makes one.",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": cookie},
            },
        },
    }


def _operation(route: Route) -> Json:
    operation: dict[str, Json] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": {"200": _response("As asked for.", route.answers, "application/json")},
    }
    if route.role != "viewer":
        operation["description"] = f"Needs the role {route.role}."
    if route.body:
        operation["requestBody"] = {"content": {"application/json": {"schema": _body(route.body)}}}
    problem = {"$ref": "#/components/schemas/Problem"}
    for status in _errors(route):
        phrase = HTTPStatus(status).phrase
        operation["responses"][str(status)] = _response(phrase, problem, "application/problem+json")
    return operation


def _errors(route: Route) -> list[int]:
    """400: every route refuses parameters that it does not know."""
    of_method = (403, 415) if route.method == "POST" else ()
    return sorted({400, *ALWAYS, *of_method, *route.errors})


def _parameters(route: Route) -> list[Json]:
    described: list[Json] = []
    if "{id}" in route.path:
        described.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string"}})
    return described + [
        {"name": one.name, "in": "query", "description": one.summary, "schema": one.schema}
        for one in route.query
    ]


def _body(parameters: Sequence[Parameter]) -> Json:
    properties = {one.name: {**one.schema, "description": one.summary} for one in parameters}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _response(description: str, schema: Json, media_type: str) -> Json:
    return {"description": description, "content": {media_type: {"schema": schema}}}

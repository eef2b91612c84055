"""The API's own description, built from the routes. Source: the OpenAPI Specification 3.1.1."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from jsonschema_rs import is_valid

from runner import __version__
from runner.values import Json
from web.api.activity import ROUTES as ACTIVITY
from web.api.addresses import ROUTES as ADDRESSES
from web.api.approvals import ROUTES as APPROVALS
from web.api.backtesting import ROUTES as BACKTESTING
from web.api.backtesting import SCHEMAS as BACKTESTING_SCHEMAS
from web.api.catalogue import ROUTES as CATALOGUE
from web.api.checking import ROUTES as CHECKING
from web.api.connections import ROUTES as CONNECTIONS
from web.api.connections import SCHEMAS as CONNECTION_SCHEMAS
from web.api.connectors import ROUTES as CONNECTORS
from web.api.details import ROUTES as DETAILS
from web.api.doctor import ROUTES as DOCTOR
from web.api.drafts import ROUTES as DRAFTS
from web.api.events import ROUTES as EVENTS
from web.api.finding import ROUTES as FINDING
from web.api.forgetting import ROUTES as FORGETTING
from web.api.health import ROUTES as HEALTH
from web.api.health import SCHEMAS as HEALTH_SCHEMAS
from web.api.importing import ROUTES as IMPORTING
from web.api.live import ROUTES as LIVE
from web.api.pauses import ROUTES as PAUSES
from web.api.people import ROUTES as PEOPLE
from web.api.people import SCHEMAS as PEOPLE_SCHEMAS
from web.api.problems import ROUTES as PROBLEMS
from web.api.reading import ROUTES as READING
from web.api.rechecking import ROUTES as RECHECKING
from web.api.replays import ROUTES as REPLAYS
from web.api.routes import PARTS, PREFIX, Asked, Parameter, Route
from web.api.runs import ROUTES as RUNS
from web.api.samples import ROUTES as SAMPLES
from web.api.schemas import COMPONENTS
from web.api.starting import ROUTES as STARTING
from web.api.state import ROUTES as STATE
from web.api.state import SCHEMAS as STATE_SCHEMAS
from web.api.timed import ROUTES as TIMED
from web.api.trying import ROUTES as TRYING
from web.api.trying import SCHEMAS as TRYING_SCHEMAS
from web.api.versions import ROUTES as VERSIONS
from web.api.workflow_texts import ROUTES as WORKFLOW_TEXTS
from web.auth import cookie_name
from web.house import House

ALWAYS = (401, 503)  # what every route may answer


async def describe(house: House, _asked: Asked) -> Json:
    """The description of all routes, of this one too."""
    return document(ROUTES, house.public_url, cookie=cookie_name(house))


ROUTES: tuple[Route, ...] = (
    *READING,
    *WORKFLOW_TEXTS,
    *DRAFTS,
    *VERSIONS,
    *RUNS,
    *RECHECKING,
    *PROBLEMS,
    *HEALTH,
    *DOCTOR,
    *REPLAYS,
    *PAUSES,
    *ADDRESSES,
    *STATE,
    *FORGETTING,
    *TIMED,
    *APPROVALS,
    *CONNECTIONS,
    *CONNECTORS,
    *IMPORTING,
    *FINDING,
    *DETAILS,
    *EVENTS,
    *LIVE,
    *ACTIVITY,
    *STARTING,
    *CHECKING,
    *TRYING,
    *BACKTESTING,
    *SAMPLES,
    *CATALOGUE,
    *PEOPLE,
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
            "schemas": {
                **COMPONENTS,
                **CONNECTION_SCHEMAS,
                **HEALTH_SCHEMAS,
                **PEOPLE_SCHEMAS,
                **STATE_SCHEMAS,
                **TRYING_SCHEMAS,
                **BACKTESTING_SCHEMAS,
            },
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
    first, stop, rest = route.summary.partition(". ")
    operation: dict[str, Json] = {
        "operationId": route.name,
        "summary": first + stop.strip(),
        "parameters": _parameters(route),
        "responses": {"200": _response("As asked for.", route.answers, route.media)},
    }
    needs = {"viewer": "", "run": "Needs the right to run."}.get(route.role, f"Needs the role {route.role}.")
    if rest or needs:
        operation["description"] = f"{rest} {needs}".strip()
    if route.body:
        operation["requestBody"] = {
            "required": any(one.is_required for one in route.body),
            "content": {"application/json": {"schema": _body(route.body)}},
        }
    if route.gives:
        operation["responses"]["200"]["headers"] = {
            name: {"description": sentence, "schema": {"type": "string"}}
            for name, sentence in route.gives.items()
        }
    if "If-None-Match" in route.headers and route.method == "GET":
        operation["responses"]["304"] = {"description": "It is still the same."}
    problem = {"$ref": "#/components/schemas/Problem"}
    for status in _errors(route):
        phrase = HTTPStatus(status).phrase
        operation["responses"][str(status)] = _response(phrase, problem, "application/problem+json")
    return operation


def _errors(route: Route) -> list[int]:
    """
    400: every route refuses parameters that it does not know. 422: of one that has the form described
    here, it can still turn out that it means nothing. 413: a body may be too large.
    """
    of_role = (403,) if route.method != "GET" or route.role != "viewer" else ()
    of_body = (413, 415) if route.method != "GET" else ()
    of_parameters = (422,) if route.query or route.body else ()
    return sorted({400, *ALWAYS, *of_role, *of_body, *of_parameters, *route.errors})


def _parameters(route: Route) -> list[Json]:
    text = {"type": "string"}
    described: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": text} for name in PARTS.findall(route.path)
    ]
    described += [
        {"name": name, "in": "header", "description": one.summary, "schema": one.schema}
        for name, one in route.headers.items()
    ]
    return described + [
        {
            "name": one.name,
            "in": "query",
            "description": one.summary,
            "schema": _in_query(one),
            "required": one.is_required,
        }
        for one in route.query
    ]


def _in_query(one: Parameter) -> Json:
    """Its schema; what may be left out may be empty too: a form sends all that it has."""
    if one.is_required or is_valid(one.schema, ""):
        return one.schema
    return {"anyOf": [one.schema, {"const": "", "description": "As if it were not given."}]}


def _body(parameters: Sequence[Parameter]) -> Json:
    properties = {one.name: {**one.schema, "description": one.summary} for one in parameters}
    required = [one.name for one in parameters if one.is_required]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _response(description: str, schema: Json, media_type: str) -> Json:
    return {"description": description, "content": {media_type: {"schema": schema}}}

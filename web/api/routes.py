"""A route of the API, and how a table of them is served."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from quart import Quart, Response, g, request

from runner.engine.history import Role
from runner.values import Json, dumps, loads
from web.auth import Person
from web.house import House
from web.problems import Problem

PREFIX = "/api/v1"
WORDS: Mapping[tuple[type, ...], str] = {
    (str,): "a text",
    (bool,): "true or false",
    (int,): "a whole number",
    (int, float): "a number",
    (list,): "a list",
    (dict,): "an object",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One value that a caller gives, in the query or in the body's object: a text, or, in the body, one
    of the types `of`.

    `read(value, now)` gives what is meant (*now* is UTC seconds) or raises ValueError with a sentence.
    """

    name: str
    summary: str
    schema: Json
    read: Callable[[Any, float], Any]
    of: tuple[type, ...] = (str,)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for: the id in its address, and its parameters as they were read."""

    id: str
    given: Mapping[str, Any]
    person: Person


@dataclass(frozen=True, slots=True)
class Route:
    """
    `path` follows PREFIX, `{id}` in it stands for a text; `answers` is the JSON Schema of a 200;
    `errors` are the statuses besides those that every route may give.
    """

    method: str
    path: str
    name: str
    summary: str
    answer: Callable[[House, Asked], Awaitable[Json]]
    answers: Json
    query: Sequence[Parameter] = ()
    body: Sequence[Parameter] = ()
    role: Role = "viewer"
    errors: Sequence[int] = field(default=())

    @property
    def endpoint(self) -> str:
        """Its name among the endpoints of the application."""
        return f"api.{self.name}"


def add_routes(app: Quart, house: House, routes: Sequence[Route]) -> dict[str, Role]:
    """Serve *routes*; the least role by endpoint."""
    for route in routes:
        rule = PREFIX + route.path.replace("{id}", "<id>")
        app.add_url_rule(rule, route.endpoint, partial(_serve, house, route), methods=[route.method])
    return {route.endpoint: route.role for route in routes}


def read_query(parameters: Sequence[Parameter], query: Any, now: float) -> dict[str, Any]:
    """
    The values of a query (werkzeug's MultiDict). An empty text counts as not given.

    Raises:
        Problem: 400 with the name of the parameter that is unknown, given twice or wrong.
    """
    texts = {}
    for name, values in query.lists():
        if len(values) > 1:
            raise Problem(400, f"{name} is given {len(values)} times; once is enough.", parameter=name)
        if values[0]:
            texts[name] = values[0]
    return _read(parameters, texts, now)


async def _serve(house: House, route: Route, id: str = "") -> Response:  # noqa: A002 - the address's own name
    now = house.clock()
    given = read_query(route.query, request.args, now)
    if route.body:
        given |= _read(route.body, _object(await request.get_data(as_text=False)), now)
    answer = await route.answer(house, Asked(id, given, g.person))
    return Response(dumps(answer), content_type="application/json")


def _object(body: str | bytes) -> dict[str, Json]:
    """The object of a JSON body; no body is an empty one."""
    try:
        value = loads(body if isinstance(body, bytes) else body.encode()) if body else {}
    except ValueError as error:
        raise Problem(400, f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Problem(400, "The body must be a JSON object.")
    return value


def _read(parameters: Sequence[Parameter], texts: Mapping[str, Json], now: float) -> dict[str, Any]:
    by_name = {parameter.name: parameter for parameter in parameters}
    values = {}
    for name, text in texts.items():
        if name not in by_name:
            known = f"; known here: {', '.join(by_name)}" if by_name else ""
            raise Problem(400, f"There is no parameter {name}{known}.", parameter=name)
        if type(text) not in by_name[name].of:  # exactly: to Python, true is a number too
            raise Problem(400, f"{name} must be {WORDS[by_name[name].of]}.", parameter=name)
        try:
            values[name] = by_name[name].read(text, now)
        except ValueError as error:
            raise Problem(400, f"{name}: {error}.", parameter=name) from None
    return values

"""A route of the API, and how a table of them is served."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from jsonschema_rs import is_valid
from quart import Quart, Response, g, request

from runner.engine.people import Right
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
    (dict, str): "an object or a text",
    (str, type(None)): "a text or null",
    (int, type(None)): "a whole number or null",
    (dict, type(None)): "an object or null",
    (dict, list, str, int, float, bool, type(None)): "a value",
}
PARTS = re.compile(r"\{([a-z]+)\}")


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
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """A header of a request that means something: a sentence, and the JSON Schema of its value."""

    summary: str
    schema: Json = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What a request asks for: the first part of its address that stands for a text, its parameters as they
    were read, all such parts by name, and of its headers those that the route names (lower-case).
    """

    id: str
    given: Mapping[str, Any]
    person: Person
    parts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with headers of its own; of one with status 304 there is no value."""

    value: Json
    headers: Mapping[str, str]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that comes in parts, and may go on for as long as its asker listens."""

    parts: AsyncIterator[bytes]
    media: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """
    `path` follows PREFIX, `{id}` and other names in it stand for a text each; `answers` is the JSON Schema
    of a 200, which is of the type `media`; `errors` are the statuses besides those that every route may
    give. `headers` are those of a request that mean something, `gives` those of the answer, each with a
    sentence.
    """

    method: str
    path: str
    name: str
    summary: str
    answer: Callable[[House, Asked], Awaitable[Json | Answered | Streamed]]
    answers: Json
    query: Sequence[Parameter] = ()
    body: Sequence[Parameter] = ()
    role: Right = "viewer"
    errors: Sequence[int] = field(default=())
    headers: Mapping[str, Header] = field(default_factory=dict)
    gives: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"

    @property
    def endpoint(self) -> str:
        """Its name among the endpoints of the application."""
        return f"api.{self.name}"


def add_routes(app: Quart, house: House, routes: Sequence[Route]) -> dict[str, Right]:
    """Serve *routes*; what each endpoint asks for."""
    for route in routes:
        rule = PREFIX + PARTS.sub(r"<\1>", route.path)
        app.add_url_rule(rule, route.endpoint, partial(_serve, house, route), methods=[route.method])
    return {route.endpoint: route.role for route in routes}


def read_query(parameters: Sequence[Parameter], query: Any, now: float) -> dict[str, Any]:
    """
    The values of a query (werkzeug's MultiDict). An empty text counts as not given.

    Raises:
        Problem: 400 with the name of the parameter that is unknown, missing, given twice or wrong; 422 with
            that of one whose form is right.
    """
    texts = {}
    for name, values in query.lists():
        if len(values) > 1:
            raise Problem(400, f"{name} is given {len(values)} times; once is enough.", parameter=name)
        if values[0]:
            texts[name] = values[0]
    return _read(parameters, texts, now)


async def _serve(house: House, route: Route, **parts: str) -> Response:
    now = house.clock()
    given = read_query(route.query, request.args, now)
    if route.body:
        given |= _read(route.body, _object(await request.get_data(as_text=False)), now)
    sent = {name.lower(): request.headers[name] for name in route.headers if name in request.headers}
    first = next(iter(PARTS.findall(route.path)), "")
    answer = await route.answer(house, Asked(parts.get(first, ""), given, g.person, parts, sent))
    if isinstance(answer, Streamed):
        return _streamed(answer)
    if isinstance(answer, Answered):
        body = b"" if answer.status == 304 else dumps(answer.value)
        headers = dict(answer.headers)
        return Response(body, answer.status, headers=headers, content_type="application/json")
    return Response(dumps(answer), content_type="application/json")


def _streamed(answer: Streamed) -> Response:
    if request.method == "HEAD":  # what has no end could not be left away
        return Response(b"", headers=dict(answer.headers), content_type=answer.media)
    response = Response(answer.parts, headers=dict(answer.headers), content_type=answer.media)
    response.timeout = None  # or Quart ends it after a minute
    return response


def _object(body: str | bytes) -> dict[str, Json]:
    """The object of a JSON body; no body is an empty one."""
    try:
        value = loads(body if isinstance(body, bytes) else body.encode()) if body else {}
    except ValueError as error:
        raise Problem(400, f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Problem(400, "The body must be a JSON object.")
    return value


def _fits(schema: Json, value: Json) -> bool:
    try:
        return is_valid(schema, value)
    except UnicodeEncodeError:  # half of a character, which no text has
        return False


def _read(parameters: Sequence[Parameter], texts: Mapping[str, Json], now: float) -> dict[str, Any]:
    by_name = {parameter.name: parameter for parameter in parameters}
    values = {}
    for name, text in texts.items():
        if name not in by_name:
            known = f"; known here: {', '.join(by_name)}" if by_name else ""
            raise Problem(400, f"There is no parameter {name}{known}.", parameter=name)
        of = by_name[name].of
        if isinstance(text, float) and text.is_integer() and int in of and float not in of:
            text = int(text)  # noqa: PLW2901 - to JSON, 2.0 is a whole number
        if type(text) not in of:  # exactly: to Python, true is a number too
            raise Problem(400, f"{name} must be {WORDS[of]}.", parameter=name)
        try:
            values[name] = by_name[name].read(text, now)
        except ValueError as error:
            status = 422 if _fits(by_name[name].schema, text) else 400
            raise Problem(status, f"{name}: {error}.", parameter=name) from None
    for parameter in parameters:
        if parameter.is_required and parameter.name not in values:
            raise Problem(400, f"{parameter.name} is missing.", parameter=parameter.name)
    return values

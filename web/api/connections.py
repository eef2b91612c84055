"""What the API does with connections: how they stand, a test, choices, the beginning of a consent."""

from __future__ import annotations

from collections.abc import Awaitable

from runner.engine.connecting import Connections
from runner.errors import ActionError, ConnectionRejected, Rejected
from runner.values import Json
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import TEXT, TEXT_OR_NULL, named, page_of, thing
from web.house import House
from web.problems import Problem


async def connections(house: House, _asked: Asked) -> Json:
    """All connections and how they stand; no values."""
    return {"items": _of(house).items(), "next": None}


async def connection(house: House, asked: Asked) -> Json:
    """One connection and how it stands."""
    return _of(house).item(asked.id)


async def test_connection(house: House, asked: Asked) -> Json:
    """Try the connection by the way of a call."""
    return await _of(house).test(asked.id)


async def choices(house: House, asked: Asked) -> Json:
    """What the service offers for an input."""
    given = asked.given
    missing = [name for name in ("action", "input") if not given.get(name)]
    if missing:
        raise Problem(400, f"{missing[0]} is missing.", parameter=missing[0])
    return await _answered(
        _of(house).choices(
            asked.id, given["action"], given["input"],
            given=given.get("given"), search=given.get("search"), cursor=given.get("cursor"),
        )
    )  # fmt: skip


async def connect(house: House, asked: Asked) -> Json:
    """Begin a consent: the address for a person's browser."""
    return await _answered(_of(house).connect(asked.id, by=asked.person.name))


def _of(house: House) -> Connections:
    if house.connections is None:
        raise Problem(503, "This process reaches no services.")
    return house.connections


async def _answered(asking: Awaitable[Json]) -> Json:
    try:
        return await asking
    except (Rejected, ConnectionRejected) as error:
        raise Problem(409, f"{error}.") from None
    except ActionError as error:
        raise Problem(502, f"{error}.") from None


def _text(name: str, summary: str) -> Parameter:
    return Parameter(name, summary, {"type": "string"}, lambda given, _now: given)


ROUTES = (
    Route(
        "GET", "/connections", "list_connections", "The connections: how each stands; never a value.",
        connections, page_of("Connection"),
    ),
    Route(
        "GET", "/connections/{id}", "show_connection", "One connection and how it stands.",
        connection, named("Connection"), errors=(404,),
    ),
    Route(
        "POST", "/connections/{id}/test", "test_connection", "Try a connection, by the way of a call.",
        test_connection, thing({"name": TEXT, "works": {"type": "boolean"}, "said": TEXT}),
        role="editor", errors=(404,),
    ),
    Route(
        "POST", "/connections/{id}/choices", "list_choices",
        "What a service offers for an input of an action: channels, boards, columns.",
        choices, named("Choices"), role="editor", errors=(404, 409, 502),
        body=(
            _text("action", "The action, such as `slack.post_message`."),
            _text("input", "The name of the input, such as `channel`."),
            Parameter(
                "given", "The other inputs that are filled in already.",
                {"type": "object"}, lambda given, _now: given, (dict,),
            ),
            _text("search", "Only what has this in its label."),
            _text("cursor", "Go on where a portion ended: its `next`."),
        ),
    ),
    Route(
        "POST", "/connections/{id}/connect", "connect_connection",
        "Begin to allow a connection: a person opens `url` in a browser within ten minutes.",
        connect, thing({"name": TEXT, "url": TEXT, "callback": TEXT, "until": TEXT}),
        role="admin", errors=(404, 409),
    ),
)  # fmt: skip

SCHEMAS: dict[str, Json] = {
    "Connection": thing(
        {
            "name": TEXT,
            "kind": TEXT,
            "state": {
                "enum": ["works", "untried", "unconnected", "expiring", "expired", "refused", "unknown"],
                "description": "unconnected: a person has to allow it; unknown: set it again.",
            },
            "sentence": TEXT,
            "expires_at": {**TEXT_OR_NULL, "format": "date-time", "description": "If that is known."},
            "refused_since": {**TEXT_OR_NULL, "format": "date-time"},
            "reason": {**TEXT_OR_NULL, "description": "What the service said when it refused."},
        }
    ),
    "Choices": thing(
        {
            "items": {
                "type": "array",
                "items": thing({"value": {}, "label": TEXT, "note": TEXT}),
            },
            "next": TEXT_OR_NULL,
        }
    ),
}

"""State by the API: what workflows keep between their runs, looked at and mended by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.engine.state import LONGEST_KEY, SHARED, Delete, Set, entries_page, nothing_under
from runner.errors import MoveRefused, NotFound, Rejected
from runner.values import duration_seconds
from web.api.parameters import DEFAULT_ITEMS, LIMIT, OF_LENGTH, OF_WORKFLOW
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import ANYTHING, TEXT, TIME, TIME_OR_NULL, named, page_of, thing

if TYPE_CHECKING:
    from runner.values import Json
    from web.house import House


async def list_state(house: House, asked: Asked) -> Json:
    """By key."""
    limit, after = asked.given.get("limit", DEFAULT_ITEMS), asked.given.get("cursor", "")
    found = await house.states.entries(_space(asked), now=house.clock(), after=after, limit=limit)
    return entries_page(found, limit)


async def show_state(house: House, asked: Asked) -> Json:
    """With its value."""
    key = asked.given["key"]
    entry = await house.states.entry(_space(asked), key, now=house.clock())
    if entry is None:
        raise NotFound(nothing_under(_space(asked), key))
    return entry.as_json()


async def set_state(house: House, asked: Asked) -> Json:
    """In place of what was there."""
    key, value = asked.given["key"], asked.given["value"]
    try:
        await house.states.change(_space(asked), key, Set(value, asked.given.get("ttl")), now=house.clock())
    except Rejected as error:
        raise MoveRefused(str(error)) from None
    await house.audit(asked.person, "set", "state", key, workflow=_space(asked))
    return {}


async def delete_state(house: House, asked: Asked) -> Json:
    """Whatever is kept there."""
    key = asked.given["key"]
    if not await house.states.change(_space(asked), key, Delete(), now=house.clock()):
        raise NotFound(nothing_under(_space(asked), key))
    await house.audit(asked.person, "deleted", "state", key, workflow=_space(asked))
    return {}


def _space(asked: Asked) -> str:
    return str(asked.given.get("workflow", SHARED))


def _key(text: str, _now: float) -> str:
    if not 0 < len(text) <= LONGEST_KEY:
        raise ValueError(f"a key has 1 to {LONGEST_KEY} characters")
    return text


def _ttl(text: str, _now: float) -> float:
    seconds = duration_seconds(text)
    if seconds <= 0:
        raise ValueError("must be longer than nothing")
    return seconds


def _as_it_is(value: Any, _now: float) -> Any:
    return value


_KEY = {**TEXT, "minLength": 1, "maxLength": LONGEST_KEY}
_OF_KEY = Parameter("key", "The key.", _KEY, _key, is_required=True)
_OF_SPACE = Parameter(
    "workflow", "Of the workflow with this slug; left out: what all workflows share.",
    OF_WORKFLOW.schema, OF_WORKFLOW.read,
)  # fmt: skip
_VALUE = Parameter(
    "value", "What is kept; null takes the key away.", ANYTHING, _as_it_is,
    (dict, list, str, int, float, bool, type(None)), is_required=True,
)  # fmt: skip

ROUTES = (
    Route(
        "GET", "/state", "list_state", "What a workflow keeps between its runs, by key.",
        list_state, page_of("StateEntry"), role="editor",
        query=(
            _OF_SPACE, Parameter("cursor", "`next` of the page before.", _KEY, _key), LIMIT,
        ),
    ),
    Route(
        "GET", "/state/entry", "show_state", "What is kept under one key.",
        show_state, named("StateEntry"), role="editor", errors=(404,), query=(_OF_SPACE, _OF_KEY),
    ),
    Route(
        "PUT", "/state/entry", "set_state", "Keep a value under a key, in place of what was there.",
        set_state, thing({}), role="editor", errors=(409, 413),
        body=(
            _OF_SPACE, _OF_KEY, _VALUE,
            Parameter("ttl", "How long it is kept, such as `10m`; forever if left out.", OF_LENGTH, _ttl),
        ),
    ),
    Route(
        "DELETE", "/state/entry", "delete_state", "Take a key away.",
        delete_state, thing({}), role="editor", errors=(404,), query=(_OF_SPACE, _OF_KEY),
    ),
)  # fmt: skip

SCHEMAS: dict[str, Json] = {
    "StateEntry": thing({"key": TEXT, "value": ANYTHING, "changed_at": TIME, "expires_at": TIME_OR_NULL}),
}

"""Connections and secrets: how they stand, setting them, a test, choices, the beginning of a consent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from runner.engine.connecting import Connections
from runner.engine.custody import Custody
from runner.errors import ActionError, ConnectionRejected, Rejected, SettingsError, as_sentence
from runner.values import Json
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import OBJECT, TEXT, TEXT_OR_NULL, many, named, page_of, thing
from web.house import House
from web.problems import Problem


async def connections(house: House, _asked: Asked) -> Json:
    """All connections and how they stand; no secret values."""
    custody = custody_of(house)
    items, missing = await asyncio.to_thread(lambda: (custody.connections(), custody.missing_connections()))
    return {"items": items, "missing": missing, "next": None}


async def connection(house: House, asked: Asked) -> Json:
    """One connection and how it stands."""
    return await asyncio.to_thread(custody_of(house).connection, asked.id)


async def connection_kinds(house: House, _asked: Asked) -> Json:
    """What connections can be."""
    return {"items": await asyncio.to_thread(custody_of(house).kinds), "callback": _of(house).callback}


async def put_connection(house: House, asked: Asked) -> Json:
    """Keep a connection, tried before where that is asked for."""
    custody, given = custody_of(house), asked.given
    fields = {**given.get("fields", {}), "kind": given["kind"]}
    is_merged = given.get("merge", False)
    said = None
    try:
        if given.get("test", False):
            said = await custody.try_connection(asked.id, fields, is_merged=is_merged)
        await custody.set_connection(
            asked.id, fields, ends_at=given.get("expires"), is_merged=is_merged, by=asked.person.name
        )
        if said is not None:
            await custody.note_works(asked.id)
    except SettingsError as error:
        raise Problem(422, as_sentence(error)) from None
    except ActionError as error:
        raise Problem(409, as_sentence(error)) from None
    tried = {} if said is None else {"works": True, "said": said}
    await house.audit(asked.person, "set", "connection", asked.id, connection_kind=given["kind"], **tried)
    return {**await asyncio.to_thread(custody.connection, asked.id), "said": said}


async def delete_connection(house: House, asked: Asked) -> Json:
    """Forget a connection."""
    try:
        await custody_of(house).delete_connection(asked.id)
    except SettingsError as error:
        raise Problem(409, as_sentence(error)) from None
    await house.audit(asked.person, "deleted", "connection", asked.id)
    return {}


async def secrets(house: House, _asked: Asked) -> Json:
    """Names, never values."""
    return {"items": await asyncio.to_thread(custody_of(house).secrets), "next": None}


async def put_secret(house: House, asked: Asked) -> Json:
    """Keep a secret."""
    value, hosts = asked.given["value"], asked.given.get("hosts")
    try:
        await custody_of(house).set_secret(asked.id, value, hosts=hosts, by=asked.person.name)
    except SettingsError as error:
        raise Problem(422, as_sentence(error)) from None
    await house.audit(asked.person, "set", "secret", asked.id, **({"hosts": hosts} if hosts else {}))
    return {}


async def delete_secret(house: House, asked: Asked) -> Json:
    """Forget a secret."""
    try:
        await custody_of(house).delete_secret(asked.id)
    except SettingsError as error:
        raise Problem(409, as_sentence(error)) from None
    await house.audit(asked.person, "deleted", "secret", asked.id)
    return {}


async def test_connection(house: House, asked: Asked) -> Json:
    """Try the connection by the way of a call."""
    found = await _of(house).test(asked.id)
    await house.audit(
        asked.person, "tested", "connection", asked.id, works=found["works"], said=found["said"]
    )
    return found


async def choices(house: House, asked: Asked) -> Json:
    """What the service offers for an input."""
    given = asked.given
    return await _answered(
        _of(house).choices(
            asked.id, given["action"], given["input"],
            given=given.get("given"), search=given.get("search"), cursor=given.get("cursor"),
        )
    )  # fmt: skip


async def connect(house: House, asked: Asked) -> Json:
    """Begin a consent: the address for a person's browser."""
    return await _answered(_of(house).connect(asked.id, by=asked.person.name))


def custody_of(house: House) -> Custody:
    """What keeps secrets and connections. Raises Problem 503: nothing, in this process."""
    if house.custody is None:
        raise Problem(503, "This process keeps no secrets.")
    return house.custody


def _hosts(given: list[Json], _now: float) -> list[str]:
    if not all(isinstance(one, str) for one in given):
        raise ValueError("must be a list of hosts, such as api.example.com")
    return [str(one) for one in given]


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


def _word(name: str, summary: str) -> Parameter:
    schema = {"type": "string", "minLength": 1}
    return Parameter(name, summary, schema, _not_empty, is_required=True)


def _not_empty(given: str, _now: float) -> str:
    if not given:
        raise ValueError("must not be empty")
    return given


_KIND: dict[str, Json] = {
    "kind": TEXT,
    "connector": TEXT,
    "title": TEXT,
    "summary": TEXT,
    "steps": {**many(TEXT), "description": "Where each value is found at the service."},
    "fields": OBJECT,
    "signs_in": {"type": "boolean", "description": "Whether a person may have to allow it in a browser."},
}
ROUTES = (
    Route(
        "GET", "/connections", "list_connections", "The connections: how each stands; never a secret.",
        connections,
        thing(
            {
                "items": many(named("Connection")),
                "missing": {
                    **many(thing({"name": TEXT, "used_by": many(TEXT), "kinds": many(TEXT)})),
                    "description": "Those that workflows name and nobody made.",
                },
                "next": TEXT_OR_NULL,
            }
        ),
    ),
    Route(
        "GET", "/connection-kinds", "list_connection_kinds",
        "What connections can be: of which connector, with which fields (JSON Schema; `format: password` is "
        "a secret). `callback` is the redirect address that an app at a service has to allow.",
        connection_kinds,
        thing(
            {
                "items": many(
                    {
                        "type": "object",
                        "properties": _KIND,
                        "required": list(_KIND),
                    }
                ),
                "callback": TEXT,
            }
        ),
    ),
    Route(
        "PUT", "/connections/{id}", "set_connection",
        "Keep a connection in place of one of that name. With `test` it is tried first, and not kept (409) "
        "where it does not work.",
        put_connection, named("KeptConnection"), role="editor", errors=(409, 413, 422),
        body=(
            _word("kind", "Of which kind: see `GET /connection-kinds`."),
            Parameter(
                "fields", "The fields of that kind.", {"type": "object"}, lambda given, _now: given, (dict,)
            ),
            Parameter(
                "expires", "When it ends, if a person knows: UTC seconds.", {"type": "number"},
                lambda given, _now: float(given), (int, float),
            ),
            Parameter(
                "test", "Try it first.", {"type": "boolean", "default": False},
                lambda given, _now: given, (bool,),
            ),
            Parameter(
                "merge", "Fields that are not given stay as they are.", {"type": "boolean", "default": False},
                lambda given, _now: given, (bool,),
            ),
        ),
    ),
    Route(
        "DELETE", "/connections/{id}", "delete_connection", "Forget a connection.",
        delete_connection, thing({}), role="editor", errors=(404, 409),
    ),
    Route(
        "GET", "/secrets", "list_secrets",
        "The secrets that are set or named by a workflow: never a value.",
        secrets, page_of("Secret"),
    ),
    Route(
        "PUT", "/secrets/{id}", "set_secret", "Keep a secret in place of one of that name.",
        put_secret, thing({}), role="editor", errors=(413, 422),
        body=(
            _word("value", "Its value, which no answer ever has."),
            Parameter(
                "hosts", "Where actions may send it: none named, anywhere; left out: as it was.",
                many(TEXT), _hosts, (list,),
            ),
        ),
    ),
    Route(
        "DELETE", "/secrets/{id}", "delete_secret", "Forget a secret.",
        delete_secret, thing({}), role="editor", errors=(404, 409),
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
            _word("action", "The action, such as `slack.post_message`."),
            _word("input", "The name of the input, such as `channel`."),
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

_CONNECTION: dict[str, Json] = {
    "name": TEXT,
    "kind": TEXT,
    "state": {
        "enum": ["works", "untried", "unconnected", "expiring", "expired", "refused", "unknown"],
        "description": "unconnected: a person has to allow it; unknown: set it again.",
    },
    "sentence": TEXT,
    "works_since": {**TEXT_OR_NULL, "format": "date-time"},
    "expires_at": {**TEXT_OR_NULL, "format": "date-time", "description": "If that is known."},
    "refused_since": {**TEXT_OR_NULL, "format": "date-time"},
    "reason": {**TEXT_OR_NULL, "description": "What the service said when it refused."},
    "set_at": {**TEXT_OR_NULL, "format": "date-time"},
    "by": {**TEXT_OR_NULL, "description": "Who set it; null: not known."},
    "is_fixed": {"type": "boolean", "description": "Whether the environment sets it."},
    "used_by": {**many(TEXT), "description": "The workflows that name it."},
    "fields": {**many(TEXT), "description": "The names of the fields that are set."},
    "values": {**OBJECT, "description": "Its fields that are no secrets."},
    "shared_with": {
        **TEXT_OR_NULL,
        "description": "The address that things have to be shared with before the connection sees them.",
    },
}
SCHEMAS: dict[str, Json] = {
    "Connection": thing(_CONNECTION),
    "KeptConnection": thing(
        {**_CONNECTION, "said": {**TEXT_OR_NULL, "description": "By the service, if it was tried."}}
    ),
    "Secret": thing(
        {
            "name": TEXT,
            "is_set": {"type": "boolean"},
            "set_at": {**TEXT_OR_NULL, "format": "date-time"},
            "by": TEXT_OR_NULL,
            "hosts": {"type": ["array", "null"], "items": TEXT, "description": "Null: any."},
            "is_fixed": {"type": "boolean", "description": "Whether the environment sets it."},
            "used_by": many(TEXT),
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

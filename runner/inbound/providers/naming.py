"""How rows find an event's type and delivery id: in headers, in fields of the body, in a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from runner.inbound.providers.provider import Identity
from runner.inbound.request import Request
from runner.values import Json, loads

JSON = "application/json"


def field(value: Json, path: str) -> Json:
    """What stands at a dotted path of objects and lists (`entry.0.id`), or None."""
    for key in path.split("."):
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def text(value: Json, path: str) -> str | None:
    """The text or number at a dotted path, as text; None where there is none, or an empty one."""
    found = field(value, path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    return str(found) or None


def from_body(type_path: str, id_path: str) -> Callable[[Request, Json], Identity]:
    """Both stand in fields of the body."""

    def identify(_request: Request, payload: Json) -> Identity:
        return Identity(text(payload, type_path), delivery_id=text(payload, id_path))

    return identify


def from_headers(type_header: str, id_header: str) -> Callable[[Request, Json], Identity]:
    """Both stand in headers, lower-case here."""

    def identify(request: Request, _payload: Json) -> Identity:
        return Identity(request.header(type_header) or None, delivery_id=request.header(id_header) or None)

    return identify


def with_action(type_header: str, id_header: str) -> Callable[[Request, Json], Identity]:
    """Both stand in headers, and the body's `action` says more: `issues.opened`, also `issues`."""

    def identify(request: Request, payload: Json) -> Identity:
        kind = request.header(type_header) or None
        action = text(form_json(payload), "action")
        delivery_id = request.header(id_header) or None
        if kind and action:
            return Identity(f"{kind}.{action}", (kind,), delivery_id)
        return Identity(kind, (), delivery_id)

    return identify


def batch(types: Iterable[str | None], ids: Iterable[str | None]) -> Identity:
    """
    The identity of several events in one body: the first one's type, the others under `also`. An id
    is the whole body's only where it holds one event: a batch that is sent again may be cut otherwise.
    """
    kinds = list(dict.fromkeys(kind for kind in types if kind))
    every = list(ids)
    return Identity(kinds[0] if kinds else None, tuple(kinds[1:]), every[0] if len(every) == 1 else None)


def form_json(payload: Json) -> Json:
    """The JSON in a form's field `payload`, which GitHub and Slack send; anything else as it is."""
    inner = payload.get("payload") if isinstance(payload, dict) else None
    if not isinstance(inner, str):
        return payload
    try:
        return loads(inner.encode("utf-8", "surrogatepass"))
    except ValueError:
        return payload

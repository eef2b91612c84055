"""The bundled samples of what providers send."""

from __future__ import annotations

from runner.engine.sampling import steady_sample
from runner.errors import InboundError, NotFound
from runner.inbound.bounds import Bounds
from runner.inbound.decode import decode
from runner.inbound.providers import PROVIDERS
from runner.inbound.samples import providers_with_samples, samples_of
from runner.values import Json
from web.api.routes import Asked, Parameter, Route
from web.api.schemas import ANYTHING, OBJECT, TEXT, many, thing
from web.house import House


async def list_samples(_house: House, asked: Asked) -> Json:
    """Those of one provider, or of all."""
    chosen = asked.given.get("provider")
    names = [chosen] if chosen else providers_with_samples()
    if chosen and not samples_of(chosen):
        raise NotFound(f"there are no samples of {chosen}")
    return {"items": [_item(name, event_type) for name in names for event_type in samples_of(name)]}


async def show_sample(house: House, asked: Asked) -> Json:
    """One, as it would come."""
    provider, event_type = asked.id, asked.given["type"]
    found = steady_sample(provider, event_type, house.clock())
    reads_as = PROVIDERS[provider].reads_as if provider in PROVIDERS else None
    return {
        "provider": provider,
        "type": event_type,
        "method": found.method,
        "headers": dict(found.headers),
        "payload": _payload(found.body, reads_as or found.content_type),
    }


def _item(provider: str, event_type: str) -> Json:
    found = steady_sample(provider, event_type, 0.0)
    reads_as = PROVIDERS[provider].reads_as if provider in PROVIDERS else None
    payload = _payload(found.body, reads_as or found.content_type)
    names = list(payload) if isinstance(payload, dict) else []
    return {
        "provider": provider,
        "type": event_type,
        "title": event_type.replace("_", " ").replace("/", " ").replace(".", " ").capitalize(),
        "summary": ", ".join(names[:6]) + (", …" if len(names) > 6 else ""),
    }


def _payload(body: bytes, content_type: str) -> Json:
    try:
        return decode(body, content_type=content_type, bounds=Bounds()).payload
    except InboundError:
        return None


def _name(given: str, _now: float) -> str:
    if not given.replace("-", "").isalnum():
        raise ValueError("a provider's name has letters, digits and -")
    return given


ROUTES = (
    Route(
        "GET", "/samples", "list_samples", "The bundled samples of what providers send.",
        list_samples,
        thing(
            {"items": many(thing({"provider": TEXT, "type": TEXT, "title": TEXT, "summary": TEXT}))}
        ),
        errors=(404,),
        query=(Parameter("provider", "Only of this one.", TEXT, _name),),
    ),
    Route(
        "GET", "/samples/{id}", "show_sample", "One sample of a provider as it would come.",
        show_sample,
        thing({"provider": TEXT, "type": TEXT, "method": TEXT, "headers": OBJECT, "payload": ANYTHING}),
        errors=(404,),
        query=(Parameter(
                "type", "Its type, such as orders/create.", {**TEXT, "minLength": 1},
                lambda given, _now: given,
                is_required=True,
            ),),
    ),
)  # fmt: skip

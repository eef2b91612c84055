"""Linear."""

from __future__ import annotations

from runner.inbound.claim import Carried, Place
from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.values import Json

TOLERANCE_SECONDS = 60.0


def identify(request: Request, payload: Json) -> Identity:
    """`Issue.create`, also `Issue`."""
    kind = request.header("linear-event") or text(payload, "type")
    action = text(payload, "action")
    delivery_id = request.header("linear-delivery") or None
    if kind and action:
        return Identity(f"{kind}.{action}", (kind,), delivery_id)
    return Identity(kind, (), delivery_id)


LINEAR = Provider(
    name="linear",
    title="Linear",
    page="https://linear.app/developers/webhooks",
    schemes=(
        # the time stands inside the body, which is signed
        Hmac(
            Carried(Place("Linear-Signature"), timestamp=Place("webhookTimestamp", "field")),
            clock="unix_ms",
            tolerance_seconds=TOLERANCE_SECONDS,
        ),
    ),
    identify=identify,
    timeout_seconds=5,
    retries="Linear tries 3 more times, after 1 minute, 1 hour and 6 hours; only a 200 ends it.",
    setup=(
        "In Linear: Settings, API, Webhooks, New webhook.",
        "URL: {url}",
        "The webhook's page shows its signing secret.",
    ),
)

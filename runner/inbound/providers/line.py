"""LINE's Messaging API."""

from __future__ import annotations

from runner.inbound.claim import in_header
from runner.inbound.providers.naming import JSON, batch, field, text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.values import Json


def identify(_request: Request, payload: Json) -> Identity:
    """The events' types. A check from the console has no events at all."""
    found = field(payload, "events")
    events = found if isinstance(found, list) else []
    return batch(
        (text(event, "type") for event in events), (text(event, "webhookEventId") for event in events)
    )


LINE = Provider(
    name="line",
    title="LINE",
    page="https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/",
    schemes=(Hmac(in_header("X-Line-Signature"), encoding="base64"),),
    identify=identify,
    reads_as=JSON,
    retries="LINE tries again only where redelivery is turned on in the console.",
    setup=(
        "In the LINE Developers Console open the channel; Basic settings shows its Channel secret.",
        "Messaging API, Webhook URL: {url}. Turn on Use webhook.",
    ),
)

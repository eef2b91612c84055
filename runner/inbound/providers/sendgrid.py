"""Twilio SendGrid's Event Webhook: a list of events under one ECDSA signature."""

from __future__ import annotations

from runner.inbound.asymmetric import SignedTimestamp, base64_bytes, p256_key
from runner.inbound.providers.naming import JSON, batch, text
from runner.inbound.providers.provider import Identity, Option, Provider
from runner.inbound.request import Request
from runner.values import Json


def identify(_request: Request, payload: Json) -> Identity:
    """The first event's kind, also those of the others; an id only where there is one event."""
    events = payload if isinstance(payload, list) else []
    return batch((text(one, "event") for one in events), (text(one, "sg_event_id") for one in events))


SENDGRID = Provider(
    name="sendgrid",
    title="SendGrid",
    page="https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/"
    "getting-started-event-webhook-security-features",
    schemes=(
        SignedTimestamp(
            "X-Twilio-Email-Event-Webhook-Signature",
            "X-Twilio-Email-Event-Webhook-Timestamp",
            p256_key,
            base64_bytes,
        ),
    ),
    identify=identify,
    reads_as=JSON,
    options=(
        Option("public_key", "The webhook's Verification Key (base64).", example="MFkwEwYHKoZIzj0CAQYI…"),
    ),
    needs_secret=False,
    retries="Without a 2xx the events are sent again at growing intervals for 24 hours.",
    setup=(
        "Settings, Mail Settings, Event Webhooks: create one with {url} as Post URL.",
        "Enable Signed Event Webhook and copy the Verification Key into `public_key`.",
        "A request is a list of events: `split: payload` makes one run of each.",
    ),
)

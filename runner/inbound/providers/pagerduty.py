"""PagerDuty's webhooks, version 3."""

from __future__ import annotations

from runner.inbound.claim import Listed, in_header
from runner.inbound.providers.naming import JSON, from_body
from runner.inbound.providers.provider import Provider
from runner.inbound.signature import Hmac

PAGERDUTY = Provider(
    name="pagerduty",
    title="PagerDuty",
    page="https://developer.pagerduty.com/docs/verifying-webhook-signatures",
    schemes=(Hmac(in_header("X-PagerDuty-Signature", Listed(",", "v1="))),),
    identify=from_body("event.event_type", "event.id"),
    reads_as=JSON,
    setup=(
        "In PagerDuty: Integrations, Generic Webhooks (v3), New Webhook.",
        "Webhook URL: {url}",
        "After saving, the signing secret is shown once.",
    ),
)

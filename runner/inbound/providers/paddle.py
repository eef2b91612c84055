"""Paddle Billing."""

from __future__ import annotations

from runner.inbound.claim import Listed, in_header
from runner.inbound.providers.naming import JSON, from_body
from runner.inbound.providers.provider import Provider
from runner.inbound.signature import Hmac, template

TOLERANCE_SECONDS = 5.0  # of Paddle's own libraries; each try is signed anew

PADDLE = Provider(
    name="paddle",
    title="Paddle",
    page="https://developer.paddle.com/webhooks/signature-verification",
    schemes=(
        Hmac(
            in_header("Paddle-Signature", Listed(";", "h1=", "ts=")),
            template("{{ timestamp }}:{{ body }}"),
            clock="unix",
            tolerance_seconds=TOLERANCE_SECONDS,
        ),
    ),
    identify=from_body("event_type", "event_id"),
    reads_as=JSON,
    timeout_seconds=5,
    retries="Paddle tries 60 times over 3 days (in the sandbox 3 times in 15 minutes); only a 200 ends it.",
    setup=(
        "In Paddle: Developer tools, Notifications, New destination.",
        "Type: webhook. URL: {url}",
        "Edit the destination to see its secret key (pdl_ntfset_…).",
    ),
)

"""Mux."""

from __future__ import annotations

from runner.inbound.claim import Listed, in_header
from runner.inbound.providers.naming import JSON, from_body
from runner.inbound.providers.provider import Provider
from runner.inbound.signature import Hmac, template

MUX = Provider(
    name="mux",
    title="Mux",
    page="https://www.mux.com/docs/core/verify-webhook-signatures",
    schemes=(
        Hmac(
            in_header("Mux-Signature", Listed(",", "v1=", "t=")),
            template("{{ timestamp }}.{{ body }}"),
            clock="unix",
        ),
    ),
    identify=from_body("type", "id"),
    reads_as=JSON,
    setup=(
        "In the Mux dashboard: Settings, Webhooks, Create new webhook.",
        "URL to notify: {url}",
        "The list then shows the signing secret.",
    ),
)

"""Stripe."""

from __future__ import annotations

from runner.inbound.claim import Listed, in_header
from runner.inbound.providers.naming import JSON, from_body
from runner.inbound.providers.provider import Provider
from runner.inbound.signature import Hmac, template

STRIPE = Provider(
    name="stripe",
    title="Stripe",
    page="https://docs.stripe.com/webhooks",
    schemes=(
        # the secret is the key as it is, `whsec_` included; v0 is a decoy of the test mode
        Hmac(
            in_header("Stripe-Signature", Listed(",", "v1=", "t=")),
            template("{{ timestamp }}.{{ body }}"),
            clock="unix",
        ),
    ),
    identify=from_body("type", "id"),
    reads_as=JSON,
    retries="Stripe tries for up to 3 days with growing intervals (in a sandbox 3 times in a few hours).",
    setup=(
        "In the Stripe dashboard: Developers, Webhooks, Add destination.",
        "Endpoint URL: {url}",
        "Choose the events; afterwards the page shows the signing secret (whsec_…).",
    ),
)

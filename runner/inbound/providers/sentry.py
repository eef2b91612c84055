"""Sentry's integration platform."""

from __future__ import annotations

from runner.inbound.claim import in_header
from runner.inbound.providers.naming import with_action
from runner.inbound.providers.provider import Provider
from runner.inbound.signature import Hmac

SENTRY = Provider(
    name="sentry",
    title="Sentry",
    page="https://docs.sentry.io/organization/integrations/integration-platform/webhooks/",
    schemes=(
        Hmac(in_header("Sentry-Hook-Signature")),
    ),  # Sentry-Hook-Timestamp is not signed: it proves nothing
    identify=with_action("sentry-hook-resource", "request-id"),
    timeout_seconds=1,
    retries="Sentry does not try again; 1,000 timeouts in 24 hours end the subscription.",
    setup=(
        "In Sentry: Settings, Developer Settings, Create New Integration, Internal.",
        "Webhook URL: {url}",
        "The secret is the integration's Client Secret.",
    ),
)

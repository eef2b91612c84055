"""Typeform."""

from __future__ import annotations

from runner.inbound.claim import Plain, in_header
from runner.inbound.providers.naming import JSON, from_body
from runner.inbound.providers.provider import Provider
from runner.inbound.signature import Hmac

TYPEFORM = Provider(
    name="typeform",
    title="Typeform",
    page="https://www.typeform.com/developers/webhooks/secure-your-webhooks/",
    schemes=(
        Hmac(
            in_header(
                "Typeform-Signature",
                Plain("sha256="),
                absent="Typeform signs only where the webhook has a secret: enter it there and here",
            ),
            encoding="base64",
        ),
    ),
    identify=from_body("event_type", "event_id"),
    reads_as=JSON,
    timeout_seconds=30,
    retries="After 408, 423, 429 or 503 every few minutes for 10 hours, after other errors up to 7 times;"
    " a 404 or 410 disables the webhook at once.",
    setup=(
        "Open the form: Connect, Webhooks, Add a webhook.",
        "Endpoint: {url}",
        "Edit it and enter as Secret the value of the secret that `verify` names.",
    ),
)

"""Square."""

from __future__ import annotations

from runner.inbound.claim import in_header
from runner.inbound.providers.naming import JSON, from_body
from runner.inbound.providers.provider import Provider
from runner.inbound.signature import Hmac, template

SQUARE = Provider(
    name="square",
    title="Square",
    page="https://developer.squareup.com/docs/webhooks/step3validate",
    schemes=(
        # x-square-signature (SHA-1) is of the past and is never enough here
        Hmac(in_header("x-square-hmacsha256-signature"), template("{{ url }}{{ body }}"), encoding="base64"),
    ),
    identify=from_body("type", "event_id"),
    reads_as=JSON,
    timeout_seconds=10,
    retries="Square tries for up to 24 hours with growing intervals.",
    setup=(
        "In the developer console open the application: Webhooks, Subscriptions, Add subscription.",
        "Notification URL: {url}",
        (
            "The secret is the subscription's signature key. The address must be the one of `public_url`,"
            " since the signature covers it."
        ),
    ),
)

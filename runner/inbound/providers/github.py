"""GitHub."""

from __future__ import annotations

from runner.inbound.claim import Plain, in_header
from runner.inbound.providers.naming import with_action
from runner.inbound.providers.provider import Provider
from runner.inbound.signature import Hmac

GITHUB = Provider(
    name="github",
    title="GitHub",
    page="https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
    schemes=(
        # X-Hub-Signature (SHA-1) comes along for old receivers; it is never enough here
        Hmac(
            in_header(
                "X-Hub-Signature-256",
                Plain("sha256="),
                absent="GitHub signs only where the webhook has a secret: enter it there and here",
            )
        ),
    ),
    identify=with_action("x-github-event", "x-github-delivery"),
    timeout_seconds=10,
    retries="GitHub does not send a failed delivery again by itself; redeliver it from the webhook's page.",
    setup=(
        "In the repository or organisation: Settings, Webhooks, Add webhook.",
        "Payload URL: {url}",
        "Content type: application/json. Secret: the value of the secret that `verify` names.",
        "Choose the events and save; GitHub sends a `ping`.",
    ),
)

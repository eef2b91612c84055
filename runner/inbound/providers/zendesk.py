"""Zendesk."""

from __future__ import annotations

from runner.inbound.claim import in_header
from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.request import Request
from runner.inbound.signature import Hmac, template
from runner.values import Json

EVENT = "zen:event-type:"


def identify(request: Request, payload: Json) -> Identity:
    """
    `zen:event-type:ticket.created`, also `ticket.created`. An event has its own id, the same however
    often it is sent; a webhook of a trigger has what its template says, and the invocation's id.
    """
    payload = request.json or payload  # a header that nobody signs does not hide the event's id
    kind = text(payload, "type")
    invocation = request.header("x-zendesk-webhook-invocation-id") or None
    if kind and kind.startswith(EVENT):
        return Identity(kind, (kind.removeprefix(EVENT),), text(payload, "id") or invocation)
    return Identity(kind, (), invocation)


ZENDESK = Provider(
    name="zendesk",
    title="Zendesk",
    page="https://developer.zendesk.com/documentation/webhooks/verifying/",
    schemes=(
        # the secret looks like base64 and is the key as it is
        Hmac(
            in_header("X-Zendesk-Webhook-Signature", timestamp="X-Zendesk-Webhook-Signature-Timestamp"),
            template("{{ timestamp }}{{ body }}"),
            encoding="base64",
            clock="rfc3339",
        ),
    ),
    identify=identify,
    timeout_seconds=12,
    retries="Zendesk tries up to 5 times, and after a 409 up to 3 times.",
    setup=(
        "In the Admin Center: Apps and integrations, Webhooks, Create webhook.",
        "Endpoint URL: {url}. Request method: POST.",
        (
            "After creating it, Reveal secret shows the signing secret. A test before that is signed with a"
            " secret that everybody knows and is refused here."
        ),
    ),
)

"""Razorpay."""

from __future__ import annotations

from runner.inbound.claim import in_header
from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.values import Json


def identify(request: Request, payload: Json) -> Identity:
    """`payment.captured`, and the event's id in its header."""
    return Identity(text(payload, "event"), delivery_id=request.header("x-razorpay-event-id") or None)


RAZORPAY = Provider(
    name="razorpay",
    title="Razorpay",
    page="https://razorpay.com/docs/webhooks/validate-test/",
    schemes=(Hmac(in_header("X-Razorpay-Signature")),),
    identify=identify,
    timeout_seconds=5,
    retries="Razorpay tries for 24 hours with growing intervals, then disables the webhook.",
    setup=(
        "In the dashboard: Account & Settings, Webhooks, Add New Webhook.",
        "Webhook URL: {url}",
        "Secret: the value of the secret that `verify` names.",
    ),
)

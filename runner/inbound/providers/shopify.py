"""Shopify."""

from __future__ import annotations

from runner.inbound.claim import in_header
from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.values import Json


def identify(request: Request, payload: Json) -> Identity:
    """
    The topic and the delivery's id, with or without `X-`.

    The page on verifying deliveries names X-Shopify-Webhook-Id for finding duplicates. An
    X-Shopify-Event-Id is shared by everything that one action of a merchant causes: with it, `orders/paid`
    would be taken for a repetition of `orders/create`.
    """
    topic = _header(request, "topic")
    action = text(payload, "action") if "shopify-topic" in request.headers else None  # of Events: `Product`
    delivery_id = _header(request, "webhook-id") or _header(request, "event-id")
    if topic and action:
        return Identity(f"{topic}.{action}", (topic,), delivery_id)
    return Identity(topic, (), delivery_id)


def _header(request: Request, name: str) -> str | None:
    return request.header(f"x-shopify-{name}") or request.header(f"shopify-{name}") or None


SHOPIFY = Provider(
    name="shopify",
    title="Shopify",
    page="https://shopify.dev/docs/apps/build/webhooks/verify-deliveries",
    schemes=(
        Hmac(in_header("X-Shopify-Hmac-Sha256"), encoding="base64"),
        Hmac(in_header("Shopify-Hmac-Sha256"), encoding="base64"),
    ),
    identify=identify,
    timeout_seconds=5,
    retries="Shopify tries 8 times over 4 hours, then removes the subscription.",
    setup=(
        "In the shop's admin: Settings, Notifications, Webhooks, Create webhook; or in your app's settings.",
        "Format: JSON. URL: {url}",
        "The secret is shown below the list of webhooks; for an app it is the client secret.",
    ),
)

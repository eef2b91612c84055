"""WooCommerce."""

from __future__ import annotations

import re

from runner.inbound.claim import in_header
from runner.inbound.providers.naming import from_headers
from runner.inbound.providers.provider import Provider, Trust
from runner.inbound.providers.replies import say
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.inbound.verdict import Reply

PING = re.compile(rb"webhook_id=[0-9]{1,20}")


def ping(request: Request, _trust: Trust) -> Reply | None:
    """On saving, WooCommerce posts the webhook's number, unsigned, and wants a 200."""
    if "x-wc-webhook-signature" in request.headers or not PING.fullmatch(request.body):
        return None
    return say("answered WooCommerce's ping")


WOOCOMMERCE = Provider(
    name="woocommerce",
    title="WooCommerce",
    page="https://woocommerce.com/document/webhooks/",
    schemes=(Hmac(in_header("X-WC-Webhook-Signature"), encoding="base64"),),
    identify=from_headers("x-wc-webhook-topic", "x-wc-webhook-delivery-id"),
    unsigned=(ping,),
    retries="WooCommerce does not try again; five failures in a row disable the webhook.",
    setup=(
        "In WordPress: WooCommerce, Settings, Advanced, Webhooks, Add webhook.",
        "Delivery URL: {url}. Status: Active.",
        "Secret: the value of the secret that `verify` names.",
    ),
)

"""Requests as providers send them, for the tests of verification."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Provider, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Verdict
from runner.inbound.verify import verify

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures"
NOW = 1_768_471_200.0
URL = "https://hooks.example.com/hooks/t0ken?shop=1"
JSON = b'{"id": 7, "text": "caf\xc3\xa9 \\u00e9", "more": [1, 2.50]}'
BASE64_SECRETS = {"standard-webhooks", "svix"}
SECRETS = {  # where not any text will do
    "adyen": ("44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056", "AB" * 32),
    "standard-webhooks": ("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_" + "QUJD" * 8),
    "svix": ("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_" + "QUJD" * 8),
}
BODIES = {
    "adyen": json.dumps(
        {
            "live": "false",
            "notificationItems": [
                {
                    "NotificationRequestItem": {
                        "pspReference": "7914073381342284",
                        "merchantAccountCode": "TestMerchant",
                        "merchantReference": "Order-1",
                        "amount": {"value": 1130, "currency": "EUR"},
                        "eventCode": "AUTHORISATION",
                        "success": "true",
                    }
                }
            ],
        }
    ).encode(),
    "twilio": b"Body=H%C3%A9llo&From=%2B15005550006&MessageSid=SM1&SmsStatus=received",
}
SYMMETRIC = [
    "github", "shopify", "stripe", "twilio", "slack", "standard-webhooks", "svix", "gitlab", "bitbucket",
    "square", "paddle", "mailgun", "zendesk", "hubspot", "intercom", "linear", "sentry", "typeform",
    "woocommerce", "dropbox", "meta-whatsapp", "telegram", "zoom", "line", "pagerduty", "mux", "razorpay",
    "adyen", "wechat", "websub",
]  # fmt: skip
UNCOVERED = {"gitlab", "telegram", "wechat", "mailgun", "adyen"}  # their signature is not over the whole body
TIMED = {
    "stripe", "slack", "standard-webhooks", "svix", "paddle", "mailgun", "zendesk", "hubspot", "linear",
    "zoom", "mux", "wechat",
}  # fmt: skip
MARKS = {  # where each shows its signature or token
    "github": "x-hub-signature-256", "shopify": "x-shopify-hmac-sha256", "stripe": "stripe-signature",
    "twilio": "x-twilio-signature", "slack": "x-slack-signature", "standard-webhooks": "webhook-signature",
    "svix": "svix-signature", "gitlab": "x-gitlab-token", "bitbucket": "x-hub-signature",
    "square": "x-square-hmacsha256-signature", "paddle": "paddle-signature",
    "zendesk": "x-zendesk-webhook-signature", "hubspot": "x-hubspot-signature-v3",
    "intercom": "x-hub-signature", "linear": "linear-signature", "sentry": "sentry-hook-signature",
    "typeform": "typeform-signature", "woocommerce": "x-wc-webhook-signature",
    "dropbox": "x-dropbox-signature", "meta-whatsapp": "x-hub-signature-256",
    "telegram": "x-telegram-bot-api-secret-token", "zoom": "x-zm-signature", "line": "x-line-signature",
    "pagerduty": "x-pagerduty-signature", "mux": "mux-signature", "razorpay": "x-razorpay-signature",
    "websub": "x-hub-signature",
}  # fmt: skip


def secrets(name: str) -> tuple[str, str]:
    """Two secrets that the provider could have."""
    return SECRETS.get(name, ("It's a Secret to Everybody", "zweites Geheimnis ü"))


def trusting(name: str) -> Trust:
    """Trust in the first secret."""
    return Trust(secrets(name)[:1])


def unsigned(name: str) -> Request:
    """A request of the provider's, not signed yet."""
    form = "application/x-www-form-urlencoded" if name == "twilio" else "application/json"
    return Request("POST", URL, {"content-type": form}, BODIES.get(name, JSON))


def signed(name: str, *, now: float = NOW, trust: Trust | None = None) -> Request:
    """A request of the provider's, rightly signed with the first secret."""
    return PROVIDERS[name].schemes[0].sign(unsigned(name), trust or trusting(name), now=now)


def judged(name: str, request: Request, *, trust: Trust | None = None, now: float = NOW) -> Verdict:
    """The verdict on a request to a row of the table."""
    return verify(request, PROVIDERS[name], trust or trusting(name), now=now, fetched={})


def judged_by(provider: Provider, request: Request, trust: Trust, *, now: float = NOW) -> Verdict:
    """The verdict of any provider."""
    return verify(request, provider, trust, now=now, fetched={})


def with_header(request: Request, name: str, value: str) -> Request:
    """The request with another value of one header."""
    return replace(request, headers={**request.headers, name: value})


def vectors() -> list[dict[str, Any]]:
    """The shared vectors; none where they are not here."""
    file = FIXTURES / "signature-vectors.json"
    return json.loads(file.read_bytes()) if file.exists() else []


def of_vector(vector: Mapping[str, Any]) -> tuple[Request, Trust, float]:
    """A vector's request, what is trusted, and when it is judged. Without `now` no time is too old."""
    body = vector["body"].encode() if vector["body_encoding"] == "utf-8" else bytes.fromhex(vector["body"])
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    options = {"public_key": vector["public_key"]} if "public_key" in vector else {}
    tolerance = vector.get("tolerance", None if "now" in vector else math.inf)
    return (
        Request(vector["method"], vector["url"], headers, body),
        Trust((vector["secret"],) if "secret" in vector else (), options, tolerance),
        float(vector.get("now", 0)),
    )

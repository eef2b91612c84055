"""HubSpot: three versions of a signature; where the newest came, the older ones do not count."""

from __future__ import annotations

import re

from runner.inbound.claim import Claim, in_header
from runner.inbound.digests import wire
from runner.inbound.providers.naming import JSON, batch, text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.inbound.tokens import SecretDigest
from runner.values import Json

# The page's table of escapes that are decoded; some of HubSpot's own libraries decode more.
ESCAPES = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
MORE_ESCAPES = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B|26|3D|2B|22|3E|3C|60)", re.IGNORECASE)


def signed_v3(request: Request, claim: Claim) -> tuple[bytes, ...]:
    """Method, URL, body and time; the URL with the listed escapes decoded, or as it is."""
    urls = [
        ESCAPES.sub(lambda match: chr(int(match[1], 16)), request.url),
        MORE_ESCAPES.sub(lambda match: chr(int(match[1], 16)), request.url),
        request.url,
    ]
    return tuple(
        request.method.encode() + _utf8(url) + request.body + wire(claim.timestamp)
        for url in dict.fromkeys(urls)
    )


def identify(_request: Request, payload: Json) -> Identity:
    """`contact.creation` of the first event, the others' under `also`; up to 100 come together."""
    events = payload if isinstance(payload, list) else [payload]
    return batch(
        (text(event, "subscriptionType") for event in events), (text(event, "eventId") for event in events)
    )


def _utf8(plain: str) -> bytes:
    return plain.encode("utf-8", "surrogatepass")


HUBSPOT = Provider(
    name="hubspot",
    title="HubSpot",
    page="https://developers.hubspot.com/docs/api/webhooks/validating-requests",
    schemes=(
        Hmac(
            in_header("X-HubSpot-Signature-v3", timestamp="X-HubSpot-Request-Timestamp"),
            signed_v3,
            encoding="base64",
            clock="unix_ms",
        ),
        SecretDigest(
            "X-HubSpot-Signature",
            "X-HubSpot-Signature-Version",
            {
                "v1": lambda request: request.body,
                "v2": lambda request: request.method.encode() + _utf8(request.url) + request.body,
            },
        ),
    ),
    identify=identify,
    reads_as=JSON,
    timeout_seconds=5,
    retries="HubSpot tries up to 10 times over 24 hours; not after a 4xx other than 429.",
    setup=(
        "In the developer account open your app: Webhooks, Target URL: {url}",
        "Create the subscriptions and activate them.",
        (
            "The secret is the app's Client secret, under Auth. The address must be the one of `public_url`,"
            " since the signature covers it."
        ),
    ),
)

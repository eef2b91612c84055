"""
PayPal: RSA over the transmission's id and time, the webhook's id and the body's CRC-32, checked with
a certificate that stands at an address of PayPal's.

The CRC-32 does not protect the body from somebody who has seen one signed delivery: a body with the
same checksum is easily made. So a delivery is not good for ever: three days, as long as PayPal sends
it again (whether with its first time is not published; a narrower `tolerance` may lose retries).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from runner.inbound.asymmetric import ONLY_THE_PROVIDER, base64_bytes, is_signed, when_stale
from runner.inbound.certificates import CertificateRule, signing_keys
from runner.inbound.digests import wire
from runner.inbound.providers.naming import JSON, from_body
from runner.inbound.providers.provider import Option, Provider, Trust
from runner.inbound.request import Request
from runner.inbound.timestamps import read_timestamp
from runner.inbound.verdict import Fetch, Passed, Refused, Verdict

PAGE = "https://developer.paypal.com/api/rest/webhooks/rest/"
RETRIES_SECONDS = 3 * 86_400.0 + 300.0
HEADERS = (
    "PAYPAL-TRANSMISSION-ID",
    "PAYPAL-TRANSMISSION-TIME",
    "PAYPAL-TRANSMISSION-SIG",
    "PAYPAL-CERT-URL",
    "PAYPAL-AUTH-ALGO",
)
# The sandbox's certificates have the sandbox's name; neither stands for the other.
CERTIFICATES = CertificateRule(
    address=re.compile(
        r"https://api(?:-m)?(?P<sandbox>\.sandbox)?\.paypal\.com(?::443)?"
        r"/v1/notifications/certs/[A-Za-z0-9_-]{1,200}(?:\.[a-z]{3})?"
    ),
    subject=lambda match: f"messageverificationcerts{match['sandbox'] or ''}.paypal.com",
    page=PAGE,
)


@dataclass(frozen=True, slots=True)
class Transmission:
    """PayPal's five headers."""

    def applies(self, request: Request) -> bool:
        """Whether the signature's header is there."""
        return "paypal-transmission-sig" in request.headers

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Judge for the webhook of the option `webhook_id`."""
        webhook_id = trust.options.get("webhook_id")
        if not isinstance(webhook_id, str) or not webhook_id:
            return Refused(
                "no_secret",
                "the option webhook_id is not set, and the signature covers it",
                "copy the Webhook ID from the application's page at developer.paypal.com",
            )
        shown = {name: request.header(name.lower()) for name in HEADERS}
        for name, text in shown.items():
            if not text:
                return Refused("missing", f"the header {name} is missing or empty")
        identity, time, signature_text, url, algorithm = shown.values()
        if algorithm.lower() != "sha256withrsa":
            return Refused("unsupported", "the header PAYPAL-AUTH-ALGO is not SHA256withRSA")
        moment = read_timestamp(time, "rfc3339")
        if moment is None:
            return Refused("malformed", "the header PAYPAL-TRANSMISSION-TIME is no time with its offset")
        try:
            signature = base64_bytes(signature_text)
        except ValueError:
            return Refused("malformed", "the header PAYPAL-TRANSMISSION-SIG is not base64")
        pinned = trust.options.get("certificate")
        keys = signing_keys(
            url, CERTIFICATES, pinned=pinned, where="PAYPAL-CERT-URL", now=now, fetched=fetched
        )
        if isinstance(keys, Refused | Fetch):
            return keys
        message = wire(f"{identity}|{time}|{webhook_id}|{zlib.crc32(request.body)}")
        if not any(is_signed(key, signature, message) for key in keys):
            return Refused(
                "mismatch",
                "the header PAYPAL-TRANSMISSION-SIG does not sign this transmission for this webhook_id",
                "webhook_id is another webhook's (sandbox and live differ), or the body was changed",
            )
        stale = when_stale(moment, trust, now=now, where="PAYPAL-TRANSMISSION-TIME", default=RETRIES_SECONDS)
        return stale or Passed("PAYPAL-TRANSMISSION-SIG")

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """
        Never.

        Raises:
            NotImplementedError: always; only PayPal has the private key.
        """
        raise NotImplementedError(ONLY_THE_PROVIDER)


PAYPAL = Provider(
    name="paypal",
    title="PayPal",
    page=PAGE,
    schemes=(Transmission(),),
    identify=from_body("event_type", "id"),
    reads_as=JSON,
    options=(
        Option("webhook_id", "The webhook's id, which its signature covers.", example="1JE4291016473214C",
               is_required=True),
        Option("certificate", "The only certificates to believe, as PEM, or SHA-256 fingerprints of them.",
               example="-----BEGIN CERTIFICATE-----…"),
    ),
    needs_secret=False,
    retries="Without a 2xx it is sent up to 25 times over 3 days.",
    setup=(
        "developer.paypal.com, Apps & Credentials, your application: add a webhook with {url}.",
        "Copy the Webhook ID that is shown then into `webhook_id`; sandbox and live have different ones.",
    ),
)  # fmt: skip

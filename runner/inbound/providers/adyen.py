"""Adyen's standard notifications: a signature in the body, over eight of its fields."""

from __future__ import annotations

from dataclasses import dataclass

from runner.inbound.claim import Claim, with_fields
from runner.inbound.digests import hex_key
from runner.inbound.providers.naming import JSON, field, text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.providers.replies import say
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.inbound.verdict import Refused, Reply
from runner.values import Json

SIGNED = (
    "pspReference", "originalReference", "merchantAccountCode", "merchantReference",
    "amount.value", "amount.currency", "eventCode", "success",
)  # fmt: skip
SIGNATURE = "hmacSignature"


def item(payload: Json) -> Json:
    """The one item of a notification; None where there is another number of them."""
    items = field(payload, "notificationItems")
    return field(items[0], "NotificationRequestItem") if isinstance(items, list) and len(items) == 1 else None


@dataclass(frozen=True, slots=True)
class InItem:
    """The claim in `additionalData.hmacSignature` of the one item. Adyen sends one item at a time."""

    label: str = f'"additionalData.{SIGNATURE}" in the body'
    time_label: str = ""

    def applies(self, request: Request) -> bool:
        """Whether the body is such a notification."""
        return item(request.json) is not None

    def read(self, request: Request) -> Claim | Refused:
        """The signature in the item."""
        one = item(request.json)
        if not isinstance(one, dict):
            return Refused("malformed", 'the body has no "notificationItems" with exactly one item')
        signature = text(one, f"additionalData.{SIGNATURE}")
        if signature is None:
            return Refused(
                "missing",
                f"the request has no {self.label}",
                "Adyen signs only where the webhook has an HMAC key: generate one in the Customer Area",
            )
        return Claim((signature,))

    def prepare(self, request: Request, claim: Claim) -> Request:
        """Nothing else is written."""
        del claim
        return request

    def write(self, request: Request, claim: Claim) -> Request:
        """Put the signature into the item."""
        one = item(request.json)
        one = dict(one) if isinstance(one, dict) else {}
        data = one.get("additionalData")
        one["additionalData"] = {**(data if isinstance(data, dict) else {}), SIGNATURE: claim.signatures[0]}
        return with_fields(request, {"notificationItems": [{"NotificationRequestItem": one}]})


def signed(request: Request, _claim: Claim) -> tuple[bytes, ...]:
    """The eight fields with colons between them; one that is absent is empty."""
    values = (text(item(request.json), path) or "" for path in SIGNED)
    return (":".join(values).encode("utf-8", "replace"),)


def identify(_request: Request, payload: Json) -> Identity:
    """
    `AUTHORISATION`. Repetitions share reference and code; whether it succeeded belongs to the id, since
    Adyen may correct that.
    """
    one = item(payload)
    code, reference, success = (text(one, name) for name in ("eventCode", "pspReference", "success"))
    return Identity(code, delivery_id=f"{code}:{reference}:{success}" if code and reference else None)


def thanks(_request: Request, _payload: Json) -> Reply:
    """Adyen accepts this from every version of its webhooks."""
    return say("answered Adyen with [accepted]", "[accepted]")


ADYEN = Provider(
    name="adyen",
    title="Adyen",
    page="https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures",
    schemes=(Hmac(InItem(), signed, encoding="base64", keys=hex_key),),
    identify=identify,
    reads_as=JSON,
    thanks=thanks,
    timeout_seconds=10,
    retries="Adyen tries 3 times at once, then for up to 30 days with growing intervals.",
    setup=(
        "In the Customer Area: Developers, Webhooks, Standard webhook.",
        "URL: {url}. Method: JSON.",
        "Security, HMAC key, Generate; the secret is that key (64 hex digits).",
    ),
)

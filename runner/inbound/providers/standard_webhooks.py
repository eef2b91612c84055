"""Standard Webhooks, which many services follow, and Svix, from which it comes."""

from __future__ import annotations

from collections.abc import Callable

from runner.inbound.asymmetric import EitherKey, StandardWebhooksV1a
from runner.inbound.claim import Listed, in_header
from runner.inbound.digests import Keys, base64_key
from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Option, Provider
from runner.inbound.request import Request
from runner.inbound.signature import Hmac, template
from runner.values import Json

PUBLIC_KEY = Option(
    "public_key",
    "The public key (whpk_…) where the sender signs with Ed25519 (v1a).",
    kind="texts",
    example="whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
)


def v1(prefix: str, keys: Keys = base64_key) -> Hmac:
    """HMAC-SHA256 over id, timestamp and body, in `<prefix>-signature`."""
    return Hmac(
        in_header(
            f"{prefix}-signature",
            Listed(" ", "v1,"),
            timestamp=f"{prefix}-timestamp",
            id_header=f"{prefix}-id",
        ),
        template("{{ id }}.{{ timestamp }}.{{ body }}"),
        encoding="base64",
        keys=keys,
        clock="unix",
    )


def identify(*prefixes: str) -> Callable[[Request, Json], Identity]:
    """
    The body's `type`, as the specification advises, and the id of the header, the same over all tries:
    that of the prefix whose signature is judged, for the other's is signed by nobody.
    """

    def identity(request: Request, payload: Json) -> Identity:
        prefix = next((one for one in prefixes if f"{one}-signature" in request.headers), prefixes[0])
        return Identity(text(payload, "type"), delivery_id=request.header(f"{prefix}-id") or None)

    return identity


STANDARD_WEBHOOKS = Provider(
    name="standard-webhooks",
    title="Standard Webhooks",
    page="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
    schemes=(EitherKey(v1("webhook"), StandardWebhooksV1a(("webhook",))),),
    identify=identify("webhook"),
    options=(PUBLIC_KEY,),
    needs_secret=False,
    timeout_seconds=15,
    retries="The specification advises ten tries over about three days.",
    setup=(
        "In the sender's settings add an endpoint: {url}",
        (
            "Copy its signing secret (whsec_…) into the secret that `verify` names,"
            " or its public key (whpk_…) into `public_key`."
        ),
    ),
)

SVIX = Provider(
    name="svix",
    title="Svix",
    page="https://docs.svix.com/receiving/verifying-payloads/how-manual",
    schemes=(
        EitherKey(v1("svix"), StandardWebhooksV1a(("svix",))),
        EitherKey(v1("webhook"), StandardWebhooksV1a(("webhook",))),
    ),
    identify=identify("svix", "webhook"),
    options=(PUBLIC_KEY,),
    needs_secret=False,
    timeout_seconds=15,
    retries="Svix tries at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h.",
    setup=(
        "In the sender's webhook settings add an endpoint: {url}",
        "Copy its signing secret (whsec_…) into the secret that `verify` names.",
    ),
)

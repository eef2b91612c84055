"""Zoom."""

from __future__ import annotations

import hmac
from dataclasses import replace

from runner.inbound.claim import Plain, in_header
from runner.inbound.digests import text_key
from runner.inbound.providers.naming import JSON, text
from runner.inbound.providers.provider import Identity, Provider, Trust
from runner.inbound.providers.replies import say_json
from runner.inbound.request import Request
from runner.inbound.signature import Hmac, template
from runner.inbound.verdict import Passed, Reply
from runner.values import Json

SIGNATURE = Hmac(
    in_header("x-zm-signature", Plain("v0="), timestamp="x-zm-request-timestamp"),
    template("v0:{{ timestamp }}:{{ body }}"),
    clock="unix",
)


def url_validation(request: Request, trust: Trust) -> Reply | None:
    """
    Sign Zoom's token with the secret that Zoom signed with: of two in a rotation only that one is
    right. Zoom asks again every 72 hours. Source: the page, "Validate your webhook endpoint".
    """
    if b"endpoint.url_validation" not in request.body:
        return None
    token = text(request.json, "payload.plainToken")
    if text(request.json, "event") != "endpoint.url_validation" or token is None:
        return None
    for secret in trust.secrets:
        one = replace(trust, secrets=(secret,), tolerance_seconds=float("inf"))
        if isinstance(SIGNATURE.check(request, one, now=0, fetched={}), Passed):
            key = text_key(secret)[0]
            digest = hmac.digest(key, token.encode("utf-8", "replace"), "sha256").hex()
            return say_json("answered Zoom's url_validation", {"plainToken": token, "encryptedToken": digest})
    return None


def identify(_request: Request, payload: Json) -> Identity:
    """`meeting.started`. Zoom gives no id: the time of the event and its object make one."""
    kind, time = text(payload, "event"), text(payload, "event_ts")
    thing = text(payload, "payload.object.uuid") or text(payload, "payload.object.id")
    return Identity(kind, delivery_id=f"{kind}:{time}:{thing}" if time and thing else None)


ZOOM = Provider(
    name="zoom",
    title="Zoom",
    page="https://developers.zoom.us/docs/api/webhooks/",
    schemes=(SIGNATURE,),
    identify=identify,
    reads_as=JSON,
    signed=(url_validation,),
    timeout_seconds=3,
    retries="Zoom tries 3 times: after 5, 20 and 60 minutes.",
    setup=(
        "At marketplace.zoom.us open your app: Features, Access; its Secret Token is the secret.",
        "Set it here first: Zoom checks the address when it is entered.",
        "Event Subscriptions, Event notification endpoint URL: {url}, then Validate.",
    ),
)

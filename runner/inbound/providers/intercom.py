"""Intercom."""

from __future__ import annotations

from runner.inbound.claim import Plain, in_header
from runner.inbound.providers.naming import JSON, from_body, text
from runner.inbound.providers.provider import Provider, Trust
from runner.inbound.providers.replies import say
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.inbound.verdict import Reply


def head(request: Request, _trust: Trust) -> Reply | None:
    """The developer hub asks with HEAD whether the address is there."""
    return say("answered Intercom's HEAD") if request.method == "HEAD" else None


def ping(request: Request, _trust: Trust) -> Reply | None:
    """A test is sent when the topics are saved."""
    if b"ping" not in request.body or text(request.json, "topic") != "ping":
        return None
    return say("answered Intercom's ping")


INTERCOM = Provider(
    name="intercom",
    title="Intercom",
    page="https://developers.intercom.com/docs/webhooks/webhook-notifications",
    schemes=(Hmac(in_header("X-Hub-Signature", Plain("sha1=")), algorithm="sha1"),),
    identify=from_body("topic", "id"),
    reads_as=JSON,
    unsigned=(head,),
    signed=(ping,),
    timeout_seconds=5,
    retries="Intercom tries once more after 1 minute; a week of errors suspends the subscription.",
    setup=(
        "In the Developer Hub open your app: Configure, Webhooks.",
        "Endpoint URL: {url}",
        "The secret is the app's Client secret, under Basic information.",
    ),
)

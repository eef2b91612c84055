"""Dropbox."""

from __future__ import annotations

from runner.inbound.claim import in_header
from runner.inbound.providers.provider import Identity, Provider, Trust
from runner.inbound.providers.replies import say
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.inbound.verdict import Reply
from runner.values import Json


def challenge(request: Request, _trust: Trust) -> Reply | None:
    """Give the challenge back, as plain text that no browser sniffs. Source: the page, "Verification"."""
    if request.method != "GET" or "challenge" not in request.query:
        return None
    return say("answered Dropbox's challenge", request.query["challenge"])


def identify(_request: Request, payload: Json) -> Identity:
    """`list_folder`. Dropbox says only whose files changed, and gives no id."""
    return Identity("list_folder" if isinstance(payload, dict) and "list_folder" in payload else None)


DROPBOX = Provider(
    name="dropbox",
    title="Dropbox",
    page="https://www.dropbox.com/developers/reference/webhooks",
    schemes=(Hmac(in_header("X-Dropbox-Signature")),),
    identify=identify,
    unsigned=(challenge,),
    timeout_seconds=10,
    retries="Dropbox tries for about 10 minutes with growing intervals.",
    setup=(
        "At dropbox.com/developers/apps open your app; its App secret is the secret.",
        "Webhook URIs: {url}",
    ),
)

"""Bitbucket Cloud, and Data Center, which signs alike."""

from __future__ import annotations

from runner.inbound.claim import Plain, in_header
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.values import Json


def identify(request: Request, _payload: Json) -> Identity:
    """`repo:push`; the request's UUID, which Data Center calls X-Request-Id."""
    delivery_id = request.header("x-request-uuid") or request.header("x-request-id")
    return Identity(request.header("x-event-key") or None, delivery_id=delivery_id or None)


BITBUCKET = Provider(
    name="bitbucket",
    title="Bitbucket",
    page="https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
    schemes=(
        Hmac(
            in_header(
                "X-Hub-Signature",
                Plain("sha256="),
                absent="Bitbucket signs only where the webhook has a secret: enter it there and here",
            )
        ),
    ),
    identify=identify,
    timeout_seconds=10,
    retries="Bitbucket tries up to two more times after an error of the server or a timeout.",
    setup=(
        "In the repository: Repository settings, Webhooks, Add webhook.",
        "URL: {url}",
        "Secret: the value of the secret that `verify` names. Choose the triggers and save.",
    ),
)

"""GitLab: a secret token that is sent along, or, from 19.0 on, a signature."""

from __future__ import annotations

from runner.inbound.claim import Place
from runner.inbound.digests import WHSEC, base64_key, text_key
from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.providers.standard_webhooks import v1
from runner.inbound.request import Request
from runner.inbound.signature import AnyOf
from runner.inbound.tokens import Token
from runner.inbound.verdict import Reply
from runner.values import Json


def signing_keys(secret: str) -> tuple[bytes, ...]:
    """
    GitLab says that it follows Standard Webhooks but publishes no vector: a signing token without
    `whsec_` is tried both decoded and as it is.
    """
    return base64_key(secret) if secret.startswith(WHSEC) else (*base64_key(secret), *text_key(secret))


def identify(request: Request, payload: Json) -> Identity:
    """`Push Hook`; also `push`, and `merge_request.open` where the body names an action."""
    kind = text(payload, "object_kind") or text(payload, "event_name")
    action = text(payload, "object_attributes.action")
    also = (f"{kind}.{action}", kind) if kind and action else (kind,) if kind else ()
    # the same over all tries, webhook-id (19.0) and Idempotency-Key (17.4), of which the first is signed;
    # the event's UUID may cover several hooks
    delivery_id = request.header("webhook-id") or request.header("idempotency-key")
    return Identity(
        request.header("x-gitlab-event") or kind,
        also,
        delivery_id or request.header("x-gitlab-event-uuid") or None,
    )


def thanks(_request: Request, _payload: Json) -> Reply:
    """GitLab advises an empty body."""
    return Reply("answered GitLab with an empty body")


GITLAB = Provider(
    name="gitlab",
    title="GitLab",
    page="https://docs.gitlab.com/user/project/integrations/webhooks/",
    schemes=(
        AnyOf(
            (
                Token(
                    Place("X-Gitlab-Token"),
                    absent="GitLab shows one only where the webhook has a secret token or a signing token",
                ),
                v1("webhook", signing_keys),
            )
        ),
    ),
    identify=identify,
    thanks=thanks,
    timeout_seconds=10,
    retries="Four failures in a row disable the hook: after 5xx for a while, after 4xx for good.",
    setup=(
        "In the project or group: Settings, Webhooks, Add new webhook.",
        "URL: {url}",
        "Secret token, or better Signing token (19.0 on): the value of the secret that `verify` names.",
    ),
)

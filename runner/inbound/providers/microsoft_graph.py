"""
Microsoft Graph's change notifications: not signed. What shows the sender is `clientState`, a secret
that the subscription was made with and that every notification repeats.

Rich notifications (with resource data) bring `validationTokens` and encrypted content: neither is
verified or decrypted here, and the verdict says so.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace

from runner.inbound.providers.naming import batch, field, text
from runner.inbound.providers.provider import Identity, Provider, Trust
from runner.inbound.providers.replies import say
from runner.inbound.request import Request
from runner.inbound.tokens import first_secret, is_one_of, secret_keys
from runner.inbound.verdict import NO_SECRET, Passed, Refused, Reply, Verdict
from runner.values import Json, dumps

MAX_TOKEN_CHARACTERS = 2_000
MAX_NOTIFICATIONS = 1_000  # in one request; Graph's batches are far smaller


@dataclass(frozen=True, slots=True)
class ClientState:
    """The `clientState` of every notification in the body."""

    def applies(self, request: Request) -> bool:
        """Whether there are notifications in the body."""
        return isinstance(request.json, dict) and "value" in request.json

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Compare each with each secret, all of them, in constant time."""
        del now, fetched
        if not trust.secrets:
            return NO_SECRET
        values = notifications(request.json)
        if values is None:
            return Refused("missing", "the body has no list `value` of notifications")
        if not 0 < len(values) <= MAX_NOTIFICATIONS:
            return Refused("malformed", "the list `value` is empty or longer than Graph makes it")
        keys = secret_keys(trust)
        for place, one in enumerate(values):
            shown = one.get("clientState") if isinstance(one, dict) else None
            if not isinstance(shown, str) or not shown:
                return Refused("missing", f"value[{place}] has no clientState")
            if not is_one_of(shown, keys):
                return Refused(
                    "mismatch",
                    f"value[{place}].clientState is not the configured secret",
                    "the subscription was made with another clientState",
                )
        if isinstance(request.json, dict) and request.json.get("validationTokens"):
            return Passed("clientState (validationTokens were not verified)")
        return Passed("clientState")

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """
        The request with the first secret as every `clientState`.

        Raises:
            ValueError: there is no secret.
        """
        del now
        state = first_secret(trust)
        values = notifications(request.json) or []
        stated = [{**one, "clientState": state} for one in values if isinstance(one, dict)]
        body = request.json if isinstance(request.json, dict) else {}
        return replace(request, body=dumps({**body, "value": stated}).encode())


def notifications(body: Json) -> list[Json] | None:
    """The notifications of a body, or None."""
    values = body.get("value") if isinstance(body, dict) else None
    return values if isinstance(values, list) else None


def validation(request: Request, _trust: Trust) -> Reply | None:
    """
    Answer the question that Graph asks when a subscription is made or renewed: the token of the query,
    as plain text in which no mark-up can act.
    """
    if request.method != "POST" or "validationToken=" not in request.url:
        return None
    token = request.query.get("validationToken", "")
    if not token or len(token) > MAX_TOKEN_CHARACTERS:
        return None
    return say("answered Microsoft Graph's validationToken", html.escape(token))


def identify(_request: Request, payload: Json) -> Identity:
    """
    What changed (`created`, or a `lifecycleEvent`), also for the other notifications of a batch. The id
    of a single one: its own, or subscription, resource and what it is now (etag).
    """
    values = notifications(payload) or []
    kinds = (text(one, "lifecycleEvent") or text(one, "changeType") for one in values)
    return batch(kinds, map(_number, values))


def _number(one: Json) -> str | None:
    if number := text(one, "id"):
        return number
    parts = (text(one, "subscriptionId"), text(one, "resource"), _etag(field(one, "resourceData")))
    return ":".join(part for part in parts if part) if all(parts) else None


def _etag(data: Json) -> str | None:
    # a name with a dot in it is no path
    return text({"etag": data.get("@odata.etag")}, "etag") if isinstance(data, dict) else None


MICROSOFT_GRAPH = Provider(
    name="microsoft-graph",
    title="Microsoft Graph",
    page="https://learn.microsoft.com/graph/change-notifications-delivery-webhooks",
    schemes=(ClientState(),),
    identify=identify,
    unsigned=(validation,),
    timeout_seconds=10.0,
    retries="Without a 2xx it is sent again for up to 4 hours; slow endpoints are delayed, then dropped.",
    setup=(
        "Make a long random secret and keep it here under the name that `secret` has.",
        "POST /subscriptions with it as clientState, {url} as notificationUrl and lifecycleNotificationUrl.",
        "Renew the subscription before its expirationDateTime.",
    ),
)

"""
CloudEvents over HTTP: the abuse protection of the webhook specification (OPTIONS), a bearer token, and
events in structured, batch and binary mode. Also Azure Event Grid's own schema, with its handshake.
"""

from __future__ import annotations

from runner.inbound.claim import Place
from runner.inbound.jwt import texts
from runner.inbound.providers.naming import batch, field, text
from runner.inbound.providers.provider import Identity, Option, Provider, Trust
from runner.inbound.providers.replies import say_json
from runner.inbound.request import Request
from runner.inbound.tokens import Token
from runner.inbound.verdict import Reply
from runner.values import Json

MAX_ORIGIN_CHARACTERS = 255


def consent(request: Request, trust: Trust) -> Reply | None:
    """
    Agree to be sent events: answer OPTIONS with what it asked for, if its origin is one of the option
    `origins` (any, where that is not set). A callback that it names is never visited.
    """
    origin = request.header("webhook-request-origin")
    if request.method != "OPTIONS" or not origin:
        return None
    wanted = texts(trust.options.get("origins"))
    if not _is_plain(origin) or (wanted and origin not in wanted):
        return Reply("refused an origin that is not listed in `origins`", 405, b"", {"allow": "POST"})
    headers = {"webhook-allowed-origin": origin, "allow": "POST"}
    if "webhook-request-rate" in request.headers:
        headers["webhook-allowed-rate"] = "*"
    return Reply(f"agreed to events from {origin}", 200, b"", headers)


def event_grid(request: Request, _trust: Trust) -> Reply | None:
    """Answer Azure Event Grid's SubscriptionValidation, after its token was compared."""
    if request.header("aeg-event-type") != "SubscriptionValidation":
        return None
    code = field(request.json, "0.data.validationCode")
    if not isinstance(code, str):
        return None
    return say_json("answered Azure Event Grid's SubscriptionValidation", {"validationResponse": code})


def identify(request: Request, payload: Json) -> Identity:
    """
    `type`, and `source` with `id` as delivery id: from the body (structured; a batch has an id only
    where it holds one event), or from the headers ce-… (binary). Event Grid says `eventType`, `topic`.
    """
    if kind := request.header("ce-type"):
        return Identity(kind, (), _number(request.header("ce-source"), request.header("ce-id")))
    events = payload if isinstance(payload, list) else [payload]
    return batch(
        (text(one, "type") or text(one, "eventType") for one in events),
        (_number(text(one, "source") or text(one, "topic"), text(one, "id")) for one in events),
    )


def _number(source: str | None, number: str | None) -> str | None:
    """The two together are unique, says the specification; a source has no space (RFC 3986)."""
    return f"{source} {number}" if source and number else number or None


def _is_plain(origin: str) -> bool:
    return len(origin) <= MAX_ORIGIN_CHARACTERS and origin.isascii() and origin.isprintable()


CLOUDEVENTS = Provider(
    name="cloudevents",
    title="CloudEvents",
    page="https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md",
    schemes=(Token(Place("Authorization"), "Bearer "), Token(Place("access_token", "query"))),
    identify=identify,
    unsigned=(consent,),
    signed=(event_grid,),
    options=(
        Option("origins", "The origins (WebHook-Request-Origin) that may send; any where it is not set.",
               "texts", example=["eventgrid.azure.net"]),
    ),
    timeout_seconds=30.0,  # Azure Event Grid's
    retries="As the sender pleases; Azure Event Grid for 24 hours.",
    setup=(
        "Make a long random secret and keep it here under the name that `secret` has.",
        "Give the sender {url} and the secret as its token, or append ?access_token=… to the address.",
    ),
)  # fmt: skip

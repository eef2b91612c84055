"""Discord: interactions (commands, buttons) and webhook events, which share a signature."""

from __future__ import annotations

from runner.inbound.asymmetric import SignedTimestamp, ed25519_key, unhex
from runner.inbound.providers.naming import field, text
from runner.inbound.providers.provider import Identity, Option, Provider, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Reply
from runner.values import Json

INTERACTIONS = {
    1: "PING",
    2: "APPLICATION_COMMAND",
    3: "MESSAGE_COMPONENT",
    4: "APPLICATION_COMMAND_AUTOCOMPLETE",
    5: "MODAL_SUBMIT",
}
JSON = {"content-type": "application/json"}  # Discord asks for a content type also where there is no body


def ping(request: Request, _trust: Trust) -> Reply | None:
    """
    Answer both of Discord's pings: an interaction of type 1, and a webhook event of type 0. The same
    number means an event when there is an `event` beside it.
    """
    body = request.json
    if not isinstance(body, dict) or "event" in body or isinstance(body.get("type"), bool):
        return None
    if body.get("type") == 1:
        return Reply("answered Discord's PING", 200, b'{"type":1}', JSON)
    if body.get("type") == 0:
        return Reply("answered Discord's PING of webhook events", 204, b"", JSON)
    return None


def identify(_request: Request, payload: Json) -> Identity:
    """An event's own type; an interaction's kind, found also by its command's or component's name."""
    if isinstance(field(payload, "event"), dict):
        return Identity(text(payload, "event.type"))
    number = field(payload, "type")
    kind = INTERACTIONS.get(number) if isinstance(number, int) else None
    if kind is None:
        return Identity(delivery_id=text(payload, "id"))
    names = (text(payload, "data.name"), text(payload, "data.custom_id"))
    also = (f"interaction.{kind.lower()}", *(f"{kind}.{name}" for name in names if name))
    return Identity(kind, also, text(payload, "id"))


def thanks(_request: Request, payload: Json) -> Reply | None:
    """204 to a webhook event; an interaction gets the workflow's own answer."""
    if isinstance(payload, dict) and "event" in payload:
        return Reply("answered as Discord demands for a webhook event", 204, b"", JSON)
    return None


DISCORD = Provider(
    name="discord",
    title="Discord",
    page="https://discord.com/developers/docs/interactions/overview",
    schemes=(SignedTimestamp("X-Signature-Ed25519", "X-Signature-Timestamp", ed25519_key, unhex),),
    identify=identify,
    reads_as=JSON["content-type"],
    signed=(ping,),
    thanks=thanks,
    options=(
        Option("public_key", "The application's public key (64 hex digits).", example="03a107bff3ce10be…"),
    ),
    needs_secret=False,
    timeout_seconds=3.0,
    retries="Webhook events are sent again with growing pauses for up to 10 minutes; interactions are not.",
    setup=(
        "Copy the Public Key of the application (General Information) into `public_key`.",
        "Set {url} as Interactions Endpoint URL, or under Webhooks as Endpoint URL.",
        "On saving, Discord sends a ping and also requests with wrong signatures, which it wants refused.",
    ),
)

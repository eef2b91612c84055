"""Telegram's Bot API."""

from __future__ import annotations

from runner.inbound.claim import Place
from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.request import Request
from runner.inbound.tokens import Token
from runner.values import Json


def identify(_request: Request, payload: Json) -> Identity:
    """The one optional field that an update has: `message`, `callback_query` and so on."""
    kinds = (key for key in payload if key != "update_id") if isinstance(payload, dict) else iter(())
    return Identity(next(kinds, None), delivery_id=text(payload, "update_id"))


TELEGRAM = Provider(
    name="telegram",
    title="Telegram",
    page="https://core.telegram.org/bots/api#setwebhook",
    schemes=(
        Token(
            Place("X-Telegram-Bot-Api-Secret-Token"),
            absent="Telegram sends it where setWebhook was called with a secret_token",
        ),
    ),
    identify=identify,
    retries="Telegram tries a reasonable number of times.",
    setup=(
        (
            "Call setWebhook of the Bot API with url={url} and, as secret_token, the value of the secret that"
            " `verify` names (1 to 256 of A-Z a-z 0-9 _ -)."
        ),
        "The address must be on port 443, 80, 88 or 8443.",
    ),
)

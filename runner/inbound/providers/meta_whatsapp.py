"""Meta: WhatsApp, and with it Messenger, Instagram and the Graph API, whose webhooks are alike."""

from __future__ import annotations

from runner.inbound.claim import Plain, in_header
from runner.inbound.providers.naming import JSON, batch, field, text
from runner.inbound.providers.provider import Identity, Option, Provider, Trust
from runner.inbound.providers.replies import is_option, say
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.inbound.verdict import Reply
from runner.values import Json


def subscribe(request: Request, trust: Trust) -> Reply | None:
    """Give the challenge back where the token is ours, else 403. Source: the page, "Verification"."""
    query = request.query
    if request.method != "GET" or query.get("hub.mode") != "subscribe" or "hub.challenge" not in query:
        return None
    if not trust.options.get("verify_token"):
        return say("refused Meta's challenge: `verify_token` is not set here", status=403)
    if not is_option(trust, "verify_token", query.get("hub.verify_token", "")):
        return say("refused Meta's challenge: it has another verify token", status=403)
    return say("answered Meta's challenge", query["hub.challenge"])


def identify(_request: Request, payload: Json) -> Identity:
    """
    `whatsapp_business_account.messages`, also `messages`. A message has an id; a status is of a
    message, so its id has the status with it.
    """
    thing = text(payload, "object")
    changes = [
        change
        for entry in _list(payload, "entry")
        for change in (_list(entry, "changes") or [{"field": "messaging", "value": entry}])
    ]
    names = list(dict.fromkeys(name for change in changes if (name := text(change, "field"))))
    found = batch([f"{thing}.{name}" for name in names], [one for change in changes for one in _ids(change)])
    return Identity(found.type or thing, (*found.also, *names), found.delivery_id)


def _ids(change: Json) -> list[str | None]:
    value = field(change, "value")
    messages = [text(one, "id") for one in _list(value, "messages")]
    states = [(text(one, "id"), text(one, "status")) for one in _list(value, "statuses")]
    chats = [text(one, "message.mid") for one in _list(value, "messaging")]
    ids = [*messages, *(f"{one}:{status}" if one and status else None for one, status in states), *chats]
    return ids or [None]  # something without an id still counts as one


def _list(value: Json, path: str) -> list[Json]:
    found = field(value, path)
    return found if isinstance(found, list) else []


META_WHATSAPP = Provider(
    name="meta-whatsapp",
    title="Meta (WhatsApp, Messenger, Instagram)",
    page="https://developers.facebook.com/docs/graph-api/webhooks/getting-started",
    schemes=(Hmac(in_header("X-Hub-Signature-256", Plain("sha256="))),),
    identify=identify,
    reads_as=JSON,
    unsigned=(subscribe,),
    options=(
        Option(
            "verify_token",
            "The name of the secret that is entered at Meta as Verify token; needed once, to subscribe.",
            kind="secret",
            example="META_VERIFY_TOKEN",
        ),
    ),
    timeout_seconds=5,
    retries="Meta tries for up to 36 hours, WhatsApp for up to 7 days.",
    setup=(
        "At developers.facebook.com open your app: App settings, Basic shows its App secret.",
        "Choose a verify token and keep it as the secret that `verify_token` names.",
        "WhatsApp (or Webhooks), Configuration. Callback URL: {url}. Verify token: the one chosen.",
        "Subscribe to the fields, such as messages.",
    ),
)

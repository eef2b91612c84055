"""
Where each provider's page says that an event's type and delivery id stand, and what it wants to hear:
written after the pages, not after our rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from runner.inbound.request import Request

ATOM = "{http://www.w3.org/2005/Atom}"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Sent:
    """A request as its provider means it: `body` is JSON, a form's fields, or XML's."""

    request: Request

    def header(self, name: str) -> str | None:
        return self.request.headers.get(name.lower())

    @property
    def body(self) -> Any:
        text = self.request.body.decode()
        if self.request.header("content-type").startswith(FORM):
            fields = {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
            return json.loads(fields["payload"]) if "payload" in fields else fields
        if text.startswith("<"):
            return {one.tag: one.text for one in ET.fromstring(text)}
        return json.loads(text)

    def field(self, path: str) -> Any:
        """What stands at a dotted path of the body, as text; None where there is nothing."""
        found = self.body
        for key in path.split("."):
            if isinstance(found, list):
                found = found[int(key)] if int(key) < len(found) else None
            else:
                found = found.get(key) if isinstance(found, dict) else None
        return None if found is None else str(found)

    def count(self, path: str = "") -> int:
        """How many events the body, or the list at a path of it, has."""
        found = self.body.get(path, []) if path else self.body
        return len(found) if isinstance(found, list) else 1


Told: TypeAlias = Callable[[Sent], str | None]


def header(name: str) -> Told:
    return lambda sent: sent.header(name)


def field(path: str) -> Told:
    return lambda sent: sent.field(path)


def either(*ways: Told) -> Told:
    return lambda sent: next((found for way in ways if (found := way(sent))), None)


def joined(separator: str, *parts: Told) -> Told:
    """All of them; None where one is missing."""

    def told(sent: Sent) -> str | None:
        found = [part(sent) for part in parts]
        return separator.join(one or "" for one in found) if all(found) else None

    return told


def acted(kind: Told) -> Told:
    """The kind, and what happened (`action` in the body) behind it where it says so."""
    return either(joined(".", kind, field("action")), kind)


def alone(way: Told, path: str = "") -> Told:
    """Of a list the only event's; a batch has none of its own."""
    return lambda sent: way(sent) if sent.count(path) == 1 else None


def nothing(_sent: Sent) -> None:
    """The provider has none."""


def twilio_type(sent: Sent) -> str | None:
    for kind, number, status in (("message", "MessageSid", "SmsStatus"), ("call", "CallSid", "CallStatus")):
        if sent.field(number):
            return ".".join(filter(None, (kind, sent.field(status))))
    return None


def twilio_id(sent: Sent) -> str | None:
    """
    Of the message and its status, which are signed: each change of it is an event. A call asks for more
    while its status stays, and is told apart by the token, which is not.
    """
    if found := sent.field("MessageSid"):
        return ":".join(filter(None, (found, sent.field("SmsStatus"))))
    call = ":".join(filter(None, (sent.field("CallSid"), sent.field("CallStatus"))))
    return sent.header("I-Twilio-Idempotency-Token") or call


def websub_id(sent: Sent) -> str | None:
    """Of the one entry: its id and when it was changed."""
    (entry,) = ET.fromstring(sent.request.body).findall(f"{ATOM}entry")
    return f"{entry.findtext(f'{ATOM}id')}:{entry.findtext(f'{ATOM}updated')}"


def whatsapp_id(sent: Sent) -> str | None:
    value = sent.body["entry"][0]["changes"][0]["value"]
    if "messages" in value:
        return str(value["messages"][0]["id"])
    if "statuses" in value:
        return f"{value['statuses'][0]['id']}:{value['statuses'][0]['status']}"
    return None


ITEM = "notificationItems.0.NotificationRequestItem"
GITLAB_ID = either(header("Idempotency-Key"), header("X-Gitlab-Event-UUID"))
DOCUMENTED: dict[str, tuple[Told, Told]] = {  # section of webhooks.md, or of the provider's page
    "adyen": (
        field(f"{ITEM}.eventCode"),
        joined(":", field(f"{ITEM}.eventCode"), field(f"{ITEM}.pspReference"), field(f"{ITEM}.success")),
    ),
    "aws-sns": (header("x-amz-sns-message-type"), field("MessageId")),
    "bitbucket": (header("X-Event-Key"), header("X-Request-UUID")),
    "cloudevents": (
        either(header("ce-type"), lambda sent: sent.field("0.type" if sent.count() > 1 else "type")),
        either(
            joined(" ", header("ce-source"), header("ce-id")),
            lambda sent: joined(" ", field("source"), field("id"))(sent) if sent.count() == 1 else None,
        ),
    ),
    "discord": (
        lambda sent: {"2": "APPLICATION_COMMAND", "3": "MESSAGE_COMPONENT"}[sent.field("type") or ""],
        field("id"),
    ),
    "dropbox": (lambda sent: next(iter(sent.body)), nothing),
    "github": (acted(header("X-GitHub-Event")), header("X-GitHub-Delivery")),
    "gitlab": (header("X-Gitlab-Event"), GITLAB_ID),
    "google-pubsub": (field("message.attributes.eventType"), field("message.messageId")),
    "hubspot": (field("0.subscriptionType"), alone(field("0.eventId"))),
    "intercom": (field("topic"), field("id")),
    "line": (field("events.0.type"), alone(field("events.0.webhookEventId"), "events")),
    "linear": (acted(header("Linear-Event")), header("Linear-Delivery")),
    "mailgun": (
        either(field("event-data.event"), field("event")), either(field("signature.token"), field("token"))
    ),
    "meta-whatsapp": (
        joined(".", field("object"), field("entry.0.changes.0.field")), whatsapp_id
    ),
    "microsoft-graph": (field("value.0.changeType"), alone(field("value.0.id"), "value")),
    "mux": (field("type"), field("id")),
    "paddle": (field("event_type"), field("event_id")),
    "pagerduty": (field("event.event_type"), field("event.id")),
    "paypal": (field("event_type"), field("id")),
    "razorpay": (field("event"), header("X-Razorpay-Event-Id")),
    "sendgrid": (field("0.event"), alone(field("0.sg_event_id"))),
    "sentry": (acted(header("Sentry-Hook-Resource")), header("Request-ID")),
    "shopify": (header("X-Shopify-Topic"), header("X-Shopify-Webhook-Id")),
    "slack": (
        lambda sent: (
            "slash_command" if "command" in sent.body else sent.field("event.type") or sent.field("type")
        ),
        either(field("event_id"), field("trigger_id")),
    ),
    "square": (field("type"), field("event_id")),
    "standard-webhooks": (field("type"), header("webhook-id")),
    "stripe": (field("type"), field("id")),
    "svix": (field("type"), header("svix-id")),
    "telegram": (lambda sent: next(one for one in sent.body if one != "update_id"), field("update_id")),
    "twilio": (twilio_type, twilio_id),
    "typeform": (field("event_type"), field("event_id")),
    "websub": (nothing, websub_id),
    "wechat": (
        either(joined(".", field("MsgType"), field("Event")), field("MsgType")),
        either(field("MsgId"), joined(":", field("FromUserName"), field("CreateTime"), field("Event"))),
    ),
    "woocommerce": (header("X-WC-Webhook-Topic"), header("X-WC-Webhook-Delivery-ID")),
    "zendesk": (field("type"), field("id")),
    "zoom": (
        field("event"),
        joined(":", field("event"), field("event_ts"), field("payload.object.uuid")),
    ),
}  # fmt: skip

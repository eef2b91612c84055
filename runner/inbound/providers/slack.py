"""Slack: the Events API, slash commands and interactivity at one address."""

from __future__ import annotations

from runner.inbound.claim import Plain, in_header
from runner.inbound.providers.naming import form_json, text
from runner.inbound.providers.provider import Identity, Provider, Trust
from runner.inbound.providers.replies import is_form, say
from runner.inbound.request import Request
from runner.inbound.signature import Hmac, template
from runner.inbound.verdict import Reply
from runner.values import Json

MAX_CHECK_BYTES = 1_000  # an ssl_check has two fields


def identify(request: Request, payload: Json) -> Identity:
    """
    `app_mention` of an event_callback, `slash_command`, or the type of what was clicked. Events have
    an event_id; commands and clicks a trigger_id, which Slack makes for each.
    """
    if isinstance(request.json, dict):  # which a form never is, whatever a header says that nobody signs
        payload = request.json
    elif is_form(request):
        if text(payload, "command"):
            return Identity("slash_command", (), text(payload, "trigger_id"))
        payload = form_json(payload)
        return Identity(text(payload, "type"), (), text(payload, "trigger_id"))
    kind, event, subtype = (text(payload, path) for path in ("type", "event.type", "event.subtype"))
    delivery_id = text(payload, "event_id")
    if kind != "event_callback" or event is None:
        return Identity(kind, (), delivery_id)
    return Identity(event, (f"{event}.{subtype}", kind) if subtype else (kind,), delivery_id)


def url_verification(request: Request, _trust: Trust) -> Reply | None:
    """Give the challenge back. Source: docs.slack.dev, url_verification."""
    if b"url_verification" not in request.body or is_form(request):
        return None
    challenge = text(request.json, "challenge")
    if text(request.json, "type") != "url_verification" or challenge is None:
        return None
    return say("answered Slack's url_verification", challenge)


def ssl_check(request: Request, _trust: Trust) -> Reply | None:
    """Slack looks now and then whether a command's address has a good certificate: only a 200 counts."""
    if len(request.body) > MAX_CHECK_BYTES or b"ssl_check=1" not in request.body:
        return None
    fields = dict(request.form)
    if fields.get("ssl_check") != "1" or "command" in fields or "payload" in fields:
        return None
    return say("answered Slack's ssl_check")


def thanks(request: Request, _payload: Json) -> Reply | None:
    """Whatever text answers a command or a click is shown to the person: so none."""
    return Reply("answered Slack with an empty body") if is_form(request) else None


SLACK = Provider(
    name="slack",
    title="Slack",
    page="https://docs.slack.dev/authentication/verifying-requests-from-slack/",
    schemes=(
        Hmac(
            in_header("X-Slack-Signature", Plain("v0="), timestamp="X-Slack-Request-Timestamp"),
            template("v0:{{ timestamp }}:{{ body }}"),
            clock="unix",
        ),
    ),
    identify=identify,
    unsigned=(ssl_check,),
    signed=(url_verification,),
    thanks=thanks,
    timeout_seconds=3,
    retries="Slack tries 3 times: at once, after 1 minute, after 5 minutes; commands and clicks once.",
    setup=(
        "At api.slack.com/apps open your app; Basic Information shows its Signing Secret.",
        "Set the secret here first: Slack checks the address when it is entered.",
        "Event Subscriptions, Request URL (or Slash Commands, or Interactivity): {url}",
    ),
)

"""
Mailgun: a signature in the body over a time and a random token, and over nothing else.

Whoever has seen one request can send any body with its token, so a token must count once. It is the
delivery id: a second request with it is a duplicate for as long as ids are kept (7 days), and after
TOLERANCE_SECONDS the signed time is too old. Turning de-duplication off gives this protection up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from runner.errors import InboundError
from runner.inbound.bounds import Bounds
from runner.inbound.claim import ASK_SENDER, Claim, with_fields
from runner.inbound.decode import decode
from runner.inbound.digests import wire
from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.providers.replies import is_form
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.inbound.verdict import Refused
from runner.values import Json

TOLERANCE_SECONDS = 86_400.0  # Mailgun tries for 8 hours, and ids are kept for longer than this
PARTS = ("timestamp", "token", "signature")


def parts_of(request: Request) -> dict[str, str | None]:
    """
    The three parts: in the object `signature` of JSON, or (older webhooks, and routes for incoming
    mail) three fields of a form, which with attachments is a multipart one.
    """
    if is_form(request):
        fields = request.form
        return {name: _only([value for key, value in fields if key == name]) for name in PARTS}
    if request.header("content-type").lower().startswith("multipart/form-data"):
        return {name: text(_multipart(request), name) for name in PARTS}
    return {name: text(request.json, f"signature.{name}") for name in PARTS}


@dataclass(frozen=True, slots=True)
class InBody:
    """The claim in the body: the token is its id."""

    label: str = '"signature" in the body'
    time_label: str = '"timestamp" in the body'

    def applies(self, request: Request) -> bool:
        """Whether the body has a signature."""
        return parts_of(request)["signature"] is not None

    def read(self, request: Request) -> Claim | Refused:
        """The three parts."""
        parts = parts_of(request)
        for name in PARTS:
            if parts[name] is None:
                return Refused(
                    "missing", f'the request has no "{name}" of a signature in the body', ASK_SENDER
                )
        return Claim((parts["signature"] or "",), parts["timestamp"] or "", parts["token"] or "")

    def prepare(self, request: Request, claim: Claim) -> Request:
        """Nothing but the three parts is signed."""
        del claim
        return request

    def write(self, request: Request, claim: Claim) -> Request:
        """Put the three parts into JSON or a form."""
        parts = dict(zip(PARTS, (claim.timestamp, claim.id, claim.signatures[0]), strict=True))
        if is_form(request):
            fields = parse_qsl(request.body.decode(), keep_blank_values=True)
            kept = [(key, value) for key, value in fields if key not in parts]
            return replace(request, body=urlencode([*kept, *parts.items()]).encode())
        return with_fields(request, {f"signature.{name}": value for name, value in parts.items()})


def signed(_request: Request, claim: Claim) -> tuple[bytes, ...]:
    """The time and the token."""
    return (wire(claim.timestamp) + wire(claim.id),)


def identify(request: Request, payload: Json) -> Identity:
    """`delivered`, and the token that was signed."""
    kind = text(payload, "event-data.event") or text(payload, "event")
    return Identity(kind, delivery_id=parts_of(request)["token"])


def _only(values: list[str]) -> str | None:
    return values[0] if len(values) == 1 and values[0] else None


def _multipart(request: Request) -> Json:
    try:
        return decode(request.body, content_type=request.header("content-type"), bounds=Bounds()).payload
    except InboundError:
        return None


MAILGUN = Provider(
    name="mailgun",
    title="Mailgun",
    page="https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks",
    schemes=(Hmac(InBody(), signed, clock="unix", tolerance_seconds=TOLERANCE_SECONDS),),
    identify=identify,
    retries="Mailgun tries for 8 hours (5, 10, 15 minutes, 1, 2, 4 hours); a 406 ends it.",
    setup=(
        "In Mailgun: Sending, Webhooks, Add webhook, for each event: {url}",
        "The secret is the HTTP webhook signing key shown there.",
    ),
)

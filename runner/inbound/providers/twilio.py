"""
Twilio: a signature over the URL as it is configured there and the fields of the form. Twilio's own
services differ in how they write that URL, as its libraries know: each way is tried.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from runner.inbound.claim import Claim, in_header
from runner.inbound.providers.naming import text
from runner.inbound.providers.provider import Identity, Provider
from runner.inbound.providers.replies import is_form, say
from runner.inbound.request import Request
from runner.inbound.signature import Hmac
from runner.inbound.verdict import Refused, Reply
from runner.values import Json

STANDARD_PORTS = {"https": 443, "http": 80}


def signed(request: Request, _claim: Claim) -> tuple[bytes, ...] | Refused:
    """
    The URL, and of a form each field's name and value, in order of the names, equal pairs once. Any
    other body is covered by `bodySHA256` in the URL or not at all, and then it is refused.
    """
    fields = ""
    if is_form(request) and request.body:
        if not request.form:
            return Refused("malformed", "the form cannot be read, so X-Twilio-Signature cannot cover it")
        fields = "".join(name + value for name, value in sorted(set(request.form)))
    elif request.body:
        digest = request.query.get("bodySHA256")
        if digest is None:
            return Refused(
                "missing",
                "the body is no form and the URL has no bodySHA256, so X-Twilio-Signature does not cover it",
                "Twilio signs bodies in JSON with bodySHA256 in the URL: did something rewrite the URL?",
            )
        if not hmac.compare_digest(hashlib.sha256(request.body).hexdigest().encode(), wire_utf8(digest)):
            return Refused("mismatch", "the body does not have the SHA-256 that bodySHA256 in the URL names")
    return tuple(wire_utf8(url + fields) for url in spellings(request.url))


def spellings(url: str) -> list[str]:
    """
    The ways in which Twilio may have written *url*: the port left out, or the standard one put in;
    an apostrophe in the query as %27, or the query encoded anew. At most nine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a port that is no number
        return [url]
    bare = parts.netloc.removesuffix(f":{port}") if port else parts.netloc
    standard = STANDARD_PORTS.get(parts.scheme)
    places = [parts.netloc, bare] + ([f"{bare}:{standard}"] if standard and not port else [])
    queries = [parts.query, parts.query.replace("'", "%27")]
    if parts.query:
        try:
            fields = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=1_000)
            queries.append(urlencode(fields, quote_via=quote, safe="!'()*~"))
        except ValueError:  # too many fields
            pass
    ways = [urlunsplit(parts._replace(netloc=place, query=query)) for query in queries for place in places]
    return list(dict.fromkeys([url, *ways]))


def wire_utf8(plain: str) -> bytes:
    """UTF-8, whatever the text holds."""
    return plain.encode("utf-8", "surrogatepass")


def identify(request: Request, payload: Json) -> Identity:
    """
    Twilio names no type: which URL it calls says that. Ours are `message.<status>` and
    `call.<status>`. The status belongs to the id, since every change of it is an event of its own. A call
    asks for more while its status stays: there Twilio's idempotency token, which is the same over all
    tries of one request, tells apart what nothing signed does.
    """
    payload = dict(request.form) or payload  # as they were signed, whatever charset a header names
    token = request.header("i-twilio-idempotency-token") or None
    for kind, sid, states in (
        ("message", "MessageSid", ("MessageStatus", "SmsStatus")),
        ("call", "CallSid", ("CallStatus",)),
    ):
        found = text(payload, sid)
        if found is None:
            continue
        status = next((state for name in states if (state := text(payload, name))), None)
        own = ":".join(part for part in (found, status, text(payload, "SequenceNumber")) if part)
        is_one_of_a_kind = kind == "message" or text(payload, "SequenceNumber") is not None
        delivery_id = own if is_one_of_a_kind else token or own
        if status:
            return Identity(f"{kind}.{status}", (kind,), delivery_id)
        return Identity(kind, (), delivery_id)
    return Identity(text(payload, "EventType"), (), token)


def thanks(request: Request, _payload: Json) -> Reply | None:
    """Calls and messages, which are forms, are answered in TwiML; an empty one does nothing."""
    if not is_form(request):
        return None
    return say("answered with empty TwiML", "<Response/>", content_type="text/xml")


TWILIO = Provider(
    name="twilio",
    title="Twilio",
    page="https://www.twilio.com/docs/usage/webhooks/webhooks-security",
    schemes=(Hmac(in_header("X-Twilio-Signature"), signed, algorithm="sha1", encoding="base64"),),
    identify=identify,
    thanks=thanks,
    timeout_seconds=15,
    retries="Twilio tries once more where no connection could be made, then calls the fallback URL.",
    setup=(
        "In the Twilio console open the phone number or messaging service.",
        "Under the event (A message comes in, A call comes in) choose Webhook, POST, and enter {url}",
        (
            "The secret is the account's auth token. The address must be the one of `public_url`, since the"
            " signature covers it."
        ),
    ),
)

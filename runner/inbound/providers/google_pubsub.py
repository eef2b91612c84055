"""Google Cloud Pub/Sub push: a token of Google's that names the subscription's service account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runner.inbound.asymmetric import ONLY_THE_PROVIDER
from runner.inbound.jwt import texts
from runner.inbound.providers.jwt import JWKS_OPTION, believed
from runner.inbound.providers.naming import field, text
from runner.inbound.providers.provider import Identity, Option, Provider, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Passed, Refused, Verdict
from runner.values import Json

KEYS_URL = "https://www.googleapis.com/oauth2/v3/certs"
ISSUERS = ("https://accounts.google.com", "accounts.google.com")


@dataclass(frozen=True, slots=True)
class GoogleToken:
    """`Authorization: Bearer` with a token of Google's for a service account."""

    def applies(self, request: Request) -> bool:
        """Whether the header is there."""
        return "authorization" in request.headers

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Judge; whoever has an account at Google gets such tokens, so the account is what counts."""
        accounts = texts(trust.options.get("service_account"))
        if not accounts:
            return Refused(
                "no_secret",
                "the option service_account is not set, and anybody at Google has tokens for this address",
                "set it to the e-mail address of the push subscription's service account",
            )
        token = believed(
            request,
            trust,
            now=now,
            fetched=fetched,
            jwks=trust.options.get("jwks") or KEYS_URL,
            algorithms=("RS256",),
            issuers=ISSUERS,
            audiences=texts(trust.options.get("audience")) or (request.url,),
        )
        if not isinstance(token, Mapping):
            return token
        if token.get("email") not in accounts:
            return Refused("not_allowed", "the token's `email` is not the configured service_account")
        if token.get("email_verified") is not True:
            return Refused("not_allowed", "the token's `email_verified` is not true")
        return Passed("Authorization: Bearer (RS256)")

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """
        Never.

        Raises:
            NotImplementedError: always; only Google has the private key.
        """
        raise NotImplementedError(ONLY_THE_PROVIDER)


def identify(request: Request, payload: Json) -> Identity:
    """
    The message's id, in the envelope or (unwrapped) in a header. Pub/Sub knows no types: the attribute
    `eventType` of Cloud Storage, or `ce-type` of CloudEvents, where the publisher set one.
    """
    if field(payload, "message") is None:
        return Identity(delivery_id=request.header("x-goog-pubsub-message-id") or None)
    attributes = field(payload, "message.attributes")
    names = (attributes.get("eventType"), attributes.get("ce-type")) if isinstance(attributes, dict) else ()
    kind = next((one for one in names if isinstance(one, str) and one), None)
    number = text(payload, "message.messageId") or text(payload, "message.message_id")
    return Identity(kind, delivery_id=number)


GOOGLE_PUBSUB = Provider(
    name="google-pubsub",
    title="Google Cloud Pub/Sub",
    page="https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions",
    schemes=(GoogleToken(),),
    identify=identify,
    options=(
        Option("service_account", "The e-mail address of the push subscription's service account.",
               example="pusher@project.iam.gserviceaccount.com", is_required=True),
        Option("audience", "The subscription's audience; this address where it is not set.",
               example="https://hooks.example.com/hooks/…"),
        JWKS_OPTION,
    ),
    needs_secret=False,
    timeout_seconds=10.0,
    retries="Without 102, 200, 201, 202 or 204 it is sent again until the message's retention ends (7 days).",
    setup=(
        "Create a push subscription with {url} as endpoint and Enable authentication.",
        "Choose a service account and write its e-mail address as `service_account`.",
        "`from_json(base64_decode(payload.message.data))` reads what was published as JSON.",
    ),
)  # fmt: skip

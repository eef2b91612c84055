"""
A sender for each provider: signs a request as the provider does, with one of two keys, and says what a
workflow trusts it by.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from runner.errors import Unavailable
from runner.inbound.claim import with_query
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.google_pubsub import KEYS_URL
from runner.inbound.providers.provider import Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Fetch
from tests.inbound import senders, signers

NOW = float(signers.NOW)
LONG_AGO = NOW - 4 * 86_400  # longer than any provider's tolerance
KEYS = ("first", "second")
PUSHER = "pusher@halyard-coffee.iam.gserviceaccount.com"
WEBHOOK_ID = "1JE4291016473214C"
CERTIFICATES = {
    "paypal": "https://api.paypal.com/v1/notifications/certs/CERT-{key}",
    "aws-sns": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{key}.pem",
}
SUBJECTS = {"paypal": "messageverificationcerts.paypal.com", "aws-sns": "sns.amazonaws.com"}

Sign: TypeAlias = Callable[[Request, int, float], Request]
Change: TypeAlias = Callable[[Request], Request]


def flip(text: str, place: int = -10) -> str:
    """The text with the lowest bit of one character flipped; near the end, where signatures have theirs."""
    position = place % len(text)
    return f"{text[:position]}{chr(ord(text[position]) ^ 1)}{text[position + 1 :]}"


def in_body(request: Request) -> Request:
    """One bit of the body, in its middle."""
    middle = len(request.body) // 2
    body = bytearray(request.body)
    body[middle] ^= 1
    return replace(request, body=bytes(body))


def in_header(name: str) -> Change:
    """One bit of a header."""
    return lambda request: senders.with_header(request, name, flip(request.headers[name]))


def in_field(path: str, change: Callable[[str], str] = flip) -> Change:
    """One bit of a text in the JSON body, at a path such as `value.0.clientState`."""

    def changed(request: Request) -> Request:
        body = json.loads(request.body)
        *parents, last = path.split(".")
        inner = body
        for key in parents:
            inner = inner[int(key) if key.isdigit() else key]
        inner[last] = change(inner[last])
        return replace(request, body=json.dumps(body).encode())

    return changed


def in_query(name: str) -> Change:
    """One bit of a field of the query."""
    return lambda request: with_query(request, {name: flip(request.query[name], -3)})


@dataclass(frozen=True)
class Sender:
    """
    One provider's. `verify` is what its workflow trusts; `rotating` the same with the second key too,
    where that is another text. `signature` and `covered` flip a bit of the one and of what it covers.
    """

    provider: str
    sign: Sign
    signature: Change
    covered: Change | None = in_body  # None: its signature is a token, which covers nothing
    secrets: Mapping[str, str] = field(default_factory=dict)
    options: str = ""
    rotating: str = ""
    is_timed: bool = False

    @property
    def verify(self) -> str:
        secret = f", secret: [{', '.join(self.secrets)}]" if self.secrets else ""
        return f"{{provider: {self.provider}{secret}{self.options}}}"


def _names(provider: str) -> tuple[str, str]:
    name = re.sub(r"\W+", "_", provider).upper()
    return f"{name}_OLD", f"{name}_NEW"


def _by_scheme(provider: str, number: int, request: Request, key: int, at: float) -> Request:
    trust = Trust((senders.secrets(provider)[key],))
    return PROVIDERS[provider].schemes[number].sign(request, trust, now=at)


def _gitlab_signed(request: Request, key: int, at: float) -> Request:
    """By a signing token, which GitLab has from 19.0 on; its webhook-id is the Idempotency-Key."""
    trust = Trust((senders.secrets("standard-webhooks")[key],))
    scheme = PROVIDERS["standard-webhooks"].schemes[0]
    signed = scheme.sign(request, trust, now=at)  # with an id of its own
    numbered = senders.with_header(signed, "webhook-id", request.headers["idempotency-key"])
    return scheme.sign(numbered, trust, now=at)


def _marked(sign: Callable[..., Request], request: Request, key: int, at: float) -> Request:
    """With the headers that a signer makes for this body."""
    return replace(
        request, headers={**request.headers, **sign(request.body, at=int(at), key=KEYS[key]).headers}
    )


def _v1a(prefix: str, request: Request, key: int, at: float) -> Request:
    """Ed25519 of Standard Webhooks, with the id that the request has."""
    number, time = request.headers[f"{prefix}-id"], str(int(at))
    message = f"{number}.{time}.".encode() + request.body
    signature = base64.b64encode(signers.ed25519(KEYS[key]).sign(message)).decode()
    marks = {f"{prefix}-timestamp": time, f"{prefix}-signature": f"v1a,{signature}"}
    return replace(request, headers={**request.headers, **marks})


def _paypal(body: bytes, *, at: int, key: str) -> Request:
    return signers.paypal(body, at=at, key=key, url=CERTIFICATES["paypal"].format(key=key))


def _sns(request: Request, key: int, at: float) -> Request:
    name = KEYS[key]
    more: dict[str, Any] = json.loads(request.body)
    more |= {"SignatureVersion": "2", "SigningCertURL": CERTIFICATES["aws-sns"].format(key=name)}
    fresh = {name: text for name, text in more.items() if name not in ("Type", "Signature", "Timestamp")}
    return replace(request, body=signers.sns(more["Type"], at=int(at), key=name, **fresh).body)


def _pubsub(request: Request, key: int, at: float) -> Request:
    name = KEYS[key]
    claims = {
        "iss": "https://accounts.google.com", "aud": request.url, "email": PUSHER, "email_verified": True,
        "iat": int(at), "exp": int(at) + 3600,
    }  # fmt: skip
    token = signers.token(claims, signers.rsa(name), kid=name)
    return senders.with_header(request, "authorization", f"Bearer {token}")


@cache
def authority() -> tuple[x509.Certificate, Any]:
    """The public authority of these tests."""
    key = signers.p256("authority")
    return signers.certificate("An Authority", key, is_authority=True), key


@cache
def chain(provider: str, key: str) -> tuple[x509.Certificate, ...]:
    """A key's certificate, as the provider's file has it: Amazon's has the leaf alone."""
    root, root_key = authority()
    between_key = signers.p256("between")
    between = signers.certificate("Between", between_key, issuer=(root, root_key), is_authority=True)
    leaf = signers.certificate(SUBJECTS[provider], signers.rsa(key), issuer=(between, between_key))
    return (leaf, between) if provider == "paypal" else (leaf,)


def _fingerprints(provider: str) -> str:
    """Both keys pinned, as the option `certificate` has it."""
    return " ".join(chain(provider, key)[0].fingerprint(hashes.SHA256()).hex() for key in KEYS)


class Published:
    """What the providers have at their addresses: certificates and keys. `is_down`: nobody answers."""

    def __init__(self) -> None:
        self.is_down = False
        self.visited: list[str] = []

    def roots(self) -> bytes:
        """The authority that this machine trusts."""
        return signers.pem(authority()[0])

    async def fetch(self, what: Fetch) -> bytes:
        """The file at an address of a provider's."""
        if self.is_down:
            raise Unavailable(f"{what.url} does not answer")
        if what.url == KEYS_URL:
            return json.dumps({"keys": [signers.jwk(signers.rsa(key), kid=key) for key in KEYS]}).encode()
        for provider, url in CERTIFICATES.items():
            for key in KEYS:
                if what.url == url.format(key=key):
                    return signers.pem(*chain(provider, key))
        raise Unavailable(f"nothing stands at {what.url}")

    async def visit(self, url: str) -> None:
        """GET it."""
        if self.is_down:
            raise Unavailable(f"{url} does not answer")
        self.visited.append(url)


def _symmetric(provider: str, *, number: int = 0, signature: Change | None = None, **more: Any) -> Sender:
    secrets = dict(zip(_names(provider), senders.secrets(provider), strict=True))
    return Sender(
        provider,
        partial(_by_scheme, provider, number),
        signature or in_header(senders.MARKS[provider]),
        secrets=secrets,
        **{"is_timed": provider in senders.TIMED, **more},
    )


def _public(name: str, header: str, public: Callable[[str], str], sign: Sign) -> Sender:
    secrets = dict(zip(_names(name), map(public, KEYS), strict=True))
    return Sender(name.partition(", ")[0], sign, in_header(header), secrets=secrets, is_timed=True)


def _discord_key(key: str) -> str:
    return signers.raw_public(signers.ed25519(key)).hex()


def _whpk(key: str) -> str:
    raw = signers.raw_public(signers.ed25519(key))
    return f"whpk_{base64.b64encode(raw).decode()}"


IN_ITEM = "notificationItems.0.NotificationRequestItem"
UNLIKE_OTHERS: dict[str, Callable[[], Sender]] = {
    "gitlab": lambda: _symmetric("gitlab", covered=None),
    "gitlab, signed": lambda: Sender(
        "gitlab", _gitlab_signed, in_header("webhook-signature"), is_timed=True,
        secrets=dict(
            zip(("SIGNING_OLD", "SIGNING_NEW"), senders.secrets("standard-webhooks"), strict=True)
        ),
    ),
    "telegram": lambda: _symmetric("telegram", covered=None),
    "wechat": lambda: _symmetric("wechat", signature=in_query("signature"), covered=in_query("nonce")),
    "mailgun": lambda: _symmetric(
        "mailgun", signature=in_field("signature.signature"), covered=in_field("signature.token")
    ),
    "adyen": lambda: _symmetric(
        "adyen",
        signature=in_field(f"{IN_ITEM}.additionalData.hmacSignature"),
        covered=in_field(f"{IN_ITEM}.pspReference"),
    ),
    "cloudevents": lambda: _symmetric("cloudevents", signature=in_header("authorization"), covered=None),
    "microsoft-graph": lambda: _symmetric(
        "microsoft-graph", signature=in_field("value.0.clientState"), covered=None
    ),
    "hubspot, v1": lambda: _symmetric(
        "hubspot", number=1, signature=in_header("x-hubspot-signature"), is_timed=False
    ),
    "discord": lambda: _public(
        "discord", "x-signature-ed25519", _discord_key, partial(_marked, signers.discord)
    ),
    "sendgrid": lambda: _public(
        "sendgrid", "x-twilio-email-event-webhook-signature",
        lambda key: signers.spki(signers.p256(key)), partial(_marked, signers.sendgrid),
    ),
    "standard-webhooks, v1a": lambda: _public(
        "standard-webhooks, v1a", "webhook-signature", _whpk, partial(_v1a, "webhook")
    ),
    "svix, v1a": lambda: _public("svix, v1a", "svix-signature", _whpk, partial(_v1a, "svix")),
    "paypal": lambda: Sender(
        "paypal", partial(_marked, _paypal), in_header("paypal-transmission-sig"), is_timed=True,
        options=f", webhook_id: {WEBHOOK_ID}",
        rotating=f"{{provider: paypal, webhook_id: {WEBHOOK_ID}, certificate: '{_fingerprints('paypal')}'}}",
    ),
    "aws-sns": lambda: Sender(
        "aws-sns", _sns, in_field("Signature"), in_field("Message"), is_timed=True,
        rotating=f"{{provider: aws-sns, certificate: '{_fingerprints('aws-sns')}'}}",
    ),
    "google-pubsub": lambda: Sender(
        "google-pubsub", _pubsub, in_header("authorization"),
        lambda request: senders.with_header(
            request, "authorization", flip(request.headers["authorization"], len("Bearer ") + 150)
        ),
        options=f", service_account: {PUSHER}", is_timed=True,
    ),
}  # fmt: skip
SENDERS: tuple[str, ...] = tuple(
    sorted({*PROVIDERS, *UNLIKE_OTHERS})
)  # a name of a provider, or of one of its other ways after a comma


@cache
def sender(name: str) -> Sender:
    """The sender of that name."""
    return UNLIKE_OTHERS[name]() if name in UNLIKE_OTHERS else _symmetric(name)


def slug_of(name: str) -> str:
    """What its workflow is called."""
    return name.replace(", ", "-")

"""
The table of providers as a person reads it: what proves the sender, and what an event tells. What can
be seen of a bundled sample (its type, whether it has a delivery id) is taken from it, not written twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from runner.errors import InboundError
from runner.inbound.asymmetric import EitherKey, SignedTimestamp, StandardWebhooksV1a, p256_key
from runner.inbound.bounds import Bounds
from runner.inbound.decode import decode
from runner.inbound.providers import ROWS
from runner.inbound.providers.aws_sns import RETRIES_SECONDS as SNS_SECONDS
from runner.inbound.providers.aws_sns import SignedMessage
from runner.inbound.providers.google_pubsub import GoogleToken
from runner.inbound.providers.handshakes import HANDSHAKES
from runner.inbound.providers.microsoft_graph import ClientState
from runner.inbound.providers.paypal import RETRIES_SECONDS as PAYPAL_SECONDS
from runner.inbound.providers.paypal import Transmission
from runner.inbound.providers.provider import Identity, Provider, Scheme
from runner.inbound.providers.websub import ByMethod
from runner.inbound.samples import sample, samples_of
from runner.inbound.signature import AnyOf, Hmac
from runner.inbound.tokens import SecretDigest, SortedDigest, Token
from runner.values import Json

SAMPLE_TIME = 1_770_000_000.0  # any: a sample's type and id do not depend on when it is taken
SAMPLE_ENTROPY = bytes(16)
URL = "https://hooks.example.com/hooks/token"
KEPT_BY_THE_PROVIDER = (SignedTimestamp, Transmission, SignedMessage, GoogleToken)  # the key that signs


def provider_table() -> list[dict[str, Json]]:
    """
    A row for each provider by name: `name, title, scheme` (what proves the sender), `timed` (an old
    request is refused) and `tolerance_seconds` (from when on, where that is ours to say), `event_type` (an
    example, or None where it has none), `delivery_id` and `handshake` (whether there is one),
    `handshake_about` (a sentence), `answer` (what it wants to hear, where that is not our JSON),
    `timeout_seconds`, `retries`, `options` and `samples` (names), `needs_secret`, `can_be_signed` (whether
    samples can be signed here), `setup` and `page`.
    """
    return [_row(provider) for provider in sorted(ROWS, key=lambda one: one.name)]


def _row(provider: Provider) -> dict[str, Json]:
    identity, answer = _usual(provider)
    proofs = [_proof(one) for one in provider.schemes]
    is_timed = any(timed for _words, timed in proofs)
    return {
        "name": provider.name,
        "title": provider.title,
        "scheme": _either(words for words, _timed in proofs),
        "timed": is_timed,
        "tolerance_seconds": _tolerance(provider.schemes[0]) if is_timed else None,
        "event_type": identity.type,
        "delivery_id": identity.delivery_id is not None,
        "handshake": bool(provider.unsigned or provider.signed),
        "handshake_about": HANDSHAKES.get(provider.name, ""),
        "answer": answer,
        "timeout_seconds": provider.timeout_seconds,
        "retries": provider.retries,
        "options": [one.name for one in provider.options],
        "samples": list(samples_of(provider.name)),
        "needs_secret": provider.needs_secret,
        "can_be_signed": not isinstance(provider.schemes[0], KEPT_BY_THE_PROVIDER),
        "setup": list(provider.setup),
        "page": provider.page,
    }


def _usual(provider: Provider) -> tuple[Identity, str]:
    """What the provider's usual event is, and what it wants to hear of it."""
    types = samples_of(provider.name)
    if not types:
        return Identity(), ""
    request = sample(provider.name, types[0], now=SAMPLE_TIME, entropy=SAMPLE_ENTROPY).to(URL)
    content_type = provider.reads_as or request.header("content-type")
    try:
        payload = decode(request.body, content_type=content_type, bounds=Bounds()).payload
    except InboundError:
        return Identity(), ""
    reply = provider.thanks(request, payload) if provider.thanks else None
    said = f"`{reply.body.decode()}`" if reply and reply.body else "an empty body"
    return provider.identify(request, payload), f"{reply.status} with {said}" if reply else ""


def _tolerance(scheme: Scheme) -> float | None:
    """How far the time of signing may be off, where the scheme has a bound of its own."""
    match scheme:
        case Hmac() | SortedDigest() | SignedTimestamp():
            return scheme.tolerance_seconds
        case Transmission():
            return PAYPAL_SECONDS
        case SignedMessage():
            return SNS_SECONDS
        case AnyOf():
            return next((found for one in scheme.schemes if (found := _tolerance(one))), None)
        case EitherKey():
            return _tolerance(scheme.symmetric)
        case _:
            return None


def _proof(scheme: Scheme) -> tuple[str, bool]:
    """What a scheme looks at, in words, and whether an old request is refused by it."""
    match scheme:
        case Hmac():
            return f"HMAC-{scheme.algorithm.upper()} in {scheme.carrier.label}", scheme.clock is not None
        case Token():
            return f"the secret in {scheme.place.label}", False
        case SecretDigest():
            return f"SHA256 of secret and request in {scheme.header}", False
        case SortedDigest():
            return 'SHA1 of secret, time and nonce in "signature" in the query', True
        case ByMethod():
            return "HMAC in X-Hub-Signature, of the hash that it names", False
        case ClientState():
            return 'the secret in "clientState" in the body', False
        case SignedTimestamp():
            kind = "ECDSA P-256" if scheme.read_key is p256_key else "Ed25519"
            return f"{kind} in {scheme.signature_header}", True
        case StandardWebhooksV1a():
            return f"Ed25519 (v1a) in {scheme.prefixes[0]}-signature", True
        case Transmission():
            return "RSA in PAYPAL-TRANSMISSION-SIG, by a certificate that is fetched", True
        case SignedMessage():
            return 'RSA in "Signature" in the body, by a certificate that is fetched', True
        case GoogleToken():
            return "RS256 token (JWT) in Authorization, by keys that are fetched", True
        case AnyOf():
            return _any(scheme.schemes)
        case EitherKey():
            return _any((scheme.symmetric, scheme.asymmetric))
        case _:
            return type(scheme).__name__, False


def _any(schemes: Iterable[Scheme]) -> tuple[str, bool]:
    proofs = [_proof(one) for one in schemes]
    return _either(words for words, _timed in proofs), any(timed for _words, timed in proofs)


def _either(words: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(words))

"""
Signatures that anybody can check and only the provider can make: Ed25519, ECDSA on P-256, RSA. The
public key stands in the option `public_key` or among the secrets.

Sources: RFC 8032 (Ed25519), FIPS 186-5 (ECDSA), RFC 8017 section 8.2 (RSA PKCS#1 v1.5), the Standard
Webhooks specification (v1a), and the page of each provider.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from runner.inbound.digests import wire
from runner.inbound.request import Request
from runner.inbound.timestamps import check_age, read_timestamp
from runner.inbound.verdict import NO_SECRET, Passed, Refused, Verdict

if TYPE_CHECKING:  # the table of providers imports this module
    from runner.inbound.providers.provider import Scheme, Trust

PublicKey: TypeAlias = Ed25519PublicKey | ec.EllipticCurvePublicKey | RSAPublicKey

TOLERANCE_SECONDS = 300.0
MIN_RSA_BITS = 2048  # NIST SP 800-131A
MAX_SIGNATURES = 20  # in one header; a rotation has two
PUBLIC_PREFIX = "whpk_"  # of Standard Webhooks
ONLY_THE_PROVIDER = "only the provider has the private key that signs; send a real event from there"

NO_KEY = Refused(
    "no_secret",
    "no public key is configured to check the signature with",
    "copy the public key from the provider's settings into `public_key`; until then all is refused",
)


def ed25519_key(text: str) -> Ed25519PublicKey:
    """
    Read a raw public key of 32 bytes: 64 hex digits, or base64, with or without `whpk_`.

    Raises:
        ValueError: it is none.
    """
    text = text.strip().removeprefix(PUBLIC_PREFIX)
    raw = unhex(text) if len(text) == 64 else base64_bytes(text)
    return Ed25519PublicKey.from_public_bytes(raw)


@lru_cache(maxsize=64)
def p256_key(text: str) -> ec.EllipticCurvePublicKey:
    """
    Read a P-256 public key: its SubjectPublicKeyInfo in base64, or as PEM.

    Raises:
        ValueError: it is none, or of another kind or curve.
    """
    text = text.strip()
    try:
        if text.startswith("-----BEGIN"):
            key = serialization.load_pem_public_key(text.encode())
        else:
            key = serialization.load_der_public_key(base64_bytes("".join(text.split())))
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the public key is none of the curve P-256")  # noqa: TRY004 - a text is given
    return key


def base64_bytes(text: str) -> bytes:
    """
    Decode base64 strictly; padding may be missing.

    Raises:
        ValueError: a character that is none of base64's.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def unhex(text: str) -> bytes:
    """
    Decode hex digits strictly, white space is none.

    Raises:
        ValueError: it is no even number of hex digits.
    """
    return binascii.unhexlify(text)


def is_signed(
    key: PublicKey, signature: bytes, message: bytes, digest: hashes.HashAlgorithm | None = None
) -> bool:
    """
    Whether *signature* is *key*'s over *message*; *digest* (SHA-256 where it is not given) does not
    matter to Ed25519. ECDSA signatures are DER, RSA ones PKCS#1 v1.5.
    """
    digest = digest or hashes.SHA256()
    try:
        match key:
            case Ed25519PublicKey():
                key.verify(signature, message)
            case ec.EllipticCurvePublicKey():
                key.verify(signature, message, ec.ECDSA(digest))
            case RSAPublicKey():
                key.verify(signature, message, padding.PKCS1v15(), digest)
    except InvalidSignature:
        return False
    return True


def when_stale(moment: float, trust: Trust, *, now: float, where: str, default: float) -> Refused | None:
    """The refusal of what was signed at *moment* (unix seconds), by the workflow's tolerance or *default*."""
    tolerance = default if trust.tolerance_seconds is None else trust.tolerance_seconds
    return check_age(where, moment, now=now, tolerance_seconds=tolerance)


def public_keys(trust: Trust) -> tuple[str, ...]:
    """Every text that may be a public key: the option `public_key` (one, or a list) and the secrets."""
    option = trust.options.get("public_key")
    given = option if isinstance(option, list | tuple) else (option,)
    return (*(one for one in given if isinstance(one, str) and one.strip()), *trust.secrets)


def read_keys(texts: tuple[str, ...], read: Callable[[str], PublicKey]) -> tuple[PublicKey, ...] | Refused:
    """All keys, read; one that cannot be read refuses everything, so that the mistake is seen."""
    if not texts:
        return NO_KEY
    try:
        return tuple(read(one) for one in texts)
    except ValueError:
        return Refused(
            "no_secret",
            "the configured public key is none of the kind that this provider signs with",
            "copy it again from the provider's settings, whole and without quotes",
        )


@dataclass(frozen=True, slots=True)
class SignedTimestamp:
    """A signature and a timestamp (unix seconds) in headers; signed is the timestamp followed by the body."""

    signature_header: str
    timestamp_header: str
    read_key: Callable[[str], PublicKey]
    read_signature: Callable[[str], bytes]
    tolerance_seconds: float = TOLERANCE_SECONDS

    def applies(self, request: Request) -> bool:
        """Whether the signature's header is there."""
        return self.signature_header.lower() in request.headers

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Judge by the keys of `public_keys`."""
        del fetched
        keys = read_keys(public_keys(trust), self.read_key)
        if isinstance(keys, Refused):
            return keys
        written = request.header(self.signature_header.lower())
        stamp = request.header(self.timestamp_header.lower())
        for header, text in ((self.signature_header, written), (self.timestamp_header, stamp)):
            if not text:
                return Refused("missing", f"the header {header} is missing or empty")
        moment = read_timestamp(stamp, "unix")
        if moment is None:
            return Refused("malformed", f"the header {self.timestamp_header} is no unix time in seconds")
        try:
            signature = self.read_signature(written)
        except ValueError:
            return Refused("malformed", f"the header {self.signature_header} cannot be decoded")
        message = stamp.encode() + request.body
        if not any(is_signed(key, signature, message) for key in keys):
            return Refused(
                "mismatch",
                f"the header {self.signature_header} is not this key's signature over timestamp and body",
                "the public key is another application's, or the body was changed on its way",
            )
        stale = when_stale(
            moment, trust, now=now, where=self.timestamp_header, default=self.tolerance_seconds
        )
        return stale or Passed(self.signature_header)

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """
        Never.

        Raises:
            NotImplementedError: always; only the provider has the private key.
        """
        raise NotImplementedError(ONLY_THE_PROVIDER)


@dataclass(frozen=True, slots=True)
class StandardWebhooksV1a:
    """
    `v1a` of Standard Webhooks: Ed25519 over `id.timestamp.body`. *prefixes* are those of the three
    headers; of several the first whose signature is there counts.
    """

    prefixes: tuple[str, ...] = ("webhook",)

    def applies(self, request: Request) -> bool:
        """Whether a `v1a` signature is among those of the header."""
        _prefix, written = self._written(request)
        return any(one.startswith("v1a,") for one in written.split())

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Judge by the keys of `public_keys`."""
        del fetched
        keys = read_keys(public_keys(trust), ed25519_key)
        if isinstance(keys, Refused):
            return keys
        prefix, written = self._written(request)
        if not written:
            return Refused("missing", f"the header {self.prefixes[0]}-signature is missing or empty")
        identity, stamp = (request.header(f"{prefix}-{name}") for name in ("id", "timestamp"))
        moment = read_timestamp(stamp, "unix")
        if not identity or moment is None:
            fault = "id is missing or empty" if not identity else "timestamp is no unix time in seconds"
            return Refused("malformed", f"the header {prefix}-{fault}")
        shown = [one.removeprefix("v1a,") for one in written.split() if one.startswith("v1a,")]
        if not shown:
            return Refused(
                "unsupported",
                f"the header {prefix}-signature has no v1a signature, and only a public key is configured",
                "a v1 signature is checked with the signing secret (whsec_…): set it as `secret`",
            )
        try:
            signatures = [base64_bytes(one) for one in shown]
        except ValueError:
            signatures = []
        if not 0 < len(signatures) <= MAX_SIGNATURES:
            return Refused("malformed", f"the header {prefix}-signature cannot be decoded")
        message = wire(f"{identity}.{stamp}.") + request.body
        if not any(is_signed(key, one, message) for key in keys for one in signatures):
            return Refused(
                "mismatch",
                f"no v1a signature of {prefix}-signature is this key's over id, timestamp and body",
                "the public key is another endpoint's, or the body was changed on its way",
            )
        stale = when_stale(moment, trust, now=now, where=f"{prefix}-timestamp", default=TOLERANCE_SECONDS)
        return stale or Passed(f"{prefix}-signature v1a")

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """
        Never.

        Raises:
            NotImplementedError: always; only the provider has the private key.
        """
        raise NotImplementedError(ONLY_THE_PROVIDER)

    def _written(self, request: Request) -> tuple[str, str]:
        for prefix in self.prefixes:
            if written := request.header(f"{prefix}-signature"):
                return prefix, written
        return self.prefixes[0], ""


@dataclass(frozen=True, slots=True)
class EitherKey:
    """
    A symmetric and an asymmetric scheme in one header, either of which may pass. A public key is
    never handed to the symmetric one: whoever knows it could sign with it.
    """

    symmetric: Scheme
    asymmetric: Scheme

    def applies(self, request: Request) -> bool:
        """Whether one of the two does."""
        return self.symmetric.applies(request) or self.asymmetric.applies(request)

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Judge with each kind of key that is configured; the refusal is that of the likelier one."""
        private, public = _parted(trust)
        refusal: Verdict = NO_SECRET
        for scheme, keys, is_there in (
            (self.asymmetric, public, bool(public_keys(public))),
            (self.symmetric, private, bool(private.secrets)),
        ):
            if not is_there:
                continue
            verdict = scheme.check(request, keys, now=now, fetched=fetched)
            if not isinstance(verdict, Refused):
                return verdict
            if refusal is NO_SECRET or scheme.applies(request):
                refusal = verdict
        return refusal

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """
        Sign with the first secret that is no public key.

        Raises:
            NotImplementedError: there is none.
        """
        private, _public = _parted(trust)
        if not private.secrets:
            raise NotImplementedError(ONLY_THE_PROVIDER)
        return self.symmetric.sign(request, private, now=now)


def _parted(trust: Trust) -> tuple[Trust, Trust]:
    """What is trusted as a secret, and what as a public key."""
    public = tuple(one for one in trust.secrets if one.strip().startswith(PUBLIC_PREFIX))
    private = tuple(one for one in trust.secrets if one not in public)
    return replace(trust, secrets=private), replace(trust, secrets=public)

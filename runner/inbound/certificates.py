"""
Certificates that a provider's request names by an address (PayPal, Amazon SNS), and which of them
is believed.

What a signature by such a certificate is worth hangs on four things: the address is one of the
provider's own (`CertificateRule.address`, matched whole), it was fetched over TLS, which proves the
host, the certificate is for the provider's name and valid now, and it leads to a public authority.
The last is checked where the file brings the certificates between, as PayPal's does. A file with the
leaf alone, as Amazon's, proves no chain without fetching more from addresses of its own choice; then
the first three decide, as they do in Amazon's own validators. A workflow that wants more pins.

A pinned certificate is believed as it is: a person chose it, so neither its dates nor its subject
are asked for. Pinned by fingerprint it is still fetched.

Sources: docs.aws.amazon.com/sns "Verifying the signatures of Amazon SNS messages", PayPal's
"Integrate webhooks" (developer.paypal.com/api/rest/webhooks), RFC 5280, RFC 6125 (names).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from runner.inbound.asymmetric import MIN_RSA_BITS, unhex
from runner.inbound.verdict import Fetch, Refused
from runner.values import Json

ROOTS = "the authorities that this machine trusts"
"""The key in `fetched` under which a caller hands in the root certificates (PEM), where it has them."""

MAX_CERTIFICATES = 10  # of one file; a real chain has two to four
PEM_BEGINS = "-----BEGIN CERTIFICATE-----"
FINGERPRINT = re.compile(r"(?:[0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}")
# What the parser raises for what is no certificate; DuplicateExtension is no ValueError.
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion)


@dataclass(frozen=True, slots=True)
class CertificateRule:
    """
    Where a provider's certificates are and whose they are: *address* matches a whole URL, *subject*
    gives the name that a certificate from there must have.
    """

    address: re.Pattern[str]
    subject: Callable[[re.Match[str]], str]
    page: str  # where the provider says so, for the refusal


@dataclass(frozen=True, slots=True)
class Pins:
    """What the option `certificate` holds: keys of whole certificates, and SHA-256 fingerprints."""

    keys: tuple[RSAPublicKey, ...] = ()
    fingerprints: frozenset[bytes] = frozenset()


def signing_keys(
    url: Json,
    rule: CertificateRule,
    *,
    pinned: Json,
    where: str,
    now: float,
    fetched: Mapping[str, bytes],
) -> tuple[RSAPublicKey, ...] | Refused | Fetch:
    """
    The keys that a request may be signed with whose certificate is at *url*, any of which may match.

    *pinned* is the option `certificate` (PEM or SHA-256 fingerprints) or None; *where* names the
    header or field with the address. With a whole certificate pinned nothing is fetched, but the
    address still has to be one of the provider's own.
    """
    try:
        pins = read_pins(pinned)
    except ValueError as error:
        return Refused(
            "no_secret",
            f"the option certificate cannot be used: {error}",
            "give the certificate as PEM, or its SHA-256 fingerprint as 64 hex digits",
        )
    if not isinstance(url, str) or not url:
        return Refused("missing", f"{where} with the certificate's address is missing or empty")
    match = rule.address.fullmatch(url)
    if match is None:
        return Refused(
            "mismatch",
            f"{where} is not one of the provider's own addresses of certificates",
            f"a forged request, or the provider has new addresses; {rule.page} names them",
        )
    if pins is not None and pins.keys:
        return pins.keys
    if url not in fetched:
        return Fetch(url)
    try:
        key = trusted_key(
            fetched[url], rule.subject(match), pins=pins, now=now, roots=fetched.get(ROOTS, b"")
        )
    except ValueError as error:
        return Refused("mismatch", f"the certificate that {where} names is not accepted: {error}")
    return (key,)


def read_pins(option: Json) -> Pins | None:
    """
    Read the option `certificate`: PEM, or fingerprints (hex, colons allowed) between white space or
    commas, or a list of either. None where it is not set.

    Raises:
        ValueError: it is neither; the message says what was expected.
    """
    given = option if isinstance(option, list | tuple) else [option]
    texts = [str(one).strip() for one in given if one is not None and one != ""]
    if not texts:
        return None
    keys: list[RSAPublicKey] = []
    fingerprints: set[bytes] = set()
    for text in texts:
        if PEM_BEGINS in text:
            keys += [_key(one) for one in _read(text.encode(errors="replace"))]
            continue
        for one in re.split(r"[\s,]+", text):
            if not FINGERPRINT.fullmatch(one):
                raise ValueError("it is neither a certificate as PEM nor a SHA-256 fingerprint")
            fingerprints.add(unhex(one.replace(":", "")))
    return Pins(tuple(keys), frozenset(fingerprints))


def trusted_key(
    pem: bytes, subject: str, *, now: float, pins: Pins | None = None, roots: bytes = b""
) -> RSAPublicKey:
    """
    The key of the first certificate of a fetched file, if it is to be believed.

    Raises:
        ValueError: it is not; the message is a reason after "not accepted:".
    """
    leaf, *between = _read(pem)
    if pins is not None:
        if leaf.fingerprint(hashes.SHA256()) not in pins.fingerprints:
            raise ValueError("its fingerprint is none of the pinned ones")
        return _key(leaf)
    moment = datetime.fromtimestamp(now, UTC)
    if moment < leaf.not_valid_before_utc:
        raise ValueError(f"it is valid only from {leaf.not_valid_before_utc:%Y-%m-%d} on")
    if moment > leaf.not_valid_after_utc:
        raise ValueError(f"it was valid until {leaf.not_valid_after_utc:%Y-%m-%d}")
    if subject not in names_of(leaf):
        raise ValueError(f"it is not for {subject}")
    if between and roots:
        _follow(leaf, between, subject, moment, roots)
    return _key(leaf)


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """The names that a certificate is for: its alternative DNS names and its common names."""
    try:
        names = {str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names |= set(extension.value.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        pass
    except UNREADABLE:
        return frozenset()
    return frozenset(names)


def _read(pem: bytes) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(pem)
    except UNREADABLE:
        raise ValueError("it cannot be read as PEM") from None
    if len(found) > MAX_CERTIFICATES:
        raise ValueError(f"the file has more than {MAX_CERTIFICATES} certificates")
    return found


def _key(certificate: x509.Certificate) -> RSAPublicKey:
    try:
        key = certificate.public_key()
    except UNREADABLE:
        raise ValueError("its key cannot be read") from None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("its key is not RSA")  # noqa: TRY004 - a file is given
    if key.key_size < MIN_RSA_BITS:
        raise ValueError(f"its key has {key.key_size} bits, fewer than {MIN_RSA_BITS}")
    return key


def _follow(
    leaf: x509.Certificate, between: list[x509.Certificate], subject: str, moment: datetime, roots: bytes
) -> None:
    builder = PolicyBuilder().store(_store(roots)).time(moment)
    try:
        builder.build_server_verifier(x509.DNSName(subject)).verify(leaf, between)
    except (VerificationError, *UNREADABLE):
        raise ValueError("it does not lead to an authority that this machine trusts") from None


@lru_cache(maxsize=2)  # a machine has one set of authorities, and reading its 140 takes milliseconds
def _store(roots: bytes) -> Store:
    return Store(x509.load_pem_x509_certificates(roots))

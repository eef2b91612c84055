"""
Whose certificate a sender showed, on the connection or to a proxy, and whether it is the one that
a workflow wants. Pure.

On a TLS connection of our own the certificate was verified against the server's client CA. Behind
a proxy the header `client_certificate_header` tells of it, which counts from a trusted proxy alone,
and that proxy has to verify the chain and to set the header, whatever a sender wrote there. The
server's client CA says nothing about such a certificate: there it is the one of the proxies, who may
show certificates of their own.

Forms of the header that are read:

* Envoy's X-Forwarded-Client-Cert, of which the last element counts: the nearest proxy wrote it;
* RFC 9440, `:<base64 of DER>:`, which Traefik and others write without the colons;
* PEM, URL-encoded (nginx's `$ssl_client_escaped_cert`, AWS) or with spaces for its lines (Apache).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from runner.inbound.addresses import read_address
from runner.inbound.quoted import split_quoted

if TYPE_CHECKING:
    from runner.language.workflow import ClientCertificate

NameKind: TypeAlias = Literal["dns", "email", "uri", "ip"]

NAME_TYPES: Mapping[type[x509.GeneralName], NameKind] = {
    x509.DNSName: "dns",
    x509.RFC822Name: "email",
    x509.UniformResourceIdentifier: "uri",
    x509.IPAddress: "ip",
}
# Attribute types by the names that people and programs write: RFC 4514 section 3, RFC 4519, and
# what OpenSSL prints. Any other is written as its dotted number.
ATTRIBUTES: Mapping[str, str] = {
    "c": "2.5.4.6",
    "cn": "2.5.4.3",
    "dc": "0.9.2342.19200300.100.1.25",
    "dnqualifier": "2.5.4.46",
    "e": "1.2.840.113549.1.9.1",
    "emailaddress": "1.2.840.113549.1.9.1",
    "givenname": "2.5.4.42",
    "gn": "2.5.4.42",
    "l": "2.5.4.7",
    "o": "2.5.4.10",
    "organizationidentifier": "2.5.4.97",
    "ou": "2.5.4.11",
    "postalcode": "2.5.4.17",
    "serialnumber": "2.5.4.5",
    "sn": "2.5.4.4",
    "st": "2.5.4.8",
    "street": "2.5.4.9",
    "title": "2.5.4.12",
    "uid": "0.9.2342.19200300.100.1.1",
}
COMMON_NAME = ATTRIBUTES["cn"]
DOTTED = re.compile(r"\d+(?:\.\d+)+")
# One type=value of a subject: RFC 4514, with the white space that RFC 2253 let stand
PAIR = re.compile(
    r"\s*+([A-Za-z][A-Za-z0-9-]*+|\d+(?:\.\d+)++)\s*+=\s*+((?:\\.|[^\\,+;\"])*+)([,+]|\Z)", re.DOTALL
)
ESCAPES = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)
PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")
ENVOY = re.compile(r"\s*(by|hash|cert|chain|subject|uri|dns)=", re.IGNORECASE)
ABSENT = ("", "-", "(null)")  # what proxies write where no certificate was shown


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """
    What a certificate says of its holder: the subject's attributes as dotted type and value, the
    alternative names as kind and value, and the SHA-256 of the whole in hex ("" where a proxy does
    not tell).
    """

    subject: frozenset[tuple[str, str]]
    names: frozenset[tuple[NameKind, str]]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The certificate that a sender showed. `note` says why there is none, or what was left aside."""

    certificate: PeerCertificate | None = None
    note: str = ""


def shown_certificate(
    connection: Mapping[str, Any] | None,
    headers: Mapping[str, str],
    *,
    header: str,
    is_from_proxy: bool,
) -> Shown:
    """
    Find the sender's certificate: on the connection (what `web.tls.peer_certificate` gives), or, with
    `is_from_proxy` and *header* (the setting's, or empty), in that header and nowhere else: there the
    connection's certificate is the proxy's own.
    """
    value = headers.get(header.lower(), "").strip() if header else ""
    if header and is_from_proxy:
        if value in ABSENT:
            return Shown(note=f"the trusted proxy sent no {header}")
        try:
            return Shown(read_forwarded(value))
        except ValueError as error:
            return Shown(note=f"{header} of the trusted proxy cannot be read: {error}")
    note = f"{header} was ignored: it does not come from a trusted proxy" if value else ""
    if connection is None:
        return Shown(note=note)
    try:
        return Shown(read_certificate(connection["der"]), note)
    except ValueError as error:  # OpenSSL reads some that are not written by the rules
        return Shown(note=f"the certificate of the connection cannot be read: {error}")


def refusal(wanted: ClientCertificate, shown: Shown) -> str | None:
    """Say in a sentence why *shown* is not what is *wanted*, or give None: all that is given fits."""
    certificate = shown.certificate
    if certificate is None:
        return f"no client certificate was shown{f' ({shown.note})' if shown.note else ''}"
    if wanted.fingerprint is not None and not _fits_fingerprint(wanted.fingerprint, certificate):
        found = certificate.fingerprint or "not told by the proxy"
        return f"the client certificate has another fingerprint than the wanted one: {found}"
    if wanted.subject is not None and not _fits_subject(wanted.subject, certificate):
        return f"the client certificate has another subject than {wanted.subject}: {_written(certificate)}"
    if wanted.san is not None and not _fits_name(wanted.san, certificate):
        found = ", ".join(sorted(value for _kind, value in certificate.names)) or "it has none"
        return f"the client certificate has not {wanted.san} among its alternative names: {found}"
    return None


def read_certificate(der: bytes) -> PeerCertificate:
    """
    Read a certificate. Nothing of its validity is looked at.

    Raises:
        ValueError: it is none.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = frozenset((one.oid.dotted_string, str(one.value)) for one in certificate.subject)
        names = _alternative_names(certificate)
    except (
        ValueError,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise ValueError(f"it is no certificate: {error}") from None
    return PeerCertificate(subject, names, certificate.fingerprint(hashes.SHA256()).hex())


def read_forwarded(value: str) -> PeerCertificate:
    """
    Read a proxy's header in any of the forms above.

    Raises:
        ValueError: it is in none of them, or holds several certificates: whose is which, only the
            form of Envoy tells.
    """
    if ENVOY.match(value):
        return _read_envoy(value)
    if len(value) > 1 and value[0] == value[-1] == ":":
        return read_certificate(_decoded(value[1:-1]))
    text = unquote(value)
    pem = PEM.fullmatch(text)
    if pem:
        return read_certificate(_decoded(re.sub(r"\s", "", pem[1])))
    if "," in text or text.count("-----BEGIN") > 1:
        raise ValueError("it holds several certificates; the proxy has to set it, not to add to it")
    return read_certificate(_decoded(text))


def read_subject(text: str) -> frozenset[tuple[str, str]] | None:
    """
    Read a subject as RFC 4514 writes it, `CN=a,O=b`, to its attributes as dotted type and value;
    None where it is none. Sets of several attributes (`OU=a+OU=b`) are read as if by ",".
    """
    found = set()
    position = 0
    while True:
        pair = PAIR.match(text, position)
        if pair is None:
            return None
        kind = pair[1] if DOTTED.fullmatch(pair[1]) else ATTRIBUTES.get(pair[1].lower())
        value = pair[2].rstrip()
        if kind is None or not value:
            return None
        if value.endswith("\\"):  # what is escaped is the space
            value += " "
        found.add((kind, ESCAPES.sub(_unescaped, value)))
        if not pair[3]:
            return frozenset(found)
        position = pair.end()


def _fits_subject(wanted: str, certificate: PeerCertificate) -> bool:
    attributes = read_subject(wanted) or {(COMMON_NAME, wanted)}
    return certificate.subject.issuperset(attributes)


def _fits_name(wanted: str, certificate: PeerCertificate) -> bool:
    address = read_address(wanted)
    candidates: set[tuple[NameKind, str]] = {("dns", wanted.lower()), ("email", wanted), ("uri", wanted)}
    if address is not None:
        candidates = {("ip", str(address))}
    return not certificate.names.isdisjoint(candidates)


def _fits_fingerprint(wanted: str, certificate: PeerCertificate) -> bool:
    return certificate.fingerprint == wanted.replace(":", "").strip().lower() != ""


def _written(certificate: PeerCertificate) -> str:
    short = {number: name for name, number in ATTRIBUTES.items()}
    pairs = sorted(certificate.subject)
    return ", ".join(f"{short.get(kind, kind).upper()}={value}" for kind, value in pairs) or "it has none"


def _alternative_names(certificate: x509.Certificate) -> frozenset[tuple[NameKind, str]]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    names = set()
    for one in found:
        kind = NAME_TYPES.get(type(one))
        if kind:
            names.add((kind, _normal(kind, str(one.value))))
    return frozenset(names)


def _normal(kind: NameKind, value: str) -> str:
    if kind == "ip":
        return str(read_address(value) or value)
    return value.lower() if kind == "dns" else value


def _read_envoy(value: str) -> PeerCertificate:
    """Source: Envoy's documentation of HTTP headers, x-forwarded-client-cert."""
    elements = split_quoted(value, ",")
    if not elements:
        raise ValueError("a quote is left open")
    pairs = [pair.partition("=") for pair in split_quoted(elements[-1], ";") or ()]
    fields = [(name.strip().lower(), _envoy_value(text.strip())) for name, _, text in pairs]
    whole = [text for name, text in fields if name == "cert"]
    if whole:
        return read_forwarded(whole[0])
    digests = [text.lower() for name, text in fields if name == "hash"]
    subjects = [read_subject(text) for name, text in fields if name == "subject"]
    names: set[tuple[NameKind, str]] = {("uri", text) for name, text in fields if name == "uri" and text}
    names |= {("dns", text.lower()) for name, text in fields if name == "dns" and text}
    subject = subjects[0] if len(subjects) == 1 else None
    return PeerCertificate(subject or frozenset(), frozenset(names), digests[0] if len(digests) == 1 else "")


def _envoy_value(text: str) -> str:
    r"""Take the quotes off; of the escapes inside only \" is the header's, all others are a subject's own."""
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('\\"', '"') if is_quoted else text


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"it is no base64: {error}") from None


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return bytes.fromhex(match[1].replace("\\", "")).decode("utf-8", "replace")
    return match[2]

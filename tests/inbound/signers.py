"""
Senders with private keys of the tests' own: each signs as its provider does, and gives what a
receiver is configured with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from runner.inbound.request import Request

URL = "https://hooks.example.com/hooks/abc"
NOW = 1_700_000_000
DISCORD_BODY = b'{"id":"787053080478613555","token":"t","type":2,"data":{"name":"deploy"}}'
SENDGRID_BODY = b'[{"event":"open","sg_event_id":"x"}]\r\n'
PAYPAL_BODY = b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED"}'
PAYPAL_CERTIFICATE_URL = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270"
SNS_CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
TOPIC = "arn:aws:sns:us-east-1:123456789012:orders"


def request(body: bytes, headers: Mapping[str, str], *, method: str = "POST", url: str = URL) -> Request:
    return Request(method, url, {name.lower(): text for name, text in headers.items()}, body)


@cache
def ed25519(name: str = "sender") -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


@cache
def p256(name: str = "sender") -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(name.encode()).digest()), ec.SECP256R1())


def rsa(name: str = "sender", bits: int = 2048) -> RSAPrivateKey:
    return _rsa(name, bits)


@cache
def _rsa(_name: str, bits: int) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


def raw_public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def spki(key: ec.EllipticCurvePrivateKey | RSAPrivateKey) -> str:
    return base64.b64encode(
        key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    ).decode()


def discord(body: bytes = DISCORD_BODY, *, at: int | str = NOW, key: str = "sender") -> Request:
    signature = ed25519(key).sign(f"{at}".encode() + body).hex()
    return request(body, {"X-Signature-Ed25519": signature, "X-Signature-Timestamp": f"{at}"})


def sendgrid(body: bytes = SENDGRID_BODY, *, at: int | str = NOW, key: str = "sender") -> Request:
    signature = p256(key).sign(f"{at}".encode() + body, ec.ECDSA(hashes.SHA256()))
    return request(
        body,
        {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": f"{at}",
        },
    )


def v1a(
    body: bytes = b'{"type":"a"}', *, at: int | str = NOW, key: str = "sender", name: str = "webhook"
) -> Request:
    signature = base64.b64encode(ed25519(key).sign(f"msg_1.{at}.".encode() + body)).decode()
    return request(
        body, {f"{name}-id": "msg_1", f"{name}-timestamp": f"{at}", f"{name}-signature": f"v1a,{signature}"}
    )


def paypal(
    body: bytes = PAYPAL_BODY,
    *,
    at: int = NOW,
    key: str = "sender",
    url: str = PAYPAL_CERTIFICATE_URL,
    webhook_id: str = "1JE4291016473214C",
) -> Request:
    time = rfc3339(at)
    message = f"69cd13f0-d67a-11e5|{time}|{webhook_id}|{zlib.crc32(body)}".encode()
    signature = rsa(key).sign(message, padding.PKCS1v15(), hashes.SHA256())
    return request(
        body,
        {
            "PAYPAL-TRANSMISSION-ID": "69cd13f0-d67a-11e5",
            "PAYPAL-TRANSMISSION-TIME": time,
            "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
            "PAYPAL-CERT-URL": url,
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        },
    )


def sns(kind: str = "Notification", *, at: int = NOW, key: str = "sender", **more: Any) -> Request:
    body: dict[str, Any] = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": "Hello wörld",
        "Timestamp": rfc3339(at),
        "SignatureVersion": "2",
        "SigningCertURL": SNS_CERTIFICATE_URL,
    }
    if kind != "Notification":
        query = f"Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37f"
        body |= {"Token": "2336412f37f", "SubscribeURL": f"https://sns.us-east-1.amazonaws.com/?{query}"}
    body |= more
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{body[name]}\n" for name in names if name in body)
    digest = hashes.SHA1() if body["SignatureVersion"] == "1" else hashes.SHA256()
    body["Signature"] = base64.b64encode(rsa(key).sign(text.encode(), padding.PKCS1v15(), digest)).decode()
    headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": kind}
    return request(json.dumps(body).encode(), headers)


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def jwk(key: RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey, **more: Any) -> dict[str, Any]:
    match key:
        case RSAPrivateKey():
            numbers = key.public_key().public_numbers()
            return {"kty": "RSA", "n": number64(numbers.n), "e": number64(numbers.e)} | more
        case ec.EllipticCurvePrivateKey():
            point = key.public_key().public_numbers()
            x, y = (base64url(one.to_bytes(32)) for one in (point.x, point.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y} | more
        case _:
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw_public(key))} | more


def token(
    claims: Mapping[str, Any],
    key: RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey | bytes,
    **header: Any,
) -> str:
    """A signed token; `alg` is by the kind of key where *header* does not say it."""
    match key:
        case bytes():
            header = {"alg": "HS256"} | header
        case RSAPrivateKey():
            header = {"alg": "RS256"} | header
        case ec.EllipticCurvePrivateKey():
            header = {"alg": "ES256"} | header
        case _:
            header = {"alg": "EdDSA"} | header
    signed = f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(claims).encode())}"
    return f"{signed}.{base64url(_signature(signed.encode(), key, header['alg']))}"


def _signature(
    message: bytes, key: RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey | bytes, alg: str
) -> bytes:
    size = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}.get(alg[-3:])
    match key:
        case bytes():
            return hmac.digest(key, message, f"sha{alg[-3:]}")
        case RSAPrivateKey():
            return key.sign(message, padding.PKCS1v15(), size or hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)
        case _:
            return key.sign(message)


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number64(number: int) -> str:
    return base64url(number.to_bytes((number.bit_length() + 7) // 8))


def certificate(
    subject: str,
    key: RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    issuer: tuple[x509.Certificate, RSAPrivateKey | ec.EllipticCurvePrivateKey] | None = None,
    is_authority: bool = False,
    begins: float = NOW - 86_400,
    ends: float = NOW + 86_400,
) -> x509.Certificate:
    """A certificate for *subject*, signed by *issuer* or by itself, as public authorities make them."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    signer = key if issuer is None else issuer[1]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(begins, UTC))
        .not_valid_after(datetime.fromtimestamp(ends, UTC))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=False, key_encipherment=False,
                data_encipherment=False, key_agreement=False, key_cert_sign=is_authority,
                crl_sign=is_authority, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
    )  # fmt: skip
    if not is_authority:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def days(count: float) -> float:
    return timedelta(days=count).total_seconds()

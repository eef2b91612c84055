"""
JSON Web Tokens: a compact signed token, the key it names, and what its claims must say.

Written on `cryptography` alone: the clock is handed in here as everywhere in this room, which no
library's check of the claims allows, and what is left is base64url and one call a key. What went
wrong elsewhere cannot: the kind of key decides which algorithms are possible (a public key is never
a secret), `none` is no algorithm, and nothing in a token (`jku`, `jwk`, `x5u`) brings a key.

Sources: RFC 7515 (JWS), 7517 (JWK), 7518 (algorithms), 7519 (claims), 8037 (EdDSA), 8725 (practice).
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from runner.errors import InboundError
from runner.inbound.asymmetric import MIN_RSA_BITS, PublicKey, base64_bytes, is_signed
from runner.inbound.bounds import Bounds
from runner.inbound.decode import decode
from runner.inbound.verdict import Refused
from runner.values import Json

MAX_TOKEN_CHARACTERS = 16 * 1024  # servers take headers of 8 to 16 KiB
MAX_KEYS = 100  # of a set; Google publishes two or three
MAX_TRIED = 10  # keys that a token without `kid` is tried with
LEEWAY_SECONDS = 60.0

SECRET_ALGORITHMS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
RSA_ALGORITHMS: Mapping[str, hashes.HashAlgorithm] = {
    "RS256": hashes.SHA256(),
    "RS384": hashes.SHA384(),
    "RS512": hashes.SHA512(),
}
ALGORITHMS = frozenset({*SECRET_ALGORITHMS, *RSA_ALGORITHMS, "ES256", "EdDSA"})

Texts: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart; nothing in it is believed yet."""

    algorithm: str
    key_id: str | None
    claims: Mapping[str, Json]
    signed: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of a set: what it may be used with, and its `kid`."""

    key: PublicKey
    key_id: str | None
    algorithms: frozenset[str]


def read_token(text: str) -> Token:
    """
    Take a compact token apart.

    Raises:
        ValueError: it is none; the message says why, after "the token".
    """
    if len(text) > MAX_TOKEN_CHARACTERS:
        raise ValueError(f"has more than {MAX_TOKEN_CHARACTERS:,} characters")
    parts = text.split(".")
    if len(parts) != 3:
        raise ValueError("has not three parts between dots")
    try:
        raw = [_base64url(one) for one in parts]
    except ValueError:
        raise ValueError("is not base64url") from None
    header, claims = _object(raw[0]), _object(raw[1])
    if header is None or claims is None:
        raise ValueError("has a header or claims that are no JSON object")
    if "crit" in header:
        raise ValueError("asks with `crit` for what is not understood here")
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not (key_id is None or isinstance(key_id, str)):
        raise ValueError("has no `alg`, or a `kid` that is no text")
    return Token(algorithm, key_id, claims, f"{parts[0]}.{parts[1]}".encode(), raw[2])


def read_keys(jwks: Json) -> tuple[Key, ...]:
    """
    The keys of a JSON Web Key Set (bytes, text or already read) that signatures are checked with here;
    others in it are passed over.

    Raises:
        ValueError: it is no such set.
    """
    if isinstance(jwks, str):
        jwks = jwks.encode(errors="replace")
    if isinstance(jwks, bytes):
        jwks = _object(jwks)
    listed = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise ValueError("it is no JSON Web Key Set with a list `keys`")
    return tuple(key for one in listed if (key := _read_key(one)) is not None)


def is_by_secret(token: Token, secrets: Iterable[str]) -> bool:
    """Whether one of *secrets* signed the token. Every one is tried, in constant time."""
    digest = SECRET_ALGORITHMS[token.algorithm]
    found = False
    for secret in secrets:
        code = hmac.digest(secret.encode(errors="replace"), token.signed, digest)
        found |= hmac.compare_digest(code, token.signature)
    return found


def fitting(token: Token, keys: Iterable[Key]) -> tuple[Key, ...]:
    """The keys that may have signed the token, by its `kid` and the kind of key."""
    fit = [one for one in keys if token.algorithm in one.algorithms]
    if token.key_id is None:
        return tuple(fit[:MAX_TRIED])
    named = [one for one in fit if one.key_id == token.key_id]
    # a set whose keys have no names cannot be meant to be chosen from by name
    return tuple((named or [one for one in fit if one.key_id is None])[:MAX_TRIED])


def is_by_key(token: Token, keys: Iterable[Key]) -> bool:
    """Whether one of the fitting *keys* signed the token."""
    return any(_verifies(token, one.key) for one in keys)


def refusal_of_times(claims: Mapping[str, Json], *, now: float, leeway: float) -> Refused | None:
    """The refusal of a token that has ended, has not begun, or (unless *leeway* is infinite) never ends."""
    ends, begins = _time(claims, "exp"), _time(claims, "nbf")
    if ends is None and not math.isinf(leeway):
        return Refused(
            "malformed",
            "the token has no `exp` claim that is a time, so it would be good for ever",
            "let the sender set it, or accept such tokens with `tolerance: false`",
        )
    if ends is not None and now >= ends + leeway:
        return Refused("stale", f"the token's `exp` is {now - ends:.0f} s before this server's clock")
    if "nbf" in claims and begins is None:
        return Refused("malformed", "the token's `nbf` claim is no time")
    if begins is not None and begins > now + leeway:
        return Refused("stale", f"the token's `nbf` is {begins - now:.0f} s after this server's clock")
    return None


def refusal_of_names(
    claims: Mapping[str, Json], *, issuers: Texts, audiences: Texts, address: str
) -> Refused | None:
    """
    The refusal of a token from another issuer or for another audience. Without *audiences* a token
    that names one must name *address* (RFC 7519, 4.1.3), and one that names none passes.
    """
    if issuers and claims.get("iss") not in issuers:
        return Refused("not_allowed", "the token's `iss` is not the configured issuer")
    shown = claims.get("aud")
    named = [shown] if isinstance(shown, str) else shown if isinstance(shown, list) else []
    if not audiences and not named:
        return None
    if not any(one in named for one in audiences or (address,)):
        return Refused(
            "not_allowed",
            "the token's `aud` is not "
            + ("the configured audience" if audiences else "this address, and no audience is configured"),
            "set `audience` to what the sender's settings call audience",
        )
    return None


def texts(option: Json) -> Texts:
    """An option that is a text or a list of texts; empty where it is not set."""
    given = option if isinstance(option, list | tuple) else (option,)
    return tuple(one for one in given if isinstance(one, str) and one)


def _base64url(text: str) -> bytes:
    if "+" in text or "/" in text or "=" in text:
        raise ValueError("not base64url")
    return base64_bytes(text.replace("-", "+").replace("_", "/"))


def _object(text: bytes) -> dict[str, Json] | None:
    try:
        value = decode(text, content_type="application/json", bounds=Bounds(max_depth=20)).payload
    except InboundError:
        return None
    return value if isinstance(value, dict) else None


def _time(claims: Mapping[str, Json], name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _read_key(jwk: Json) -> Key | None:
    """A key that is of no use here is None: a set may hold any."""
    if not isinstance(jwk, Mapping) or jwk.get("use", "sig") != "sig":
        return None
    try:
        key, algorithms = _public(jwk)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if isinstance(declared := jwk.get("alg"), str):
        algorithms &= {declared}
    key_id = jwk.get("kid")
    return Key(key, key_id if isinstance(key_id, str) else None, algorithms) if algorithms else None


def _public(jwk: Mapping[str, Json]) -> tuple[PublicKey, frozenset[str]]:
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            key = RSAPublicNumbers(_integer(jwk["e"]), _integer(jwk["n"])).public_key()
            if key.key_size < MIN_RSA_BITS:
                raise ValueError("too short a key")
            return key, frozenset(RSA_ALGORITHMS)
        case "EC", "P-256":
            point = ec.EllipticCurvePublicNumbers(_integer(jwk["x"]), _integer(jwk["y"]), ec.SECP256R1())
            return point.public_key(), frozenset({"ES256"})
        case "OKP", "Ed25519":
            return Ed25519PublicKey.from_public_bytes(_base64url(jwk["x"])), frozenset({"EdDSA"})
    raise ValueError("another kind of key")


def _integer(text: str) -> int:
    raw = _base64url(text)
    if len(raw) > 2048:  # 16,384 bits; more is an attack on our time
        raise ValueError("too long a number")
    return int.from_bytes(raw, "big")


def _verifies(token: Token, key: PublicKey) -> bool:
    signature = token.signature
    if isinstance(key, RSAPublicKey):
        return is_signed(key, signature, token.signed, RSA_ALGORITHMS[token.algorithm])
    if isinstance(key, Ed25519PublicKey):
        return is_signed(key, signature, token.signed)
    if len(signature) != 64:  # RFC 7518, 3.4: r and s of 32 bytes each
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    return is_signed(key, encode_dss_signature(r, s), token.signed)

"""Digests as senders spell them, secrets as the keys they stand for, and the comparison of both."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

Algorithm: TypeAlias = Literal["sha1", "sha256", "sha384", "sha512"]
Encoding: TypeAlias = Literal["hex", "base64"]
Keys: TypeAlias = Callable[[str], tuple[bytes, ...]]
"""The keys that a secret may stand for; none where it cannot be read."""

DIGEST_BYTES: dict[Algorithm, int] = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
WHSEC = "whsec_"  # before the base64 of a Standard Webhooks secret


def is_spelled(text: str, algorithm: Algorithm, encoding: Encoding) -> bool:
    """
    Whether *text* is spelled as a digest of *algorithm* is: the right length, hex digits in one case,
    base64 with its padding. So no other spelling of the same bytes passes, and all of it is ASCII.
    """
    size = DIGEST_BYTES[algorithm]
    if encoding == "hex":
        return bool(re.fullmatch(f"[0-9a-f]{{{2 * size}}}|[0-9A-F]{{{2 * size}}}", text))
    padding = -size % 3
    digits = (size + padding) // 3 * 4 - padding
    return bool(re.fullmatch(f"[A-Za-z0-9+/]{{{digits}}}={{{padding}}}", text))


def spelling(algorithm: Algorithm, encoding: Encoding) -> str:
    """What `is_spelled` asks for, for a message."""
    size = DIGEST_BYTES[algorithm]
    return f"{2 * size} hex digits" if encoding == "hex" else f"{-(-size // 3) * 4} characters of base64"


def spell(digest: bytes, encoding: Encoding) -> str:
    """Write a digest: lower-case hex, or padded base64."""
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def matches(given: Iterable[str], digests: Iterable[bytes], encoding: Encoding) -> bool:
    """
    Whether any of the signatures *given* (each `is_spelled`) is one of *digests*. How long it takes
    says nothing of where they differ: every pair is compared, each in constant time.
    """
    expected = [spell(digest, encoding).encode() for digest in digests]
    plain = [one.lower() if encoding == "hex" else one for one in given]
    found = False
    for one in plain:
        for digest in expected:
            found |= hmac.compare_digest(digest, one.encode())
    return found


def text_key(secret: str) -> tuple[bytes, ...]:
    """The secret's UTF-8; bytes that an environment variable had and that are none, as they were."""
    try:
        return (secret.encode("utf-8", "surrogateescape"),)
    except UnicodeEncodeError:
        return ()


def base64_key(secret: str) -> tuple[bytes, ...]:
    """
    The base64 behind `whsec_`, which may be left out, as may be the padding.
    Source: Standard Webhooks, "Signature scheme".
    """
    digits = secret.removeprefix(WHSEC).rstrip("=")
    try:
        return (base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True),)
    except ValueError:  # binascii.Error, or not ASCII
        return ()


def hex_key(secret: str) -> tuple[bytes, ...]:
    """The bytes that hex digits write."""
    try:
        return (binascii.unhexlify(secret),)
    except ValueError:
        return ()


def wire(text: str) -> bytes:
    """The bytes of a header's value as they came: servers read them as Latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:  # typed on a command line
        return text.encode("utf-8", "surrogatepass")

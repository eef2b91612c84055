"""
Inbound addresses: tokens that nobody guesses and that a restored server answers again.

A token follows from the server's key, the slug and a rotation counter (interfaces.md, `url`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

LABEL = b"hookline inbound address, version 1"  # keeps this use of the key apart from all others
TOKEN_BYTES = 20  # 160 bits; 128 are promised


def token_deriver(root_key: bytes) -> Callable[[str, int], str]:
    """A function `(slug, rotation) -> token` of 32 characters of [a-z2-7]."""
    key = hmac.digest(root_key, LABEL, hashlib.sha256)

    def token_of(slug: str, rotation: int) -> str:
        code = hmac.digest(key, f"{slug}\n{rotation}".encode(), hashlib.sha256)
        return base64.b32encode(code[:TOKEN_BYTES]).decode().lower()

    return token_of

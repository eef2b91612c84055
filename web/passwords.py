"""
Passwords: hashed and compared with argon2id, one at a time and beside the event loop.

The parameters are those that RFC 9106, section 4, recommends second: 64 MiB, three passes, four lanes
(some 0.1 s). Raising them hashes each password anew when its owner signs in.
"""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import dataclass

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError

HASHER = PasswordHasher(
    time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16, type=Type.ID
)  # fmt: skip
NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$sb4bbgcB99dak/C/LEae2A$JKT0uJ2xC4GFf9qLziMTF2BVHKDX2vJx1rttZCgQKcc"
"""What a password is compared with where there is none to compare with: it shall take as long."""


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a password is the one; `better` is its hash of today where the kept one is of another time."""

    is_right: bool
    better: str | None = None


class Passwords:
    """One hash at a time: each takes 64 MiB and both cores, and strangers may ask for them."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def hash(self, password: str) -> str:
        """What is kept of *password*: parameters, salt and hash as one text."""
        async with self._turn:
            return await asyncio.to_thread(HASHER.hash, _bytes(password))

    async def check(self, password: str, kept: str | None) -> Match:
        """Compare *password* with what is kept; None is never right, and takes as long to say so."""
        async with self._turn:
            is_right = await asyncio.to_thread(_verify, kept or NOBODYS, _bytes(password))
        if kept is None or not is_right:
            return Match(is_right=False)
        return Match(
            is_right=True, better=await self.hash(password) if HASHER.check_needs_rehash(kept) else None
        )


def _verify(kept: str, password: bytes) -> bool:
    try:
        return HASHER.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def _bytes(password: str) -> bytes:
    """The same whichever keyboard wrote it: é is one character or two."""
    return unicodedata.normalize("NFC", password).encode(errors="replace")

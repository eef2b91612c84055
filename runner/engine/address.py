"""
Inbound addresses: tokens that nobody guesses and that a restored server answers again, and paths
that a service has been told before.

A token follows from the server's key, a slug and a rotation counter (interfaces.md, `url`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import re
from collections.abc import Callable, Collection

LABEL = b"hookline inbound address, version 1"  # keeps this use of the key apart from all others
FORM_LABEL = b"hookline public form, version 1"
TOKEN_BYTES = 20  # 160 bits; 128 are promised
HOOKS = "/hooks/"
PLANNED = frozenset(
    {"approvals", "connections", "docs", "failures", "forms", "health", "metrics", "replays", "resume",
     "settings", "workflows"}
)  # fmt: skip
"""First parts of addresses that pages are going to have, so that none of them is given away before."""

LONGEST_PATH = 500
SEGMENT = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})+"  # RFC 3986, pchar
PATH = re.compile(rf"(?:/{SEGMENT})+/?")
LONG_SECRET = 20  # characters without dashes: 80 bits at least where they are random
MIXED = 4  # changes between letters and digits: a UUID has some fourteen, words with a year two


def token_deriver(root_key: bytes) -> Callable[[str, int], str]:
    """A function `(slug, rotation) -> token` of 32 characters of [a-z2-7]."""
    key = hmac.digest(root_key, LABEL, hashlib.sha256)

    def token_of(slug: str, rotation: int) -> str:
        code = hmac.digest(key, f"{slug}\n{rotation}".encode(), hashlib.sha256)
        return base64.b32encode(code[:TOKEN_BYTES]).decode().lower()

    return token_of


def form_deriver(root_key: bytes) -> Callable[[str], str]:
    """
    A function `token -> form token`, both of 32 characters of [a-z2-7]: a public form has an address of
    its own, from which nobody finds the one of the webhook, and which changes with it.
    """
    key = hmac.digest(root_key, FORM_LABEL, hashlib.sha256)

    def form_token_of(token: str) -> str:
        code = hmac.digest(key, token.encode(), hashlib.sha256)
        return base64.b32encode(code[:TOKEN_BYTES]).decode().lower()

    return form_token_of


def check_path(path: str, *, own: Collection[str]) -> None:
    """
    Whether a workflow may answer at exactly *path*, as a request line has it. *own* has the first
    parts of the server's own addresses.

    Raises:
        ValueError: it may not; a sentence.
    """
    parts = path.strip("/").split("/")
    if not path.startswith("/"):
        raise ValueError(f'"{path}" is no path: it begins with /, such as /webhook/orders')
    if len(path) > LONGEST_PATH:
        raise ValueError(f"a path has at most {LONGEST_PATH} characters")
    if not PATH.fullmatch(path) or {".", ".."} & set(parts):
        raise ValueError(
            f'"{path}" cannot be sent as it stands: write it as it is in the address that the service '
            "calls, such as /webhook/orders, without a query"
        )
    first = parts[0]
    if path in {HOOKS, HOOKS.rstrip("/")}:
        raise ValueError(f"{path} is where all addresses are; add something to it, such as /hooks/orders")
    if first.lower() != HOOKS.strip("/") and first.lower() in own:
        raise ValueError(
            f"{path} is one of Hookline's own addresses: nothing under /{first} can be given away"
        )


def can_be_guessed(path: str) -> bool:
    """Whether *path* has no part that looks random: words and numbers can be guessed."""
    return not any(_looks_random(part) for part in path.split("/"))


def _looks_random(part: str) -> bool:
    text = re.sub("[^0-9A-Za-z]", "", part)
    changes = sum(before.isdigit() != after.isdigit() for before, after in itertools.pairwise(text))
    return len(text) >= LONG_SECRET and changes >= MIXED

"""
Secrets in templates: a template sees a slot, the record shows the name, the call gets the value.

A slot's text carries random bits of this one rendering, so no payload can contain one.
"""

from __future__ import annotations

import base64
import re
import secrets as randomness
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from runner.values import dumps

if TYPE_CHECKING:
    from runner.values import Json

OPEN, CLOSE = "\ufdd0", "\ufdd1"  # noncharacters: never in well-formed text of ours
MASK = "•••"
SHORTEST_MASKED = 4  # a shorter secret would mask half of every text


def _nonce() -> str:
    return randomness.token_hex(8)


@dataclass(frozen=True, slots=True)
class SecretSlots:
    """The secrets of one rendering: *values* by name, shown to the template as slots."""

    values: Mapping[str, str]
    nonce: str = field(default_factory=_nonce)

    def slots(self) -> dict[str, str]:
        """What the template sees as `secrets`: name → slot."""
        return {name: f"{OPEN}{self.nonce}:{name}{CLOSE}" for name in self.values}

    def reveal(self, text: str) -> str:
        """The secret itself when *text* is exactly one slot, else *text* (for hmac and sha256)."""
        match = self._pattern().fullmatch(text)
        return self.values[match[1]] if match else text

    def shown(self, value: Json) -> Json:
        """*value* with each slot as `{{ secrets.NAME }}`: what is recorded and digested."""
        return self._map(value, lambda name: f"{{{{ secrets.{name} }}}}")

    def filled(self, value: Json) -> Json:
        """*value* with each slot as the secret: what the call gets, and nothing else."""
        return self._map(value, self.values.__getitem__)

    def _pattern(self) -> re.Pattern[str]:
        return re.compile(f"{OPEN}{self.nonce}:([^{CLOSE}]+){CLOSE}")

    def _map(self, value: Json, text_of: Callable[[str], str]) -> Json:
        def walk(one: Json) -> Json:
            if isinstance(one, str):
                return self._pattern().sub(lambda match: text_of(match[1]), one) if OPEN in one else one
            if isinstance(one, list):
                return [walk(each) for each in one]
            if isinstance(one, dict):
                return {walk(key): walk(each) for key, each in one.items()}
            return one

        return walk(value)


def masked(value: Json, secret_values: frozenset[str]) -> Json:
    """*value* with every secret as `•••`, also base64- or URL-encoded, at any depth."""
    pattern = _pattern_of(secret_values)
    if pattern is None:
        return value

    def walk(one: Json) -> Json:
        if isinstance(one, str):
            return pattern.sub(MASK, one)
        if isinstance(one, list):
            return [walk(each) for each in one]
        if isinstance(one, dict):
            return {walk(key): walk(each) for key, each in one.items()}
        return one

    return walk(value)


@lru_cache(maxsize=4)  # the server's secrets, and those of a moment ago
def _pattern_of(secret_values: frozenset[str]) -> re.Pattern[str] | None:
    needles = {form for secret in secret_values for form in forms_of(secret)}
    longest_first = sorted(needles, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if needles else None


def secrets_in(value: Json, secret_values: frozenset[str]) -> frozenset[str]:
    """Those of *secret_values* that stand in *value* in some form, be it in another case."""
    if not secret_values:
        return secret_values
    text = dumps(value).lower()
    found = {secret for secret, needles in _needles_of(secret_values) if any(one in text for one in needles)}
    return frozenset(found)


@lru_cache(maxsize=4)
def _needles_of(secret_values: frozenset[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each secret with its forms as they stand in JSON, in lower case."""
    return tuple(
        (secret, tuple({dumps(form)[1:-1].lower() for form in forms_of(secret)})) for secret in secret_values
    )


def forms_of(secret: str) -> Iterable[str]:
    """*secret* as it may stand in a text: itself, URL-encoded, in base64; none of a very short one."""
    if len(secret) < SHORTEST_MASKED:
        return
    data = secret.encode()
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    for skipped in range(3):  # base64 of a text that contains the secret, at each of its three phases
        head = base64.b64encode(b"\0" * skipped + data).decode().rstrip("=")
        core = head[(skipped * 8 + 5) // 6 : len(head) - 1]
        if len(core) >= SHORTEST_MASKED:
            yield core
            yield core.replace("+", "-").replace("/", "_")

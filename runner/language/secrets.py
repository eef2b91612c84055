"""
Secrets in templates: a template sees a slot, the record shows the name, the call gets the value.

A slot's text carries random bits of this one rendering, so no payload can contain one.
"""

from __future__ import annotations

import base64
import re
import secrets as randomness
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import re2

from runner.values import dumps

if TYPE_CHECKING:
    from runner.values import Json

OPEN, CLOSE = "\ufdd0", "\ufdd1"  # noncharacters: never in well-formed text of ours
MASK = "•••"
SHORTEST_MASKED = 4  # a shorter secret would mask half of every text
MOST_PATTERN_BYTES = 64 << 20  # what RE2 may hold ready for a thousand secrets
HALVES = "surrogatepass"  # half a character is no text to RE2, and stays as it is


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

    def names_in(self, value: Json) -> frozenset[str]:
        """The names of the secrets whose slots stand in *value*."""
        found: set[str] = set()

        def note(name: str) -> str:
            found.add(name)
            return ""

        self._map(value, note)
        return frozenset(found)

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
    # nearly always there is nothing: one look at all texts in place of one at each
    if not pattern.search("\0".join(_texts_of(value)).encode("utf-8", HALVES)):
        return value

    def walk(one: Json) -> Json:
        if isinstance(one, str):
            data = one.encode("utf-8", HALVES)
            shown: bytes = pattern.sub(MASK.encode(), data)
            return one if shown is data else shown.decode("utf-8", HALVES)
        if isinstance(one, list):
            return [walk(each) for each in one]
        if isinstance(one, dict):
            return {walk(key): walk(each) for key, each in one.items()}
        return one

    return walk(value)


def _texts_of(value: Json) -> Iterator[str]:
    """All texts of a value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _texts_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts_of(each)


@lru_cache(maxsize=4)  # the server's secrets, and those of a moment ago
def _pattern_of(secret_values: frozenset[str]) -> Any:
    """One pattern for them all; None: there is nothing to look for. RE2's time is linear in the text."""
    patterns: dict[str, None] = {}
    for secret in sorted(secret_values, key=len, reverse=True):  # the longest first: one may hold another
        if len(secret) >= SHORTEST_MASKED:
            patterns["".join(map(_as_written, secret))] = None
            patterns |= dict.fromkeys(re2.escape(form) for form in _in_base64(secret))
    if not patterns:
        return None
    options = re2.Options()
    options.max_mem = MOST_PATTERN_BYTES
    return re2.compile("|".join(patterns), options)


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
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield from _in_base64(secret)


def _in_base64(secret: str) -> Iterable[str]:
    """In base64, be it URL-encoded first (as the credentials of an OAuth client are), of either alphabet."""
    encoded = (quote(secret, safe=safe) for safe in SAFE)
    for text in dict.fromkeys((secret, quote_plus(secret), *encoded)):
        data = text.encode()
        for skipped in range(3):  # of a text that contains the secret, at each of its three phases
            head = base64.b64encode(b"\0" * skipped + data).decode().rstrip("=")
            core = head[(skipped * 8 + 5) // 6 : len(head) - 1]
            if len(core) >= SHORTEST_MASKED:
                yield core
                yield core.replace("+", "-").replace("/", "_")


# what is left alone in an address: by those who are strict, in a query (form-encoded), in a path
SAFE = ("", "?/:@-._~!$'()*,", "/:@!$&'()*+,;=~")
ESCAPES = {"\n": "n", "\r": "r", "\t": "t"}
ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


DEEP = 3  # so often an address stands in an address, or JSON in JSON
SLASHES = 2**DEEP - 1  # before a character that JSON escapes, that deep


@lru_cache(maxsize=512)
def _as_written(character: str) -> str:
    """
    A pattern of *character* as it may stand in an address (each library leaves other ones alone, and an
    address in an address is encoded twice), in JSON, in XML or HTML.
    """
    if character.isascii() and (character.isalnum() or character in "-_.~"):
        return str(re2.escape(character))
    percent = "".join(f"%(?:25){{0,{DEEP}}}{_hexadecimal(f'{byte:02x}')}" for byte in character.encode())
    units = character.encode("utf-16-be").hex()
    slashes = rf"\\{{1,{SLASHES}}}"
    json = "".join(f"{slashes}u{_hexadecimal(units[at : at + 4])}" for at in range(0, len(units), 4))
    ways = [rf"\\{{0,{SLASHES}}}{re2.escape(character)}", percent, json]
    if character == " ":
        ways.append(r"\+")
    if character in ENTITIES:
        ways.append(f"&(?:{ENTITIES[character]}|#0{{0,3}}{ord(character)});")
    if character in ESCAPES:
        ways.append(slashes + ESCAPES[character])
    return f"(?:{'|'.join(ways)})"


def _hexadecimal(digits: str) -> str:
    return "".join(one if one.isdigit() else f"[{one}{one.upper()}]" for one in digits)

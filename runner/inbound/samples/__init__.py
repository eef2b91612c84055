"""
Sample events, one file a provider: what `hookline events send --sample` sends. They are written after
each provider's documented fields; the people, shops and numbers in them are invented.

A file `<provider>.http` has its samples one after another, each of this form:

    ### pull_request.opened              the event's type, as the provider calls it
    POST
    Content-Type: application/json
    X-GitHub-Delivery: {{uuid}}

    {"action": "opened", "created_at": "{{iso -5}}"}

A form's body has a line for each field, not encoded; a line that begins with a space goes on with the
one before it. Placeholders are filled when a sample is taken: `{{unix}}`, `{{unix_ms}}`, `{{iso}}`,
`{{iso_ms}}` and `{{iso_local}}` are times, with an offset in seconds where it is not now; `{{uuid}}` and
`{{hex 40 after}}` (also digits, text, lower, upper; their length; a name) are random, and the same
wherever the same one stands in a sample. No signature stands here: a scheme of the provider signs.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import urlencode

from runner.inbound.request import Request
from runner.language.suggest import did_you_mean, one_of
from runner.values import iso

HEADING = "### "
SUFFIX = ".http"
FORM = "application/x-www-form-urlencoded"
PLACEHOLDER = re.compile(r"\{\{(\w+)((?: [\w-]+)*)\}\}")
DIGITS = "0123456789"
LOWER = "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = {
    "hex": "0123456789abcdef",
    "digits": DIGITS,
    "lower": LOWER + DIGITS,
    "upper": LOWER.upper() + DIGITS,
    "text": LOWER + LOWER.upper() + DIGITS,
}


@dataclass(frozen=True, slots=True)
class Sample:
    """An event as its provider would send it, not signed yet. Names of headers are lower-case."""

    method: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The header of that name."""
        return self.headers.get("content-type", "")

    def to(self, url: str) -> Request:
        """The request to *url*."""
        return Request(self.method, url, self.headers, self.body)


def providers_with_samples() -> tuple[str, ...]:
    """The names of all providers of which there is a sample."""
    names = (one.name for one in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)))


def samples_of(provider: str) -> tuple[str, ...]:
    """The types of the bundled samples of *provider*, the usual one first; none of an unknown one."""
    return tuple(_sections(provider))


def sample(provider: str, event_type: str, *, now: float, entropy: bytes) -> Sample:
    """
    The sample of that type, happening *now* (unix seconds), with ids made of *entropy*: two samples
    with other entropy are two deliveries.

    Raises:
        LookupError: there is none; the message names the nearest, or all.
    """
    sections = _sections(provider)
    if not sections:
        known = providers_with_samples()
        hint = did_you_mean(provider, known) or one_of(known, most=len(known))
        raise LookupError(f'there are no samples of "{provider}"; {hint}')
    if event_type not in sections:
        hint = did_you_mean(event_type, sections) or one_of(sections, most=len(sections))
        raise LookupError(f'there is no sample "{event_type}" of {provider}; {hint}')
    text = PLACEHOLDER.sub(lambda one: _filled(one, now, entropy), sections[event_type])
    head, _blank, body = text.partition("\n\n")
    method, *lines = head.splitlines()
    headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    is_form = headers.get("content-type", "").partition(";")[0] == FORM
    return Sample(method, headers, (urlencode(list(_fields(body))) if is_form else body).encode())


@cache
def _sections(provider: str) -> dict[str, str]:
    """The text of each sample by its type."""
    if provider not in providers_with_samples():  # nor is a path made of it
        return {}
    text = files(__name__).joinpath(provider + SUFFIX).read_text(encoding="utf-8")
    parts = re.split(f"^{HEADING}", text, flags=re.MULTILINE)[1:]
    return {title: section.strip() for title, _newline, section in (part.partition("\n") for part in parts)}


def _fields(body: str) -> Iterator[tuple[str, str]]:
    for line in re.sub(r"\n\s+", "", body).splitlines():
        name, _equals, value = line.partition("=")
        yield name, value


def _filled(placeholder: re.Match[str], now: float, entropy: bytes) -> str:
    kind, words = placeholder[1], placeholder[2].split()
    if kind in ALPHABETS:
        return _random(ALPHABETS[kind], int(words[0]), entropy + placeholder[0].encode())
    if kind == "uuid":
        return str(uuid.UUID(bytes=_bytes(16, entropy + placeholder[0].encode()), version=4))
    at = now + (int(words[0]) if words else 0)
    return _time(kind, at)


def _time(kind: str, at: float) -> str:
    exact = iso(at) or ""
    return {
        "unix": str(int(at)),
        "unix_ms": str(int(at * 1000)),
        "iso": f"{exact[:19]}Z",
        "iso_ms": exact,
        "iso_local": exact[:19],  # WordPress writes no zone
    }[kind]


def _random(alphabet: str, length: int, seed: bytes) -> str:
    made = "".join(alphabet[byte % len(alphabet)] for byte in _bytes(length, seed))
    return "7" + made[1:] if alphabet == DIGITS and made.startswith("0") else made  # no number begins with 0


def _bytes(count: int, seed: bytes) -> bytes:
    return hashlib.shake_256(seed).digest(count)

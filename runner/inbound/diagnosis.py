"""
Why a request was refused, by trying: would it have passed with another body, secret, address or clock?
For people only; nothing is accepted by what is found here.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from runner.inbound.digests import WHSEC
from runner.inbound.providers import PROVIDERS
from runner.inbound.providers.provider import Provider, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import Passed, Refused
from runner.inbound.verify import verify

MAX_BYTES = 256 << 10  # of a body that is tried in other forms: a refused sender shall cost little
MAX_SECRETS = 5
HOUR = 3600.0
LEGACY = {  # headers of signatures that a provider still sends and that are never enough
    "x-hub-signature": "X-Hub-Signature, which GitHub and Meta make with SHA-1",
    "x-square-signature": "x-square-signature, which Square makes with SHA-1",
    "x-servicehook-signature": "X-ServiceHook-Signature of Sentry's old service hooks",
}
TEST_SECRETS = {  # of tests before a webhook exists: everybody knows them
    "zendesk": "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==",
}


def diagnose(request: Request, provider: Provider, trust: Trust, now: float) -> str:
    """
    The likely mistake behind a refusal and its mend, in a sentence without secrets: the first thing that
    would have made *request* pass. Without such a thing, the refusal's own hint; empty where the request
    is not refused. *now* in unix seconds. Costs some tens of signatures, of small bodies only.
    """
    verdict = verify(request, provider, trust, now=now, fetched={})
    if not isinstance(verdict, Refused):
        return ""
    match verdict.code:
        case "missing":
            return _missing(request, provider) or verdict.hint
        case "stale":
            return _stale(request, provider, trust, now) or verdict.hint
        case "no_secret" | "mismatch" | "malformed" if trust.secrets and len(request.body) <= MAX_BYTES:
            return _found(request, provider, trust, now) or verdict.hint
        case _:
            return verdict.hint


def _found(request: Request, provider: Provider, trust: Trust, now: float) -> str:
    """What the first variation that passes says of the cause. The clock is left out of it."""
    trust = replace(trust, secrets=trust.secrets[:MAX_SECRETS], tolerance_seconds=math.inf)

    def passes(changed: Request, trusted: Trust = trust) -> bool:
        return isinstance(verify(changed, provider, trusted, now=now, fetched={}), Passed)

    for secret in trust.secrets:
        for cause, other in _secrets(secret):
            if passes(request, replace(trust, secrets=(other,))):
                return f"the secret here {cause}"
    known = TEST_SECRETS.get(provider.name)
    if known and passes(request, replace(trust, secrets=(known,))):
        return (
            f"this is {provider.title}'s test, signed with a secret that everybody knows; send a real event"
        )
    for cause, body in _bodies(request.body):
        if passes(replace(request, body=body)):
            return f"the body was changed on its way: {cause}; pass the raw bytes on as they came"
    for cause, url in _urls(request.url):
        if passes(replace(request, url=url)):
            return f"the sender signed {cause}: set `public_url` to the address that is entered there"
    return ""


def _secrets(secret: str) -> Iterator[tuple[str, str]]:
    """What people paste, and what it should have been."""
    stripped = secret.strip().strip("\ufeff\u200b").strip()
    if stripped != secret:
        yield "has white space before or behind it; set it again without", stripped
    quoted = stripped.strip("\"'`")
    if quoted != stripped:
        yield "has quotation marks around it; set it again without", quoted
    name, equals, value = stripped.partition("=")
    if equals and value.strip("=") and name.replace("_", "").isalnum():
        yield "is a line NAME=value; set the value alone", value.strip().strip("\"'")
    if stripped.lower().startswith("bearer "):
        yield "begins with `Bearer`; set the token alone", stripped[7:].strip()
    if stripped.startswith(WHSEC):
        yield f"is the key without `{WHSEC}` for this sender; set it without", stripped.removeprefix(WHSEC)
    else:
        yield f"lacks its beginning `{WHSEC}`; copy it whole", WHSEC + stripped
    raw = base64.b64encode(stripped.encode("utf-8", "surrogatepass")).decode()
    yield "is the key itself, and this provider's is written in base64; choose hmac, or encode it", raw
    try:
        decoded = base64.b64decode(stripped.removeprefix(WHSEC) + "==")
        # bytes that are no UTF-8 become the same bytes again when a key is made of them
        yield (
            "is base64 of the key that the sender uses; choose the right `provider`, or decode it",
            (decoded.decode("utf-8", "surrogateescape")),
        )
    except ValueError:
        pass


def _bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    """What the sender may have signed, where *body* is what became of it."""
    for end in (b"\r\n", b"\n", b" "):
        if body.endswith(end):
            yield "something is behind its end, such as a newline", body.removesuffix(end)
    if body.rstrip() != body:
        yield "white space is behind its end", body.rstrip()
    yield "the newline at its end is gone", body + b"\n"
    yield "the newline at its end is gone", body + b"\r\n"
    if b"\r\n" in body:
        yield "its line ends became CRLF", body.replace(b"\r\n", b"\n")
    elif b"\n" in body:
        yield "its line ends became LF", body.replace(b"\n", b"\r\n")
    if body.startswith(b"\xef\xbb\xbf"):
        yield "a byte order mark was put before it", body[3:]
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    cause = "it was parsed and written anew"
    yield f"{cause}; the sender wrote it compactly", json.dumps(value, separators=(",", ":")).encode()
    unescaped = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    yield f"{cause}; the sender wrote it compactly", unescaped
    yield f"{cause}; the sender wrote spaces in it", json.dumps(value).encode()
    yield (
        f"{cause}; the sender indented it",
        json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"),
    )
    yield (
        f"{cause}; the sender wrote / as \\/",
        json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode(),
    )


def _urls(url: str) -> Iterator[tuple[str, str]]:
    """The address as the sender may know it."""
    parts = urlsplit(url)
    other = "http" if parts.scheme == "https" else "https"
    yield f"the address with {other}://", urlunsplit(parts._replace(scheme=other))
    path = parts.path.removesuffix("/") if parts.path.endswith("/") else f"{parts.path}/"
    yield "the address with a slash more or less at its end", urlunsplit(parts._replace(path=path))
    if parts.query:
        yield "the address without its query", urlunsplit(parts._replace(query=""))
    if ":" in parts.netloc:
        bare = parts.netloc.rpartition(":")[0]
        yield "the address without its port", urlunsplit(parts._replace(netloc=bare))


def _missing(request: Request, provider: Provider) -> str:
    """What came instead of the signature."""
    for header, what in LEGACY.items():
        if header in request.headers and not any(scheme.applies(request) for scheme in provider.schemes):
            return f"it has only {what}; that is not accepted: turn on the sender's newer signature"
    for other in PROVIDERS.values():
        if other.name != provider.name and _shows_headers_of(request, other):
            return f"it has what {other.title} signs with: is `provider` the right one?"
    return ""


def _shows_headers_of(request: Request, other: Provider) -> bool:
    bare = replace(
        request, body=b"", headers={k: v for k, v in request.headers.items() if k != "authorization"}
    )
    return any(scheme.applies(bare) for scheme in other.schemes)


def _stale(request: Request, provider: Provider, trust: Trust, now: float) -> str:
    """Whether the clocks differ by whole hours, as they do where a time zone was taken for UTC."""
    for hours in (*range(1, 15), *range(-14, 0)):
        shifted = verify(request, provider, trust, now=now - hours * HOUR, fetched={})
        if isinstance(shifted, Passed):
            side = "behind" if hours > 0 else "ahead"
            return (
                f"the signature is right, and its time is {abs(hours)} h {side} ours to the minute: this"
                " request was replayed, or a clock is set to another time zone"
            )
    return ""

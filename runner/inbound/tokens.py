"""
Shared words instead of signatures: a token in a header or the query, HTTP Basic, and the digests that
older senders make of a secret and some text. None but the last covers the body.

Sources: RFC 6750 (Bearer), RFC 7617 (Basic).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.inbound.claim import ASK_SENDER, Place, with_query
from runner.inbound.digests import is_spelled, matches, text_key, wire
from runner.inbound.request import Request
from runner.inbound.signature import TOLERANCE_SECONDS, UNLIKE, unreadable_secret
from runner.inbound.timestamps import check_age, read_timestamp, write_timestamp
from runner.inbound.verdict import NO_SECRET, Passed, Refused, Verdict

if TYPE_CHECKING:  # the table of providers imports this module
    from runner.inbound.providers.provider import Trust

UNKNOWN_TOKEN = "the sender has another token than the secret here; copy it again, without white space"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Token:
    """The secret itself, behind `prefix` (`Bearer `, its case does not matter)."""

    place: Place
    prefix: str = ""
    absent: str = ASK_SENDER

    def applies(self, request: Request) -> bool:
        """Whether there is anything at its place."""
        return self.place.read(request) is not None

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Compare with every secret."""
        del now, fetched
        given = self.place.read(request)
        if given is None:
            return Refused("missing", f"the request has no {self.place.label}", self.absent)
        if given[: len(self.prefix)].lower() != self.prefix.lower():
            return Refused("malformed", f"{self.place.label} does not begin with `{self.prefix.strip()}`")
        given = given[len(self.prefix) :].strip()
        if not given:
            return Refused("malformed", f"{self.place.label} is empty")
        keys = secret_keys(trust)
        if not keys:
            return unreadable_secret(trust)
        if not is_one_of(given, keys):
            return Refused("mismatch", f"{self.place.label} is not the secret here", UNKNOWN_TOKEN)
        return Passed(self.place.label)

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """Put the first secret in its place."""
        del now
        return self.place.write(request, self.prefix + first_secret(trust))


@dataclass(frozen=True, slots=True)
class Basic:
    """A user's name, which is no secret, and a password, which is."""

    user: str

    def applies(self, request: Request) -> bool:
        """Whether the request has an Authorization."""
        return "authorization" in request.headers

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Compare both, whichever of them is wrong."""
        del now, fetched
        if not self.applies(request):
            return Refused("missing", "the request has no Authorization", ASK_SENDER)
        scheme, _space, credentials = request.header("authorization").partition(" ")
        if scheme.lower() != "basic":
            return Refused("unsupported", "Authorization is not of the scheme Basic")
        try:
            pair = base64.b64decode(credentials.strip(), validate=True)
        except ValueError:
            return Refused("malformed", "Authorization is not Basic and base64")
        user, colon, password = pair.partition(b":")
        if not colon:
            return Refused("malformed", "Authorization has no colon between user and password")
        keys = secret_keys(trust)
        if not keys:
            return unreadable_secret(trust)
        is_user = hmac.compare_digest(user, self.user.encode("utf-8", "surrogatepass"))
        is_password = any(hmac.compare_digest(password, key) for key in keys)
        if not (is_user & is_password):
            return Refused("mismatch", "Authorization has another user or password", UNKNOWN_TOKEN)
        return Passed("Authorization")

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """Put user and first secret into Authorization."""
        del now
        pair = base64.b64encode(f"{self.user}:{first_secret(trust)}".encode()).decode()
        return replace(request, headers={**request.headers, "authorization": f"Basic {pair}"})


@dataclass(frozen=True, slots=True)
class SecretDigest:
    """
    Plain SHA-256 (hex) of the secret and then some text, by the version that a header names. No
    time is signed, so what was sent once can be sent again: the delivery id has to stop it.
    """

    header: str
    version_header: str
    versions: Mapping[str, Callable[[Request], bytes]]

    def applies(self, request: Request) -> bool:
        """Whether the request has the header, of whatever version."""
        return self.header.lower() in request.headers

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Compare with the digest of each secret."""
        del now, fetched
        if not self.applies(request):
            return Refused("missing", f"the request has no {self.header}", ASK_SENDER)
        signed = self.versions.get(request.header(self.version_header.lower()))
        if signed is None:
            known = " or ".join(self.versions)
            return Refused("unsupported", f"{self.version_header} is not {known}")
        given = request.header(self.header.lower())
        if not is_spelled(given, "sha256", "hex"):
            return Refused("malformed", f"{self.header} is not 64 hex digits")
        keys = secret_keys(trust)
        if not keys:
            return unreadable_secret(trust)
        text = signed(request)
        if not matches([given], [hashlib.sha256(key + text).digest() for key in keys], "hex"):
            return Refused(
                "mismatch", f"{self.header} does not match what is signed with the secret here", UNLIKE
            )
        return Passed(self.header)

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """Sign by the first version."""
        del now
        version, signed = next(iter(self.versions.items()))
        digest = hashlib.sha256(first_secret(trust).encode("utf-8", "surrogateescape") + signed(request))
        marks = {self.header.lower(): digest.hexdigest(), self.version_header.lower(): version}
        return replace(request, headers={**request.headers, **marks})


@dataclass(frozen=True, slots=True)
class SortedDigest:
    """
    SHA-1 (hex) over the secret, a timestamp and a nonce in order of their bytes, all in the query; the
    body is not covered.
    """

    tolerance_seconds: float = TOLERANCE_SECONDS

    def applies(self, request: Request) -> bool:
        """Whether the query has a signature."""
        return "signature" in request.query

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """Compare with the digest of each secret, then look at the time."""
        del fetched
        query = request.query
        for name in ("signature", "timestamp", "nonce"):
            if name not in query:
                return Refused("missing", f'the request has no "{name}" in the query', ASK_SENDER)
        sent_at = read_timestamp(query["timestamp"], "unix")
        if not is_spelled(query["signature"], "sha1", "hex"):
            return Refused("malformed", '"signature" in the query is not 40 hex digits')
        if sent_at is None:
            return Refused("malformed", '"timestamp" in the query is not a time in unix seconds')
        keys = secret_keys(trust)
        if not keys:
            return unreadable_secret(trust)
        digests = [_sorted_sha1(key, query["timestamp"], query["nonce"]) for key in keys]
        if not matches([query["signature"]], digests, "hex"):
            reason = '"signature" in the query does not match what is signed with the token here'
            return Refused("mismatch", reason, UNKNOWN_TOKEN)
        tolerance = self.tolerance_seconds if trust.tolerance_seconds is None else trust.tolerance_seconds
        stale = check_age('"timestamp" in the query', sent_at, now=now, tolerance_seconds=tolerance)
        return stale or Passed('"signature" in the query')

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """Sign at *now*, with a nonce that follows from it."""
        timestamp = write_timestamp(now, "unix")
        nonce = hashlib.sha256(f"{now}".encode() + request.body).hexdigest()[:10]
        digest = _sorted_sha1(first_secret(trust).encode("utf-8", "surrogateescape"), timestamp, nonce)
        return with_query(request, {"signature": digest.hex(), "timestamp": timestamp, "nonce": nonce})


def is_one_of(given: str, keys: list[bytes]) -> bool:
    """
    Whether a header's or a query's value is one of *keys*, compared as bytes in constant time: those of
    the wire, or UTF-8 where the text was decoded already.
    """
    shown = (wire(given), given.encode("utf-8", "surrogatepass"))
    return any(hmac.compare_digest(one, key) for one in shown for key in keys)


def secret_keys(trust: Trust) -> list[bytes]:
    """Every secret's bytes, empty ones left out."""
    return [key for secret in trust.secrets for key in text_key(secret) if key]


def first_secret(trust: Trust) -> str:
    """
    The secret to sign with.

    Raises:
        ValueError: there is none.
    """
    if not trust.secrets or not trust.secrets[0]:
        raise ValueError(NO_SECRET.reason)
    return trust.secrets[0]


def _sorted_sha1(key: bytes, timestamp: str, nonce: str) -> bytes:
    parts = sorted([key, timestamp.encode(), nonce.encode("utf-8", "surrogatepass")])
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()

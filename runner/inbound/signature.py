"""
HMAC signatures: one scheme for all who use them, told apart by where the claim stands
(runner/inbound/claim.py), what bytes are signed, and how the secret is a key.

Sources: RFC 2104 (HMAC), the Standard Webhooks specification, and each provider's page.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from runner.inbound.claim import Carrier, Claim
from runner.inbound.digests import (
    Algorithm,
    Encoding,
    Keys,
    is_spelled,
    matches,
    spell,
    spelling,
    text_key,
    wire,
)
from runner.inbound.request import Request
from runner.inbound.timestamps import EXAMPLES, Clock, check_age, read_timestamp, write_timestamp
from runner.inbound.verdict import NO_SECRET, Passed, Refused, Verdict
from runner.language.verification import signed_parts

if TYPE_CHECKING:  # the table of providers imports this module
    from runner.inbound.providers.provider import Scheme, Trust

Signed: TypeAlias = Callable[[Request, Claim], tuple[bytes, ...] | Refused]
"""
The bytes that are signed; several where senders are known to differ, any of which may match; refused
where the request is such that a signature would not cover its body.
"""

TOLERANCE_SECONDS = 300.0
UNLIKE = "the secret here and the sender's differ, or something changed the body on its way"


def template(text: str) -> Signed:
    """
    What `{{ timestamp }}.{{ body }}` says, of body, timestamp, id and url.

    Raises:
        ValueError: it names something else.
    """
    parts = signed_parts(text)

    def signed(request: Request, claim: Claim) -> tuple[bytes, ...]:
        values = {
            "body": request.body,
            "timestamp": wire(claim.timestamp),
            "id": wire(claim.id),
            "url": request.url.encode("utf-8", "surrogatepass"),
        }
        return (b"".join(values[part] if is_name else part.encode() for part, is_name in parts),)

    return signed


BODY = template("{{ body }}")


@dataclass(frozen=True, slots=True)
class Hmac:
    """
    An HMAC. With `clock` the claim has a timestamp, which may be off by `tolerance_seconds` both ways
    unless the workflow says otherwise.
    """

    carrier: Carrier
    signed: Signed = BODY
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    keys: Keys = text_key
    clock: Clock | None = None
    tolerance_seconds: float = TOLERANCE_SECONDS

    def applies(self, request: Request) -> bool:
        """Whether there is anything where the signature stands."""
        return self.carrier.applies(request)

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """
        Judge it: the claim's form, then the signature, then its age, so that "too old" is said of what
        was rightly signed only.
        """
        del fetched
        claim = self.carrier.read(request)
        if isinstance(claim, Refused):
            return claim
        where = self.carrier.label
        given = [one for one in claim.signatures if is_spelled(one, self.algorithm, self.encoding)]
        if not given:
            form = f"{spelling(self.algorithm, self.encoding)}, which {self.algorithm.upper()} gives"
            return Refused("malformed", f"the signature in {where} is not {form}")
        sent_at = read_timestamp(claim.timestamp, self.clock) if self.clock else now
        if sent_at is None:
            wanted = EXAMPLES[self.clock or "unix"]
            return Refused("malformed", f"{self.carrier.time_label} is not {wanted}")
        keys = [key for secret in trust.secrets for key in self.keys(secret) if key]
        if not keys:
            return unreadable_secret(trust)
        messages = self.signed(request, claim)
        if isinstance(messages, Refused):
            return messages
        digests = [hmac.digest(key, message, self.algorithm) for key in keys for message in messages]
        if not matches(given, digests, self.encoding):
            return Refused("mismatch", f"{where} does not match what is signed with the secret here", UNLIKE)
        tolerance = self.tolerance_seconds if trust.tolerance_seconds is None else trust.tolerance_seconds
        stale = check_age(self.carrier.time_label, sent_at, now=now, tolerance_seconds=tolerance)
        return stale or Passed(where)

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """
        Sign with the first secret, at *now*. An id is made where the request shows none.

        Raises:
            ValueError: there is no secret, or it cannot be read.
        """
        keys = [key for secret in trust.secrets[:1] for key in self.keys(secret) if key]
        if not keys:
            raise ValueError(unreadable_secret(trust).reason)
        shown = self.carrier.read(request)
        kept = shown.id if isinstance(shown, Claim) else ""
        made = f"msg_{hashlib.sha256(f'{now}'.encode() + request.body).hexdigest()[:27]}"
        claim = Claim((), write_timestamp(now, self.clock) if self.clock else "", kept or made)
        request = self.carrier.prepare(request, claim)
        messages = self.signed(request, claim)
        if isinstance(messages, Refused):
            raise ValueError(messages.reason)  # noqa: TRY004 - of what it says, not of its type
        signature = spell(hmac.digest(keys[0], messages[0], self.algorithm), self.encoding)
        return self.carrier.write(request, Claim((signature,), claim.timestamp, claim.id))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """
    Several schemes of one sender, any of which may show who it is: a token or a signature, whichever
    the workflow has the secret or the key of. None is weaker for the other: each needs what it needs.
    """

    schemes: tuple[Scheme, ...]

    def applies(self, request: Request) -> bool:
        """Whether any does."""
        return any(scheme.applies(request) for scheme in self.schemes)

    def check(self, request: Request, trust: Trust, *, now: float, fetched: Mapping[str, bytes]) -> Verdict:
        """The first that passes; else the refusal that says most: of a scheme that could judge."""
        refusals: list[Refused] = []
        for scheme in [one for one in self.schemes if one.applies(request)] or self.schemes[:1]:
            verdict = scheme.check(request, trust, now=now, fetched=fetched)
            if not isinstance(verdict, Refused):
                return verdict
            refusals.append(verdict)
        return min(refusals, key=lambda one: one.code in ("no_secret", "unsupported"))

    def sign(self, request: Request, trust: Trust, *, now: float) -> Request:
        """Sign by the first."""
        return self.schemes[0].sign(request, trust, now=now)


def unreadable_secret(trust: Trust) -> Refused:
    """The refusal where no secret gives a key."""
    if not trust.secrets:
        return NO_SECRET
    return Refused(
        "no_secret",
        "the secret of this address cannot be read as the key that this provider uses",
        "copy it again from the sender's settings, whole, with its prefix and without white space",
    )

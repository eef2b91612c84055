"""
Samples: events that a person makes of what a provider sends, signed with the workflow's own secret, so that
all can be tried before anything real comes. An event says in its first gate that it is one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.engine.verifying import lacks_secret, trust_of
from runner.errors import HooklineError, NotFound
from runner.inbound.providers import provider_of
from runner.inbound.providers.provider import Trust
from runner.inbound.samples import Sample, sample
from runner.language.verification import GENERIC

if TYPE_CHECKING:
    from runner.engine.runs import Event, Gate
    from runner.inbound.providers.provider import Provider
    from runner.inbound.request import Request
    from runner.language.verification import Verification
    from runner.values import Json

TESTS = ("test", "sample")
"""Modes of runs that a person tries: their actions are sent, or shown only."""

STEADY_SECONDS = 600.0  # a sample that is only looked at is the same for so long


def sampled(gate: Gate, *, by: str, is_sent: bool) -> Gate:
    """
    *gate*, the first one of an event, saying that this is a sample that *by* made; *is_sent*: its runs
    send their actions for real.
    """
    facts = {**gate.facts, "sample": "sent" if is_sent else "shown", "by": by}
    return replace(gate, reason=f"a sample that {by} made", facts=facts)


def is_sample(event: Event) -> bool:
    """Whether it was made by a person to try the workflow."""
    return any("sample" in gate.facts for gate in event.gates[:1])


def mode_of(event: Event, mode: str) -> str:
    """The mode of a run of *event*, whose workflow says *mode*."""
    if not is_sample(event):
        return mode
    return "test" if event.gates[0].facts["sample"] == "sent" else "sample"


@dataclass(frozen=True, slots=True)
class Letter:
    """Samples of `type` by `provider`, signed as `signer` does (None: not at all)."""

    provider: str
    type: str
    signer: Provider | None
    trust: Trust

    def sample(self, now: float) -> Sample:
        """A new sample of *now* (unix seconds). Raises NotFound."""
        try:
            return sample(self.provider, self.type, now=now, entropy=os.urandom(16))
        except LookupError as error:
            raise NotFound(str(error)) from None

    def request(self, url: str, now: float) -> Request:
        """
        A new sample, addressed to *url* and signed.

        Raises:
            NotFound: there is no such sample.
            HooklineError: only the provider can sign it, or the secret cannot be used.
        """
        request = self.sample(now).to(url)
        if self.signer is None:
            return request
        try:
            return self.signer.schemes[0].sign(request, self.trust, now=now)
        except NotImplementedError:
            raise HooklineError(
                f"{self.signer.title} signs with a key that only it has, so no sample of it passes the door"
            ) from None
        except ValueError as error:
            raise HooklineError(f"the sample cannot be signed: {error}") from None


def letter_of(
    verification: Verification | None, provider: str, event_type: str, secrets: Mapping[str, str]
) -> Letter:
    """
    What to send to a workflow that verifies so, signed with what *secrets* has.

    Raises:
        HooklineError: the secret is not set.
    """
    if verification is None:
        return Letter(provider, event_type, None, Trust())
    trust = trust_of(verification, secrets)
    if lacks_secret(verification, trust):
        missing = missing_secret(verification, secrets)
        raise HooklineError(
            f"the secret {missing} is not set on this server, so nothing can be signed with it and "
            "everything is refused"
        )
    return Letter(provider, event_type, provider_of(verification), trust)


def missing_secret(verification: Verification, secrets: Mapping[str, str]) -> str:
    """The first name of a secret that *verification* asks for and the server has not."""
    options = [str(verification.options[one]) for one in sorted(verification.secret_options)]
    return next((one for one in (*verification.secrets, *options) if not secrets.get(one)), "")


def verified_provider(verification: Verification | None) -> str | None:
    """The provider whose events a workflow verifies; None: of nobody in particular."""
    return verification.provider if verification and verification.provider not in GENERIC else None


def steady_sample(provider: str, event_type: str, now: float) -> Sample:
    """A sample to look at: the same for a while, so that what is computed of it can be remembered."""
    entropy = hashlib.sha256(f"{provider} {event_type}".encode()).digest()[:16]
    try:
        return sample(provider, event_type, now=now - now % STEADY_SECONDS, entropy=entropy)
    except LookupError as error:
        raise NotFound(str(error)) from None


def sample_event(event: Event, found: Sample) -> Event:
    """*event* with the request of a sample."""
    return replace(
        event, method=found.method, headers=dict(found.headers), content_type=found.content_type,
        body=found.body, size=len(found.body),
    )  # fmt: skip


def as_json(found: Sample, payload: Json) -> dict[str, Json]:
    """`{payload, headers, method}` as the API gives it."""
    return {"payload": payload, "headers": dict(found.headers), "method": found.method}

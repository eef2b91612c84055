"""
Verify: is this request from the sender that the workflow names? Pure: what a check has to fetch it
asks for, and is asked again with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from runner.inbound.providers.provider import Handshake, Provider, Trust
from runner.inbound.request import Request
from runner.inbound.verdict import NO_SECRET, Reply, Verdict


def verify(
    request: Request, provider: Provider, trust: Trust, *, now: float, fetched: Mapping[str, bytes]
) -> Verdict:
    """
    Judge *request* by *provider*'s schemes, *now* in unix seconds. An empty secret counts as none,
    and without any everything is refused. Never raises for what a sender sent.
    """
    if any(not secret for secret in trust.secrets):
        trust = Trust(tuple(filter(None, trust.secrets)), trust.options, trust.tolerance_seconds)
    if provider.needs_secret and not trust.secrets:
        return NO_SECRET
    scheme = next((one for one in provider.schemes if one.applies(request)), provider.schemes[0])
    return scheme.check(request, trust, now=now, fetched=fetched)


def shake_hands(handshakes: tuple[Handshake, ...], request: Request, trust: Trust) -> Reply | None:
    """The answer of the first handshake that the request is."""
    for handshake in handshakes:
        reply = handshake(request, trust)
        if reply is not None:
            return reply
    return None

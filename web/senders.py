"""
What is asked of a sender beside its signature: where it comes from, which certificate it shows, how
often it comes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.engine.runs import Gate
from runner.inbound.addresses import Network, Origin, find_origin, is_allowed
from runner.inbound.addresses import refusal as address_refusal
from runner.inbound.client_certificates import refusal as certificate_refusal
from runner.inbound.client_certificates import shown_certificate
from runner.inbound.rate import RateMeter

if TYPE_CHECKING:
    from runner.language.workflow import Webhook

NOTED_SECONDS = 1.0  # of a flood past its rate one request in each second is kept, to be seen


@dataclass(frozen=True, slots=True)
class Turned:
    """Turned away with `status` at `gate`. `is_kept`: whether it is worth a row; a flood is not."""

    status: int
    gate: Gate
    retry_after_seconds: int | None = None
    is_kept: bool = True


@dataclass(slots=True)
class Senders:
    """
    The rules of one server: `trusted` are the proxies in front of it, `certificate_header` is where
    these pass on a client certificate, or empty.
    """

    trusted: tuple[Network, ...] = ()
    certificate_header: str = ""
    _rates: RateMeter = field(default_factory=RateMeter)
    _noted: dict[str, float] = field(default_factory=dict)  # when a flood was last kept, by workflow

    def origin(self, peer: str, headers: Mapping[str, str]) -> Origin:
        """Who sent what *peer*, the other end of the connection, handed to us."""
        return find_origin(peer, headers, self.trusted)

    def turned(self, webhook: Webhook, scope: Mapping[str, Any], headers: Mapping[str, str]) -> Turned | None:
        """Why a request may not come in, by its address and its certificate, or None."""
        peer = peer_of(scope)
        if webhook.allow_ips:
            why = address_refusal(self.origin(peer, headers), webhook.allow_ips)
            if why is not None:
                return Turned(403, Gate("address", "stopped", why))
        if webhook.client_certificate is not None:
            shown = shown_certificate(
                scope.get("state", {}).get("client_certificate"),
                headers,
                header=self.certificate_header,
                is_from_proxy=is_allowed(peer, self.trusted),
            )
            why = certificate_refusal(webhook.client_certificate, shown)
            if why is not None:
                return Turned(403, Gate("certificate", "stopped", why))
        return None

    def too_often(self, slug: str, webhook: Webhook, *, now: float) -> Turned | None:
        """
        Count a request to the workflow *slug* that was verified: one that is not its sender's must not
        use up the sender's share. Why it is one too many at *now* (unix seconds), or None.
        """
        limit = webhook.rate_limit
        seconds = self._rates.take(slug, limit, now) if limit else None
        if limit is None or seconds is None:
            return None
        is_kept = not 0 <= now - self._noted.get(slug, -math.inf) < NOTED_SECONDS
        if is_kept:
            self._noted[slug] = now
        gate = Gate("rate", "stopped", f"more than {limit.count} requests within {limit.seconds:g} s")
        return Turned(429, gate, max(1, math.ceil(seconds)), is_kept=is_kept)


def peer_of(scope: Mapping[str, Any]) -> str:
    """The address of the connection's other end; empty where it has none."""
    client = scope.get("client")
    return str(client[0]) if client else ""

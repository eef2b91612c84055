"""
Examine: whether a request whose body was read is its sender's, can be read, is wanted and is of the
form that was agreed: verify, decode, name, choose, compare. What follows is accepting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from runner.engine.names import bounds_of, payload_of
from runner.engine.runs import Gate
from runner.engine.verifying import judge, lacks_secret, trust_of
from runner.errors import InboundError
from runner.inbound.events import matches
from runner.inbound.providers import provider_of
from runner.inbound.providers.provider import Identity
from runner.inbound.request import Request
from runner.inbound.schema_check import check_payload, in_words
from runner.inbound.verdict import NO_SECRET, Refused, Reply
from runner.inbound.verify import shake_hands
from runner.values import Json

if TYPE_CHECKING:
    from runner.engine.library import Live
    from runner.engine.runs import Event
    from runner.engine.verifying import Fetcher
    from runner.inbound.providers.provider import Provider

MOST_NOTES = 5  # in a gate; whoever looks at the event sees all
UNVERIFIED = Gate("signature", "passed", "the workflow asks for no verification of its senders")
TRUSTED = Gate("signature", "passed", "a test's events are not signed")


@dataclass(frozen=True, slots=True)
class Examiner:
    """`secrets()` has the server's secrets by name, `fetch` what a check has to fetch."""

    secrets: Callable[[], Mapping[str, str]]
    fetch: Fetcher


@dataclass(frozen=True, slots=True)
class Stopped:
    """The gate at which it ends, and the HTTP status of the answer."""

    gate: Gate
    status: int


@dataclass(frozen=True, slots=True)
class Greeted:
    """It is a handshake, which starts nothing and has this answer."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Examined:
    """
    It passed: `event` with its type, delivery id and gates, and what its body holds. `is_ignored`: the
    workflow does not want events of its type. `thanks` is the answer that its provider demands, where
    that is another than ours.
    """

    event: Event
    payload: Json
    files: Mapping[str, bytes] = field(default_factory=dict)
    is_ignored: bool = False
    thanks: Reply | None = None


Outcome: TypeAlias = Examined | Greeted | Stopped


async def examine(examiner: Examiner, live: Live, event: Event, *, url: str, now: float) -> Outcome:
    """Judge *event*, which came to *url* (with its query) as its sender knows it; timestamps by *now*."""
    webhook = live.workflow.webhook
    if webhook is None or webhook.verification is None:
        return _read(live, event, UNVERIFIED, None, None)
    verification = webhook.verification
    request = Request(event.method, url, event.headers, event.body)
    provider = provider_of(verification)
    trust = trust_of(verification, examiner.secrets())
    if lacks_secret(verification, trust):
        return _refused(NO_SECRET)
    reply = shake_hands(provider.unsigned, request, trust)
    if reply is not None:
        return Greeted(reply)
    verdict = await judge(request, provider, trust, now=now, fetch=examiner.fetch)
    if isinstance(verdict, Refused):
        return _refused(verdict)
    reply = shake_hands(provider.signed, request, trust)
    if reply is not None:
        return Greeted(reply)
    return _read(live, event, Gate("signature", "passed", f"proved by {verdict.by}"), request, provider)


def examine_trusted(live: Live, event: Event, *, url: str) -> Examined | Stopped:
    """As `examine`, with a sender who is taken at its word: that of a test."""
    webhook = live.workflow.webhook
    if webhook is None or webhook.verification is None:
        return _read(live, event, UNVERIFIED, None, None)
    request = Request(event.method, url, event.headers, event.body)
    return _read(live, event, TRUSTED, request, provider_of(webhook.verification))


def answers_handshakes(live: Live) -> bool:
    """Whether the workflow's provider may come with a handshake, by any method."""
    webhook = live.workflow.webhook
    if webhook is None or webhook.verification is None:
        return False
    provider = provider_of(webhook.verification)
    return bool(provider.unsigned or provider.signed)


def _read(
    live: Live, event: Event, signature: Gate, request: Request | None, provider: Provider | None
) -> Examined | Stopped:
    """What a verified request holds, whether it is wanted, and whether it is of the agreed form."""
    webhook = live.workflow.webhook
    if provider and provider.reads_as:
        event = replace(event, content_type=provider.reads_as)
    try:
        decoded = payload_of(event, bounds_of(live.workflow))
    except InboundError as error:
        return Stopped(Gate("size" if error.status == 413 else "body", "stopped", str(error)), error.status)
    identity, thanks = Identity(), None
    if provider and request:
        identity = provider.identify(request, decoded.payload)
        thanks = provider.thanks(request, decoded.payload) if provider.thanks else None
    gates = (*event.gates, signature)
    if decoded.notes:
        gates = (*gates, Gate("body", "passed", "; ".join(decoded.notes[:MOST_NOTES])))
    is_ignored = False
    if webhook and webhook.events:
        names = [name for name in (identity.type, *identity.also) if name is not None]
        is_ignored = not matches(webhook.events, names)
        gates = (*gates, _wanted(identity, is_ignored=is_ignored))
    if webhook and webhook.schema and not is_ignored:
        found = check_payload(webhook.schema, decoded.payload)
        if found and webhook.on_mismatch_rejects:
            return Stopped(Gate("schema", "stopped", in_words(found)), 422)
        gates = (*gates, Gate("schema", "passed", in_words(found)))
    event = replace(event, type=identity.type, delivery_id=identity.delivery_id, gates=gates)
    return Examined(event, decoded.payload, decoded.files, is_ignored=is_ignored, thanks=thanks)


def _wanted(identity: Identity, *, is_ignored: bool) -> Gate:
    if not is_ignored:
        return Gate("type", "passed")
    return Gate("type", "stopped", f"the workflow does not want {identity.type or 'events without a type'}")


def _refused(refused: Refused) -> Stopped:
    # a check that cannot be made now: with a 503 the sender tries again
    return Stopped(refusal(refused), 503 if refused.code == "unavailable" else 401)


def refusal(refused: Refused) -> Gate:
    """The gate of a request whose sender is not who it should be, or cannot be shown to be."""
    hint = f"; {refused.hint}" if refused.hint else ""
    return Gate("signature", "stopped", f"{refused.reason}{hint}", {"code": refused.code})

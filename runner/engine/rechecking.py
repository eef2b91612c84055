"""
Recheck: requests that were refused, or held without being verified, are judged again with the
secrets of today: providers show a secret only after their first delivery.

Each that passes is accepted once, with the id that it has: what it becomes, its delivery key and its
runs are one transaction, which finds it as it was or does nothing. Timestamps are judged at the time
of receiving. What was refused for something else than its signature or its content stays refused:
its address, its certificate or its rate are not there to be judged again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from runner.engine.accept import NO_VERSION, new_runs
from runner.engine.admission import delivery_of
from runner.engine.examining import Greeted, Stopped, examine
from runner.engine.release import has_room, let_go, tell_worker
from runner.engine.runs import Disposition, Gate
from runner.engine.splitting import MOST_ITEMS, items_of, told
from runner.errors import NotFound, NotSplit
from runner.inbound.addresses import Origin, refusal
from runner.values import Json, iso

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.engine.accept import Door
    from runner.engine.admission import Admitted, Delivery
    from runner.engine.examining import Examiner
    from runner.engine.library import Library, Live
    from runner.engine.runs import Event, NewRun

JUDGED_AGAIN = frozenset({Disposition.REJECTED, Disposition.HELD})
JUDGED = frozenset({"signature", "body", "size", "type", "schema"})  # gates that depend on what is kept
HANDSHAKE = Gate(
    "signature", "stopped", "it is a handshake: its sender waited for an answer, and has to ask again"
)
UNREAD = "its body was refused unread, so there is nothing to judge"
MOST_REASONS = 5


@dataclass(frozen=True, slots=True)
class Again:
    """
    An event as it shall stand, where it is *was* still: accepted with its runs (a duplicate if its
    delivery was seen, held at the gate *hold*), or ignored.
    """

    event: Event
    was: Disposition
    runs: tuple[NewRun, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    delivery: Delivery | None = None
    hold: Gate | None = None


class Rechecks(Protocol):
    """What keeps refused requests. All methods raise StoreUnavailable."""

    async def refused(
        self, workflow: str, *, since: float | None, held_too: bool, after: int
    ) -> tuple[Sequence[Event], int]:
        """
        The next rejected events of the workflow, and held ones where *held_too*, received at or after
        *since*, in the order of their coming: a bounded portion after the one with that number, and the
        number of its last. No events: that was all.
        """

    async def admit(self, found: Sequence[Again]) -> Sequence[Admitted | None]:
        """Write what became of each in one transaction; None for one that is not as it was any more."""


@dataclass(slots=True)
class Rechecked:
    """
    What became of the refused requests of one workflow. `counts` by disposition; what is refused
    still counts as "rejected", what is held still as "held"; "unjudged" cannot be judged again.
    """

    workflow: str
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    is_full: bool = False  # the backlog: some are left

    def as_json(self) -> Json:
        """`{workflow, accepted, duplicate, …, reasons: [{reason, count}], backlog_full}`."""
        words = ("accepted", "duplicate", "ignored", "held", "dropped", "rejected", "unjudged")
        reasons = self.reasons.most_common(MOST_REASONS)
        return {
            "workflow": self.workflow,
            **{word: self.counts[word] for word in words},
            "reasons": [{"reason": reason, "count": count} for reason, count in reasons],
            "backlog_full": self.is_full,
        }


@dataclass(frozen=True, slots=True)
class Rechecker:
    """Judges refused requests of the workflows in *library* again; *public_url* is the server's own."""

    door: Door
    rechecks: Rechecks
    library: Library
    examiner: Examiner
    public_url: str

    async def recheck(
        self, workflow: str, *, since: float | None = None, unjudged_alone: bool = False
    ) -> Rechecked:
        """
        Judge all that was refused of one workflow, as far as the backlog has room; with
        *unjudged_alone* only what was held for want of a version without faults.

        Raises:
            NotFound: there is no such workflow.
            StoreUnavailable: the portions before are done.
        """
        done = Rechecked(workflow)
        live = self.library.get(workflow)
        if live is None:
            raise NotFound(f"there is no workflow {workflow}")
        if live.workflow.webhook is None:
            return done
        after = 0
        while True:
            # what a pause holds it goes on holding: then there is no use in looking at it
            held_too = self.door.hold(live.workflow) is None
            events, after = await self.rechecks.refused(workflow, since=since, held_too=held_too, after=after)
            if not events:
                return done
            if not has_room(self.door):
                done.is_full = True
                return done
            await self._portion(live, [one for one in events if not unjudged_alone or is_unjudged(one)], done)

    async def recheck_all(self, *, since: float | None = None) -> list[Rechecked]:
        """The same of all workflows. Raises StoreUnavailable."""
        return [await self.recheck(live.workflow.slug, since=since) for live in self.library.all()]

    async def _portion(self, live: Live, events: Sequence[Event], done: Rechecked) -> None:
        found: list[Again] = []
        for event in events:
            if event.disposition not in JUDGED_AGAIN:
                continue  # another was quicker, between two reads
            judged = await self._judge(live, event)
            if isinstance(judged, Again):
                found.append(judged)
                if sum(len(one.runs) for one in found) >= MOST_ITEMS:  # events that are split into many
                    await self._admit(found, done)
                    found = []
                continue
            is_judged = judged.reason != UNREAD and judged.name in JUDGED
            done.counts[event.disposition.value if is_judged else "unjudged"] += 1
            done.reasons[judged.reason] += 1
        await self._admit(found, done)

    async def _admit(self, found: Sequence[Again], done: Rechecked) -> None:
        admitted = [one for one in await self.rechecks.admit(found) if one]
        done.counts.update(one.disposition.value for one in admitted)
        tell_worker(self.door, admitted)

    async def _judge(self, live: Live, event: Event) -> Again | Gate:
        """How it shall stand, or the gate at which it is stopped still."""
        was = event.disposition
        stopped = next((gate for gate in event.gates if gate.verdict == "stopped"), None)
        if was is Disposition.REJECTED and stopped is not None:
            if stopped.name not in JUDGED:
                return stopped
            if stopped.name == "size" and not event.body:
                return Gate("size", "stopped", UNREAD)
        if is_unjudged(event) and (gate := _unfit(event, live)) is not None:
            return gate
        now = self.door.clock()
        url = url_of(event, live, self.public_url)
        kept = tuple(
            let_go(gate, now) for gate in event.gates if gate.name not in {*JUDGED, "duplicate", "split"}
        )
        examined = await examine(
            self.examiner, live, replace(event, gates=kept), url=url, now=event.received_at
        )
        if isinstance(examined, Greeted):
            return HANDSHAKE
        if isinstance(examined, Stopped):
            return examined.gate
        fresh = tuple(_noted(gate, stopped, now) for gate in examined.event.gates)
        event = replace(examined.event, gates=fresh)
        if examined.is_ignored:
            return Again(replace(event, disposition=Disposition.IGNORED), was)
        try:
            items = items_of(live.workflow, event, examined.payload)
        except NotSplit as error:
            return Gate("body", "stopped", str(error))
        if items is not None:
            event = replace(event, gates=(*event.gates, told(items)))
        runs = await new_runs(self.door, live, event, examined.payload, items, now=now)
        delivery, gate = delivery_of(live.workflow, event, examined.payload, runs[0].id if runs else "")
        if delivery:  # seen now, so that no later one of the same is let in
            within = delivery.expires_at - event.received_at
            delivery = replace(delivery, expires_at=now + within)
        gates = (*event.gates, gate) if gate else event.gates
        event = replace(event, disposition=Disposition.ACCEPTED, gates=gates)
        hold = self.door.hold(live.workflow)
        return Again(event, was, tuple(runs), examined.files, delivery, hold)


def _unfit(event: Event, live: Live) -> Gate | None:
    """Why a request that nobody has judged may not come in, by what is asked beside its signature."""
    webhook = live.workflow.webhook
    assert webhook is not None
    if event.method not in webhook.methods:
        return Gate("method", "stopped", f"this address takes {', '.join(webhook.methods)}")
    if webhook.client_certificate is not None:
        return Gate("certificate", "stopped", "nobody has looked at its sender's certificate when it came")
    doubt = next((text for gate in event.gates if isinstance(text := gate.facts.get("doubt"), str)), "")
    if webhook.allow_ips and (why := refusal(Origin(event.source_ip, doubt), webhook.allow_ips)):
        return Gate("address", "stopped", why)
    return None


def is_unjudged(event: Event) -> bool:
    """Whether it was held before there was a version without faults to judge it by."""
    return event.disposition is Disposition.HELD and NO_VERSION.name in {gate.name for gate in event.gates}


def at(raw_path: str) -> dict[str, Json]:
    """The facts of a gate that keep where a request came to, so that its URL is known again."""
    return {"path": raw_path}


def path_of(token: str, rest: str) -> str:
    """Where a request comes to at the address of *token* and, decoded, the *rest* behind it."""
    return f"/hooks/{token}/{quote(rest)}" if rest else f"/hooks/{token}"


def url_of(event: Event, live: Live, public_url: str) -> str:
    """
    The address of a kept request as its sender knew it: by the path that a gate noted (`at`), else by
    the address that the workflow has now.
    """
    noted = next((path for gate in event.gates if isinstance(path := gate.facts.get("path"), str)), None)
    path = noted or path_of(live.token, event.path)
    return f"{public_url}{path}{f'?{event.query}' if event.query else ''}"


def _noted(gate: Gate, stopped: Gate | None, now: float) -> Gate:
    """The gate that stopped it says that it does so no more."""
    if stopped is None or gate.name != stopped.name:
        return gate
    before = f"; at first: {stopped.reason}" if stopped.reason else ""
    return replace(gate, reason=f"{gate.reason or 'passed'}, judged again at {iso(now)}{before}")

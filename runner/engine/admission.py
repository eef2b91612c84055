"""
Admission: whether an event starts runs at once, later or not at all. Once by its delivery key, in
order by its concurrency key.

The keys are computed here, before the transaction that accepts; what became of them is decided
inside it, by the store alone, so that it holds over all processes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from runner.engine.names import scope_at_the_door
from runner.engine.runs import Disposition, Gate, Reason
from runner.errors import ExpressionError
from runner.values import Json, dumps, iso

if TYPE_CHECKING:
    from runner.engine.runs import Event
    from runner.language.workflow import Workflow

OWN_SECONDS = 7 * 86400.0  # for which a form sent twice, or an event of our own, is known again
LONGEST_KEY = 200  # characters; a longer one stands as its digest
ONCE = Gate("duplicate", "passed")


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    What makes an event the same as another of its workflow until `expires_at`. With
    `retries_failed` it is let in again when all runs of the first one failed.
    """

    key: str
    expires_at: float
    retries_failed: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """A run's place in the line of `key`: at most `limit` of them go at a time, in order."""

    key: str
    limit: int
    when_full: Literal["queue", "drop", "replace"] = "queue"


@dataclass(frozen=True, slots=True)
class Admitted:
    """
    What the transaction made of an event. `event_id` and `run_id` are those of the first event for
    a duplicate (`run_id` None: it has no run). `handed` are runs whose first turn began with it;
    `replaced` are running ones that were asked to end for a new one.
    """

    disposition: Disposition
    event_id: str
    run_id: str | None = None
    handed: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()


def delivery_of(
    workflow: Workflow, event: Event, payload: Json, run_id: str
) -> tuple[Delivery | None, Gate | None]:
    """
    The event's delivery key, or None where it has none, and the gate that says so.

    A key that cannot be evaluated is no reason to lose an event: it counts as none, and is said.
    An empty text names nothing, as null.
    """
    if event.trigger in ("manual", "hookline") and event.delivery_id:  # ours: it never means another event
        return Delivery(event.delivery_id, event.received_at + OWN_SECONDS, retries_failed=False), ONCE
    once = workflow.webhook.deduplicate if workflow.webhook and event.trigger == "webhook" else None
    if once is None:
        return None, None
    value: Json = event.delivery_id
    if once.key is not None:
        try:
            value = once.key.evaluate(scope_at_the_door(event, workflow, payload, run_id))
        except ExpressionError as error:
            return None, Gate("duplicate", "passed", f"its key could not be evaluated: {error}")
    if value is None or value == "":
        return None, None
    # a text as it is: an id counts as the same whether a provider or the workflow's author read it
    text = value if isinstance(value, str) else dumps(_sorted(value))
    return Delivery(_bounded(text), event.received_at + once.within_seconds, once.retries_failed), ONCE


def slot_of(workflow: Workflow, event: Event, payload: Json, run_id: str) -> Slot | None:
    """
    The place that a new run takes, or None without `concurrency`. Null is a key of its own, shared by
    all whose key is null or cannot be evaluated; without `key` all runs of the workflow share one.
    """
    limits = workflow.concurrency
    if limits is None:
        return None
    value: Json = None
    if limits.key is not None:
        try:
            value = limits.key.evaluate(scope_at_the_door(event, workflow, payload, run_id))
        except ExpressionError:
            value = None
    # as JSON, so that null is none of the texts
    return Slot(_bounded(dumps(_sorted(value))), limits.limit, limits.when_full)


def waits_for_slot(slot: Slot) -> Reason:
    """Why a run is queued although nothing else keeps it."""
    goes = "1 run goes" if slot.limit == 1 else f"{slot.limit} runs go"
    sentence = f"Waits for its turn: {goes} at a time for the concurrency key {slot.key}."
    return Reason("concurrency", sentence, {"key": slot.key, "limit": slot.limit})


def replaced_by(run_id: str) -> Reason:
    """Why a run was cancelled for a newer one of its key."""
    sentence = f"Replaced by {run_id}, a newer run of its concurrency key."
    return Reason("cancelled", sentence, {"replaced_by": run_id})


def duplicate_of(delivery: Delivery, event_id: str, received_at: float | None, *, is_same: bool) -> Gate:
    """Why an event starts nothing: it was received before (None: that event is not kept any more)."""
    at = f" at {iso(received_at)}" if received_at is not None else ""
    but = "" if is_same else "; its body differs from that one's"
    reason = f"this delivery was received{at} already, as event {event_id}{but}"
    facts = {"first": event_id, "key": delivery.key, "same_body": is_same}
    return Gate("duplicate", "stopped", reason, facts)


def dropped_for(slot: Slot) -> Gate:
    """Why an event starts nothing: its key is taken, and the workflow asks to drop it then."""
    goes = "a run goes" if slot.limit == 1 else f"{slot.limit} runs go"
    reason = f"{goes} already for the concurrency key {slot.key}, and `when_full` is drop"
    return Gate("concurrency", "stopped", reason, {"key": slot.key, "limit": slot.limit})


def _bounded(text: str) -> str:
    if len(text) <= LONGEST_KEY:
        return text
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"


def _sorted(value: Json) -> Json:
    """The same value for the same content: the order of an object's keys says nothing."""
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value

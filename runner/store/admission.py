"""
Admission inside the transaction that accepts: once by the delivery key, in order by the slots of
the concurrency key. Everything is decided from rows, so it holds over all processes on the store. A
delivery key is locked by its row, a line by `lock_line`, in this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.engine.admission import (
    Admitted,
    Delivery,
    Slot,
    dropped_for,
    duplicate_of,
    replaced_by,
    waits_for_slot,
)
from runner.engine.runs import Disposition, Event, Gate, NewRun, Status
from runner.store.queries import SQL, read
from runner.store.rows import event_parameters, gates_text, new_run_parameters, packed, text_or_none
from runner.store.tables import Transaction

ADMISSION = read("admission.sql")


@dataclass(frozen=True, slots=True)
class Started:
    """What became of one run. `dropped` is the gate for which it was not written."""

    is_handed: bool = False
    replaced: tuple[str, ...] = ()
    dropped: Gate | None = None


def is_plain(runs: Sequence[NewRun], delivery: Delivery | None, hold: Gate | None) -> bool:
    """Whether there is nothing to decide: the event and its runs are written as they are."""
    return delivery is None and hold is None and all(run.slot is None for run in runs)


def delivery_parameters(event: Event, delivery: Delivery) -> dict[str, Any]:
    """What `take_delivery` is asked with; the event's id comes back where the key was to be had."""
    return {
        "workflow": event.workflow,
        "key": delivery.key,
        "event_id": event.id,
        "expires_at": delivery.expires_at,
        "now": event.received_at,
        "retries_failed": delivery.retries_failed,
    }


async def admit(
    transaction: Transaction,
    event: Event,
    runs: Sequence[NewRun],
    *,
    delivery: Delivery | None,
    hold: Gate | None,
) -> Admitted:
    """Write *event* as what it turns out to be, and its runs where it is accepted."""
    if delivery is not None and not await _take_delivery(transaction, event, delivery):
        return await _write_duplicate(transaction, event, delivery)
    if hold is not None and await _holds(transaction, event.workflow, hold):
        return await _write_stopped(transaction, event, Disposition.HELD, hold)
    await transaction.execute(SQL["insert_event"], event_parameters(event))
    return await start_runs(transaction, event.id, event.gates, runs, now=event.received_at)


async def admit_again(
    transaction: Transaction,
    event: Event,
    runs: Sequence[NewRun],
    *,
    was: Disposition,
    delivery: Delivery | None,
    hold: Gate | None,
    now: float,
) -> Admitted | None:
    """
    As `admit`, for an event that is kept already as *was*, and that begins *now* if it does. None where
    it is that no more: somebody was quicker.
    """
    row = {
        "event_id": event.id,
        "was": was.value,
        "disposition": event.disposition.value,
        "gates": gates_text(event.gates),
        "type": event.type,
        "delivery_id": event.delivery_id,
        "content_type": event.content_type,
    }
    if not await transaction.execute(ADMISSION["admit_again"], row):
        return None
    if delivery is not None and not await _take_delivery(transaction, event, delivery):
        first, told, is_same, run_id = await _first(transaction, event, delivery)
        gates = (*(gate for gate in event.gates if gate.name != "duplicate"), told)
        await _stop_again(transaction, event, Disposition.DUPLICATE, gates, drops_body=is_same)
        return Admitted(Disposition.DUPLICATE, first, run_id)
    if hold is not None and await _holds(transaction, event.workflow, hold):
        await _stop_again(transaction, event, Disposition.HELD, (*event.gates, hold), drops_body=False)
        return Admitted(Disposition.HELD, event.id)
    if event.disposition is not Disposition.ACCEPTED:
        return Admitted(event.disposition, event.id)
    return await start_runs(transaction, event.id, event.gates, runs, now=now)


async def start_runs(
    transaction: Transaction,
    event_id: str,
    gates: tuple[Gate, ...],
    runs: Sequence[NewRun],
    *,
    now: float,
) -> Admitted:
    """Write *runs* of an event that is accepted; the event is dropped where all of them are."""
    for workflow, key in sorted({(run.workflow, run.slot.key) for run in runs if run.slot}):
        await lock_line(transaction, workflow, key)  # all at first and in one order
    handed, replaced, dropped = set(), set(), []
    first = None
    for run in runs:
        started = await _start_run(transaction, event_id, run, now)
        if started.dropped:
            dropped.append(started.dropped)
            continue
        first = first or run.id
        replaced |= set(started.replaced)
        if started.is_handed:
            handed.add(run.id)
    if first is None and dropped:
        row = {"event_id": event_id, "gates": gates_text((*gates, dropped[0]))}
        await transaction.execute(ADMISSION["drop_event"], row)
        return Admitted(Disposition.DROPPED, event_id)
    return Admitted(Disposition.ACCEPTED, event_id, first, frozenset(handed), frozenset(replaced))


async def lock_line(transaction: Transaction, workflow: str, key: str) -> None:
    """Have the line of *key* for ourselves until the transaction ends, as the triggers do."""
    await transaction.lock(f"{workflow}\n{key}")


async def stand_in_line(transaction: Transaction, run_id: str, workflow: str, slot: Slot) -> None:
    """Put a queued run at the end of its key's line, which is locked, and let go on who may."""
    line = {"workflow": workflow, "key": slot.key, "limit": slot.limit}
    reason = text_or_none(waits_for_slot(slot).as_json())
    await transaction.execute(ADMISSION["stand_in_line"], {**line, "run_id": run_id, "reason": reason})
    while await transaction.execute(ADMISSION["take_slot"], line):
        pass


async def stand_in_line_as(transaction: Transaction, run_id: str, *, origin: str) -> None:
    """Put a run that is queued for a replay at the end of the line in which *origin* stood, if any."""
    workflow, key, limit = await transaction.one(ADMISSION["line_of_run"], {"run_id": origin})
    if key is not None:
        await lock_line(transaction, workflow, key)
        await stand_in_line(transaction, run_id, workflow, Slot(key, limit))


async def forget_deliveries(transaction: Transaction, now: float, most: int) -> int:
    """Delete at most *most* delivery keys that have expired; how many it were."""
    return await transaction.execute(ADMISSION["forget_deliveries"], {"now": now, "most": most})


async def _take_delivery(transaction: Transaction, event: Event, delivery: Delivery) -> bool:
    row = delivery_parameters(event, delivery)
    return await transaction.row(ADMISSION["take_delivery"], row) is not None


async def _write_duplicate(transaction: Transaction, event: Event, delivery: Delivery) -> Admitted:
    """Its body only where that differs from the first one's, so that a storm of repeats stays small."""
    first, told, is_same, run_id = await _first(transaction, event, delivery)
    gates = tuple(gate for gate in event.gates if gate.name != "duplicate")
    body = b"" if is_same else event.body
    await _write_stopped(transaction, replace(event, gates=gates, body=body), Disposition.DUPLICATE, told)
    return Admitted(Disposition.DUPLICATE, first, run_id)


async def _first(
    transaction: Transaction, event: Event, delivery: Delivery
) -> tuple[str, Gate, bool, str | None]:
    """The event of which *event* is a duplicate, the gate that says so, if the bodies are one, its run."""
    row = {"workflow": event.workflow, "key": delivery.key, "body": packed(event.body)}
    first, at, is_same, run_id = await transaction.one(ADMISSION["first_delivery"], row)
    return first, duplicate_of(delivery, first, at, is_same=bool(is_same)), bool(is_same), run_id


async def _stop_again(
    transaction: Transaction,
    event: Event,
    disposition: Disposition,
    gates: tuple[Gate, ...],
    *,
    drops_body: bool,
) -> None:
    row = {"event_id": event.id, "disposition": disposition.value, "gates": gates_text(gates)}
    await transaction.execute(ADMISSION["stop_again"], {**row, "drops_body": drops_body})


async def _holds(transaction: Transaction, workflow: str, hold: Gate) -> bool:
    """A pause may have gone since this process looked: what were held then, nobody would release."""
    if hold.name != "paused":
        return True
    return await transaction.row(ADMISSION["is_held"], {"workflow": workflow}) is not None


async def _write_stopped(
    transaction: Transaction, event: Event, disposition: Disposition, gate: Gate
) -> Admitted:
    stopped = replace(event, disposition=disposition, gates=(*event.gates, gate))
    await transaction.execute(SQL["insert_event"], event_parameters(stopped))
    return Admitted(disposition, event.id)


async def _start_run(transaction: Transaction, event_id: str, run: NewRun, now: float) -> Started:
    row = new_run_parameters(run, event_id, now)
    if run.slot is None:
        await transaction.execute(SQL["insert_run"], row)
        return Started(is_handed=run.owner is not None)
    replaced: tuple[str, ...] = ()
    if run.slot.when_full != "queue" and (excess := await _excess(transaction, run, run.slot)):
        if run.slot.when_full == "drop":
            return Started(dropped=dropped_for(run.slot))
        replaced = await _replace(transaction, run, run.slot, excess, now)
    await transaction.execute(SQL["insert_run"], {**row, "owner": None})
    await stand_in_line(transaction, run.id, run.workflow, run.slot)
    if run.owner is None:
        return Started(replaced=replaced)
    turn = {"run_id": run.id, "turn": 1, "node": run.owner, "now": now}
    is_handed = await transaction.row(SQL["claim"], turn) is not None  # not, if it has to wait
    return Started(is_handed=is_handed, replaced=replaced)


async def _excess(transaction: Transaction, run: NewRun, slot: Slot) -> int:
    """How many that go would have to end for the new one to begin at once; at least 1 if one waits."""
    holders, is_waiting = await transaction.one(ADMISSION["in_line"], _line(run, slot))
    return max(int(holders) + 1 - slot.limit, int(is_waiting), 0)


async def _replace(
    transaction: Transaction, run: NewRun, slot: Slot, excess: int, now: float
) -> tuple[str, ...]:
    """
    Cancel those of the key that wait, and of those that go the oldest, as many as are in the way;
    the running ones among these, which can only be asked.
    """
    line = _line(run, slot)
    end: dict[str, Any] = {"by": run.id, "now": now, "reason": text_or_none(replaced_by(run.id).as_json())}
    await transaction.execute(ADMISSION["cancel_waiting_in_line"], {**line, **end})
    holders = await transaction.rows(ADMISSION["holders"], line)
    asked = []
    for run_id, status, is_asked in holders[:excess]:
        if is_asked:
            continue
        if status == Status.RUNNING:
            await transaction.execute(ADMISSION["ask_holder"], {"run_id": run_id, "by": run.id})
            asked.append(str(run_id))
        else:
            await transaction.execute(ADMISSION["cancel_holder"], {**end, "run_id": run_id})
    return tuple(asked)


def _line(run: NewRun, slot: Slot) -> dict[str, Any]:
    return {"workflow": run.workflow, "key": slot.key}

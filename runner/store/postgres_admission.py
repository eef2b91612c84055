"""
Admission inside the transaction that accepts, on PostgreSQL: as admission.py, with the locks that
several processes need. A delivery key is locked by its row, a line by `lock_line`, in this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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
from runner.store.admission import Started
from runner.store.postgres_database import execute, fetch, fetch_row
from runner.store.postgres_rows import searchable
from runner.store.rows import event_parameters, gates_text, new_run_parameters, packed

if TYPE_CHECKING:
    from runner.store.postgres_database import Connection


async def admit(
    connection: Connection,
    event: Event,
    runs: Sequence[NewRun],
    *,
    delivery: Delivery | None,
    hold: Gate | None,
) -> Admitted:
    """Write *event* as what it turns out to be, and its runs where it is accepted."""
    if delivery is not None and not await _take_delivery(connection, event, delivery):
        return await _write_duplicate(connection, event, delivery)
    if hold is not None and await _holds(connection, event.workflow, hold):
        return await _write_stopped(connection, event, Disposition.HELD, hold)
    await execute(connection, "insert_event", event_parameters(event))
    return await start_runs(connection, event.id, event.gates, runs, now=event.received_at)


async def start_runs(
    connection: Connection, event_id: str, gates: tuple[Gate, ...], runs: Sequence[NewRun], *, now: float
) -> Admitted:
    """Write *runs* of an event that is accepted; the event is dropped where all of them are."""
    for workflow, key in sorted({(run.workflow, run.slot.key) for run in runs if run.slot}):
        await lock_line(connection, workflow, key)  # all at first and in one order
    handed, replaced, dropped = set(), set(), []
    first = None
    for run in runs:
        started = await _start_run(connection, event_id, run, now)
        if started.dropped:
            dropped.append(started.dropped)
            continue
        first = first or run.id
        replaced |= set(started.replaced)
        if started.is_handed:
            handed.add(run.id)
    if first is None and dropped:
        row = {"event_id": event_id, "gates": gates_text((*gates, dropped[0]))}
        await execute(connection, "drop_event", row)
        return Admitted(Disposition.DROPPED, event_id)
    return Admitted(Disposition.ACCEPTED, event_id, first, frozenset(handed), frozenset(replaced))


async def lock_line(connection: Connection, workflow: str, key: str) -> None:
    """Have the line of *key* for ourselves until the transaction ends."""
    await fetch(connection, "lock_line", {"workflow": workflow, "key": key})


async def stand_in_line(connection: Connection, run_id: str, workflow: str, slot: Slot) -> None:
    """Put a queued run at the end of its key's line, which is locked, and let go on who may."""
    line = {"workflow": workflow, "key": slot.key, "limit": slot.limit}
    reason = searchable(waits_for_slot(slot).as_json())
    await execute(connection, "stand_in_line", {**line, "run_id": run_id, "reason": reason})
    while await execute(connection, "take_slot", line):
        pass


async def stand_in_line_as(connection: Connection, run_id: str, *, origin: str) -> None:
    """Put a run that is queued for a replay at the end of the line in which *origin* stood, if any."""
    row = await fetch_row(connection, "line_of_run", {"run_id": origin})
    if row is None or row[1] is None:
        return
    workflow, key, limit = row
    await lock_line(connection, workflow, key)
    await stand_in_line(connection, run_id, workflow, Slot(key, limit))


async def _take_delivery(connection: Connection, event: Event, delivery: Delivery) -> bool:
    row = {
        "workflow": event.workflow,
        "key": delivery.key,
        "event_id": event.id,
        "expires_at": delivery.expires_at,
        "now": event.received_at,
        "retries_failed": delivery.retries_failed,
    }
    return await fetch_row(connection, "take_delivery", row) is not None


async def _write_duplicate(connection: Connection, event: Event, delivery: Delivery) -> Admitted:
    """Its body only where that differs from the first one's, so that a storm of repeats stays small."""
    row = {"workflow": event.workflow, "key": delivery.key, "body": packed(event.body)}
    found = await fetch_row(connection, "first_delivery", row)
    assert found is not None  # its row is what was in the way
    first, at, is_same, run_id = found
    gates = tuple(gate for gate in event.gates if gate.name != "duplicate")
    told = duplicate_of(delivery, first, at, is_same=bool(is_same))
    body = b"" if is_same else event.body
    await _write_stopped(connection, replace(event, gates=gates, body=body), Disposition.DUPLICATE, told)
    return Admitted(Disposition.DUPLICATE, first, run_id)


async def _holds(connection: Connection, workflow: str, hold: Gate) -> bool:
    """A pause may have gone since this process looked: what were held then, nobody would release."""
    if hold.name != "paused":
        return True
    return await fetch_row(connection, "is_held", {"workflow": workflow}) is not None


async def _write_stopped(
    connection: Connection, event: Event, disposition: Disposition, gate: Gate
) -> Admitted:
    stopped = replace(event, disposition=disposition, gates=(*event.gates, gate))
    await execute(connection, "insert_event", event_parameters(stopped))
    return Admitted(disposition, event.id)


async def _start_run(connection: Connection, event_id: str, run: NewRun, now: float) -> Started:
    row = new_run_parameters(run, event_id, now)
    if run.slot is None:
        await execute(connection, "insert_run", row)
        return Started(is_handed=run.owner is not None)
    replaced: tuple[str, ...] = ()
    if run.slot.when_full != "queue" and (excess := await _excess(connection, run, run.slot)):
        if run.slot.when_full == "drop":
            return Started(dropped=dropped_for(run.slot))
        replaced = await _replace(connection, run, run.slot, excess, now)
    await execute(connection, "insert_run", {**row, "owner": None})
    await stand_in_line(connection, run.id, run.workflow, run.slot)
    if run.owner is None:
        return Started(replaced=replaced)
    turn = {"run_ids": [run.id], "turns": [1], "node": run.owner, "now": now}
    is_handed = await fetch_row(connection, "claim", turn) is not None  # not, if it has to wait
    return Started(is_handed=is_handed, replaced=replaced)


async def _excess(connection: Connection, run: NewRun, slot: Slot) -> int:
    """How many that go would have to end for the new one to begin at once; at least 1 if one waits."""
    row = await fetch_row(connection, "in_line", _line(run, slot))
    assert row is not None
    holders, is_waiting = row
    return max(int(holders) + 1 - slot.limit, int(is_waiting), 0)


async def _replace(
    connection: Connection, run: NewRun, slot: Slot, excess: int, now: float
) -> tuple[str, ...]:
    """
    Cancel those of the key that wait, and of those that go the oldest, as many as are in the way;
    the running ones among these, which can only be asked.
    """
    line = _line(run, slot)
    end: dict[str, Any] = {"by": run.id, "now": now, "reason": searchable(replaced_by(run.id).as_json())}
    await execute(connection, "cancel_waiting_in_line", {**line, **end})
    holders = await fetch(connection, "holders", line)
    asked = []
    for run_id, status, is_asked in holders[:excess]:
        if is_asked:
            continue
        if status == Status.RUNNING:
            await execute(connection, "ask_holder", {"run_id": run_id, "by": run.id})
            asked.append(str(run_id))
        else:
            await execute(connection, "cancel_holder", {**end, "run_id": run_id})
    return tuple(asked)


def _line(run: NewRun, slot: Slot) -> dict[str, Any]:
    return {"workflow": run.workflow, "key": slot.key}

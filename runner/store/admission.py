"""
Admission inside the transaction that accepts: once by the delivery key, in order by the slots of
the concurrency key. Everything is decided from rows, so it holds over all processes on the file.
"""

from __future__ import annotations

import sqlite3
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


def admit(
    connection: sqlite3.Connection,
    event: Event,
    runs: Sequence[NewRun],
    *,
    delivery: Delivery | None,
    hold: Gate | None,
) -> Admitted:
    """Write *event* as what it turns out to be, and its runs where it is accepted."""
    if delivery is not None and not _take_delivery(connection, event, delivery):
        return _write_duplicate(connection, event, delivery)
    if hold is not None and _holds(connection, event.workflow, hold):
        return _write_stopped(connection, event, Disposition.HELD, hold)
    connection.execute(SQL["insert_event"], event_parameters(event))
    return start_runs(connection, event.id, event.gates, runs, now=event.received_at)


def admit_again(
    connection: sqlite3.Connection,
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
    if not connection.execute(ADMISSION["admit_again"], row).rowcount:
        return None
    if delivery is not None and not _take_delivery(connection, event, delivery):
        first, told, is_same, run_id = _first(connection, event, delivery)
        gates = (*(gate for gate in event.gates if gate.name != "duplicate"), told)
        _stop_again(connection, event, Disposition.DUPLICATE, gates, drops_body=is_same)
        return Admitted(Disposition.DUPLICATE, first, run_id)
    if hold is not None and _holds(connection, event.workflow, hold):
        _stop_again(connection, event, Disposition.HELD, (*event.gates, hold), drops_body=False)
        return Admitted(Disposition.HELD, event.id)
    if event.disposition is not Disposition.ACCEPTED:
        return Admitted(event.disposition, event.id)
    return start_runs(connection, event.id, event.gates, runs, now=now)


def start_runs(
    connection: sqlite3.Connection,
    event_id: str,
    gates: tuple[Gate, ...],
    runs: Sequence[NewRun],
    *,
    now: float,
) -> Admitted:
    """Write *runs* of an event that is accepted; the event is dropped where all of them are."""
    handed, replaced, dropped = set(), set(), []
    first = None
    for run in runs:
        started = _start_run(connection, event_id, run, now)
        if started.dropped:
            dropped.append(started.dropped)
            continue
        first = first or run.id
        replaced |= set(started.replaced)
        if started.is_handed:
            handed.add(run.id)
    if first is None and dropped:
        row = {"event_id": event_id, "gates": gates_text((*gates, dropped[0]))}
        connection.execute(ADMISSION["drop_event"], row)
        return Admitted(Disposition.DROPPED, event_id)
    return Admitted(Disposition.ACCEPTED, event_id, first, frozenset(handed), frozenset(replaced))


def stand_in_line(connection: sqlite3.Connection, run_id: str, workflow: str, slot: Slot) -> None:
    """Put a queued run at the end of its key's line, and let go on who may."""
    line = {"workflow": workflow, "key": slot.key, "limit": slot.limit}
    reason = text_or_none(waits_for_slot(slot).as_json())
    connection.execute(ADMISSION["stand_in_line"], {**line, "run_id": run_id, "reason": reason})
    while connection.execute(ADMISSION["take_slot"], line).rowcount:
        pass


def stand_in_line_as(connection: sqlite3.Connection, run_id: str, *, origin: str) -> None:
    """Put a run that is queued for a replay at the end of the line in which *origin* stood, if any."""
    workflow, key, limit = connection.execute(ADMISSION["line_of_run"], {"run_id": origin}).fetchone()
    if key is not None:
        stand_in_line(connection, run_id, workflow, Slot(key, limit))


def forget_deliveries(connection: sqlite3.Connection, now: float, most: int) -> int:
    """Delete at most *most* delivery keys that have expired; how many it were."""
    return connection.execute(ADMISSION["forget_deliveries"], {"now": now, "most": most}).rowcount


def _take_delivery(connection: sqlite3.Connection, event: Event, delivery: Delivery) -> bool:
    row = {
        "workflow": event.workflow,
        "key": delivery.key,
        "event_id": event.id,
        "expires_at": delivery.expires_at,
        "now": event.received_at,
        "retries_failed": delivery.retries_failed,
    }
    return connection.execute(ADMISSION["take_delivery"], row).fetchone() is not None


def _write_duplicate(connection: sqlite3.Connection, event: Event, delivery: Delivery) -> Admitted:
    """Its body only where that differs from the first one's, so that a storm of repeats stays small."""
    first, told, is_same, run_id = _first(connection, event, delivery)
    gates = tuple(gate for gate in event.gates if gate.name != "duplicate")
    body = b"" if is_same else event.body
    _write_stopped(connection, replace(event, gates=gates, body=body), Disposition.DUPLICATE, told)
    return Admitted(Disposition.DUPLICATE, first, run_id)


def _first(
    connection: sqlite3.Connection, event: Event, delivery: Delivery
) -> tuple[str, Gate, bool, str | None]:
    """The event of which *event* is a duplicate, the gate that says so, if the bodies are one, its run."""
    row = {"workflow": event.workflow, "key": delivery.key, "body": packed(event.body)}
    first, at, is_same, run_id = connection.execute(ADMISSION["first_delivery"], row).fetchone()
    return first, duplicate_of(delivery, first, at, is_same=bool(is_same)), bool(is_same), run_id


def _stop_again(
    connection: sqlite3.Connection,
    event: Event,
    disposition: Disposition,
    gates: tuple[Gate, ...],
    *,
    drops_body: bool,
) -> None:
    row = {"event_id": event.id, "disposition": disposition.value, "gates": gates_text(gates)}
    connection.execute(ADMISSION["stop_again"], {**row, "drops_body": drops_body})


def _holds(connection: sqlite3.Connection, workflow: str, hold: Gate) -> bool:
    """A pause may have gone since this process looked: what were held then, nobody would release."""
    if hold.name != "paused":
        return True
    return connection.execute(ADMISSION["is_held"], {"workflow": workflow}).fetchone() is not None


def _write_stopped(
    connection: sqlite3.Connection, event: Event, disposition: Disposition, gate: Gate
) -> Admitted:
    stopped = replace(event, disposition=disposition, gates=(*event.gates, gate))
    connection.execute(SQL["insert_event"], event_parameters(stopped))
    return Admitted(disposition, event.id)


def _start_run(connection: sqlite3.Connection, event_id: str, run: NewRun, now: float) -> Started:
    row = new_run_parameters(run, event_id, now)
    if run.slot is None:
        connection.execute(SQL["insert_run"], row)
        return Started(is_handed=run.owner is not None)
    replaced: tuple[str, ...] = ()
    if run.slot.when_full != "queue" and (excess := _excess(connection, run, run.slot)):
        if run.slot.when_full == "drop":
            return Started(dropped=dropped_for(run.slot))
        replaced = _replace(connection, run, run.slot, excess, now)
    connection.execute(SQL["insert_run"], {**row, "owner": None})
    stand_in_line(connection, run.id, run.workflow, run.slot)
    if run.owner is None:
        return Started(replaced=replaced)
    turn = {"run_id": run.id, "turn": 1, "node": run.owner, "now": now}
    is_handed = connection.execute(SQL["claim"], turn).fetchone() is not None  # not, if it has to wait
    return Started(is_handed=is_handed, replaced=replaced)


def _excess(connection: sqlite3.Connection, run: NewRun, slot: Slot) -> int:
    """How many that go would have to end for the new one to begin at once; at least 1 if one waits."""
    row = connection.execute(ADMISSION["in_line"], _line(run, slot)).fetchone()
    holders, is_waiting = row
    return max(int(holders) + 1 - slot.limit, int(is_waiting), 0)


def _replace(
    connection: sqlite3.Connection, run: NewRun, slot: Slot, excess: int, now: float
) -> tuple[str, ...]:
    """
    Cancel those of the key that wait, and of those that go the oldest, as many as are in the way;
    the running ones among these, which can only be asked.
    """
    line = _line(run, slot)
    end: dict[str, Any] = {"by": run.id, "now": now, "reason": text_or_none(replaced_by(run.id).as_json())}
    connection.execute(ADMISSION["cancel_waiting_in_line"], {**line, **end})
    holders = connection.execute(ADMISSION["holders"], line).fetchall()
    asked = []
    for run_id, status, is_asked in holders[:excess]:
        if is_asked:
            continue
        if status == Status.RUNNING:
            connection.execute(ADMISSION["ask_holder"], {"run_id": run_id, "by": run.id})
            asked.append(str(run_id))
        else:
            connection.execute(ADMISSION["cancel_holder"], {**end, "run_id": run_id})
    return tuple(asked)


def _line(run: NewRun, slot: Slot) -> dict[str, Any]:
    return {"workflow": run.workflow, "key": slot.key}

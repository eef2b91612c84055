"""
What PostgreSQL is given where there is nothing to decide, much of it in one transaction: events with
their runs, the records of effects, and the ends of runs that nobody waits for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.store.admission import ADMISSION
from runner.store.queries import SQL, read

if TYPE_CHECKING:
    from runner.store.postgres_database import PostgresTransaction
    from runner.store.tables import Parameters, Transaction

POSTGRES = read("postgres.sql")


@dataclass(frozen=True, slots=True)
class Arrival:
    """The columns of an event and of its runs; *delivery*, if it has a key, is what that is taken with."""

    event: Parameters
    runs: Sequence[Parameters]
    delivery: Parameters | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """
    What a turn writes: the columns of *records*, and *end*, those of its end, if it ends. *fence* is
    `run_id` and `fence`.
    """

    fence: Parameters
    records: Sequence[Parameters]
    end: Parameters | None = None


async def write_arrivals(transaction: PostgresTransaction, arrivals: Sequence[Arrival]) -> list[bool]:
    """Write *arrivals*; which of them are written. Left out is whose delivery key is another event's."""
    keys = [one.delivery for one in arrivals if one.delivery is not None]
    taken: set[Any] = set()
    if keys:  # in one order: two processes may be sent the same ones at once
        keys.sort(key=lambda row: (row["workflow"], row["key"]))
        taken = {row[0] for row in await transaction.rows_many(ADMISSION["take_delivery"], keys)}
    written = [one.delivery is None or one.event["id"] in taken for one in arrivals]
    mine = [one for one, is_written in zip(arrivals, written, strict=True) if is_written]
    if mine:
        await transaction.execute_many(SQL["insert_event"], [one.event for one in mine])
        await transaction.execute_many(SQL["insert_run"], [run for one in mine for run in one.runs])
    return written


async def write_steps(transaction: PostgresTransaction, steps: Sequence[Step]) -> list[bool]:
    """
    Write *steps*, each of another run; which of them are written. Left out are those of turns that have
    their run no more, and ends that touch more than the run itself: a line, a caller, a problem.
    """
    order = sorted(
        steps, key=lambda step: str(step.fence["run_id"])
    )  # of two nodes' batches none locks crosswise
    going = [step.fence for step in order if step.end is None]
    ending = [step.end for step in order if step.end is not None]
    written: set[Any] = set()
    if going:
        written |= {row[0] for row in await transaction.rows_many(POSTGRES["progress"], going)}
    if ending:
        written |= {row[0] for row in await transaction.rows_many(POSTGRES["finish_alone"], ending)}
    records = [row for step in order if step.fence["run_id"] in written for row in step.records]
    await write_records(transaction, records)
    return [step.fence["run_id"] in written for step in steps]


async def write_records(transaction: Transaction, rows: Sequence[Parameters]) -> None:
    """Write *rows*, the columns of records; a later one of a path replaces."""
    if len(rows) == 1:
        await transaction.execute(SQL["upsert_record"], rows[0])
    elif rows:
        await transaction.execute_many(SQL["upsert_record"], rows)

"""Who expects events and hears none, in a store: the Listening port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.engine.problems import REOPENED_SECONDS
from runner.engine.silence import CAUSE, NOT_EXPECTED, Silence, silence_of
from runner.store.problem_rows import lock_problems
from runner.store.queries import read
from runner.store.tables import Tables, Transaction
from runner.values import random_bytes, sortable_id

SQL = read("silence.sql")


class StoredListening:
    """See `runner.engine.silence.Listening`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def listen(self, expected: Mapping[str, float], *, now: float) -> None:
        """Look at all workflows, those that expect events by their seconds. Raises StoreUnavailable."""
        known = {
            workflow: (seconds, since)
            for workflow, seconds, since in await self._tables.read(SQL["expectations"])
        }
        changed = {
            workflow: seconds
            for workflow, seconds in expected.items()
            if workflow not in known or known[workflow][0] != seconds
        }
        over = known.keys() - expected.keys()
        silences = []
        for workflow in expected.keys() - changed.keys():
            rows = await self._tables.read(SQL["heard_at"], workflow=workflow)
            seconds, since = known[workflow]
            silence = silence_of(
                workflow,
                seconds=seconds,
                expected_since=since,
                heard_at=rows[0][0] if rows else None,
                now=now,
            )
            silences += [silence] if silence else []
        silent = {one.workflow for one in silences}
        opened = await self._tables.read(SQL["open"])
        ended = [(found, workflow in expected) for workflow, found in opened if workflow not in silent]
        begun = [one for one in silences if one.workflow not in {workflow for workflow, _id in opened}]
        if changed or over or ended or begun:  # else nothing is written
            await self._tables.write(lambda transaction: _note(transaction, changed, over, ended, begun, now))


async def _note(
    transaction: Transaction,
    changed: Mapping[str, float],
    over: set[str],
    ended: Sequence[tuple[str, bool]],
    begun: Sequence[Silence],
    now: float,
) -> None:
    for workflow, seconds in changed.items():
        await transaction.execute(SQL["expect"], {"workflow": workflow, "seconds": seconds, "now": now})
    for workflow in over:
        await transaction.execute(SQL["expect_no_more"], {"workflow": workflow})
    for problem_id, is_expected in ended:
        note = None if is_expected else NOT_EXPECTED
        await transaction.execute(SQL["close"], {"id": problem_id, "now": now, "note": note})
    for silence in begun:
        await _open(transaction, silence, now)


async def _open(transaction: Transaction, silence: Silence, now: float) -> None:
    """Once for each silence: other processes listen too, and a person may have put it away."""
    row = {
        "workflow": silence.workflow,
        "cause": CAUSE,
        "sentence": silence.sentence,
        "since": silence.since,
        "now": now,
        "reopened_since": now - REOPENED_SECONDS,
    }
    await lock_problems(transaction, silence.workflow)
    if await transaction.row(SQL["told_already"], row):
        return
    if not await transaction.execute(SQL["reopen"], row):
        await transaction.execute(SQL["insert"], {**row, "id": sortable_id(now, random_bytes(10))})

"""The Polls port in a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from runner.engine.admission import Admitted
from runner.engine.polls import NewItem, Polling, Trouble
from runner.engine.problems import LONGEST_SENTENCE, REOPENED_SECONDS
from runner.store.admission import admit
from runner.store.problem_rows import lock_problems
from runner.store.queries import read
from runner.store.tables import Tables, Transaction
from runner.store.turn_rows import write_files
from runner.values import dumps, random_bytes, sortable_id

SQL = read("polls.sql")
KNOWN_SECONDS = 90 * 86400.0
MOST_KNOWN = 100_000  # of one workflow
CAUSE = "poll"
NOT_POLLED = "Nobody polls any more."


class StoredPolls:
    """See `runner.engine.polls.Polls`."""

    def __init__(self, store: Tables) -> None:
        self._tables = store

    async def all(self) -> Mapping[str, Polling]:
        """All rows by workflow. Raises StoreUnavailable."""
        return {row[0]: _polling(row) for row in await self._tables.read(SQL["all"])}

    async def plan(self, was: Polling | None, becomes: Polling) -> bool:
        """Write the row in place of *was*, if nobody polls. Raises StoreUnavailable."""
        row = asdict(becomes)
        if was is None:
            return bool(await self._tables.execute(SQL["insert"], **row))
        if not await self._is_free(was, becomes.next_at):
            return False
        row |= {"was_spec": was.spec, "was_next_at": was.next_at, "was_owner": was.owner}
        return bool(await self._tables.execute(SQL["plan"], **row))

    async def forget(self, workflows: Sequence[str], *, now: float) -> None:
        """Take rows and their ids away, and close their problems. Raises StoreUnavailable."""

        async def member(transaction: Transaction) -> None:
            for workflow in workflows:
                row = {"workflow": workflow, "cause": CAUSE, "now": now, "note": NOT_POLLED}
                for statement in ("delete", "delete_known", "close"):
                    await transaction.execute(SQL[statement], row)

        await self._tables.write(member)

    async def take(self, was: Polling, *, node: str, now: float, until: float) -> bool:
        """Let *node* poll until then, if nobody does. Raises StoreUnavailable."""
        if not await self._is_free(was, now):
            return False
        row = {**asdict(was), "was_owner": was.owner, "node": node, "until": until}
        return bool(await self._tables.execute(SQL["take"], **row))

    async def unknown(self, workflow: str, ids: Sequence[str]) -> set[str]:
        """Those of *ids* that the workflow does not know. Raises StoreUnavailable."""
        known = {
            one for (one,) in await self._tables.read(SQL["known"], workflow=workflow, ids=dumps(list(ids)))
        }
        return {one for one in ids if one not in known}

    async def start(
        self, taken: Polling, items: Sequence[NewItem], *, now: float
    ) -> Sequence[Admitted] | None:
        """Write events, runs and ids of unknown items; None without the lease. Raises StoreUnavailable."""

        async def member(transaction: Transaction) -> list[Admitted] | None:
            if await transaction.row(SQL["is_ours"], asdict(taken)) is None:
                return None
            found = []
            for one in items:
                row = {"workflow": taken.workflow, "id": one.id, "now": now}
                if await transaction.row(SQL["learn"], row) is not None:
                    found.append(await admit(transaction, one.event, one.runs, delivery=None, hold=None))
                    await write_files(transaction, one.event.id, one.files, now)
            return found

        return await self._tables.write(member)

    async def end(
        self, taken: Polling, becomes: Polling, *, seen: Sequence[str], trouble: Trouble | None, now: float
    ) -> None:
        """Give the lease back with the state and the ids of the list. Raises StoreUnavailable."""
        row = {**asdict(becomes), "was_owner": taken.owner, "was_until": taken.owned_until}
        ids = dumps(list(seen))

        async def member(transaction: Transaction) -> None:
            if not await transaction.execute(SQL["end"], row):
                return
            await transaction.execute(SQL["remember"], {"workflow": taken.workflow, "ids": ids, "now": now})
            if trouble is not None:
                await _open(transaction, taken.workflow, trouble, now)
            elif becomes.failures == 0 and becomes.error is None:
                closed = {"workflow": taken.workflow, "cause": CAUSE, "now": now, "note": None}
                await transaction.execute(SQL["close"], closed)

        await self._tables.write(member)

    async def tidy(self, *, now: float) -> None:
        """Let go of ids that are old, or too many. Raises StoreUnavailable."""
        for workflow in await self.all():
            await self._tables.write(partial(_tidy, workflow=workflow, now=now))

    async def _is_free(self, row: Polling, now: float) -> bool:
        """Whether nobody polls: its time is over, or its process is dead."""
        if row.owner is None or row.owned_until is None or row.owned_until <= now:
            return True
        return await self._tables.is_dead(row.owner)


async def _tidy(transaction: Transaction, *, workflow: str, now: float) -> None:
    row = {"workflow": workflow, "before": now - KNOWN_SECONDS, "most": MOST_KNOWN}
    await transaction.execute(SQL["forget_old"], row)
    await transaction.execute(SQL["forget_most"], row)


def _polling(row: Sequence[Any]) -> Polling:
    workflow, spec, next_at, is_begun, *rest = row
    return Polling(workflow, spec, next_at, bool(is_begun), *rest)


async def _open(transaction: Transaction, workflow: str, trouble: Trouble, now: float) -> None:
    """Once for each series of failures."""
    row = {
        "workflow": workflow,
        "cause": CAUSE,
        "sentence": trouble.sentence[:LONGEST_SENTENCE],
        "destination": trouble.destination,
        "since": trouble.since,
        "now": now,
        "reopened_since": now - REOPENED_SECONDS,
    }
    await lock_problems(transaction, workflow)
    if await transaction.row(SQL["told_already"], row):
        return
    if not await transaction.execute(SQL["reopen"], row):
        await transaction.execute(SQL["open"], {**row, "id": sortable_id(now, random_bytes(10))})

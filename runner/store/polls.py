"""The Polls port on an SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from runner.engine.admission import Admitted
from runner.engine.polls import NewItem, Polling, Trouble
from runner.engine.problems import LONGEST_SENTENCE, REOPENED_SECONDS
from runner.errors import StoreUnavailable
from runner.store.admission import admit
from runner.store.nodes import is_dead
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore, write_files
from runner.values import dumps, random_bytes, sortable_id

SQL = read("polls.sql")
KNOWN_SECONDS = 90 * 86400.0
MOST_KNOWN = 100_000  # of one workflow
CAUSE = "poll"
NOT_POLLED = "Nobody polls any more."


class SQLitePolls:
    """See `runner.engine.polls.Polls`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store
        self._nodes = store.nodes

    async def all(self) -> Mapping[str, Polling]:
        """All rows by workflow. Raises StoreUnavailable."""
        return {row[0]: _polling(row) for row in await self._read("all")}

    async def plan(self, was: Polling | None, becomes: Polling) -> bool:
        """Write the row in place of *was*, if nobody polls. Raises StoreUnavailable."""
        row = asdict(becomes)
        if was is None:
            return bool(await self._write(lambda connection: connection.execute(SQL["insert"], row).rowcount))
        if not self._is_free(was, becomes.next_at):
            return False
        row |= {"was_spec": was.spec, "was_next_at": was.next_at, "was_owner": was.owner}
        return bool(await self._write(lambda connection: connection.execute(SQL["plan"], row).rowcount))

    async def forget(self, workflows: Sequence[str], *, now: float) -> None:
        """Take rows and their ids away, and close their problems. Raises StoreUnavailable."""

        def member(connection: sqlite3.Connection) -> None:
            for workflow in workflows:
                row = {"workflow": workflow, "cause": CAUSE, "now": now, "note": NOT_POLLED}
                for statement in ("delete", "delete_known", "close"):
                    connection.execute(SQL[statement], row)

        await self._write(member)

    async def take(self, was: Polling, *, node: str, now: float, until: float) -> bool:
        """Let *node* poll until then, if nobody does. Raises StoreUnavailable."""
        if not self._is_free(was, now):
            return False
        row = {**asdict(was), "was_owner": was.owner, "node": node, "until": until}
        return bool(await self._write(lambda connection: connection.execute(SQL["take"], row).rowcount))

    async def unknown(self, workflow: str, ids: Sequence[str]) -> set[str]:
        """Those of *ids* that the workflow does not know. Raises StoreUnavailable."""
        known = {one for (one,) in await self._read("known", workflow=workflow, ids=dumps(list(ids)))}
        return {one for one in ids if one not in known}

    async def start(
        self, taken: Polling, items: Sequence[NewItem], *, now: float
    ) -> Sequence[Admitted] | None:
        """Write events, runs and ids of unknown items; None without the lease. Raises StoreUnavailable."""

        def member(connection: sqlite3.Connection) -> list[Admitted] | None:
            if connection.execute(SQL["is_ours"], asdict(taken)).fetchone() is None:
                return None
            found = []
            for one in items:
                row = {"workflow": taken.workflow, "id": one.id, "now": now}
                if connection.execute(SQL["learn"], row).fetchone() is not None:
                    found.append(admit(connection, one.event, one.runs, delivery=None, hold=None))
                    write_files(connection, one.event.id, one.files, now)
            return found

        return await self._write(member)

    async def end(
        self, taken: Polling, becomes: Polling, *, seen: Sequence[str], trouble: Trouble | None, now: float
    ) -> None:
        """Give the lease back with the state and the ids of the list. Raises StoreUnavailable."""
        row = {**asdict(becomes), "was_owner": taken.owner, "was_until": taken.owned_until}
        ids = dumps(list(seen))

        def member(connection: sqlite3.Connection) -> None:
            if not connection.execute(SQL["end"], row).rowcount:
                return
            connection.execute(SQL["remember"], {"workflow": taken.workflow, "ids": ids, "now": now})
            if trouble is not None:
                _open(connection, taken.workflow, trouble, now)
            elif becomes.failures == 0 and becomes.error is None:
                closed = {"workflow": taken.workflow, "cause": CAUSE, "now": now, "note": None}
                connection.execute(SQL["close"], closed)

        await self._write(member)

    async def tidy(self, *, now: float) -> None:
        """Let go of ids that are old, or too many. Raises StoreUnavailable."""
        for workflow in await self.all():
            await self._write(partial(_tidy, workflow=workflow, now=now))

    def _is_free(self, row: Polling, now: float) -> bool:
        """Whether nobody polls: its time is over, or its process is dead."""
        if row.owner is None or row.owned_until is None or row.owned_until <= now:
            return True
        return is_dead(self._nodes, row.owner)

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


def _tidy(connection: sqlite3.Connection, *, workflow: str, now: float) -> None:
    row = {"workflow": workflow, "before": now - KNOWN_SECONDS, "most": MOST_KNOWN}
    connection.execute(SQL["forget_old"], row)
    connection.execute(SQL["forget_most"], row)


def _polling(row: Sequence[Any]) -> Polling:
    workflow, spec, next_at, is_begun, *rest = row
    return Polling(workflow, spec, next_at, bool(is_begun), *rest)


def _open(connection: sqlite3.Connection, workflow: str, trouble: Trouble, now: float) -> None:
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
    if connection.execute(SQL["told_already"], row).fetchone():
        return
    if not connection.execute(SQL["reopen"], row).rowcount:
        connection.execute(SQL["open"], {**row, "id": sortable_id(now, random_bytes(10))})

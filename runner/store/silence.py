"""Who expects events and hears none, in an SQLite store: the Listening port."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from runner.engine.problems import REOPENED_SECONDS
from runner.engine.silence import CAUSE, NOT_EXPECTED, Silence, silence_of
from runner.errors import StoreUnavailable
from runner.store.queries import read
from runner.store.sqlite import SQLiteStore
from runner.values import random_bytes, sortable_id

SQL = read("silence.sql")


class SQLiteListening:
    """See `runner.engine.silence.Listening`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._reading = store.reading
        self._write = store._writer.write  # noqa: SLF001 - this is a part of the store

    async def listen(self, expected: Mapping[str, float], *, now: float) -> None:
        """Look at all workflows, those that expect events by their seconds. Raises StoreUnavailable."""
        known = {workflow: (seconds, since) for workflow, seconds, since in await self._read("expectations")}
        changed = {
            workflow: seconds
            for workflow, seconds in expected.items()
            if workflow not in known or known[workflow][0] != seconds
        }
        over = known.keys() - expected.keys()
        silences = []
        for workflow in expected.keys() - changed.keys():
            rows = await self._read("heard_at", workflow=workflow)
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
        opened = await self._read("open")
        ended = [(found, workflow in expected) for workflow, found in opened if workflow not in silent]
        begun = [one for one in silences if one.workflow not in {workflow for workflow, _id in opened}]
        if changed or over or ended or begun:  # else nothing is written
            await self._write(lambda connection: _note(connection, changed, over, ended, begun, now))

    async def _read(self, statement: str, **parameters: Any) -> list[Any]:
        try:
            return list(await self._reading.execute_fetchall(SQL[statement], parameters))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error


def _note(
    connection: sqlite3.Connection,
    changed: Mapping[str, float],
    over: set[str],
    ended: Sequence[tuple[str, bool]],
    begun: Sequence[Silence],
    now: float,
) -> None:
    for workflow, seconds in changed.items():
        connection.execute(SQL["expect"], {"workflow": workflow, "seconds": seconds, "now": now})
    for workflow in over:
        connection.execute(SQL["expect_no_more"], {"workflow": workflow})
    for problem_id, is_expected in ended:
        note = None if is_expected else NOT_EXPECTED
        connection.execute(SQL["close"], {"id": problem_id, "now": now, "note": note})
    for silence in begun:
        _open(connection, silence, now)


def _open(connection: sqlite3.Connection, silence: Silence, now: float) -> None:
    """Once for each silence: other processes listen too, and a person may have put it away."""
    row = {
        "workflow": silence.workflow,
        "cause": CAUSE,
        "sentence": silence.sentence,
        "since": silence.since,
        "now": now,
        "reopened_since": now - REOPENED_SECONDS,
    }
    if connection.execute(SQL["told_already"], row).fetchone():
        return
    if not connection.execute(SQL["reopen"], row).rowcount:
        connection.execute(SQL["insert"], {**row, "id": sortable_id(now, random_bytes(10))})

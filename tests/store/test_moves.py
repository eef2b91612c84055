"""The schema itself refuses what execution.md does not name."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runner.engine.runs import ENDED, MOVES, Job, Status
from runner.store.sqlite import SQLiteStore
from tests.conformance.test_store import NOW, a_run, an_event

COLUMNS: dict[Status, str] = {
    Status.QUEUED: "owner = NULL, due_at = 1, waiting_for = NULL, ended_at = NULL",
    Status.RUNNING: "owner = 'a', due_at = NULL, waiting_for = NULL, ended_at = NULL",
    Status.WAITING: "owner = NULL, due_at = 1, waiting_for = 'a while', ended_at = NULL",
    **dict.fromkeys(ENDED, "owner = NULL, due_at = NULL, waiting_for = NULL, ended_at = 1"),
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = await SQLiteStore.open(tmp_path / "hookline.db")
    yield store
    await store.close()


async def move(store: SQLiteStore, new: Status) -> None:
    def member(connection: sqlite3.Connection) -> Any:
        connection.execute(f"UPDATE runs SET status = '{new}', {COLUMNS[new]}")

    await store._writer.write(member)


@pytest.mark.parametrize("new", list(Status))
@pytest.mark.parametrize("old", list(Status))
async def test_a_row_makes_the_moves_that_the_engine_knows_and_no_other(
    store: SQLiteStore, old: Status, new: Status
) -> None:
    await store.accept(an_event(), [a_run()], {})
    if old is not Status.QUEUED:
        await store.claim([Job("run-0001", 1)], node="a", now=NOW)
        if old is not Status.RUNNING:
            await move(store, old)
    if new in MOVES[old]:
        await move(store, new)
    else:
        with pytest.raises(sqlite3.IntegrityError, match="cannot make this move"):
            await move(store, new)
    status = (await store.answer_of("run-0001"))[0]
    assert status is (new if new in MOVES[old] else old)

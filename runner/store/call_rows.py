"""What a run's end owes to calls: a part of the engine's transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.store.queries import read

if TYPE_CHECKING:
    import sqlite3

SQL = read("calls.sql")


def wake_if_called_ended(connection: sqlite3.Connection, run_id: str) -> None:
    """Make a run that begins to wait due at once if a child that it waits for has ended meanwhile."""
    connection.execute(SQL["wake_caller"], {"run_id": run_id})
